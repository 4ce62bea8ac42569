"""The attack as a learner: a survey, the exact run, and where that does not end what fits the answers best."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps
from mex.toolkit.checking.fits import best_fit
from mex.toolkit.checking.readings import Told
from mex.toolkit.estimators import constant
from mex.types import Array, Estimator, FloatArray
from mex_relu_exact.chart import Chart
from mex_relu_exact.draws import Draws
from mex_relu_exact.mixed import MixedRun
from mex_relu_exact.run import Run
from mex_relu_exact.scores import Scores
from mex_relu_exact.stolen import stolen
from mex_relu_exact.surrogate import TrainedNetwork
from mex_relu_exact.survey import Survey
from mex_relu_exact.transcript import Transcript

PART, PROMISING = 0.6, 0.95
"""The part of a budget after which the search goes on only if the network has this R² on the first rows."""
APART = 0.3
"""How far rows are apart, as a share of the range of some feature, that a model is fitted to: steps are too alike."""
UNSEARCHED = 2000
"""How many rows a network is trained on where there is no budget, and nothing else can be done."""
DISCRETE = "all features take whole numbers or levels, none of them 2,000 or more, along which kinks could be found"
EXACT = 1e-8
"""How far, as a share of the size of scores, a network may be off that is called exact."""


class ReluLearner(GeneratorLearner):
    """Surveys a target, takes it apart, and has what it knows so far, or a trained network, meanwhile.

    Attributes:
        note: how it ended.
        exact, confirmed, settled: as :class:`.self_check.SelfChecked` has them.
    """

    def __init__(self, known: Knowledge, rng: np.random.Generator, *, checks: int, limit: int) -> None:
        self.note = ""
        self.exact = False
        self.confirmed = False
        self._known = known
        self._checks = checks
        self._limit = limit if known.budget is None else min(limit, known.budget)
        self._told = Transcript(Chart(known.domain), Scores(0 if known.classes is None else len(known.classes)))
        self._draws = Draws(self._told.chart, known, rng)
        self._run = (MixedRun if self._told.chart.mixed else Run)(self._told, self._draws)
        self._trained = TrainedNetwork(known, rng.spawn(1)[0])
        self._given_up = False
        searched = self._told.chart.n_real > 0
        self._to_train = known.budget if known.budget is not None else 0 if searched else UNSEARCHED
        self._best: tuple[int, Estimator] | None = None

    def steps(self) -> Steps:
        """Survey, peel, and where that leads to no end, ask random rows for a network that is trained."""
        reason = DISCRETE
        if self._told.chart.n_real:
            survey = Survey(self._told, self._draws)
            reason = yield from self._kept(survey.steps())
            reason = reason or survey.reason
        if not reason:
            reason = yield from self._kept(self._run.steps(self._checks))
            reason = reason or self._run.reason
        if not reason:
            self.exact = self._run.largest <= EXACT
            self.note = self._run.verdict()
            return
        self._given_up = True
        self.confirmed = self._known.budget is None  # then nothing more is asked
        self.note = f"not exact: {reason}; what fits all answers best is handed over"
        while self._trained.asked < self._to_train and (X := self._trained.ask()) is not None:
            self._trained.tell(X, (yield X))

    def _kept(self, search: Steps) -> Generator[FloatArray, Array, str]:
        """Let a search ask, and keep what it is told; why it was given up, or "" if it ended."""
        limit, first = self._limit, self._limit if self._known.budget is None else int(PART * self._limit)
        X = next(search, None)
        while X is not None:
            asked = self._trained.asked
            if asked + len(X) > limit or (asked + len(X) > first and self._told.explained() < PROMISING):
                return f"the end is not in sight after {asked} rows, with {len(self._run.network)} neurons"
            first = limit if asked + len(X) > first else first
            answers = yield X
            self.cut(X, answers)
            try:
                X = search.send(answers)
            except StopIteration:
                X = None
        return ""

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep answers for what is trained on them."""
        self._trained.asked += len(X)
        self._trained.keep(X, answers)

    @property
    def settled(self) -> bool:
        """Whether there is a network."""
        return self._run.begun

    def hypothesis(self) -> Estimator:
        """The network as far as it is known; where that was given up, what fits the answers best."""
        n, classes = len(self._trained.X), self._known.classes
        if not self._given_up and self.settled:
            return stolen(self._told.chart, self._run.network, classes)
        if not self._given_up or n == 0:  # a few rows: the check around this fits them
            first = 0.0 if classes is None else classes[0]
            return constant(first, self._known.domain.n_features, regression=classes is None)
        if self._given_up and self._to_train:
            return self._trained.hypothesis()
        if self._best is None or self._best[0] != n:
            told = Told(self._known)
            apart = self._told.chart.apart(self._trained.X, APART)
            told.add(self._trained.X[apart], np.asarray(self._trained.answers)[apart])
            self._best = n, best_fit(Told(self._known), told.complete(), self._known, 0, any_class=True).model
        return self._best[1]
