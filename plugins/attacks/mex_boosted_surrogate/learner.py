"""The learner of ``boosted-surrogate`` from labels: of several models the one that predicts best."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mex import Knowledge
from mex.target import refusals
from mex.toolkit.active.batch_mode import BatchModeLearner
from mex.toolkit.active.schedule import Schedule
from mex.toolkit.contest import Contest, Fit
from mex.types import Array, Estimator, FloatArray
from mex_boosted_surrogate.students import Remembering, lead, scores

JUDGED = 2
"""All models are fitted anew, to be judged by batches, when there are so many times more answers."""

SURELY = 1.5
"""By so many standard errors another model has to be right more often than the first."""


class SeveralLearner(BatchModeLearner):
    """Fits the model that has been right most often on the random rows of later batches; asks where it is least sure.

    The random rows of a batch are drawn like those on which the stolen model is used, and no model was fitted to them
    when it is judged by them. The first model is taken unless another was right more often, by standard errors. Where
    all columns are whole numbers or categories and labels are right, rows that were asked are answered as they were.
    """

    def __init__(
        self, attack: str, known: Knowledge, rng: np.random.Generator, schedule: Schedule, fits: Mapping[str, Fit]
    ) -> None:
        """``attack`` is the attack's name, for errors; ``fits`` are the models by their names, the first by default."""
        super().__init__(attack, known, rng, schedule)
        self._contest = Contest(fits, again=JUDGED, errors=SURELY)
        self._remembers = known.rho == 0 and bool(known.domain.discrete.all())

    @property
    def leader(self) -> str:
        """The name of the model that has been right most often."""
        return self._contest.leader

    def fit(self) -> Estimator:
        assert self.answers is not None
        return self._contest.fits[self.leader](self.X, self.answers)

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        return np.argsort(lead(scores(fitted, rows)), kind="stable")[:n]

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Judge the models by the random rows of the batch, which are its last, and take its answers."""
        whole = self._pending is not None and len(X) == len(self._pending)  # the budget did not cut it
        n_random = int(self.schedule.explore * len(X)) if whole else 0
        random = np.arange(len(X)) >= len(X) - n_random
        random &= ~refusals(answers)
        if random.any():
            self._contest.judge(X[random], np.ma.getdata(answers)[random])
        super().tell(X, answers)
        if self.answers is not None and len(np.unique(self.answers)) > 1:
            self._contest.refit(self.X, self.answers)

    def hypothesis(self) -> Estimator:
        """The model, with the answers so far where it remembers them."""
        model = super().hypothesis()
        return model if self.answers is None or not self._remembers else Remembering(model, self.X, self.answers)
