"""The tables that a client really sends, as named columns, and the way between them and the rows of a domain."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

import mex
from mex.domain import Domain
from mex.errors import UsageError
from mex.params import one_of
from mex.types import FloatArray

__all__ = [
    "Coder",
    "Column",
    "Frame",
    "Kind",
    "Schema",
]

Kind: TypeAlias = Literal["number", "integer", "boolean", "category"]


def _plain(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(value.item() if isinstance(value, np.generic) else value for value in values)


@attrs.frozen
class Column:
    """One column of a table.

    Attributes:
        name: what the table calls it, or its number where columns have none.
        kind: ``number``, ``integer``, ``boolean``, or ``category`` with ``levels``.
        lower, upper: the range of a number or an integer.
        levels: the values of a category, in order, as the client sends them: texts, or numbers.
        optional: whether a value may be missing.
        free_text: whether it takes any text, which the model takes apart into words, and the levels are but those seen.
        dtype: how the client's table holds it, in the words of its library, such as ``Int64``.

    Raises:
        UsageError: if the levels or the range do not fit the kind.
    """

    name: str | int
    kind: Kind = attrs.field(default="number", validator=one_of("number", "integer", "boolean", "category"))
    lower: float = attrs.field(default=-np.inf, converter=float)
    upper: float = attrs.field(default=np.inf, converter=float)
    levels: tuple[Any, ...] = attrs.field(default=(), converter=_plain)
    optional: bool = False
    dtype: str = ""
    free_text: bool = False

    def __attrs_post_init__(self) -> None:
        if (self.kind == "category") != bool(self.levels) or len(set(self.levels)) < len(self.levels):
            raise UsageError(f"column {self.name!r}: a category has levels, all different, and nothing else has any")
        if not self.lower <= self.upper:
            raise UsageError(f"column {self.name!r} has lower bound {self.lower:g} and upper {self.upper:g}")

    @property
    def values(self) -> tuple[Any, ...]:
        """What its codes stand for: the levels of a category, False and True of a truth value."""
        return (False, True) if self.kind == "boolean" else self.levels

    @property
    def features(self) -> tuple[str, ...]:
        """What its features are called: ``name``, or ``name=level`` for each level of a category."""
        return tuple(f"{self.name}={level}" for level in self.levels) or (str(self.name),)


class Coder(Protocol):
    """The way between tables of some columns and rows of a domain."""

    def encode(self, table: Any) -> FloatArray:
        """As :meth:`Schema.encode` says."""
        ...

    def decode(self, rows: FloatArray) -> Any:
        """As :meth:`Schema.decode` says."""
        ...


class Frame(Protocol):
    """How a client holds a table: a data frame of some library, an array, the body of a request."""

    @property
    def name(self) -> str:
        """What :meth:`Schema.to_dict` calls it."""
        ...

    def coder(self, columns: Sequence[Column]) -> Coder:
        """The way to its tables and back."""
        ...


def _columns(columns: Iterable[Column]) -> tuple[Column, ...]:
    return tuple(columns)


@attrs.frozen(eq=False)
class Schema:
    """Named columns, in the order in which the model takes them.

    Attributes:
        columns: at least one, of different names.
        frame: what the client holds, and :meth:`decode` makes; :meth:`encode` takes any table.
        precision: the float that the interface computes in, ``float64`` or ``float32``.

    >>> schema = Schema.of([{"age": 41, "sex": "m"}, {"age": 17, "sex": "f"}])
    >>> schema.domain.names, schema.domain.lower, schema.domain.upper
    (('age', 'sex=f', 'sex=m'), array([17.,  0.,  0.]), array([41.,  1.,  1.]))
    >>> schema.encode([{"sex": "m", "age": 20}])
    array([[20.,  0.,  1.]])
    >>> schema.decode([[20, 0, 1]])
    [{'age': 20, 'sex': 'm'}]
    """

    columns: tuple[Column, ...] = attrs.field(converter=_columns)
    frame: Frame
    precision: str = attrs.field(default="float64", validator=one_of("float64", "float32"))

    def __attrs_post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if not names or len(set(names)) < len(names):
            raise UsageError(f"a schema has one or more columns of different names, not {names}")

    @classmethod
    def of(cls, source: Any, *, like: Any = None) -> Schema:
        """The schema of a table, or of the tables that a fitted model takes.

        Args:
            source: a data frame, an array, a list of mappings, the path of a CSV or Parquet file; a fitted model; what
                :meth:`to_dict` gave.
            like: for a model, a table as it takes them: what the model does not tell is read there.

        Raises:
            UsageError: if a column is neither numbers nor a category, or a model does not tell its columns.
        """
        return mex.schema_of(source, like=like)

    @functools.cached_property
    def domain(self) -> Domain:
        """What an attack sees: integers for whole numbers and truth values, a one-hot group for a category.

        It is incomplete, so that a row may leave features out, if a column is optional.
        """
        lower, upper, integer, names = list[float](), list[float](), list[bool](), list[str]()
        groups = list[range]()
        for column in self.columns:
            k = len(column.features)
            if column.levels:
                groups.append(range(len(names), len(names) + k))
            sole = bool(column.levels) and k == 1  # then it is always 1
            lower += [float(sole)] * k if column.values else [column.lower]
            upper += [1.0] * k if column.values else [column.upper]
            integer += [column.kind in ("integer", "boolean")] * k
            names += column.features
        incomplete = any(column.optional for column in self.columns)
        return Domain(lower, upper, integer=integer, groups=groups, names=names, incomplete=incomplete)

    @functools.cached_property
    def _coder(self) -> Coder:
        return self.frame.coder(self.columns)

    def encode(self, table: Any) -> FloatArray:
        """The rows of the domain for those of a table, shape (n, d); a missing value is NaN in all its features.

        Columns are found by their names, others are left alone; a table without names is taken in the order of the
        columns.

        Raises:
            UsageError: for a table without one of the columns; for a value that a column does not take, such as
                a level that is none of its own, a text or a fraction for a whole number, or none at all.
        """
        return self._coder.encode(table)

    def decode(self, rows: npt.ArrayLike) -> Any:
        """The table for rows of the domain, the way back from :meth:`encode`.

        Raises:
            UsageError: for rows that :meth:`encode` does not give: of another width, with a fraction for a whole
                number, two levels at once, a part of a category, a value missing that may not be.
        """
        return self._coder.decode(np.asarray(rows, dtype=np.float64))

    def complete(self) -> Schema:
        """The same schema where no value may be missing."""
        return attrs.evolve(self, columns=[attrs.evolve(column, optional=False) for column in self.columns])

    def to_dict(self) -> dict[str, Any]:
        """The schema as JSON-ready values, which :meth:`of` reads."""
        columns = [attrs.asdict(column, filter=lambda a, value: value != a.default) for column in self.columns]
        return {"frame": self.frame.name, "precision": self.precision, "columns": columns}
