"""Dimension coupling: query synthesis for halfspaces under noise."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import Check, above, between, doc, one_of, optional
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.halfspaces.adapter import HalfspaceLearner
from mex.types import BoolArray, FloatArray
from mex_dimension_coupling.tournament import Finished, Tournament, paper, water_filled

TOLERANCES = {"water-filled": water_filled, "paper": paper}


def _inside(low: float, high: float) -> Check:
    """A number above ``low`` and below ``high``."""
    return Check(f"a number above {low:g} and below {high:g}", lambda v: above(low).accepts(v) and v < high)


@attrs.frozen(kw_only=True)
class DimensionCoupling:
    """Couple the dimensions of a halfspace two by two, each pair by noisy bisection of a circle.

    A balanced tree of d - 1 problems in the plane, with O(d (log 1/eps + log 1/delta)) queries under flips of a known
    rate. Each problem keeps the posterior of the direction of w* in its plane, asks the diameter that halves it, and
    ends when the direction is within its tolerance of the estimate with probability 1 - delta / (d - 1). (The paper's
    stop compares with w*, which an attacker cannot.) All problems of a level are asked in one batch. Without noise
    each answer rules out half a circle.

    >>> import mex
    >>> family = mex.Family("linear", {"intercept": False})
    >>> target = mex.FittedTarget.wrap(mex.halfspace(np.array([2.0, -3.0, 6.0])), family=family)
    >>> oracle = mex.Oracle(target)
    >>> learner = DimensionCoupling(eps=1e-3).learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner)
    >>> stolen.queries, (7 * stolen.hypothesis.coef_[0]).round(2)
    (27, array([ 2., -3.,  6.]))
    """

    eps: float = attrs.field(default=1e-3, validator=above(0), metadata=doc("the geometric error aimed at"))
    rho: float | None = attrs.field(
        default=None,
        validator=optional(between(0, 0.499)),
        metadata=doc("probability that a label is wrong; by default what the scenario makes public"),
    )
    delta: float = attrs.field(
        default=0.1, validator=_inside(0, 1), metadata=doc("probability that the error is above eps")
    )
    tolerance: str = attrs.field(
        default="water-filled",
        validator=one_of(*TOLERANCES),
        metadata=doc(
            "tolerance of an angle: eps/d as in the paper, or optimised over the levels, which takes fewer queries"
        ),
    )
    stop: str = attrs.field(
        default="posterior",
        validator=one_of("posterior", "peek"),
        metadata=doc(
            "when a plane is finished: as an attacker can tell, or as in the paper's experiments (peek), which compare"
            " with the normal of f*, if the model publishes it, as logistic:publish=true does; a plane starts from the"
            " whole circle then"
        ),
    )

    scope: ClassVar[Scope] = Scope(tasks="binary", families="linear", answers="label")
    paper: ClassVar[str] = "Chen, Hassani and Karbasi, AAAI 2017; Chandrasekaran et al. 2020, Section 6.1, Figure 4"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start on the homogeneous problem behind the target's chart."""
        rho = knowledge.rho if self.rho is None else self.rho
        if rho is None:
            raise Incompatible("dimension-coupling has to know how often a label is wrong; give it a rho")
        if rho >= 0.5:
            raise Incompatible(f"dimension-coupling needs labels that are more often right than wrong; rho is {rho:g}")
        tolerance = TOLERANCES[self.tolerance]
        finished = _peek(knowledge) if self.stop == "peek" else None

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            return HalfspaceLearner(
                known,
                stream,
                lambda d, _: Tournament(
                    d,
                    rho,
                    self.eps,
                    delta=self.delta,
                    tolerance=tolerance,
                    oriented=finished is None,
                    finished=finished,
                ),
                eps=self.eps,
            )

        if finished is not None:
            return start(attrs.evolve(knowledge, rho=rho), rng)  # it has seen the truth and need not check itself
        return self_checked(attrs.evolve(knowledge, rho=rho), rng, start, eps=self.eps)


def _peek(known: Knowledge) -> Finished:
    """The stop of the paper's experiments: a plane is finished where its direction is as near to w* as it should be."""
    normal = known.family.public.get("normal")
    if normal is None or known.family.public.get("intercept", True):
        raise Incompatible(
            "stop=peek compares with the normal of a homogeneous halfspace, and this model keeps its own"
        )
    w = np.asarray(normal, dtype=np.float64)

    def finished(estimates: FloatArray, first: FloatArray, second: FloatArray, tolerance: float) -> BoolArray:
        truth = np.stack([first @ w, second @ w], axis=1)
        truth /= np.maximum(np.linalg.norm(truth, axis=1, keepdims=True), np.finfo(float).tiny)
        return np.asarray(np.linalg.norm(estimates - truth, axis=1) < tolerance)

    return finished
