"""The learner: it asks the row that its posterior is least sure of, and ends when nothing is left open."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import attrs
import numpy as np
from scipy.stats import binom

from mex.knowledge import Knowledge
from mex.learner import GeneratorLearner, Steps
from mex.toolkit.bayes_point.encoding import Encoding
from mex.toolkit.bayes_point.opening import open_box
from mex.toolkit.bayes_point.posterior import LARGEST, Posterior, SignModel
from mex.toolkit.bayes_point.queries import Queries, Settings
from mex.toolkit.bayes_point.scores import Scores
from mex.toolkit.bayes_point.version_space import VersionSpace
from mex.toolkit.bounds import capacity
from mex.toolkit.estimators import constant, linear_classifier
from mex.types import Array, Estimator, FloatArray

WITHIN = 1.12
"""The error that is kept with probability 0.9, as a multiple of its root mean square."""
LATE = 1
"""After how many answers for each weight rows are asked only if they are open; nearly all are before."""
VERIFY = 12
"""How many random rows are asked at the end, where the share of wrong labels was not known; where some are wrong, also
so many just beyond doubt that they tell as much as these would without."""
CHANCE = 0.05
"""How improbable it has to be that so many of them are answered otherwise for the share to count as wrong."""
DOUBT = 1.5
"""How many times more rows may be mislabelled than the posterior expects, where answers may be wrong."""
LAST = 2
"""For how many of the rows found last, for each of two classes in order, boundaries have to be known."""
CAUTION = (1.0, 2.0)
"""How many times more these may be off than they seem: of several classes, and of two, whose error is known too."""
ASSUMED = 0.1
"""The share of wrong labels that is assumed at first where it is not known."""


class BayesPointLearner(GeneratorLearner):
    """A learner of a linear model from labels, on any domain.

    Args:
        known: what the attacker knows; ``rho`` is None if it is to be estimated.
        rng: for the rows that a search starts from.
        settings: the parameters.

    Attributes:
        note: how it ended, if not by its error; or that the answers are not those of a linear model.
    """

    def __init__(self, known: Knowledge, rng: np.random.Generator, settings: Settings) -> None:
        assert known.classes is not None
        self._known = known
        self._rng = rng
        self._settings = settings
        self._classes = known.classes
        self._index: dict[Any, int] = {label: i for i, label in enumerate(known.classes.tolist())}
        self._seen: list[Any] = []  # the labels that occurred
        self._scores: Scores | None = None
        self._posterior = Posterior(1)
        self._queries: Queries | None = None
        self._answers = 0
        self._unrefined = 0
        self._estimates_rho = known.rho is None
        self._objection = ""
        self.note = ""

    @property
    def settled(self) -> bool:
        """Whether its hypothesis is taken unless another is clearly better: as soon as it has seen two labels."""
        return len(self._seen) > 1

    @property
    def error(self) -> float:
        """The geometric error that it allows itself, in its own estimate.

        Some weights may be out of sight, as those of a category whose rows are all of one class, or of two classes that
        never meet. So it is no more than how far off boundaries were at the rows found last.
        """
        if self._scores is None or self._queries is None:
            return 1.0
        k, widths = self._scores.k, self._queries.widths
        last = self._scores.d if k == 2 else LAST * k * (k - 1)
        seen = CAUTION[k == 2] * max(widths[-last:]) if len(widths) >= last else 1.0
        whole = WITHIN * self._posterior.error(self._scores.metric) if k == 2 else 1.0
        return min(whole, seen, 1.0)

    def steps(self) -> Steps:
        """Find a box with a boundary, if the domain is none; then ask until the error is small or no row is left."""
        opened = yield from open_box(self._known, self._rng)
        known = attrs.evolve(self._known, domain=opened.domain)
        encoding = Encoding(opened.domain, bool(known.family.public.get("intercept", True)), known.pool)
        if encoding.d == 0:
            self._seen = (yield known.domain.sample(1, self._rng)).tolist()
            return
        scores = self._scores = Scores(len(self._classes), encoding)
        self._posterior = Posterior(scores.d, SignModel(ASSUMED if known.rho is None else known.rho))
        queries = self._queries = Queries(known, scores, self._posterior, self._settings, self._rng)
        if len(opened.rows):
            self._learn(opened.rows, opened.labels)
        confirmed = not self._estimates_rho
        while True:
            queries.open.exact = self._only_open
            near_enough = self.error <= self._settings.eps
            rows = np.empty((0, known.domain.n_features)) if near_enough else queries.choose()
            if len(rows):
                self._learn(rows, (yield rows))
            elif not near_enough and self._changed_its_mind():
                confirmed = False
            elif confirmed:
                break
            else:
                confirmed = yield from self._confirm(known)
        self.note = self._end(queries, near_enough)

    def _confirm(self, known: Knowledge) -> Generator[FloatArray, Array, bool]:
        """Whether random rows are answered as expected, where the share of wrong labels was not known.

        Rows at even odds hardly tell it: whatever their labels, some model has most of them right. If some are wrong,
        rows just beyond doubt are asked as well, half of which a grossly wrong model has wrong. If not all are as
        expected, a larger share is assumed, and sites are chosen anew.
        """
        assert self._queries is not None
        rows, posterior = known.domain.sample(VERIFY, self._rng), self._posterior
        if posterior.model.rho > 0:
            n = math.ceil(VERIFY / capacity(posterior.model.rho))
            rows = np.concatenate([rows, self._queries.search.just_sure(posterior.mean, posterior.cov, n)])
        expected = self.hypothesis().predict(rows)
        answers = yield rows
        self._learn(rows, answers)
        wrong, rho = int(np.sum(answers != expected)), self._posterior.model.rho
        if wrong == 0 or (rho > 0 and binom.sf(wrong - 1, len(rows), rho) > CHANCE):
            return True
        if rho > 0:
            self._posterior.restart(SignModel(min(wrong / len(rows), LARGEST)))
        return False

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Learn from what the budget left of the last rows."""
        if self._scores is not None:
            self._learn(X, answers)

    def _learn(self, rows: FloatArray, answers: Array) -> None:
        assert self._scores is not None
        labels = np.array([self._index[label] for label in answers.tolist()], dtype=int)
        self._seen = list(dict.fromkeys(self._seen + answers.tolist()))
        self._posterior.add(self._scores.signed_rows(self._scores.encoding.encode(rows), labels))
        self._answers += len(rows)
        self._unrefined += len(rows)
        if self._unrefined >= max(1, self._scores.d // 10):
            self._unrefined = 0
            self._posterior.refine()
            if self._estimates_rho and self._posterior.model.rho > 0:
                self._posterior.learn_rho()

    @property
    def _only_open(self) -> bool:
        """Whether rows are asked only if the answers leave them open: labels are right, as far as one can tell."""
        late = self._answers > LATE * self._posterior.d
        return late and self._settings.certify and self._posterior.model.rho == 0

    def _changed_its_mind(self) -> bool:
        """Whether, with no row left to ask, labels taken for right turn out not to be, or the other way round."""
        rho = self._posterior.model.rho
        if not self._settings.certify or not self._answers or (rho > 0 and not self._estimates_rho):
            return False
        if VersionSpace(self._posterior).empty == (rho > 0):
            return False
        if rho == 0 and not self._estimates_rho:
            self._objection = "no linear model gives all of these answers"
        self._estimates_rho = True
        self._posterior.restart(SignModel(0.0 if rho > 0 else max(ASSUMED / 10, 1 / self._answers)))
        return True

    def _end(self, queries: Queries, near_enough: bool) -> str:
        if not queries.open.exact:
            if self._posterior.model.rho == 0:
                return self._objection
            share, rho = DOUBT * queries.expected_wrong(), self._posterior.model.rho
            return f"with {rho:.2g} of the answers wrong, about {max(share, 1e-5):.1g} of all rows may be mislabelled"
        if near_enough:
            return ""
        if queries.open.complete:
            return "the label of every row of the domain follows from the answers"
        return "no row was found that the answers leave open"

    def hypothesis(self) -> Estimator:
        """The linear model of the posterior mean; as long as one label was seen, that label."""
        if len(self._seen) < 2 or self._scores is None:
            label = self._seen[0] if self._seen else self._classes[0]
            return constant(label, self._known.domain.n_features)
        coef, intercept = self._scores.linear(self._posterior.mean)
        return linear_classifier(coef, intercept, self._classes)
