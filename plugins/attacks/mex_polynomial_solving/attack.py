"""Equation solving where scores are polynomials of the features."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import doc, whole
from mex.toolkit.log_link import LogValues, link_to
from mex_polynomial_solving.learner import PolynomialLearner
from mex_polynomial_solving.lift import Lift

MOST_UNKNOWNS = 2000
"""With more of them a solution takes minutes."""


@attrs.frozen(kw_only=True)
class PolynomialSolving:
    """Ask one row per coefficient, read an equation off each answer, solve them, and check the solution on more rows.

    The scores of Gaussian naive Bayes are sums of squares, 2 d + 1 coefficients for each class; those of quadratic
    discriminant analysis and of linear models of ``PolynomialFeatures`` have products, too, (d + 1) (d + 2) / 2 of the
    second degree. Values are scores, or exponentials of them, and logarithms of probabilities are up to a common
    constant, so that answers are linear equations in the coefficients. Rows are drawn near one whose answer is not
    saturated, as far off as answers stay so. Such a solution is inaccurate far from there; rows near its boundary,
    anywhere on the domain and like the data are asked next, some rounds long, until two rounds in a row are answered as
    it predicts. Where none are, as behind rounding or noise, the copy is what fits the answers best, and the note says
    so.

    >>> import mex
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X, y = load_iris(return_X_y=True)
    >>> model = GaussianNB().fit(X, y)
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(model, domain=mex.Domain.of(X)), answers="proba")
    >>> learner = PolynomialSolving().learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.allclose(stolen.hypothesis.predict_proba(X), model.predict_proba(X), atol=1e-6))
    True
    """

    rounds: int = attrs.field(
        default=8, validator=whole(1), metadata=doc("of rows that check the solution, before answers count as inexact")
    )

    scope: ClassVar[Scope] = Scope(families="polynomial", answers=("value", "proba"))
    paper: ClassVar[str] = "after Tramèr et al. 2016, Section 4.1, whose scores are linear"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start.

        Raises:
            Incompatible: if answers are no equations, or there are more than 2,000 coefficients.
        """
        public, link = knowledge.family.public, link_to(knowledge)
        lift = Lift(knowledge.domain.n_features, int(public.get("degree", 2)), bool(public.get("cross", True)))
        if lift.columns > MOST_UNKNOWNS:
            raise Incompatible(
                f"a polynomial of {lift.columns} coefficients is too large; {MOST_UNKNOWNS} can be solved"
            )
        learner = PolynomialLearner(knowledge, lift, self.rounds, rng)
        return LogValues(learner, link) if link in ("log", "log1p") else learner
