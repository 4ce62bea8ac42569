"""The attack as a learner: a survey, the exact run, and a surrogate as long as that has not ended."""

from __future__ import annotations

from collections.abc import Generator

import attrs
import numpy as np

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps
from mex.toolkit.active.boosting import BoostedLearner, Boosting
from mex.toolkit.active.schedule import Schedule
from mex.toolkit.trees.refinement import DOUBLE
from mex.types import Array, Estimator, FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.draws import Draws
from mex_boosted_exact.run import Run
from mex_boosted_exact.scores import Scores
from mex_boosted_exact.stolen import stolen
from mex_boosted_exact.survey import Survey

HALF, PROMISING = 0.5, 0.1
"""The part of a budget after which the search goes on only if it explains this share of the first rows."""
NO_BUDGET = 10**9


class ExactLearner(GeneratorLearner):
    """Surveys a target, takes it apart, and has a surrogate meanwhile.

    Attributes:
        note: how it ended.
        exact, confirmed, settled: as :class:`.self_check.SelfChecked` has them.
    """

    settled = True

    def __init__(self, known: Knowledge, rng: np.random.Generator, *, checks: int, limit: int, trees: int) -> None:
        self.note = ""
        self.exact = False
        self.confirmed = False
        self._known = known
        self._checks = checks
        self._limit = limit if known.budget is None else min(limit, known.budget)
        self._axes = Axes(known.domain)
        self._draws = Draws(self._axes, known.pool, rng)
        self._scores = Scores.of(known, rng)
        double = known.family.public.get("precision") == DOUBLE
        self._run = Run(self._axes, self._scores, self._draws, double=double)
        self._surrogate = _surrogate(known, rng.spawn(1)[0], trees)
        self._stolen: Estimator | None = None

    def steps(self) -> Steps:
        """Survey, search, and where that leads to no end, go on as the surrogate does."""
        survey = Survey(self._run.told, self._draws)
        for search in (survey.steps(), self._run.steps(self._checks)):
            reason = (yield from self._kept(search)) or survey.reason or self._run.reason
            if reason:
                break
        if not reason:
            coefficients, reason = self._run.told.coefficients()
            if not reason:
                self.exact = self.confirmed = True
                self._stolen = self._exact(coefficients)
                return
        self.confirmed = self._known.budget is None  # then nothing more is asked
        self.note = f"not exact: {reason}; the surrogate of all answers is handed over"
        while self._known.budget is not None and (X := self._surrogate.ask()) is not None:
            self._surrogate.tell(X, (yield X))

    def _kept(self, search: Steps) -> Generator[FloatArray, Array, str]:
        """Let a search ask, and keep what it is told; why it was given up, or "" if it ended."""
        limit, first = self._limit, int(HALF * self._limit) if self._known.budget else self._limit
        X = next(search, None)
        while X is not None:
            asked = self._surrogate.asked + len(X)
            if asked > limit or (asked > first and self._run.told.explained() < PROMISING):
                return (
                    f"{self._run.told.explained():.0%} of the first answers are explained after {asked - len(X)} rows"
                )
            first = limit if asked > first else first
            answers = yield X
            self.cut(X, answers)
            try:
                X = search.send(answers)
            except StopIteration:
                X = None
        return ""

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep answers for the surrogate."""
        self._surrogate.asked += len(X)
        self._surrogate.keep(X, answers)

    def _exact(self, coefficients: FloatArray) -> Estimator:
        run, known = self._run, self._known
        found = stolen(known.domain, self._axes.double, self._scores.link, run.total, coefficients, known.classes)
        thresholds = sum(map(len, found.thresholds_.values()))
        off = run.told.certified(run.clean)
        twice = ", those drawn before among them" if run.clean > len(run.store) else ""
        near = f", and on less than {9 / run.clean:.2%} of the third of them that is near the data"
        near *= self._draws.pool is not None
        self.note = (
            f"exact: a clone of {len(run.total)} terms with {thresholds} thresholds; right to {off:.1g} at the last"
            f" {run.clean} random rows{twice}, so wrong on less than {3 / run.clean:.2%} of such rows{near} (95 %"
            " confidence)"
        )
        return found

    def hypothesis(self) -> Estimator:
        """The exact model, or as long as there is none the surrogate."""
        return self._surrogate.hypothesis() if self._stolen is None else self._stolen


def _surrogate(known: Knowledge, rng: np.random.Generator, trees: int) -> BoostedLearner:
    """What ``boosted-surrogate`` would be with the rows that the search asks."""
    pool = known.pool is not None and len(known.pool) > 0
    plan = Schedule(
        sampler="near" if pool else "uniform", start=50, batch=20, growth=0.25, explore=0.25, candidates=4000
    )
    known = known if known.budget is not None else attrs.evolve(known, budget=NO_BUDGET)
    return BoostedLearner("boosted-exact", known, rng, plan, Boosting(trees=trees))
