"""Probit regression: the attack on randomised halfspaces that knows the spread of the draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import Check, above, between, doc, either, whole
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.halfspaces.adapter import HalfspaceLearner
from mex_probit.learner import NoisyDirectionLearner


def _spreads() -> Check:
    def accepts(value: object) -> bool:
        return isinstance(value, list | tuple) and len(value) > 0 and all(map(between(0, 1e9).accepts, value))

    return either(above(0), Check("a list of numbers of at least 0, one a component", accepts))


@attrs.frozen(kw_only=True)
class Probit:
    """Ask rows on the boundary of the mean so far, and fit the mean by probit regression with the known noise.

    If each answer is the sign of <w, x> for a fresh w ~ N(mu, Sigma), then P(+ | x) = Phi(<mu, x> / sqrt(x' Sigma x)),
    a probit model whose noise is known if Sigma is. Rows on the boundary of mu are the most informative, with the
    Fisher information (2/pi) x x' / (x' Sigma x). The learner keeps a posterior of mu. Each row is an eigenvector of
    Sigma, made orthogonal to a draw from the posterior; the eigenvectors share a batch such that the expected squared
    error after it is least. The attack ends when the expected root mean square error is ``eps``. For small eps that
    takes about (pi/2) tr((P Sigma P)^1/2)^2 / eps^2 queries, with P the projection along mu (derived here; no source),
    and never fewer than a halfspace without noise takes. The prior of mu is uniform on the sphere; if one component is
    nearly all of mu, a coarse ``eps`` is taken for reached too early.

    The spread is *knowledge of the defense*, given as a parameter. With a wrong spread the attack takes more queries
    and ends at another error, but learns the same direction. Sticky draws break its assumption.

    >>> import mex
    >>> w = np.array([0.6, 0.8, 0.0])
    >>> family = mex.Family("linear", {"intercept": False})
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(mex.halfspace(w), family=family), budget=10_000)
    >>> learner = Probit(spread=0.1, eps=0.05).learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> stolen.stopped, bool(np.linalg.norm(stolen.hypothesis.coef_[0] - w) < 0.1)
    ('done', True)
    """

    spread: float | Sequence[float] = attrs.field(
        default=0.1,
        validator=_spreads(),
        metadata=doc(
            "knowledge of the defense: the standard deviation of the components of w where ||mu|| = 1,"
            " one for all or a list"
        ),
    )
    eps: float = attrs.field(default=0.1, validator=above(0), metadata=doc("the geometric error aimed at"))
    batch: int = attrs.field(default=20_000, validator=whole(1), metadata=doc("the most directions to ask at once"))

    scope: ClassVar[Scope] = Scope(tasks="binary", families="linear", answers="label")
    paper: ClassVar[str] = "derived for the defense in Chandrasekaran et al. 2020, Section 6.1; no source"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start on the homogeneous problem behind the target's chart."""
        if not isinstance(self.spread, int | float):
            unbounded = not np.isfinite([knowledge.domain.lower, knowledge.domain.upper]).any()
            d = knowledge.domain.n_features + bool(knowledge.family.public.get("intercept", True))
            if not unbounded:
                raise Incompatible("probit: in a box no list tells the spread of w, only one number for all directions")
            if len(self.spread) != d:
                raise Incompatible(f"probit: w has {d} components here, and spread lists {len(self.spread)}")

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            return HalfspaceLearner(known, stream, lambda d, own: NoisyDirectionLearner(self, d, own), eps=self.eps)

        return self_checked(knowledge, rng, start, eps=self.eps)
