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
from mex_boosted_exact.leftover import with_search
from mex_boosted_exact.run import Run
from mex_boosted_exact.scores import Scores
from mex_boosted_exact.stolen import stolen
from mex_boosted_exact.survey import Survey
from mex_boosted_exact.transcript import FIRST

PROMISING = ((0.25, 0.02), (0.5, 0.1), (0.75, 0.33))
"""Parts of a budget, and the shares of the first rows that a search explains there at least that ends within it, but
for one of a sum over features, which takes few rows and explains nothing before its end."""
RIGHT = 50
"""After as many random rows without residual a sum is handed over whose checks the budget does not cover."""
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
        self._boosting = Boosting(trees=trees)
        self._surrogate = _surrogate(known, rng.spawn(1)[0], self._boosting)
        self._stolen: Estimator | None = None
        self._searched: tuple[FloatArray, Array] | None = None  # what a search that was given up was told
        self._handed: tuple[int, Estimator] | None = None  # after how many rows of its own a surrogate was chosen

    def steps(self) -> Steps:
        """Search, and where that leads to no end, go on as the surrogate does; at once if the budget is not for it."""
        reason = yield from self._taken_apart()
        if not reason:
            self.exact = self.confirmed = True
            return
        self.confirmed = self._known.budget is None  # then nothing more is asked
        if self._run.clean >= RIGHT and not self._run.reason:
            coefficients, otherwise = self._run.told.coefficients()
            if not otherwise:
                self._stolen = self._exact(coefficients)
                self.note = (
                    f"not known to be exact: {reason}; a clone of {len(self._run.total)} terms is handed over that is"
                    f" right at the last {self._run.clean} random rows"
                )
                return
        self.note = f"not exact: {reason}; the surrogate of all answers is handed over"
        if self._known.budget is not None:
            yield from self._go_on(self._surrogate)

    def _go_on(self, before: BoostedLearner) -> Steps:
        """Spend the rest of a budget as the surrogate does, which learns from its own rows and the first of the survey.

        Whether those of the search are of use is found out when it is handed over.
        """
        X, answers = before.X, before.answers
        if answers is not None and len(X) > 2 * FIRST:
            self._searched = X[FIRST:], answers[FIRST:]
            self._surrogate = _surrogate(self._known, self._draws.rng.spawn(1)[0], self._boosting)
            self._surrogate.tell(X[:FIRST], answers[:FIRST])
        while (rows := self._surrogate.ask()) is not None:
            self._surrogate.tell(rows, (yield rows))

    def _taken_apart(self) -> Generator[FloatArray, Array, str]:
        """Find the exact model; the reason why there is none, or ""."""
        budget = self._known.budget
        if budget is not None and budget < self._checks:
            return f"the {self._checks} rows that check a clone are more than the {budget} that the budget leaves"
        survey = Survey(self._run.told, self._draws)
        for search in (survey.steps(), self._run.steps(self._checks)):
            reason = (yield from self._kept(search)) or survey.reason or self._run.reason
            if reason:
                return reason
        coefficients, reason = self._run.told.coefficients()
        if not reason:
            self._stolen = self._exact(coefficients)
            self.note = self._said()
        return reason

    def _kept(self, search: Steps) -> Generator[FloatArray, Array, str]:
        """Let a search ask, and keep what it is told; why it was given up, or "" if it ended."""
        marks = [] if self._known.budget is None else list(PROMISING)
        X = next(search, None)
        while X is not None:
            asked = self._surrogate.asked + len(X)
            over = asked > self._limit
            while self._run.adds_up is False and marks and asked > marks[0][0] * self._limit:
                over = over or self._run.told.explained() < marks[0][1]
                del marks[0]
            if over:
                search.close()
                return (
                    f"{self._run.told.explained():.0%} of the first answers are explained after {asked - len(X)} rows"
                )
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
        return stolen(known.domain, self._axes.double, self._scores.link, run.total, coefficients, known.classes)

    def _said(self) -> str:
        """What is known of the exact model."""
        assert self._stolen is not None
        run = self._run
        thresholds = sum(map(len, self._stolen.thresholds_.values()))
        off, mute = run.told.certified(run.clean)
        twice = ", those drawn before among them" if run.clean > len(run.store) else ""
        near = f", and on less than {9 / run.clean:.2%} of the third of them that is near the data"
        near *= self._draws.pool is not None
        silent = f", {mute} of which are answered 0 or 1" if mute else ""
        labels = "; it answers other labels than the likeliest" * (self._known.family.public.get("link") == "threshold")
        return (
            f"exact: a clone of {len(run.total)} terms with {thresholds} thresholds; right to {off:.1g} at the last"
            f" {run.clean} random rows{twice}{silent}, so wrong on less than {3 / run.clean:.2%} of such rows{near}"
            f" (95 % confidence){labels}"
        )

    def hypothesis(self) -> Estimator:
        """The exact model, or as long as there is none the surrogate."""
        if self._stolen is not None:
            return self._stolen
        own, answers = self._surrogate, self._surrogate.answers
        if self._searched is None or answers is None:
            return own.hypothesis()
        if self._handed is None or self._handed[0] != len(own.X):
            estimator = self._boosting.estimator(self._known, 0)
            best = with_search(estimator, (own.X, answers), self._searched)
            self._handed = len(own.X), own.hypothesis() if best is None else best
        return self._handed[1]


def _surrogate(known: Knowledge, rng: np.random.Generator, boosting: Boosting) -> BoostedLearner:
    """What ``boosted-surrogate`` would be with the rows that the search asks."""
    pool = known.pool is not None and len(known.pool) > 0
    plan = Schedule(
        sampler="near" if pool else "uniform", start=50, batch=20, growth=0.25, explore=0.25, candidates=4000
    )
    known = attrs.evolve(known, budget=NO_BUDGET)  # it is cut by the budget, and not done: it claims nothing
    return BoostedLearner("boosted-exact", known, rng, plan, boosting)
