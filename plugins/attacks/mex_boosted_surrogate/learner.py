"""The learner of ``boosted-surrogate`` from labels: of several models the one that predicts best."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from mex import Knowledge
from mex.target import refusals
from mex.toolkit.active.batch_mode import BatchModeLearner
from mex.toolkit.active.schedule import Schedule
from mex.types import Array, Estimator, FloatArray
from mex_boosted_surrogate.students import lead, scores

Fit: TypeAlias = Callable[[FloatArray, Array], Estimator]
JUDGED = 2
"""All models are fitted anew, to be judged by batches, when there are so many times more answers."""


class SeveralLearner(BatchModeLearner):
    """Fits the model that has been right most often on the random rows of later batches; asks where it is least sure.

    The random rows of a batch are drawn like those on which the stolen model is used, and no model was fitted to them
    when it is judged by them. The first model is taken unless another was right more often.
    """

    def __init__(
        self, attack: str, known: Knowledge, rng: np.random.Generator, schedule: Schedule, fits: Mapping[str, Fit]
    ) -> None:
        """``attack`` is the attack's name, for errors; ``fits`` are the models by their names, the first by default."""
        super().__init__(attack, known, rng, schedule)
        self._fits = fits
        self._judged: dict[str, Estimator] = {}  # fitted to the answers at some time, and judged by batches since
        self._judged_at = 0
        self._right = dict.fromkeys(fits, 0)

    @property
    def leader(self) -> str:
        """The name of the model that has been right most often."""
        return max(self._fits, key=self._right.__getitem__)

    def fit(self) -> Estimator:
        assert self.answers is not None
        return self._fits[self.leader](self.X, self.answers)

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        return np.argsort(lead(scores(fitted, rows)), kind="stable")[:n]

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Judge the models by the random rows of the batch, which are its last, and take its answers."""
        whole = self._pending is not None and len(X) == len(self._pending)  # the budget did not cut it
        n_random = int(self.schedule.explore * len(X)) if whole else 0
        random = np.arange(len(X)) >= len(X) - n_random
        random &= ~refusals(answers)
        for name, fitted in self._judged.items():
            if random.any():
                told = np.ma.getdata(answers)[random]
                self._right[name] += int(np.sum(fitted.predict(X[random]) == told))
        super().tell(X, answers)
        if len(self.X) >= JUDGED * self._judged_at and self.answers is not None and len(np.unique(self.answers)) > 1:
            self._judged_at = len(self.X)
            self._judged = {}
            for name, fit in self._fits.items():
                with contextlib.suppress(Exception):  # a class may need more rows than there are
                    self._judged[name] = fit(self.X, self.answers)
