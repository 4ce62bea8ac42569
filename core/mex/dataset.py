"""Datasets: rows ready for a model, what they are about, and how they are split."""

from __future__ import annotations

from typing import ClassVar, Protocol, runtime_checkable

import attrs
import numpy as np

from mex.domain import Domain
from mex.errors import UsageError, suggest
from mex.types import Array, FloatArray

SHARES = {"train": 0.5, "pool": 0.25, "held_out": 0.25}
"""Who gets the rows: half train f*, a quarter is the attacker's unlabeled pool, a quarter measures."""


@attrs.frozen(eq=False)
class Dataset:
    """Encoded rows with their targets.

    Attributes:
        name: what the user calls it.
        X: rows, shape (n, d), finite.
        y: for classification the index into ``class_names``, shape (n,); for regression the value.
        domain: the rows that an interface to a model of this data accepts.
        class_names: the classes in the order of their indices; empty for regression. In a binary
            dataset index 1 is the positive class.

    Raises:
        UsageError: if there are fewer than two classes, or values that are not finite.
    """

    name: str
    X: FloatArray = attrs.field(repr=lambda X: f"<{X.shape[0]} x {X.shape[1]}>")
    y: Array = attrs.field(repr=False)
    domain: Domain = attrs.field(repr=False)
    class_names: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        if len(self.X) != len(self.y) or len(self.X) == 0:
            raise UsageError(f"dataset {self.name!r} has {len(self.X)} rows and {len(self.y)} targets")
        if not np.isfinite(self.X).all():
            raise UsageError(f"dataset {self.name!r} has values that are missing or infinite")
        if self.class_names:
            present = np.unique(self.y)
            if len(present) < 2:
                only = self.class_names[int(present[0])]
                raise UsageError(f"dataset {self.name!r} has one class ({only!r}); a classifier needs at least two")
        elif not np.isfinite(np.asarray(self.y, dtype=np.float64)).all():
            raise UsageError(f"dataset {self.name!r} has target values that are missing or infinite")

    @property
    def task(self) -> str:
        """``binary``, ``multiclass`` or ``regression``."""
        if not self.class_names:
            return "regression"
        return "binary" if len(self.class_names) == 2 else "multiclass"

    def one_versus_rest(self, positive: str) -> Dataset:
        """The binary dataset whose positive class is ``positive`` and whose negative one is all others.

        Raises:
            UsageError: if there is no such class.
        """
        if not self.class_names:
            raise UsageError(f"dataset {self.name!r} is a regression: it has no class to be positive")
        if positive not in self.class_names:
            raise UsageError(f"dataset {self.name!r} has no class {positive!r}{suggest(positive, self.class_names)}")
        rest = [name for name in self.class_names if name != positive]
        names = (rest[0] if len(rest) == 1 else f"not {positive}", positive)
        return attrs.evolve(self, y=(self.y == self.class_names.index(positive)).astype(np.int64), class_names=names)

    def split(self, rng: np.random.Generator) -> Split:
        """Shuffle into train, pool and held-out rows (:data:`SHARES`), each class in proportion.

        Raises:
            UsageError: if a class is too rare to be in both the training and the held-out rows.
        """
        order = rng.permutation(len(self.X))
        if self.class_names:
            # Deal the rows out class by class, so that every part gets its share of each class.
            order = order[np.argsort(self.y[order], kind="stable")]
        deal = np.arange(len(order)) % 4  # 0, 1: train; 2: pool; 3: held out
        parts = {"train": order[deal < 2], "pool": order[deal == 2], "held_out": order[deal == 3]}
        if self.class_names and any(len(np.unique(self.y[i])) < 2 for i in (parts["train"], parts["held_out"])):
            raise UsageError(
                f"dataset {self.name!r} has too few rows of one class to split (it has {len(self.y)} rows)"
            )
        shuffled = {name: rng.permutation(rows) for name, rows in parts.items()}
        return Split(**{name: Rows(self.X[rows], self.y[rows]) for name, rows in shuffled.items()}, dataset=self)


@attrs.frozen(eq=False)
class Rows:
    """Some rows and their targets."""

    X: FloatArray
    y: Array


@attrs.frozen(eq=False)
class Split:
    """A dataset dealt out to the operator (train), the attacker (pool) and the judge (held out)."""

    train: Rows
    pool: Rows
    held_out: Rows
    dataset: Dataset


@runtime_checkable
class Source(Protocol):
    """What a dataset component is: it loads one dataset, without a network."""

    source: ClassVar[str]
    licence: ClassVar[str]

    def load(self) -> Dataset:
        """Return the dataset; a file that cannot be read is a :class:`UsageError`."""
        ...
