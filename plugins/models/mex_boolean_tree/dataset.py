"""Random bits with the labels of a Boolean tree."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Dataset, Domain, UsageError
from mex.params import doc, one_of, whole
from mex_boolean_tree.model import levels
from mex_boolean_tree.tree import ParityTree


@attrs.frozen(kw_only=True)
class Boolean:
    """Uniform rows of {0,1}^n labelled by a random tree of parities, or by a random junta.

    >>> Boolean(n=12, rows=200).load()
    Dataset(name='boolean', X=<200 x 12>, class_names=('even', 'odd'))
    """

    n: int = attrs.field(default=16, validator=whole(1), metadata=doc("number of bits"))
    rows: int = attrs.field(default=2000, validator=whole(20), metadata=doc("number of rows"))
    depth: int = attrs.field(default=4, validator=levels(12), metadata=doc("tests on the path to a leaf"))
    width: int = attrs.field(default=2, validator=levels(4), metadata=doc("most bits in the parity of a node"))
    shape: str = attrs.field(
        default="tree", validator=one_of("tree", "junta"), metadata=doc("tree: parities; junta: a table over few bits")
    )
    seed: int = attrs.field(default=0, validator=whole(0), metadata=doc("seed of the tree and of the rows"))

    source: ClassVar[str] = "synthetic"
    licence: ClassVar[str] = "none needed"

    def load(self) -> Dataset:
        """Return the dataset; raises :class:`mex.UsageError` if there are fewer bits than tests, or bits of a test."""
        junta = self.shape == "junta"
        if max(self.depth if junta else 1, self.width) > self.n:
            raise UsageError(
                f"a {self.shape} of depth {self.depth} and width {self.width} needs more than {self.n} bits"
            )
        rng = np.random.default_rng(self.seed)
        tree = ParityTree.random(self.n, self.depth, 1 if junta else self.width, junta, rng)
        X = rng.integers(2, size=(self.rows, self.n)).astype(np.float64)
        domain = Domain(np.zeros(self.n), np.ones(self.n), integer=np.full(self.n, True))
        return Dataset("boolean", X, tree.predict(X), domain, ("even", "odd"))
