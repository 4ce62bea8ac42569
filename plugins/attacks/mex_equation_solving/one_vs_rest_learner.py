"""The learner of ``equation-solving`` before one-vs-rest models."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

import numpy as np

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps
from mex.toolkit.checking.rows import natural
from mex.toolkit.estimators import constant
from mex.toolkit.perturbation.reading import FLOAT, resolution
from mex.types import Array, Estimator, FloatArray
from mex_equation_solving.fitting import fit_probabilities
from mex_equation_solving.one_vs_rest import FAINTEST, SURELY, Basis, OneVsRest, solve

MARGIN, FURTHER = 1.2, 0.3
"""How many equations for each weight are asked for, and how many more each time that they did not settle it."""
ROUNDS, CHECKS = 8, 6
"""How often rows are asked at most, and by how many fresh rows a solution is checked each time."""
IN_A_ROW = 2
"""So many checks in a row that find nothing wrong end the attack."""
TINY = 1e-9
"""Where answers are rounded none is so small, but for 0."""
SAMPLED = 4
"""On so many rows for each feature it is found out in how many directions rows vary."""

Asking: TypeAlias = Generator[FloatArray, Array, None]


class OneVsRestLearner(GeneratorLearner):
    """Asks rows until their answers have one model, then rows that check it.

    Args:
        known: what the attacker knows; of three classes or more.
        extra: how many further rows are asked for each weight of a class, where no such model answers so.
        rng: for the rows.

    Attributes:
        natural: how many of the rows that it asks, the first, are like the data.
    """

    def __init__(self, known: Knowledge, extra: int, rng: np.random.Generator) -> None:
        assert known.classes is not None
        self._known, self._extra, self._rng = known, extra, rng
        self._k = len(known.classes)
        directions = Basis.of(self._drawn(SAMPLED * (known.domain.n_features + 1)), known.domain).project.shape[1]
        self._unknowns: int = self._k * (directions + 1)
        self._X: FloatArray = np.empty((0, known.domain.n_features))
        self._answers: FloatArray = np.empty((0, self._k))
        self._solution: tuple[int, OneVsRest] | None = None  # and of how many answers it is
        self._inexact = False
        self._untold: int | None = None  # of a solution that fresh rows have shown to be right
        self.natural = 0

    def steps(self) -> Steps:
        """Ask equations, like the data and anywhere, as many more as needed; check; fit where nothing fits exactly."""
        per_row, alike, needed = self._k - 1, 0, MARGIN * self._unknowns
        budget = self._known.budget
        if budget is not None and budget * per_row < needed:
            yield from self._query(budget, like_data=True)
            return
        for _ in range(ROUNDS):
            missing = max(needed - self._equations, FURTHER * needed if self._solution else 0.0)
            yield from self._query(int(np.ceil(missing / per_row)))
            if self._rounded or self._saturated:
                continue
            model = self._solved()
            while alike < IN_A_ROW:
                yield from self._query(CHECKS)
                if model.wrong(self._X[-CHECKS:], self._answers[-CHECKS:]).any():
                    break
                alike += 1
            self._untold = model.untold if alike == IN_A_ROW else None
            if self._untold == 0:
                return
            alike = 0
        if self._untold is not None:
            return
        self._inexact = True
        yield from self._query(self._extra * self._unknowns // self._k, like_data=True)

    def _drawn(self, n: int) -> FloatArray:
        """Rows, half of them like the data, the others from anywhere, shape (n, d)."""
        like = natural(self._known, n - n // 2, self._rng)
        return np.concatenate([like, self._known.domain.sample(n // 2, self._rng)])

    def _query(self, n: int, *, like_data: bool = False) -> Asking:
        rows = natural(self._known, n, self._rng) if like_data else self._drawn(n)
        self.natural = n if like_data else n - n // 2
        if n:
            self.cut(rows, (yield rows))

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Take the answers that the budget left."""
        self._X = np.concatenate([self._X, X[: len(answers)]])
        self._answers = np.concatenate([self._answers, answers])

    @property
    def _equations(self) -> int:
        """How many the answers are: of a row as many as there are probabilities with digits below the largest."""
        _, first = np.unique(self._X, axis=0, return_index=True)
        answers = self._answers[first]
        return int(((answers > FAINTEST) & (answers < (1 - SURELY) * answers.max(axis=1, keepdims=True))).sum())

    @property
    def _rounded(self) -> bool:
        tiny = (self._answers > 0) & (self._answers < TINY)
        return bool(not tiny.any() and resolution(self._answers) > FLOAT)

    def _solved(self) -> OneVsRest:
        """The model of the answers so far."""
        if self._solution is None or self._solution[0] != len(self._X):
            basis = Basis.of(self._X, self._known.domain)
            if self._saturated:
                fit = fit_probabilities(basis.columns(self._X)[:, :-1], self._answers, intercept=True)
                model = OneVsRest(fit.weights, basis)
            else:
                model = solve(self._X, self._answers, basis, logs=not (self._inexact or self._rounded))
            self._solution = len(self._X), model
        return self._solution[1]

    @property
    def _saturated(self) -> bool:
        """Whether there are fewer equations than weights, as there are of answers of 0 and 1."""
        return self._equations < self._unknowns

    @property
    def exact(self) -> bool:
        """Whether the weights are the solution of equations, and not a fit."""
        return not self._inexact

    @property
    def settled(self) -> bool:
        """Whether fresh rows have shown the solution to be right."""
        return self._untold is not None

    @property
    def note(self) -> str:
        """Why the weights are a fit, or not all of them known."""
        if not self._inexact:
            return f"{self._untold} of the weights show in saturated answers only" if self._untold else ""
        rounded = "are rounded" if self._rounded else "are not exactly those of a one-vs-rest model"
        what = "are saturated" if self._saturated else rounded
        return f"the answers {what}: weights fitted to {len(self._X)} answers"

    def hypothesis(self) -> Estimator:
        """The model of the answers so far."""
        classes = self._known.classes
        assert classes is not None
        if len(self._X) < 2:
            label = classes[self._answers[0].argmax() if len(self._X) else 0]
            return constant(label, self._X.shape[1])
        return self._solved().estimator(classes)
