"""The learner: it asks the row that its posterior is least sure of, and ends when nothing is left open."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.learner import GeneratorLearner, Steps
from mex.toolkit.bayes_point.encoding import Encoding
from mex.toolkit.bayes_point.opening import open_box
from mex.toolkit.bayes_point.posterior import Posterior, SignModel
from mex.toolkit.bayes_point.queries import Queries, Settings
from mex.toolkit.bayes_point.scores import Scores
from mex.toolkit.bayes_point.version_space import VersionSpace
from mex.toolkit.estimators import constant, linear_classifier
from mex.types import Array, Estimator, FloatArray

WITHIN = 1.12
"""The error that is kept with probability 0.9, as a multiple of its root mean square."""
LATE = 1
"""After how many answers for each weight rows are asked only if they are open; nearly all are before."""
VERIFY = 12
"""How many random rows are asked at the end, where the share of wrong labels was not known and none seems to be."""
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
        self._verified = False
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
        encoding = Encoding(opened.domain, bool(known.family.public.get("intercept", True)))
        if encoding.d == 0:
            self._seen = (yield known.domain.sample(1, self._rng)).tolist()
            return
        scores = self._scores = Scores(len(self._classes), encoding)
        self._posterior = Posterior(scores.d, SignModel(ASSUMED if known.rho is None else known.rho))
        queries = self._queries = Queries(known, scores, self._posterior, self._settings, self._rng)
        if len(opened.rows):
            self._learn(opened.rows, opened.labels)
        while self.error > self._settings.eps:
            queries.exact = self._only_open
            rows = queries.choose()
            if len(rows) == 0:
                if self._changed_its_mind():
                    continue
                if not self._estimates_rho or self._verified or self._posterior.model.rho > 0:
                    break
                self._verified, rows = True, known.domain.sample(VERIFY, self._rng)
            self._learn(rows, (yield rows))
        else:
            return
        self.note = self._end(queries)

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
        self._posterior.model = SignModel() if rho > 0 else SignModel(max(ASSUMED / 10, 1 / self._answers))
        self._posterior.refine()
        return True

    def _end(self, queries: Queries) -> str:
        if not queries.exact:
            return self._objection
        if queries.complete:
            return "the label of every row of the domain follows from the answers"
        return "no row was found that the answers leave open"

    def hypothesis(self) -> Estimator:
        """The linear model of the posterior mean; as long as one label was seen, that label."""
        if len(self._seen) < 2 or self._scores is None:
            label = self._seen[0] if self._seen else self._classes[0]
            return constant(label, self._known.domain.n_features)
        coef, intercept = self._scores.linear(self._posterior.mean)
        return linear_classifier(coef, intercept, self._classes)
