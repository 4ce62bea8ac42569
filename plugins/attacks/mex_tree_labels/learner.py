"""The learner of ``tree-labels``: what predicts best near the data, until the budget is ample for the whole tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps
from mex.toolkit.active.samplers import NearData, Uniform
from mex.toolkit.estimators import constant
from mex.toolkit.trees.near_data import NearDataLearner, Settings
from mex.toolkit.trees.thresholds import Thresholds
from mex.types import Array, Estimator, FloatArray
from mex_tree_labels.search import TreeSearch

if TYPE_CHECKING:
    from mex_tree_labels.attack import TreeLabels

FIRST = 64
"""Queries near the data after which the leaves of the target are estimated, and again at each doubling."""
DOUBLINGS = 3
"""Over so many doublings of the rows the growth of the leaves is extrapolated."""
AMPLE = 1.25
"""How many times the queries of a tree of so many leaves have to be left before all of it is searched for."""
FOUND = 0.9
"""The share of the leaves expected that has to be known before the tree over the thresholds is handed over."""
DRY = 10
"""Batches in a row without a row that was not asked, after which there are none."""


class TreeLabelsLearner(GeneratorLearner):
    """Asks near the data as long as the budget is not enough for the whole tree, and then searches for that."""

    def __init__(self, attack: TreeLabels, known: Knowledge, rng: np.random.Generator, thresholds: Thresholds) -> None:
        assert known.classes is not None
        self._known = known
        self._rng = rng
        self._thresholds = thresholds
        self._classes = known.classes
        self._search = TreeSearch(attack, known, rng, thresholds)
        self._near: NearDataLearner | None = None
        self._asking_near = False

    @property
    def note(self) -> str:
        """How the search ended, and whether labels are believed that may be wrong."""
        believes = "labels may be wrong here: tree-labels believes each one, majority-vote would ask again"
        return "; ".join(filter(None, [believes if self._known.rho != 0 else "", self._search.note]))

    @property
    def natural(self) -> int:
        """How many of the rows at hand, the first, are like the data."""
        return self._near.natural if self._near is not None and self._asking_near else 0

    def steps(self) -> Steps:
        """Ask near the data until the budget seems to be ample for the whole tree, then search for all of it."""
        budget = self._known.budget
        if budget is not None:
            source = Uniform() if self._known.pool is None else NearData()
            thresholds = Thresholds(self._known.domain)  # its own: they are rough
            self._near = NearDataLearner(Settings(), self._known, self._rng, source, thresholds)
            yield from self._ask_near(self._near, budget)
        found = yield from self._search.steps()
        if self._near is not None and not found:
            yield from self._ask_near(self._near)

    def _ask_near(self, learner: NearDataLearner, budget: int | None = None) -> Steps:
        """Ask what ``learner`` does, with a ``budget`` until that seems to be ample for the whole tree."""
        due, dry = FIRST, 0
        self._asking_near = True
        while dry < DRY and (X := learner.ask()) is not None:
            before = len(self._search.answers.y)
            answers = yield X
            self._search.keep(self._thresholds.grid.cast(X), answers)
            learner.tell(X, answers)
            dry = 0 if len(self._search.answers.y) > before else dry + 1
            if budget is not None and (asked := len(learner.y)) >= due:
                due *= 2
                if AMPLE * self._search.queries(_expected_leaves(learner, budget)) <= budget - asked:
                    break
        self._asking_near = False

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep the answers that the budget left; whether to probes does not matter any more."""
        if self._near is not None and self._asking_near:
            self._near.cut(X, answers)
        self._search.keep(self._thresholds.grid.cast(X), answers)

    def hypothesis(self) -> Estimator:
        """The tree that fits the answers so far; until most of it is known, what predicts best near the data."""
        if self._near is not None and self._search.found < FOUND:
            return self._near.hypothesis()
        if len(self._search.answers.y) == 0:
            return constant(self._classes[0], self._known.domain.n_features)
        return self._search.tree()


def _expected_leaves(learner: NearDataLearner, budget: int) -> float:
    """The leaves of a tree that fits as many rows as the budget, as far as their growth so far tells."""
    n = len(learner.y)
    half, all_rows = (
        DecisionTreeClassifier(random_state=0).fit(learner.X[:m], learner.y[:m]).get_n_leaves() for m in (n // 2, n)
    )
    return float(all_rows * max(all_rows / half, 1.0) ** min(np.log2(budget / n), DOUBLINGS))
