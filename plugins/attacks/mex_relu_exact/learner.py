"""The attack as a learner: a survey, the exact run, and where that does not end what fits the answers best."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps
from mex.toolkit.estimators import constant
from mex.types import Array, Estimator, FloatArray
from mex_relu_exact.chart import Chart
from mex_relu_exact.draws import Draws
from mex_relu_exact.instead import Instead
from mex_relu_exact.run import Run
from mex_relu_exact.scores import Scores
from mex_relu_exact.stolen import stolen
from mex_relu_exact.surrogate import TrainedNetwork
from mex_relu_exact.survey import Survey
from mex_relu_exact.transcript import Transcript

PART, PROMISING = 0.6, 0.95
"""The part of a budget after which the search goes on only if the network has this R² on the first rows."""
APART, MOST = 0.3, 2000
"""How far rows are apart, as a share of the range of some feature, that a network is trained on; among how many."""
UNSEARCHED = 2000
"""How many rows a network is trained on where there is no budget, and nothing else can be done."""
DISCRETE = "all features take whole numbers or levels, none of them 2,000 or more, along which kinks could be found"


class ReluLearner(GeneratorLearner):
    """Surveys a target, takes it apart, and has what it knows so far, or a trained network, meanwhile.

    Attributes:
        exact, confirmed, settled: as :class:`.self_check.SelfChecked` has them.
    """

    def __init__(self, known: Knowledge, rng: np.random.Generator, *, checks: int, limit: int) -> None:
        self.exact = False
        self.confirmed = False
        self._known = known
        self._checks = checks
        self._limit = limit if known.budget is None else min(limit, known.budget)
        self._told = Transcript(Chart(known.domain), Scores(0 if known.classes is None else len(known.classes)))
        self._draws = Draws(self._told.chart, known, rng)
        self._run = Run(self._told, self._draws)
        self._rng = rng.spawn(1)[0]
        self._trained = TrainedNetwork(known, self._rng)
        self._reason = ""
        self._instead: Instead | None = None

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
            self.exact = self._run.certificate.exact
            return
        self._reason = reason
        self.confirmed = self._known.budget is None  # then nothing else is asked
        self._instead = self._given_up()
        yield from self._instead.steps()

    @property
    def note(self) -> str:
        """How it ended."""
        if self._instead is not None:
            return f"not exact: {self._reason}; {self._instead.note} is handed over"
        return self._run.verdict() if self._run.ended else ""

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

    def _given_up(self) -> Instead:
        """What is trained on rows that are apart from each other: steps tell little but weigh much."""
        found, answers = self._trained, self._trained.answers
        trained = TrainedNetwork(self._known, self._rng)
        trained.asked = found.asked
        if answers is not None:
            some = np.linspace(0, len(found.X) - 1, min(len(found.X), MOST)).astype(int)
            some = some[self._told.chart.apart(found.X[some], APART)]
            trained.keep(found.X[some], answers[some])
        self._trained = trained
        fits = self.settled and self._told.explained() >= PROMISING
        least = 0 if self._told.chart.n_real else UNSEARCHED
        return Instead(self._known, self._rng, trained, found=self._network() if fits else None, least=least)

    def _network(self) -> Estimator:
        """The network so far."""
        return stolen(self._told.chart, self._run.network, self._known.classes)

    def hypothesis(self) -> Estimator:
        """The network as far as it is known; where that was given up, what is handed over instead."""
        if self._instead is not None:
            return self._instead.hypothesis()
        if self.settled:
            return self._network()
        classes = self._known.classes
        first = 0.0 if classes is None else classes[0]  # a few rows: the check around this fits them
        return constant(first, self._known.domain.n_features, regression=classes is None)
