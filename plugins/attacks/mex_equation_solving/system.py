"""The system of equations asked so far."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from mex import Domain
from mex.types import Array, BoolArray, FloatArray
from mex_equation_solving.design import independent, star
from mex_equation_solving.equations import (
    FAINT,
    FLOAT,
    Linear,
    accurate,
    extremes,
    fit_probabilities,
    resolution,
    solve,
)

CONSISTENT = 1e-7
"""The largest difference (relative, for values) between an answer and its prediction that float64 explains."""
FEW_DIGITS = 1e-6
"""The weight of an equation that is not informative, so that it decides only what the others leave open."""
UNDECIDED = 0.8
"""An inexact answer is informative if its largest probability is below this, as near the boundary."""


class System:
    """The rows asked with their answers, the model that they determine, and the rows that are missing.

    Attributes:
        X, answers: the rows and their answers, shape (n, d) and (n,) or (n, number of classes).
        anchor: the row around which one row per feature is asked, shape (d,).
        steps: the distance of each of these from it, as a share of half the range of the feature, shape (d,).
        inexact: whether answers are not exactly those of a linear model; then the weights are fitted, and extreme
            answers that several rows share are ignored.
    """

    def __init__(self, domain: Domain, classes: Array | None, intercept: bool) -> None:
        self._domain = domain
        self._intercept = intercept
        self.X: FloatArray = np.empty((0, domain.n_features))
        self.answers: FloatArray = np.empty((0,) if classes is None else (0, len(classes)))
        self.anchor: FloatArray = np.zeros(domain.n_features)
        self.steps: FloatArray = np.ones(domain.n_features)
        self.inexact = False
        self._solution: Linear | None = None
        self._solved = (0, False)  # the number of answers and ``inexact`` for which the solution was computed

    def add(self, X: FloatArray, answers: Array) -> None:
        """Add rows and their answers."""
        self.X = np.vstack([self.X, X])
        self.answers = np.concatenate([self.answers, answers])

    @property
    def resolution(self) -> float:
        """The difference between neighbouring values of the answers."""
        return resolution(self.answers)

    @property
    def rounded(self) -> bool:
        """Whether the answers have few decimals; values may and be exact."""
        return self.resolution > FLOAT

    @property
    def constant(self) -> bool:
        """Whether there are several answers and all are equal."""
        return len(self.answers) > 1 and not np.ptp(self.answers, axis=0).any()

    def informative(self) -> BoolArray:
        """Which answers are accurate equations or, if answers are inexact, tell more than a label, shape (n,)."""
        if self.inexact:
            undecided = self.answers.ndim == 1 or self.answers.max(axis=1) < UNDECIDED
            return np.asarray(undecided & ~extremes(self.answers, shared=1))
        return accurate(self.answers, self.resolution)

    def labels(self) -> Array:
        """The most probable class of each row asked, as an index."""
        return self.answers.argmax(axis=1) if self.answers.ndim == 2 else np.zeros(len(self.answers), dtype=np.int64)

    def label_of(self, row: FloatArray) -> int:
        """The most probable class of a row that was asked."""
        return int(self.labels()[np.flatnonzero((row == self.X).all(axis=1))[-1]])

    @property
    def unknowns(self) -> int:
        """The number of weights to find."""
        moves = self._coordinates(self.star()) - self._coordinates(self.anchor)
        return int(np.linalg.matrix_rank(moves)) + self._intercept

    def star(self) -> FloatArray:
        """A row per feature around the anchor."""
        return star(self._domain, self.anchor, self.steps)

    def missing(self) -> list[int]:
        """The features whose rows of :meth:`star` would add equations that the informative answers do not imply."""
        known, moves = self._coordinates(self.X[self.informative()]), self._coordinates(self.star())
        moves = moves - self._coordinates(self.anchor)
        if self._intercept:
            known, moves = (np.column_stack([A, np.full(len(A), c)]) for A, c in ((known, 1.0), (moves, 0.0)))
        return independent(moves, known)

    def confirms(self, model: Linear) -> bool:
        """Whether the last answer is the one that a model predicts."""
        predicted, answer = model.scores(self.X[-1:]), self.answers[-1]
        if self.answers.ndim == 2:
            # The error of rounding grows with the distance from the anchor, in steps.
            allowed = CONSISTENT + FLOAT / FAINT * np.abs(self._coordinates(self.X[-1])).sum()
            return bool(np.abs(softmax(predicted, axis=1) - answer).max() <= allowed)
        return bool(np.abs(predicted - answer).max() <= CONSISTENT * max(abs(answer), 1e-300))

    def restart_as_inexact(self) -> None:
        """Treat answers as inexact from now on, and reset the steps."""
        self.inexact = True
        self.steps = np.ones_like(self.steps)

    def solution(self) -> Linear | None:
        """The model so far, None if there is no usable answer."""
        if self._solved != (len(self.X), self.inexact):
            self._solution = self._solve()
            self._solved = (len(self.X), self.inexact)
        return self._solution

    def _solve(self) -> Linear | None:
        informative = self.informative()
        use, fit = informative, self.inexact and self.answers.ndim == 2
        if self.inexact:
            use = np.full(len(self.X), True) if fit else ~extremes(self.answers)
        elif self.answers.ndim == 2 and self.missing():
            use = np.asarray((self.answers > 0).all(axis=1))  # less accurate ones are better than none
        if not use.any():
            return None
        V, answers = self._coordinates(self.X[use]), self.answers[use]
        if fit:
            weights = fit_probabilities(V, answers, self._intercept)
        else:
            weights = solve(V, answers, self._intercept, np.where(informative[use] | self.inexact, 1.0, FEW_DIGITS))
        return Linear(weights, self._origin, self._scale)

    def _coordinates(self, X: FloatArray) -> FloatArray:
        return np.asarray((X - self._origin) / self._scale)

    @property
    def _origin(self) -> FloatArray:
        return self.anchor if self._intercept else np.zeros_like(self.anchor)

    @property
    def _scale(self) -> FloatArray:
        return self._domain.half_width * self.steps
