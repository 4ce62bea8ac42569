"""Answers in their own terms: the label, value or leaf that each of them tells, and how exactly."""

from __future__ import annotations

import numpy as np

from mex.knowledge import Knowledge
from mex.target import refusals
from mex.toolkit.estimators import predictor
from mex.types import Array, BoolArray, Estimator, FloatArray

ROUNDING = 1e-11
"""What rounding in float64 makes of a sum, as a share of it."""
FLOAT32 = 1e-6
"""The same where numbers are summed in float32."""
DECIMALS = range(7)
"""How many decimals numbers may be rounded to that show it."""
FEW = 5
"""With fewer numbers nothing is said of how they are rounded: a few may be short by chance."""


def reading(answers: Array, known: Knowledge) -> Array:
    """The label or value that each answer tells, shape (n,): the most probable one, the one beside a leaf, or its id.

    >>> reading(np.array([(3, "a"), (7, "b")], dtype=[("leaf", int), ("label", "U1")]), None)
    array(['a', 'b'], dtype='<U1')
    """
    if answers.dtype.names:
        return np.asarray(answers[answers.dtype.names[-1]])
    if answers.ndim == 2 and known.classes is not None:
        return np.asarray(known.classes[np.argmax(answers, axis=1)])
    return answers


def resolution(values: FloatArray) -> float:
    """How far numbers may be apart that stand for the same: by rounding, learned from the numbers themselves.

    Those that float32 can hold were computed in float32, and those of a few decimals were rounded to them.

    >>> rng = np.random.default_rng(0)
    >>> x = 100 * rng.standard_normal(50)
    >>> [float(f"{resolution(v) / np.abs(x).max():.0e}") for v in (x, x.astype(np.float32))], resolution(x.round(2))
    ([1e-11, 1e-06], 0.005)
    """
    values = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    if len(np.unique(values)) < FEW:
        return ROUNDING * largest
    for decimals in DECIMALS:
        if np.allclose(values, np.round(values, decimals), rtol=0, atol=ROUNDING * largest):
            return 0.5 * 10.0**-decimals
    single = largest < np.finfo(np.float32).max and np.array_equal(values, values.astype(np.float32))
    return (FLOAT32 if single else ROUNDING) * largest


class Told:
    """Rows and what their answers tell, without those that were refused.

    Attributes:
        asked: how many rows there were, those refused included.
    """

    def __init__(self, known: Knowledge) -> None:
        self._known = known
        self._X: list[FloatArray] = []
        self._told: list[Array] = []
        self._natural: list[BoolArray] = []
        self.asked = 0

    def add(self, X: FloatArray, answers: Array, natural: int = 0) -> None:
        """Take answers; the first ``natural`` rows are like the data."""
        self.asked += len(X)
        answered = ~refusals(answers)
        if answered.any():
            self._X.append(X[answered])
            self._told.append(reading(np.ma.getdata(answers)[answered], self._known))
            self._natural.append((np.arange(len(X)) < natural)[answered])

    def __add__(self, other: Told) -> Told:
        """These and others."""
        both = Told(self._known)
        both._X = self._X + other._X
        both._told = self._told + other._told
        both._natural = self._natural + other._natural
        both.asked = self.asked + other.asked
        return both

    def _where(self, rows: BoolArray) -> Told:
        some = Told(self._known)
        some.asked = self.asked
        if rows.any():
            some._X, some._told, some._natural = [self.X[rows]], [self.told[rows]], [self._is_natural[rows]]
        return some

    def complete(self) -> Told:
        """These without the rows in which a value is missing."""
        return self._where(np.asarray(~np.isnan(self.X).any(axis=1)))

    def natural(self) -> Told:
        """Those that are like the data."""
        return self._where(self._is_natural)

    def others(self) -> Told:
        """Those that are not."""
        return self._where(~self._is_natural)

    def __len__(self) -> int:
        return sum(map(len, self._X))

    @property
    def X(self) -> FloatArray:
        """The rows, shape (n, d)."""
        self._X = [np.concatenate(self._X)] if self._X else []
        return self._X[0] if self._X else np.empty((0, self._known.domain.n_features))

    @property
    def told(self) -> Array:
        """Labels, values or ids, shape (n,)."""
        self._told = [np.concatenate(self._told)] if self._told else []
        kind = self._known.classes.dtype if self._known.classes is not None else float
        return self._told[0] if self._told else np.empty(0, dtype=kind)

    @property
    def _is_natural(self) -> BoolArray:
        self._natural = [np.concatenate(self._natural)] if self._natural else []
        return self._natural[0] if self._natural else np.empty(0, dtype=bool)

    @property
    def labels(self) -> bool:
        """Whether they are labels or ids, which are right or wrong, and not values."""
        return self._known.classes is not None or self.told.dtype.kind != "f"

    def missed(self, hypothesis: Estimator, tolerance: float = 0.0) -> BoolArray:
        """Where a hypothesis answers otherwise: with another label, or a value off by more than ``tolerance``."""
        predicted = np.ravel(predictor(hypothesis)(self.X)) if len(self) else self.told
        if self.labels:
            return np.asarray(predicted != self.told)
        return np.asarray(~(np.abs(predicted - self.told) <= tolerance))
