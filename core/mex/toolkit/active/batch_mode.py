"""Active learning in rounds: fit, score candidates, ask the best of them, and again with as many more answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import attrs
import numpy as np

from mex.errors import Incompatible
from mex.knowledge import Knowledge
from mex.toolkit.active.samplers import sampler
from mex.toolkit.estimators import constant
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class Schedule:
    """How much is asked when.

    Attributes:
        sampler: where candidates come from; of the pool each row is asked once, and then it is done.
        start: random rows to ask first, and again as long as they show one label only.
        batch, growth: rows of a round, and what share of the answers so far if that is more: so the time that
            all fits take stays a constant times that of the last.
        explore: the share of each round that is random.
        candidates: rows to choose from, unless they are the pool.
    """

    sampler: str
    start: int
    batch: int
    growth: float
    explore: float
    candidates: int

    @classmethod
    def of(cls, attack: Any) -> Schedule:
        """That of an attack with parameters of these names."""
        return cls(**{field.name: getattr(attack, field.name) for field in attrs.fields(cls)})


class Rounds(ABC):
    """A learner whose every round is a fit and a choice: a subclass says which."""

    def __init__(self, label: str, known: Knowledge, rng: np.random.Generator, schedule: Schedule) -> None:
        """``label`` is what to call the attack in a sentence.

        Raises:
            Incompatible: if there is no pool to draw from, or no end to the asking.
        """
        if schedule.sampler != "uniform" and (known.pool is None or len(known.pool) == 0):
            raise Incompatible(f"{label} draws from the pool, and this scenario grants none; give it sampler=uniform")
        if schedule.sampler != "pool" and known.budget is None:
            raise Incompatible(f"{label} asks until a budget is spent, and this scenario sets none")
        self.known, self.rng, self._schedule = known, rng, schedule
        self.X: FloatArray = np.empty((0, known.domain.n_features))
        self.answers: Array | None = None
        self._left = (
            known.pool[rng.permutation(len(known.pool))] if self._from_pool and known.pool is not None else None
        )
        self._pending: FloatArray | None = None
        self._fitted: tuple[int, Estimator] | None = None

    @abstractmethod
    def fit(self) -> Estimator:
        """Fit a model to :attr:`X` and :attr:`answers`; there are two labels at least, if it is about labels."""

    @abstractmethod
    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        """Which ``n`` of the candidates ``rows``, of which there are more, to ask: their numbers."""

    @property
    def labels(self) -> Array:
        """The label of each answer, the most probable one where the answers are probabilities."""
        assert self.known.classes is not None
        if self.answers is None:
            return self.known.classes[:0]
        return self.known.classes[np.argmax(self.answers, axis=1)] if self.answers.ndim == 2 else self.answers

    @property
    def _from_pool(self) -> bool:
        return self._schedule.sampler == "pool"

    def ask(self) -> FloatArray | None:
        """The rows of this round."""
        if self._pending is None:
            self._pending = self._next()
        return self._pending if len(self._pending) else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Take the answers of the round."""
        self.X = np.concatenate([self.X, X])
        self.answers = answers if self.answers is None else np.concatenate([self.answers, answers])
        self._pending = None

    def _next(self) -> FloatArray:
        plan, told = self._schedule, len(self.X)
        fitted = self._model()
        n = plan.start if fitted is None else max(plan.batch, int(plan.growth * told))
        if self.known.budget is not None:
            n = min(n, self.known.budget - told)
        rows = self._candidates(n if fitted is None else max(plan.candidates, n))
        chosen = np.arange(min(n, len(rows)))
        if fitted is not None and n < len(rows):
            random = int(plan.explore * n)
            best = np.asarray(self.choose(fitted, rows, n - random))
            others = np.setdiff1d(np.arange(len(rows)), best)
            chosen = np.concatenate([best, self.rng.permutation(others)[:random]])
        if self._left is not None:
            self._left = np.delete(rows, chosen, axis=0)
        return np.asarray(rows[chosen])

    def _candidates(self, n: int) -> FloatArray:
        """Rows in random order, each once, and none that was asked before unless its answer may change."""
        if self._left is not None:
            return self._left
        rows = sampler(self._schedule.sampler).draw(self.known, n, self.rng)
        asked = {row.tobytes() for row in self.X} if self.known.rho == 0 else set()
        fresh = {key: row for row in rows if (key := row.tobytes()) not in asked}
        return np.array(list(fresh.values())).reshape(-1, rows.shape[1])

    def _model(self) -> Estimator | None:
        """A fit to all answers so far, None as long as they are nothing to fit a model to."""
        if len(self.X) == 0 or (self.known.classes is not None and len(np.unique(self.labels)) < 2):
            return None
        if self._fitted is None or self._fitted[0] != len(self.X):
            self._fitted = len(self.X), self.fit()
        return self._fitted[1]

    def hypothesis(self) -> Estimator:
        """The model fitted to all answers so far."""
        fitted = self._model()
        if fitted is not None:
            return fitted
        d, classes = self.known.domain.n_features, self.known.classes
        if classes is None:
            return constant(0.0, d, regression=True)
        return constant(self.labels[0] if len(self.X) else classes[0], d)
