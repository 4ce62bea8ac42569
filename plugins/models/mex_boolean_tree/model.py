"""A Boolean decision tree as a target: the paper's Example 3."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from mex import Dataset, Domain, Family, FittedTarget, Scope
from mex.dataset import Rows
from mex.params import Check, doc, one_of
from mex.types import Estimator, FloatArray
from mex_boolean_tree.tree import ParityTree


def levels(most: int) -> Check:
    """A whole number from 1 to ``most``."""
    return Check(
        f"a whole number from 1 to {most}", lambda v: isinstance(v, int) and not isinstance(v, bool) and 1 <= v <= most
    )


@attrs.frozen(kw_only=True)
class BooleanTree:
    """A decision tree over {0,1}^n whose nodes test the parity of at most ``width`` bits, fitted greedily.

    The interface takes bits: whether each feature of the dataset is above its mean in the training rows, which leaves
    bits unchanged. A junta is a tree that tests the same bit at all nodes of a level, so a table over ``depth`` bits.

    >>> from mex_boolean_tree.dataset import Boolean
    >>> data = Boolean(n=10, depth=2, seed=2).load()
    >>> target = BooleanTree(depth=2).fit(data, Rows(data.X, data.y), np.random.default_rng(0))
    >>> float(np.mean(target.answer(data.X, "label") == data.y))
    1.0
    """

    depth: int = attrs.field(default=4, validator=levels(12), metadata=doc("tests on the path to a leaf"))
    width: int = attrs.field(default=2, validator=levels(4), metadata=doc("most bits in the parity of a node"))
    shape: str = attrs.field(
        default="tree",
        validator=one_of("tree", "junta"),
        metadata=doc("tree: a test of its own at each node; junta: one bit for all nodes of a level, width is 1"),
    )

    scope: ClassVar[Scope] = Scope(tasks="binary")
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Example 3; Kushilevitz and Mansour 1993"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner; its fit draws nothing."""
        junta = self.shape == "junta"
        return ParityTree(self.depth, 1 if junta else self.width, junta)

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the bits of the training rows."""
        n = dataset.domain.n_features
        bits = Bits(train.X.mean(axis=0))
        public: dict[str, Any] = attrs.asdict(self)
        return FittedTarget.wrap(
            self.estimator(dataset.task, rng).fit(bits(train.X), train.y),
            domain=Domain(np.zeros(n), np.ones(n), integer=np.full(n, True), names=dataset.domain.names),
            family=Family("boolean", public, self.estimator(dataset.task, rng)),
            answers=("label",),
            encode=bits,
        )


@attrs.frozen(eq=False)
class Bits:
    """Maps features to bits: 1 if a feature is above its threshold, else 0."""

    thresholds: FloatArray

    def __call__(self, X: FloatArray) -> FloatArray:
        return (self.thresholds < X).astype(np.float64)
