"""Datasets: rows ready for a model, and what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import attrs
import numpy as np

from mex.domain import Domain
from mex.errors import UsageError, suggest
from mex.schema import Schema
from mex.types import Array, BoolArray, FloatArray, Sealed, read_only

__all__ = [
    "Dataset",
    "Rows",
    "Source",
    "Table",
]


@attrs.frozen(eq=False)
class Table:
    """A table as its source holds it, with all its columns: what a model that is deployed already is asked about.

    Attributes:
        name: what the user calls it.
        columns: a data frame, an array, or a mapping of columns: whatever :meth:`mex.Schema.encode` takes.
        target: the column of the true labels or values, if it was said which; they need not be there.
        labels: the true labels or values of the rows where ``columns`` does not hold them.
        class_names: the classes by name where labels are their indices, as a :class:`Dataset` has them.
    """

    name: str
    columns: Any = attrs.field(repr=False)
    target: str | int | None = None
    labels: Array | None = attrs.field(default=None, repr=False)
    class_names: tuple[str, ...] = ()


@attrs.frozen(eq=False)
class Dataset(Sealed):
    """Encoded rows with their targets, as read-only arrays.

    Attributes:
        name: what the user calls it.
        X: rows, shape (n, d), finite; NaN where a value is missing, if the domain is incomplete.
        y: for classification the index into ``class_names``, shape (n,); for regression the value.
        domain: the rows that an interface to a model of this data accepts.
        class_names: the classes in the order of their indices; empty for regression. In a binary
            dataset index 1 is the positive class.
        schema: the columns of the table that the rows were, if they were one.
        target: what that table calls the targets.
        notes: what was done to the table in reading it, a sentence each.

    Raises:
        UsageError: if there are fewer than two classes, or values that are not finite.
    """

    name: str
    X: FloatArray = attrs.field(converter=read_only, repr=lambda X: f"<{X.shape[0]} x {X.shape[1]}>")
    y: Array = attrs.field(converter=read_only, repr=False)
    domain: Domain = attrs.field(repr=False)
    class_names: tuple[str, ...] = ()
    schema: Schema | None = attrs.field(default=None, repr=False)
    target: str = attrs.field(default="", repr=False)
    notes: tuple[str, ...] = attrs.field(default=(), repr=False)

    def __attrs_post_init__(self) -> None:
        if len(self.X) != len(self.y) or len(self.X) == 0:
            raise UsageError(f"dataset {self.name!r} has {len(self.X)} rows and {len(self.y)} targets")
        if not np.isfinite(self.X).all() and (np.isinf(self.X).any() or not self.domain.incomplete):
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

    def complete(self) -> Dataset:
        """The dataset of the rows that have no missing value, for models that take none.

        Raises:
            UsageError: if there is no such row.
        """
        whole: BoolArray = ~np.asarray(np.isnan(self.X).any(axis=1))
        if not whole.any():
            missing = np.isnan(self.X).sum(axis=0)
            most = f"{self.domain.name(int(np.argmax(missing)))}, in {missing.max()} of them"
            raise UsageError(
                f"dataset {self.name!r} has no complete row: each of its {len(whole)} has a missing value, most "
                f"often of {most}; leave such columns out"
            )
        note = f"{int((~whole).sum())} of {len(whole)} rows have missing values and are left out"
        return attrs.evolve(
            self,
            X=self.X[whole],
            y=self.y[whole],
            domain=attrs.evolve(self.domain, incomplete=False),
            schema=self.schema and self.schema.complete(),
            notes=self.notes if whole.all() else (*self.notes, note),
        )

    def table(self) -> Table:
        """The table that the rows were, for models that are deployed already."""
        names: Sequence[str] = self.domain.names or [str(i) for i in range(self.domain.n_features)]
        columns: Any = self.X
        if self.schema:
            names, columns = [str(column.name) for column in self.schema.columns], self.schema.decode(self.X)
        if isinstance(columns, np.ndarray):
            columns = dict(zip(names, columns.T, strict=True))
        return Table(self.name, columns, labels=self.y, class_names=self.class_names)

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


@attrs.frozen(eq=False)
class Rows(Sealed):
    """Some rows and their targets, as read-only arrays."""

    X: FloatArray = attrs.field(converter=read_only)
    y: Array = attrs.field(converter=read_only)

    def complete(self) -> Rows:
        """Those of them that have no missing value."""
        whole: BoolArray = ~np.asarray(np.isnan(self.X).any(axis=1))
        return self if whole.all() else Rows(self.X[whole], self.y[whole])


@runtime_checkable
class Source(Protocol):
    """What a dataset component is: it loads one dataset, without a network.

    One that holds columns of its own which no dataset has room for (no target, identifiers) has a method
    ``table() -> Table`` as well: for models that are deployed already, it is asked instead of ``load().table()``.
    """

    source: ClassVar[str]
    licence: ClassVar[str]

    def load(self) -> Dataset:
        """Return the dataset; a file that cannot be read is a :class:`UsageError`."""
        ...
