"""Changes of two features at once, where no single one brings the score of a row nearer to zero."""

from __future__ import annotations

import numpy as np

from mex.toolkit.bayes_point.encoding import Encoding
from mex.types import Array, FloatArray

STEPS = (1.0, -1.0, 2.0, -2.0, np.inf, -np.inf)
"""By how much a whole number changes; the last ones are its ends."""


def after_best_pair(encoding: Encoding, X: FloatArray, mean: FloatArray) -> FloatArray:
    """Rows, shape (n, n_features), after the two changes of categories or whole numbers that take |score| lowest.

    Args:
        encoding: of the domain.
        X: the rows.
        mean: the weights of the score, in wide vectors.
    """
    X = X.copy()
    for row, wide in zip(X, encoding.wide(X), strict=True):
        columns, values, units, effects = _changes(encoding, row, wide, mean)
        if not len(columns):
            break
        score = float(wide @ mean)
        total = np.abs(score + effects[:, None] + effects)
        total[units[:, None] == units] = np.inf
        first, second = np.unravel_index(np.argmin(total), total.shape)
        if total[first, second] < abs(score):
            for i in (first, second):
                _make(encoding, row, int(columns[i]), float(values[i]))
    return X


def _changes(encoding: Encoding, row: FloatArray, wide: FloatArray, mean: FloatArray) -> tuple[Array, ...]:
    """The wide columns, the values, the features and the effects on the score of all single changes of a row."""
    domain, n = encoding.domain, len(encoding.numbers)
    whole = np.flatnonzero(domain.integer[encoding.numbers])
    at = row[encoding.numbers[whole]]
    low, high = domain.lower[encoding.numbers[whole]], domain.upper[encoding.numbers[whole]]
    to = np.clip(at + np.array(STEPS)[:, None], low, high)
    effects = (to - at) * encoding.scale[whole] * mean[whole]
    moved = (to != at).ravel()
    parts = [(np.tile(whole, len(STEPS))[moved], to.ravel()[moved], np.tile(whole, len(STEPS))[moved])]
    found = [effects.ravel()[moved]]
    for k, (start, stop) in enumerate(encoding.spans):
        here = start + int(np.argmax(wide[start:stop]))
        others = np.array([o for o in range(start, stop) if o != here])
        parts.append((others, np.ones(len(others)), np.full(len(others), n + k)))
        found.append(encoding.scale[others] * mean[others] - encoding.scale[here] * mean[here])
    columns, values, units = (np.concatenate(part) for part in zip(*parts, strict=True))
    return columns, values, units, np.concatenate(found)


def _make(encoding: Encoding, row: FloatArray, column: int, value: float) -> None:
    for start, stop in encoding.spans:
        if start <= column < stop:
            row[encoding.columns[start:stop]] = 0.0
    row[encoding.columns[column]] = value
