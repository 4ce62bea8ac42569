"""Equation solving: linear models whose interface answers values or probabilities."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Defense, Incompatible, Knowledge, Learner, Scope
from mex.params import component, doc, whole
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.log_link import LogValues, link_to
from mex.toolkit.perturbation.inversion import Invertible
from mex_equation_solving.learner import EquationLearner
from mex_equation_solving.one_vs_rest_learner import OneVsRestLearner

MOST_WEIGHTS = 2000
"""Of a one-vs-rest model; with more of them a solution takes minutes."""


@attrs.frozen(kw_only=True)
class EquationSolving:
    """Ask d + 1 rows, read a linear equation off each answer, solve them, and check the solution with one row more.

    A value is the score <w, x> + b, or, of a generalized linear model with a log link, its exponential. Of
    probabilities the logit is, for two classes; for several their logarithms are the scores up to a common constant.
    The rows are one near the middle of the domain and one more per number and category; without an intercept d are
    enough. A saturated probability gives no equation: it is asked again closer to a row whose answer is informative,
    which takes more queries. The row more reveals answers that are rounded, clipped or otherwise not those of a linear
    model, whatever the interface declares, and the note says so; then ``extra`` further rows per unknown are asked,
    near the boundary, and the weights are fitted to all answers.

    To noisy probabilities the weights are fitted by least squares in Huber's norm, where 0 and 1 are bounds, and the
    rows that would tell most are asked. A dozen rows next to others tell how large the noise is, and so what is no
    noise. Clipped and hidden probabilities are bounds, or no equations; the others stay exact.

    A rounded answer is an interval of scores, without an end where 0 or 1 is shown. The weights are those in the middle
    of all intervals, and further rows are asked where the solution so far has the end of an interval, so that each
    answer halves what is left in a direction. An attacker who knows the ``defense`` before the model inverts its
    answers; those with several probabilities behind them count as saturated.

    Probabilities of a one-vs-rest model are no linear equations, as logistic functions of the scores are each divided
    by a sum: a row of k of them tells k - 1 equations of k (d + 1) weights, which a search solves; a fifth more rows
    than unknowns are asked, and a dozen that check the solution.

    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> from mex import Domain, Family, FittedTarget, Oracle, extract
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model, family = LinearRegression().fit(X, y), Family("linear", {"link": "identity"})
    >>> oracle = Oracle(FittedTarget.wrap(model, domain=Domain.of(X), family=family))
    >>> stolen = extract(oracle, EquationSolving().learner(oracle.knowledge(), np.random.default_rng(0)))
    >>> stolen.queries, bool(np.allclose(stolen.hypothesis.predict(X), model.predict(X), rtol=1e-12))
    (12, True)
    """

    extra: int = attrs.field(
        default=9,
        validator=whole(0),
        metadata=doc("further queries per unknown, where answers are not exactly those of a linear model"),
    )

    defense: Defense | None = attrs.field(
        default=None,
        metadata=component("defense", "a defense that is known to stand before the model, whose answers are inverted"),
    )

    scope: ClassVar[Scope] = Scope(families="linear", answers=("value", "proba"))
    paper: ClassVar[str] = "Tramèr et al. 2016, Section 4.1; Chandrasekaran et al. 2020, Example 2 and Remark 2"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; where no link of the model is declared it is taken to be the usual one, and the self-check tells.

        Raises:
            Incompatible: if the answers are no linear equations, those of ``defense`` cannot be inverted, or a
                one-vs-rest model has more than 2,000 weights.
        """
        one_by_one = knowledge.answers == "proba" and knowledge.family.public.get("link") == "one-vs-rest"
        link = "one-vs-rest" if one_by_one else link_to(knowledge, "linear equations")
        if self.defense is not None and not isinstance(self.defense, Invertible):
            raise Incompatible(f"no inverse of {type(self.defense).__name__} is known")
        if one_by_one and self.defense is not None:
            raise Incompatible("one-vs-rest answers are not inverted behind a defense")
        k = 0 if knowledge.classes is None else len(knowledge.classes)
        if one_by_one and (weights := k * (knowledge.domain.n_features + 1)) > MOST_WEIGHTS:
            raise Incompatible(f"a one-vs-rest model of {weights} weights is too large; {MOST_WEIGHTS} can be solved")
        if self.defense is None:
            read = None
        else:
            read = self.defense.bounds
            read(np.ones(1) if knowledge.classes is None else np.full((1, k), 1 / k))  # or raises

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            if one_by_one:
                return OneVsRestLearner(known, self.extra, stream)
            learner = EquationLearner(known, self.extra, stream, read)
            return LogValues(learner, link) if link in ("log", "log1p") else learner

        return self_checked(knowledge, rng, start)
