"""Halfspace extraction by bisection of the ratios of weights."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import between, doc, one_of, optional
from mex.toolkit.bayes_point.queries import Settings
from mex.toolkit.bayes_point.start import bayes_point
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.halfspaces.adapter import HalfspaceLearner
from mex.toolkit.halfspaces.multiclass import PairwiseLearner
from mex_pivot.exact import ExactSearch
from mex_pivot.handover import hands_over
from mex_pivot.joint import LARGEST_DIMENSION, JointSearch
from mex_pivot.noisy import LARGEST_RHO, NoisySearch
from mex_pivot.search import Goal, Search

FINEST = 1e-9
"""The smallest error that is aimed at on whole numbers and categories."""
BATCH = {"sequential": 1, "batch": 10}
"""How many rows are asked at once there."""


@attrs.frozen(kw_only=True)
class Pivot:
    """Bisect the ratio of each weight to a pivot weight, by an exact posterior.

    In a basis with <w*, pivot> > 0 the direction b_j - t pivot is answered by whether the ratio v_j of <w*, b_j> to
    <w*, pivot> is above t. So the version space is a box in the ratios; its halving, centroid and size have closed
    forms, and a query takes O(d) time. If answers may be wrong, one joint posterior is taken for normal and directions
    at even odds are asked, then some off its mean to test it (``mex_pivot.joint``). In very many dimensions it is a
    product of one-dimensional ones; each query asks a median (probabilistic bisection), and group queries then rule out
    gross errors of several ratios at once: a note says that its confidence is not that of all ratios together. No two
    queries are alike, so sticky noise is no harder than fresh noise.

    A model with an intercept, in a box, or of several classes is brought to that form first
    (:mod:`mex.toolkit.halfspaces`). Interfaces with whole numbers or categories are handed over to the learner of
    ``bayes-point``, which ends at the same error, or when no row is left open; so are boxes where the budget ends
    before ``eps`` is reached, as its hypothesis is good at any time. With ``rho`` = 0 wrong answers are not noticed; an
    unknown rate is estimated from the answers, at the upper end.

    >>> from mex import Family, FittedTarget, Oracle, extract, halfspace
    >>> from mex.toolkit.bounds import query_bound
    >>> rng = np.random.default_rng(0)
    >>> w = rng.standard_normal(30)
    >>> target = FittedTarget.wrap(halfspace(w), family=Family("linear", {"intercept": False}))
    >>> oracle = Oracle(target)
    >>> stolen = extract(oracle, Pivot(eps=1e-4).learner(oracle.knowledge(), rng))
    >>> error = np.linalg.norm(stolen.hypothesis.coef_[0] - w / np.linalg.norm(w))
    >>> f"{stolen.queries / query_bound(30, 1e-4):.1f} times the bound", bool(error <= 1e-4)
    ('1.1 times the bound', True)
    """

    eps: float = attrs.field(
        default=1e-4,
        validator=between(1e-300, 1),
        metadata=doc("geometric error wanted: ||w_hat - w*|| of unit normals"),
    )
    stop: str = attrs.field(
        default="confidence",
        validator=one_of("confidence", "rms", "certified"),
        metadata=doc(
            "what is to be within eps: the error with probability confidence, its root mean square, or the error in "
            "the worst case (which needs rho = 0)"
        ),
    )
    confidence: float = attrs.field(
        default=0.9,
        validator=between(0.5, 0.999),
        metadata=doc(
            "probability of an error within eps, over w* uniform on the sphere or, in a random basis, for any w*"
        ),
    )
    rho: float | None = attrs.field(
        default=None,
        validator=optional(between(0, LARGEST_RHO)),
        metadata=doc("probability of a wrong label; left out, it is what the target declares, or is estimated"),
    )
    mode: str = attrs.field(
        default="sequential",
        validator=one_of("sequential", "batch"),
        metadata=doc(
            "ask few directions at a time for fewer queries, or many together for fewer asks: where a tenth of "
            "the labels is wrong, about a sixth of them"
        ),
    )
    basis: str = attrs.field(
        default="random",
        validator=one_of("random", "canonical"),
        metadata=doc(
            "orthonormal basis of the ratios: random, or the features (queries of 2 or 3 non-zeros; weights that are "
            "zero or equal can make its errors larger than the confidence says)"
        ),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), families="linear", answers="label")
    paper: ClassVar[str] = (
        "this project's own; on Lowd and Meek 2005 (ratios by line search), Horstein 1963 and Karp and Kleinberg 2007 "
        "(bisection with wrong answers)"
    )

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start on the homogeneous problem behind the target's chart, for each pair of classes that meet; or hand over.

        Raises:
            Incompatible: if labels are wrong too often, if a certificate is wanted and they can be wrong, or
                if no direction can be asked on this interface.
        """
        rho = knowledge.rho if self.rho is None else self.rho
        if rho is not None and rho > LARGEST_RHO:
            raise Incompatible(f"pivot works up to a share of {LARGEST_RHO:g} of wrong labels; this one is {rho:g}")
        if self.stop == "certified" and rho != 0:
            raise Incompatible("pivot certifies no error where labels may be wrong: use stop=confidence, or rho=0")

        def start(d: int, stream: np.random.Generator) -> Search:
            return self.search(d, rho, stream)

        known = attrs.evolve(knowledge, rho=rho)
        if hands_over(known, self.eps, certified=self.stop == "certified"):
            return bayes_point("pivot", known, rng, Settings(eps=max(self.eps, FINEST), batch=BATCH[self.mode]))
        learner = PairwiseLearner if knowledge.task == "multiclass" else HalfspaceLearner
        return self_checked(known, rng, lambda told, own: learner(told, own, start, eps=self.eps), eps=self.eps)

    def search(self, d: int, rho: float | None, rng: np.random.Generator) -> Search:
        """Start on sign(<w*, x>) in R^``d``: the learner that asks directions and is told signs."""
        goal = Goal(eps=self.eps, stop=self.stop, confidence=self.confidence)
        if rho == 0:
            return ExactSearch(d, goal, self.basis, self.mode, rng)
        if 1 < d <= LARGEST_DIMENSION:
            return JointSearch(d, goal, self.basis, self.mode, rho, rng)
        return NoisySearch(d, goal, self.basis, rho, rng)
