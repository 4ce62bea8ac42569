"""The learner of ``polynomial-solving``."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from typing import TypeAlias

import numpy as np
from scipy.special import softmax

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps
from mex.toolkit.checking.fits import best_fit
from mex.toolkit.checking.readings import Told
from mex.toolkit.checking.rows import natural
from mex.toolkit.estimators import constant
from mex.toolkit.halfspaces.boundary import search_rows
from mex.toolkit.perturbation.reading import FLOAT, accurate, precision, resolution
from mex.types import Array, BoolArray, Estimator, FloatArray
from mex_polynomial_solving.lift import Lift

ANCHORS = 100
"""The most rows that are asked to find one whose answer is an equation."""
SHRINK, SMALLEST = 0.5, 2.0**-20
"""How much nearer rows are drawn where most answers are saturated, and the least share of the domain's width."""
PARTS = 8
"""In how many batches rows for the equations are asked, at least."""
PATIENCE = 4
"""So many times the unknowns are asked at most until there are enough equations."""
FEWEST = 12
"""So many rows check a solution at least; a tenth of the unknowns if that is more."""
DRAWN, PAIRS, HALVINGS = 200, 20, 50
"""How many rows are drawn to find the boundary between, pairs of them for each row, and halvings of the segments."""
FAINTEST = 1e-290
"""Smaller probabilities have fewer digits, or none."""
IN_A_ROW = 2
"""After so many checks that found nothing wrong, the second of a solution with the rows of the first, it is right."""
FEWEST_TO_FIT, MOST_TO_FIT = 100, 500
"""How many rows like the data are asked where no solution is right, as many as there are unknowns between these."""
SURE, LEAST_WEIGHT = 1e-3, 1e-4
"""From this probability on an equation has its full weight, as smaller ones may have been computed as 1 - p."""
EQUATIONS = 3
"""So many of the rows of a check have to be equations."""
ALIKE = {True: 1e-7, False: 1e-5}
"""How far answers in float64, and in float32, may be from what is predicted; values as a share of the largest."""

Asking: TypeAlias = Generator[FloatArray, Array, None]


class PolynomialLearner(GeneratorLearner):
    """Asks rows until the coefficients are determined, then rows that check them.

    Args:
        known: what the attacker knows.
        lift: the monomials.
        rounds: of checks.
        rng: for the rows.
    """

    def __init__(self, known: Knowledge, lift: Lift, rounds: int, rng: np.random.Generator) -> None:
        self._known, self._lift, self._rounds, self._rng = known, lift, rounds, rng
        self._X: FloatArray = np.empty((0, known.domain.n_features))
        self._answers: FloatArray = np.empty(0 if known.classes is None else (0, len(known.classes)))
        self._exact = False
        self._fitted_from: int | None = None  # from this row on all are like the data, for a fit

    def steps(self) -> Steps:
        """Find an anchor, ask rows around it, solve, and check; see the attack."""
        n, alike = max(FEWEST, self._lift.columns // 10), 0
        if self._known.budget is not None and self._known.budget < self._lift.columns + IN_A_ROW * n:
            yield from self._ask_like_data(self._known.budget)
            return
        for _, row in islice(search_rows(self._known, self._rng), ANCHORS):
            yield from self._query(self._known.domain.clip(row[None]))
            if self._equations[-1]:
                break
        yield from self._ask_around(self._X[-1])
        for _ in range(self._rounds):
            if self._rounded or self._missing > 0:
                break
            rows = self._checks(n)
            predicted = self._predicted(rows)
            yield from self._query(rows)
            fine = self._agree(predicted, self._answers[-n:]) and self._equations[-n:].sum() >= EQUATIONS
            alike = alike + 1 if fine else 0
            if alike == IN_A_ROW:
                self._exact = True
                return
        yield from self._ask_like_data(min(max(self._lift.columns, FEWEST_TO_FIT), MOST_TO_FIT))

    def _ask_like_data(self, n: int) -> Asking:
        self._fitted_from = len(self._X)
        yield from self._query(natural(self._known, n, self._rng))

    def _query(self, rows: FloatArray) -> Asking:
        self.cut(rows, (yield rows))

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Take the answers that the budget left."""
        self._X = np.concatenate([self._X, X[: len(answers)]])
        self._answers = np.concatenate([self._answers, answers])

    @property
    def _equations(self) -> BoolArray:
        """Which answers tell their scores to nearly all digits, shape (n,)."""
        fine = accurate(self._answers, resolution(self._answers))
        return fine if self._answers.ndim == 1 else np.asarray(fine & (self._answers.min(axis=1) > FAINTEST))

    @property
    def _rounded(self) -> bool:
        return self._answers.ndim == 2 and resolution(self._answers) > FLOAT

    @property
    def _missing(self) -> int:
        """How many more equations are needed."""
        return self._lift.columns - int(self._equations.sum())

    def _ask_around(self, anchor: FloatArray) -> Asking:
        """Ask rows around one, as far off as most of their answers are equations, until there are enough."""
        reach, n = 1.0, -(-self._lift.columns // PARTS)
        while self._missing > 0 and len(self._X) < PATIENCE * self._lift.columns and not self._rounded:
            yield from self._query(self._around(anchor, reach, min(n, self._missing)))
            if self._equations[-n:].mean() < SHRINK:
                reach = max(reach * SHRINK, SMALLEST)

    def _around(self, anchor: FloatArray, reach: float, n: int) -> FloatArray:
        """Rows of a box around one, which has so large a share of the domain; categories change by chance."""
        domain = self._known.domain
        width = np.maximum(reach * 2 * domain.half_width, domain.integer * 1.0)
        X = anchor + width * self._rng.uniform(-1, 1, (n, len(anchor)))
        X[:, domain.integer] = np.round(X[:, domain.integer])
        drawn = domain.sample(n, self._rng)
        for group in map(list, domain.groups):
            X[:, group] = np.where(self._rng.random((n, 1)) < 0.5, drawn[:, group], anchor[group])
        return np.asarray(np.clip(X, domain.lower, domain.upper))

    def _checks(self, n: int) -> FloatArray:
        """Rows on the boundary of the solution so far, anywhere and like the data, shape (n, d)."""
        anywhere, like = self._known.domain.sample(n // 3, self._rng), natural(self._known, n // 3, self._rng)
        drawn = np.concatenate([self._known.domain.sample(DRAWN, self._rng), natural(self._known, DRAWN, self._rng)])
        left = n - len(anywhere) - len(like)
        return np.concatenate([anywhere, like, self._on_boundary(drawn, left)])

    def _on_boundary(self, drawn: FloatArray, n: int) -> FloatArray:
        """``n`` rows between some that differ in their class; of one class, or of values, some of these themselves."""
        first, second = self._rng.integers(len(drawn), size=(2, PAIRS * n))
        if self._known.classes is None:
            return np.asarray(drawn[first[:n]])
        W, origin, scale = self._solved()

        def classes(rows: FloatArray) -> Array:
            return np.asarray(np.argmax(self._lift.apply(rows, origin, scale) @ W, axis=1))

        given = classes(drawn)
        differ = np.flatnonzero(given[first] != given[second])[:n]
        low, high = drawn[first[differ]], drawn[second[differ]]
        near, far, switch = np.zeros((len(differ), 1)), np.ones((len(differ), 1)), self._rng.random((len(differ), 1))
        for _ in range(HALVINGS if len(differ) else 0):
            middle = (near + far) / 2
            same = (classes(self._between(low, high, middle, switch)) == given[first[differ]])[:, None]
            near, far = np.where(same, middle, near), np.where(same, far, middle)
        return np.concatenate([self._between(low, high, far, switch), drawn[first[: n - len(differ)]]])

    def _between(self, low: FloatArray, high: FloatArray, share: FloatArray, switch: FloatArray) -> FloatArray:
        """Rows a share of the way from one to the other; categories change at ``switch``."""
        domain = self._known.domain
        X = np.clip(low + share * (high - low), domain.lower, domain.upper)
        X[:, domain.integer] = np.round(X[:, domain.integer])
        for group in map(list, domain.groups):
            X[:, group] = np.where(share > switch, high[:, group], low[:, group])
        return np.asarray(X)

    def _solved(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The coefficients of least norm, shape (columns, number of scores), and the origin and scale of features."""
        use = self._equations
        X, answers = self._X[use], self._answers[use]
        origin, spread = X.mean(axis=0), X.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        columns = self._lift.apply(X, origin, scale)
        if answers.ndim == 1:
            return np.asarray(np.linalg.lstsq(columns, answers[:, None])[0], dtype=np.float64), origin, scale
        logs = np.log(answers)
        weight = np.clip(answers.min(axis=1, keepdims=True) / SURE, LEAST_WEIGHT, 1)
        scores = logs - logs.mean(axis=1, keepdims=True)
        return np.asarray(np.linalg.lstsq(weight * columns, weight * scores)[0], dtype=np.float64), origin, scale

    def _predicted(self, X: FloatArray) -> FloatArray:
        """The answers of the solution so far."""
        W, origin, scale = self._solved()
        scores = self._lift.apply(X, origin, scale) @ W
        return np.asarray(scores[:, 0] if self._known.classes is None else softmax(scores, axis=1))

    def _agree(self, predicted: FloatArray, answers: FloatArray) -> bool:
        largest = np.abs(self._answers).max() if self._answers.ndim == 1 else 1.0
        return bool(np.abs(predicted - answers).max() <= ALIKE[precision(self._answers) == FLOAT] * largest)

    @property
    def exact(self) -> bool:
        """Whether fresh rows have shown the solution to be right."""
        return self._exact

    @property
    def _consistent(self) -> bool:
        """Whether there are more equations than unknowns, which one solution solves."""
        return self._missing < 0 and self._agree(self._predicted(self._X), self._answers)

    @property
    def note(self) -> str:
        """Why the copy is a fit, or not confirmed."""
        if self._exact or self._fitted_from is None:
            return ""
        if self._consistent:
            return f"one polynomial fits all {len(self._X)} answers; fresh ones were a little off"
        if self._fitted_from == 0:
            what = f"are fewer than the {self._lift.columns} coefficients and the checks"
        else:
            what = "are rounded" if self._rounded else "are not those of such a polynomial, or saturated"
        return f"the answers {what}: what fits {len(self._X)} of them best is handed over"

    def hypothesis(self) -> Estimator:
        """The solution if it was checked, or solves more equations than unknowns; else what fits the answers best."""
        classes = self._known.classes
        if self._exact or self._consistent:
            return self._lift.estimator(*self._solved(), classes)
        if not len(self._X):
            return constant(0.0 if classes is None else classes[0], self._X.shape[1], classes is None)
        like, others = Told(self._known), Told(self._known)
        first = len(self._X) if self._fitted_from is None else self._fitted_from
        others.add(self._X[:first], self._answers[:first])
        like.add(self._X[first:], self._answers[first:])
        return best_fit(like.complete(), others.complete(), self._known, 0, any_class=True).model()
