"""The equations asked so far."""

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
    distinct_digits,
    extremes,
    fit_probabilities,
    resolution,
    solve,
)

CONSISTENT = 1e-7
"""How far a probability, or a value in proportion, may be off a prediction that rounding in float64 explains."""
FEW_DIGITS = 1e-6
"""Weight of an equation that is not clear, so that it tells what the clear ones leave open and nothing else."""
UNDECIDED = 0.8
"""A largest probability below this is that of a row near the boundary, even if it is rounded or noisy."""


class System:
    """Rows with their answers, what they determine, and what is still to ask.

    Attributes:
        X, answers: what was asked and answered, shape (n, d) and (n,) or (n, number of classes).
        anchor: the row that the others are steps away from, shape (d,).
        steps: how far, as a share of half the range of each feature, shape (d,).
        inexact: the answers are not exactly those of a linear model, so extreme ones that many rows share
            are not trusted, and the weights are fitted.
    """

    def __init__(self, domain: Domain, classes: Array | None, intercept: bool) -> None:
        self._domain, self._intercept = domain, intercept
        self.X = np.empty((0, domain.n_features))
        self.answers = np.empty((0,) if classes is None else (0, len(classes)))
        self.anchor = np.zeros(domain.n_features)
        self.steps = np.ones(domain.n_features)
        self.inexact = False
        self._solution: Linear | None = None
        self._solved = (0, False)

    def add(self, X: FloatArray, answers: Array) -> None:
        """Take answers."""
        self.X, self.answers = np.vstack([self.X, X]), np.concatenate([self.answers, answers])

    @property
    def step(self) -> float:
        """The step between the values that the answers take."""
        return resolution(self.answers)

    @property
    def rounded(self) -> bool:
        """Whether the answers are visibly rounded; values may have few digits and be exact."""
        return self.step > FLOAT

    @property
    def constant(self) -> bool:
        """Whether several rows were all answered alike."""
        return len(self.answers) > 1 and not np.ptp(self.answers, axis=0).any()

    def clear(self) -> BoolArray:
        """Which answers are good equations, or, once they are inexact, tell more than a label, shape (n,)."""
        if self.inexact:
            undecided = self.answers.ndim == 1 or self.answers.max(axis=1) < UNDECIDED
            return np.asarray(undecided & ~extremes(self.answers, shared=1))
        return distinct_digits(self.answers, self.step)

    def labels(self) -> Array:
        """The most probable class of each row asked, as an index."""
        return self.answers.argmax(axis=1) if self.answers.ndim == 2 else np.zeros(len(self.answers), dtype=np.int64)

    def label_of(self, row: FloatArray) -> int:
        """The most probable class of a row that was asked."""
        return int(self.labels()[np.flatnonzero((row == self.X).all(axis=1))[-1]])

    @property
    def unknowns(self) -> int:
        """How many weights there are to find."""
        moves = self._coordinates(self.star()) - self._coordinates(self.anchor)
        return int(np.linalg.matrix_rank(moves)) + self._intercept

    def star(self) -> FloatArray:
        """A row per feature around the anchor."""
        return star(self._domain, self.anchor, self.steps)

    def missing(self) -> list[int]:
        """The features whose rows of the star would add what the clear answers do not tell."""
        known, moves = self._coordinates(self.X[self.clear()]), self._coordinates(self.star())
        moves = moves - self._coordinates(self.anchor)
        if self._intercept:
            known, moves = (np.column_stack([A, np.full(len(A), c)]) for A, c in ((known, 1.0), (moves, 0.0)))
        return independent(moves, known)

    def confirms(self, model: Linear) -> bool:
        """Whether the last answer is the one that a model predicts."""
        predicted, answer = model.scores(self.X[-1:]), self.answers[-1]
        if self.answers.ndim == 2:
            # Where steps had to be short, what rounding does to an equation is that many times larger far from them.
            allowed = CONSISTENT + FLOAT / FAINT * np.abs(self._coordinates(self.X[-1])).sum()
            return bool(np.abs(softmax(predicted, axis=1) - answer).max() <= allowed)
        return bool(np.abs(predicted - answer).max() <= CONSISTENT * max(abs(answer), 1e-300))

    def believe_nothing(self) -> None:
        """Begin again, with answers that are not exact."""
        self.inexact, self.steps = True, np.ones_like(self.steps)

    def solution(self) -> Linear | None:
        """The model so far, None if nothing is known."""
        if self._solved != (len(self.X), self.inexact):
            self._solved, self._solution = (len(self.X), self.inexact), self._solve()
        return self._solution

    def _solve(self) -> Linear | None:
        clear = self.clear()
        use, fit = clear, self.inexact and self.answers.ndim == 2
        if self.inexact:
            use = np.full(len(self.X), True) if fit else ~extremes(self.answers)
        elif self.answers.ndim == 2 and self.missing():
            use = np.asarray((self.answers > 0).all(axis=1))  # few digits are better than none
        if not use.any():
            return None
        V, answers = self._coordinates(self.X[use]), self.answers[use]
        if fit:
            weights = fit_probabilities(V, answers, self._intercept)
        else:
            weights = solve(V, answers, self._intercept, np.where(clear[use] | self.inexact, 1.0, FEW_DIGITS))
        return Linear(weights, self._origin, self._scale)

    def _coordinates(self, X: FloatArray) -> FloatArray:
        return np.asarray((X - self._origin) / self._scale)

    @property
    def _origin(self) -> FloatArray:
        return self.anchor if self._intercept else np.zeros_like(self.anchor)

    @property
    def _scale(self) -> FloatArray:
        return self._domain.half_width * self.steps
