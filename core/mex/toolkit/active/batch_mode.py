"""Active learning in batches: fit a model, choose a batch of candidates by it, ask them, and repeat."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.active.candidates import Candidates
from mex.toolkit.active.schedule import Schedule
from mex.toolkit.active.supervised import SupervisedLearner
from mex.types import Array, Estimator, FloatArray


class BatchModeLearner(SupervisedLearner):
    """A base for learners that fit a model before each batch and choose the batch by it.

    A subclass gives :meth:`fit` and :meth:`choose`.

    Attributes:
        rng: where the order of the pool, the candidates and the random part of each batch are drawn from.
        schedule: how many rows are asked when.
    """

    def __init__(self, attack: str, known: Knowledge, rng: np.random.Generator, schedule: Schedule) -> None:
        """Start; ``attack`` is the attack's name, for errors.

        Raises:
            Incompatible: if the sampler draws from a pool and there is none, or never ends and there is no budget.
        """
        super().__init__(known)
        self.rng = rng
        self.schedule = schedule
        self._candidates = Candidates(attack, schedule.sampler, known, rng)
        self._pending: FloatArray | None = None

    @abstractmethod
    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        """Return the indices of the ``n`` candidates to ask, of the more than ``n`` in ``rows``; best first."""

    def batch_size(self, fitted: Estimator | None) -> int:
        """How many rows to ask next, as far as the budget goes; ``fitted`` is None as long as there is no model."""
        plan = self.schedule
        return plan.start if fitted is None else max(plan.batch, int(plan.growth * len(self.X)))

    def ask(self) -> FloatArray | None:
        """The rows of the next batch; None when the pool is used up."""
        if self._pending is None:
            self._pending = self._next()
        return self._pending if len(self._pending) else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Take the answers of the batch."""
        super().tell(X, answers)
        self._candidates.mark_asked(X)
        self._pending = None

    def _next(self) -> FloatArray:
        fitted = self.model()
        n = self.batch_size(fitted)
        if self.known.budget is not None:
            n = min(n, self.known.budget - self.asked)
        rows = self._candidates.draw(n if fitted is None else max(self.schedule.candidates, n))
        if not self._candidates.from_pool:
            rows = self._candidates.unseen(rows)
        chosen = np.arange(min(n, len(rows)))
        if fitted is not None and n < len(rows):
            n_random = int(self.schedule.explore * n)
            best = np.asarray(self.choose(fitted, rows, n - n_random))
            others = np.setdiff1d(np.arange(len(rows)), best)
            chosen = np.concatenate([best, self.rng.permutation(others)[:n_random]])
        self._candidates.discard(chosen)
        return np.asarray(rows[chosen])
