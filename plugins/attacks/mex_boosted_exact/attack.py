"""Exact extraction of boosted trees and forests from values or probabilities."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import doc, whole
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.trees.grid import LARGEST
from mex_boosted_exact.learner import ExactLearner


@attrs.frozen(kw_only=True)
class BoostedExact:
    """Recover the function of a boosted ensemble, or of a forest, exactly, from its values or probabilities.

    Neither data nor depth, number of trees or library need to be known. Seen from one point a sum of trees is a sum of
    monomials, one for each set of thresholds that have an effect together when all of them are crossed; what is left of
    the answers is taken off monomial by monomial (:mod:`mex_boosted_exact.monomials`). The rows needed grow with their
    number: some thousand for a hundred trees of depth 2, some ten thousand for depth 3 or 4; where the model is a sum
    of functions of one feature, such as stumps, rows tell bits of thresholds on many features at once. A category costs
    as many rows as a number of its levels, and a missing value is one more level. Searches go on side by side, a row of
    each in a batch; rows of the data, if there are any, tell where thresholds are likely to be.

    The end is ``checks`` rows in a row of three kinds (uniform, or near the data; in random cells between thresholds;
    at corners of the domain) where nothing is left, which bounds the share of such rows on which the stolen model is
    wrong. ``thresholds_`` of the stolen model has the thresholds, to the last bit of float32, or of float64 where the
    model is known, or found, to compare in it; ``describe()`` lists them and the terms, for people. The first 200 rows
    tell whether answers are rounded, noisy or saturated; then, and as long as the end is not reached, the hypothesis is
    that of ``boosted-surrogate`` fitted to the same rows. A budget below ``checks`` is spent as that attack does.

    >>> import mex
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import GradientBoostingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> boosted = GradientBoostingRegressor(n_estimators=10, max_depth=2, random_state=0).fit(X, y)
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(boosted, domain=mex.Domain.of(X)))
    >>> learner = BoostedExact(checks=300).learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.abs(stolen.hypothesis.predict(X) - boosted.predict(X)).max() < 1e-11)
    True
    """

    checks: int = attrs.field(
        default=3000,
        validator=whole(30),
        metadata=doc(
            "random rows, one after the other, that have to be right at the end: fewer than 3/checks are wrong"
        ),
    )
    limit: int = attrs.field(
        default=400_000, validator=whole(1), metadata=doc("rows after which an end that is not in sight is given up")
    )

    trees: int = attrs.field(default=400, validator=whole(1), metadata=doc("trees of the surrogate"))

    scope: ClassVar[Scope] = Scope(families=("boosted", "forest", "tree"), answers=("value", "proba"))
    paper: ClassVar[str] = "new here; the surrogate is Friedman 2001"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses features without bounds, or with numbers that sums of them would overflow, and bent answers.

        Raises:
            Incompatible: in these cases.
        """
        domain = knowledge.domain
        if knowledge.family.public.get("link") == "bent":
            raise Incompatible(
                "boosted-exact takes sums of trees apart, and these answers are bent: no sum, nor log-odds of one"
            )
        if not domain.bounded:
            i = int(np.argmin(np.isfinite(domain.lower) & np.isfinite(domain.upper)))
            raise Incompatible(f"boosted-exact searches from bound to bound, and {domain.name(i)} has no finite ones")
        if (far := np.flatnonzero(np.maximum(-domain.lower, domain.upper) > LARGEST)).size:
            raise Incompatible(
                f"boosted-exact searches numbers up to {LARGEST:.2g}, and {domain.name(int(far[0]))} has greater ones"
            )

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            return ExactLearner(known, stream, checks=self.checks, limit=self.limit, trees=self.trees)

        return self_checked(knowledge, rng, start)
