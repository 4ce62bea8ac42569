"""The system of equations asked so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs
import numpy as np
from scipy.special import softmax

from mex import Domain
from mex.toolkit.perturbation.inversion import Bounds
from mex.toolkit.perturbation.reading import (
    FAINT,
    FLOAT,
    SINGLE,
    accurate,
    extremes,
    precision,
    resolution,
    rounded_from,
)
from mex.types import Array, BoolArray, FloatArray
from mex_equation_solving.design import independent, star
from mex_equation_solving.equations import Linear, solve
from mex_equation_solving.fitting import Fit, deviation, fit_probabilities, fit_values
from mex_equation_solving.intervals import most_telling
from mex_equation_solving.within import Within

CONSISTENT = {FLOAT: 1e-7, SINGLE: 1e-6}
"""The largest difference (relative, for values) between an answer and its prediction that floats explain."""
FEW_DIGITS = 1e-6
"""The weight of an equation that is not informative, so that it decides only what the others leave open."""
UNDECIDED = 0.8
"""An inexact answer is informative if its largest probability is below this, as near the boundary."""
OFTEN = 0.02
"""The share of clear labels that a fit to the answers of a linear model may miss."""
CLEAR, CLEARLY = 0.1, 4.0
"""How much more probable the likeliest class is than others, where rounding and noise do not change it, and by how many
standard deviations of the noise more."""
JITTER = 1e-6
"""How far a row next to another is from it, in unit coordinates; whole numbers and categories stay as they are."""
DISTINCT = 1e-12
"""How far bounds have to be apart to be an interval."""

Read: TypeAlias = Callable[[FloatArray], Bounds]


class System:
    """The rows asked with their answers, the model that they determine, and the rows that are missing.

    Attributes:
        X: the rows, shape (n, d).
        shown: their answers, shape (n,) or (n, number of classes).
        answers: the same, or the middle of what a known defense is known to have had for each.
        anchor: the row around which one row per feature is asked, shape (d,).
        steps: the distance of each of these from it, as a share of half the range of the feature, shape (d,).
        inexact: whether answers are not exactly those of a linear model; then the weights are fitted.
        coarse: whether a known defense leaves of each answer an interval only.
    """

    def __init__(self, domain: Domain, classes: Array | None, intercept: bool, read: Read | None = None) -> None:
        """``read`` tells between what is behind answers, if a known defense changes them."""
        self._domain = domain
        self._intercept = intercept
        self._read = read
        even = np.ones(1) if classes is None else np.full((1, len(classes)), 1 / len(classes))
        self.X: FloatArray = np.empty((0, domain.n_features))
        self.shown: FloatArray = even[:0]
        self.answers = self.shown
        self.coarse = bool(self._intervals(even).any())
        self.anchor: FloatArray = np.zeros(domain.n_features)
        self.steps: FloatArray = np.ones(domain.n_features)
        self.inexact = False
        self._solution: Linear | None = None
        self._solved = (0, False)  # the number of answers and ``inexact`` for which the solution was computed
        self._within: Within | None = None  # what it is if answers are intervals
        self._twins: list[tuple[int, int]] = []  # rows next to each other, whose answers differ by noise alone
        self._fit: Fit | None = None  # what it was fitted by, if answers are neither equations nor intervals

    def add(self, X: FloatArray, answers: Array) -> None:
        """Add rows and their answers."""
        self.X = np.vstack([self.X, X])
        self.shown = np.concatenate([self.shown, answers])
        self.answers = self.shown if self._read is None else np.mean(self._read(self.shown), axis=0)

    def _intervals(self, answers: FloatArray) -> BoolArray:
        """Behind which answers a known defense leaves an interval, shape (n,)."""
        if self._read is None or len(answers) == 0:
            return np.zeros(len(answers), dtype=bool)
        low, high = self._read(answers)
        return np.asarray((high - low).reshape(len(low), -1).max(axis=1) > DISTINCT)

    @property
    def resolution(self) -> float:
        """The difference between neighbouring values of the answers."""
        return resolution(self.shown)

    @property
    def rounded(self) -> bool:
        """Whether the answers have few decimals; values may and be exact."""
        return self.coarse or (self._read is None and self.resolution > FLOAT)

    @property
    def within(self) -> bool:
        """Whether the solution is that of a linear model whose answers are in the intervals that were rounded."""
        return self.solution() is not None and self._within is not None

    @property
    def ends(self) -> FloatArray:
        """The ends of the intervals in which differences of scores, or values, of such a solution are."""
        return self._within.inequalities.ends if self.within and self._within else np.empty(0)

    @property
    def widths(self) -> FloatArray:
        """How wide these intervals are."""
        return self._within.inequalities.width if self.within and self._within else np.empty(0)

    @property
    def constant(self) -> bool:
        """Whether there are several answers and all are equal."""
        return len(self.shown) > 1 and not np.ptp(self.shown, axis=0).any()

    def informative(self) -> BoolArray:
        """Which answers are accurate equations or, if answers are inexact, tell more than a label, shape (n,)."""
        if self.inexact or self.coarse:
            undecided = self.answers.ndim == 1 or self.answers.max(axis=1) < UNDECIDED
            return np.asarray(undecided & (self.rounded | ~extremes(self.shown, shared=1)))
        return accurate(self.answers, self.resolution) & ~self._intervals(self.shown)

    def labels(self) -> Array:
        """The most probable class of each row asked, as an index."""
        return self.shown.argmax(axis=1) if self.shown.ndim == 2 else np.zeros(len(self.shown), dtype=np.int64)

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
        predicted, answer, spacing = model.scores(self.X[-1:]), self.answers[-1], precision(self.shown)
        # The error of rounding grows with the distance from the anchor, in steps.
        far = np.abs(self._coordinates(self.X[-1])).sum()
        if self.answers.ndim == 2:
            allowed = CONSISTENT[spacing] + spacing / FAINT[spacing] * far
            return bool(np.abs(softmax(predicted, axis=1) - answer).max() <= allowed)
        allowed = CONSISTENT[spacing] * abs(answer) + spacing * far * np.abs(self.answers).max()
        return bool(np.abs(predicted - answer).max() <= max(allowed, 1e-300))

    def restart_as_inexact(self) -> None:
        """Treat answers as inexact from now on, and reset the steps."""
        self.inexact = True
        self.steps = np.ones_like(self.steps)

    def solution(self) -> Linear | None:
        """The model so far, None if there is no usable answer."""
        if self._solved != (len(self.X), self.inexact):
            self._within = self._fit = None
            self._solution = self._solve()
            self._solved = (len(self.X), self.inexact)
        return self._solution

    def _solve(self) -> Linear | None:
        informative = self.informative()
        use, fit = informative, self.inexact and self.answers.ndim == 2
        if (self.inexact or self.coarse) and len(self.X) and (model := self._solve_intervals()):
            return model
        if self.inexact:
            use = np.full(len(self.X), True) if fit else ~extremes(self.answers)
        elif self.answers.ndim == 2 and self.missing():
            use = np.asarray((self.answers > 0).all(axis=1))  # less accurate ones are better than none
        if not use.any():
            return None
        V, answers = self._coordinates(self.X[use]), self.answers[use]
        if fit:
            found, labels = fit_probabilities(V, answers, self._intercept), self.labels()
            clear = answers.max(axis=1) > np.sort(answers, axis=1)[:, -2] + CLEAR + CLEARLY * self._noise
            wrong = (np.column_stack([V, np.ones(len(V))]) @ found.weights).argmax(axis=1) != labels
            if np.sum(wrong & clear) > OFTEN * len(V):  # then it is not linear, and the labels tell more
                found = attrs.evolve(
                    fit_probabilities(V, np.eye(answers.shape[1])[labels], self._intercept), missed=1.0
                )
            self._fit, weights = found, found.weights
        elif self.inexact:
            weights = fit_values(V, answers, self._intercept)
        else:
            weights = solve(V, answers, self._intercept, np.where(informative[use], 1.0, FEW_DIGITS))
        return Linear(weights, self._origin, self._scale)

    def _solve_intervals(self) -> Linear | None:
        """The model in the middle of the intervals that were rounded to the answers, None if they have no model."""
        if not self.rounded:
            return None
        bounds = self._read(self.shown) if self._read else rounded_from(self.shown, self.resolution)
        classes = self.shown.shape[1] if self.shown.ndim == 2 else 0
        self._within = Within.of(self._columns(self.X), bounds, classes)
        if self._within is None:
            return None
        W = self._within.scores(self.X.shape[1] + self._intercept)
        return Linear(W if self._intercept else np.vstack([W, np.zeros((1, W.shape[1]))]), self._origin, self._scale)

    @property
    def error(self) -> float:
        """About how far such a solution may be off, as a share of the least difference between two scores' weights.

        Of fitted weights it is at nearly all rows like those asked, and with what noise makes of their labels.
        """
        if self.fitted and self._fit is not None:
            return self._error_of_fit(self._fit)
        return self._within.error if self.within and self._within else 0.0

    def _error_of_fit(self, fit: Fit) -> float:
        slopes = fit.weights[: self.X.shape[1]] / self.steps[:, None]
        constants = fit.weights[-1] + (self._domain.middle - self._origin) / self._domain.half_width @ slopes
        unit = np.column_stack([(self.X - self._domain.middle) / self._domain.half_width, np.ones(len(self.X))])
        return fit.error(self._columns(self.X), unit, np.vstack([slopes, constants]), self._noise)

    def twins(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Rows next to ``n`` of the informative ones, to be asked next: what is not linear does not differ there."""
        first = rng.permutation(np.flatnonzero(self.informative()))[:n]
        self._twins = [(int(i), len(self.X) + j) for j, i in enumerate(first)]
        step = np.where(self._domain.discrete, 0.0, JITTER * self._domain.half_width)
        rows = self.X[first] + step * rng.uniform(-1, 1, size=self.X[first].shape)
        return np.asarray(np.clip(rows, self._domain.lower, self._domain.upper))

    @property
    def _noise(self) -> float:
        """The standard deviation of the noise of probabilities by what answers to rows next to each other differ."""
        pairs = np.array([pair for pair in self._twins if pair[1] < len(self.X)], dtype=int).reshape(-1, 2)
        return deviation(np.diff(self.answers[pairs], axis=1) / np.sqrt(2)) if len(pairs) else 0.0

    @property
    def fitted(self) -> bool:
        """Whether the solution was fitted to noisy probabilities, and it is known how well."""
        return self.solution() is not None and self._fit is not None

    def most_telling(self, X: FloatArray, n: int) -> FloatArray:
        """Those ``n`` of the rows whose answers would tell most, of a solution in intervals or of a fitted one."""
        columns = self._columns(X)
        if self._fit is not None:
            return X[most_telling(columns, self._fit.spread.mean(axis=0), n, self._fit.unclear(columns))]
        assert self._within is not None
        return self._within.most_telling(X, columns, n)

    def _columns(self, X: FloatArray) -> FloatArray:
        V = self._coordinates(X)
        return np.column_stack([V, np.ones(len(V))]) if self._intercept else V

    def _coordinates(self, X: FloatArray) -> FloatArray:
        return np.asarray((X - self._origin) / self._scale)

    @property
    def _origin(self) -> FloatArray:
        return self.anchor if self._intercept else np.zeros_like(self.anchor)

    @property
    def _scale(self) -> FloatArray:
        return self._domain.half_width * self.steps
