"""The way between tables and the rows of a domain: all columns at once, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mex.errors import UsageError
from mex.schema import Column
from mex.types import Array, BoolArray, FloatArray

Parts: TypeAlias = list[Array]
"""A table as one array a column: of numbers the values, NaN where missing; of categories and truth values the place
among :attr:`Column.values`, -1 where missing."""

BLOCK = 2048
"""Rows at a time: their features stay in the cache of a processor."""


class TableCoder:
    """A :class:`mex.schema.Coder` by way of :data:`Parts`.

    Args:
        columns: of the schema.
        read: the parts of a table.
        write: the table of such parts.
    """

    def __init__(self, columns: Sequence[Column], read: Callable[[Any], Parts], write: Callable[[Parts], Any]) -> None:
        self.columns = columns
        self._read = read
        self._write = write
        self._widths = np.array([len(column.features) for column in columns])
        self._starts = np.cumsum([0, *self._widths[:-1]])
        self._d = int(self._widths.sum())
        kinds = [column.kind for column in columns]
        self._category = np.flatnonzero([kind == "category" for kind in kinds])
        self._single = np.flatnonzero([kind != "category" for kind in kinds])
        self._boolean = np.flatnonzero([kind == "boolean" for kind in kinds])
        self._integer = np.flatnonzero([kind == "integer" for kind in kinds])
        self._required = np.flatnonzero([not column.optional for column in columns])
        self._coded = np.concatenate([self._category, self._boolean])
        self._is_coded = np.isin(np.arange(len(columns)), self._coded)[:, None]
        # The features of each category, and the weights that make of them the place of the level that is 1.
        ends = zip(self._starts[self._category], self._widths[self._category], strict=True)
        self._one_hot = [(slice(start, start + k), np.arange(float(k))) for start, k in ends]

    def encode(self, table: Any) -> FloatArray:
        """Encode as :meth:`mex.Schema.encode` says."""
        parts = self._read(table)
        X = np.empty((len(parts[0]), self._d))
        for block in _blocks(len(X)):
            values = np.stack([part[block] for part in parts], dtype=np.float64, casting="unsafe")
            values[self._coded] = np.where(values[self._coded] < 0, np.nan, values[self._coded])
            missing = self._missing(values, block.start)
            features = np.zeros((self._d, values.shape[1]))
            features[self._starts[self._single]] = values[self._single]
            np.put_along_axis(features, self._places(values), 1.0, axis=0)
            if missing.any():
                features[np.repeat(missing, self._widths, axis=0)] = np.nan
            X[block] = features.T
        return X

    def decode(self, rows: FloatArray) -> Any:
        """Decode as :meth:`mex.Schema.decode` says."""
        if rows.ndim != 2 or rows.shape[1] != self._d:
            d = self._d
            raise UsageError(f"rows of this schema have {d} features, shape (n, {d}), not {rows.shape}")
        values = np.empty((len(self.columns), len(rows)))
        for block in _blocks(len(rows)):
            values[:, block] = self._values(rows[block].T.copy(), block.start)
        parts = [v.astype(np.intp) if column.values else v for column, v in zip(self.columns, values, strict=True)]
        return self._write(parts)

    def _values(self, features: FloatArray, first: int) -> FloatArray:
        """The columns, shape (columns, n), from the features of rows from number ``first`` on, shape (d, n)."""
        values: FloatArray = features[self._starts]
        with np.errstate(invalid="ignore"):  # of an infinite feature
            for i, (levels, weights) in zip(self._category, self._one_hot, strict=True):
                values[i] = weights @ features[levels]
        missing = self._missing(values, first)
        if len(self._boolean):
            truth = values[self._boolean]
            neither = (truth != 0) & (truth != 1) & ~missing[self._boolean]
            self._refuse(neither, self._boolean, first, "is a truth value, 0 or 1, not", truth)
        if len(self._category) and not self._are_levels(features, values, missing[self._category]):
            blocks = [features[levels] for levels, _ in self._one_hot]
            sound = [((b != 0).sum(axis=0) == 1) & (b == 1).any(axis=0) | np.isnan(b).all(axis=0) for b in blocks]
            why = "must have exactly one of its features 1, the others 0"
            self._refuse(~np.array(sound), self._category, first, why)
        values[missing & self._is_coded] = -1
        return values

    def _are_levels(self, features: FloatArray, values: FloatArray, absent: BoolArray) -> bool:
        """Whether of each category one feature is 1 and the others are 0, or all are missing: the quick check."""
        ones = features[self._places(values), np.arange(features.shape[1])] == 1
        gaps = int((absent * self._widths[self._category, None]).sum())
        # No more than these are not 0, and no fewer are missing.
        nonzero = sum(np.count_nonzero(features[levels]) for levels, _ in self._one_hot)
        whole = gaps == 0 or gaps == sum(int(np.isnan(features[levels]).sum()) for levels, _ in self._one_hot)
        return bool(whole and (ones | absent).all()) and nonzero == gaps + int((~absent).sum())

    def _places(self, values: FloatArray) -> npt.NDArray[np.intp]:
        """The feature of each category that is 1, shape (categories, n); its first where the value is missing."""
        last = self._widths[self._category, None] - 1
        levels = values[self._category]
        place = np.where(levels >= 0, np.minimum(levels, last), 0).astype(np.intp)
        return np.asarray(self._starts[self._category, None] + place, dtype=np.intp)

    def _missing(self, values: FloatArray, first: int) -> BoolArray:
        """Where values are missing; where they may not be, or a whole number has a fraction, is an error."""
        missing = np.isnan(values)
        self._refuse(missing[self._required], self._required, first, "may not be missing")
        whole = values[self._integer]
        fraction = (np.round(whole) != whole) & ~missing[self._integer]
        self._refuse(fraction, self._integer, first, "takes whole numbers, not", whole)
        return missing

    def _refuse(self, wrong: BoolArray, columns: Array, first: int, why: str, given: FloatArray | None = None) -> None:
        """Raise :class:`UsageError` for the first row in which one of some columns is wrong."""
        if wrong.any():
            row, i = np.argwhere(wrong.T)[0].tolist()
            value = "" if given is None else f" {given[i, row]:g}"
            raise UsageError(f"row {first + row}: column {self.columns[columns[i]].name!r} {why}{value}")


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))
