"""Stream-based active learning of halfspaces."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import above, between, doc, one_of, optional, whole
from mex.toolkit.active.samplers import granted, sampler_parameter
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.halfspaces.adapter import HalfspaceLearner
from mex_selective_sampling.perceptron import BandPerceptron
from mex_selective_sampling.region import DisagreementRegion

ROUGH = 1000
"""With how many answers to a stream a halfspace may be known roughly."""


@attrs.frozen(kw_only=True)
class SelectiveSampling:
    """Decide for each row of a stream whether to ask it.

    ``rule="disagreement"`` (Cohn, Atlas and Ladner 1994) asks a row if two halfspaces that agree with all answers so
    far disagree on it, which a linear program decides. It needs right labels; the note says so where they may be
    wrong. ``rule="perceptron"`` (Yan and Zhang 2017) asks directions in a thin band next to the current halfspace,
    which a mistake reflects: w <- w - 2 <w, x> x. Each epoch halves the angle and the band. It takes O(d/(1-2 rho)^2
    log 1/eps) labels under flips of rate up to rho; since the constants of the analysis are large, ``effort`` sets the
    labels per epoch.

    >>> import mex
    >>> w = np.array([0.6, 0.8, 0.0])
    >>> family = mex.Family("linear", {"intercept": False})
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(mex.halfspace(w), family=family), budget=400)
    >>> attack = SelectiveSampling(rule="perceptron", eps=0.01)
    >>> learner = attack.learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.linalg.norm(stolen.hypothesis.coef_[0] - w) < 0.05)
    True
    """

    rule: str = attrs.field(
        default="disagreement",
        validator=one_of("disagreement", "perceptron"),
        metadata=doc("by which rule a row is asked"),
    )
    sampler: str = sampler_parameter("uniform", "for disagreement: where the stream comes from")
    stream: int = attrs.field(
        default=2000, validator=whole(1), metadata=doc("for disagreement: the length of the stream")
    )
    eps: float = attrs.field(
        default=1e-2, validator=above(0), metadata=doc("for perceptron: the geometric error aimed at")
    )
    rho: float | None = attrs.field(
        default=None,
        validator=optional(between(0, 0.49)),
        metadata=doc("for perceptron: probability that a label is wrong; by default what the scenario makes public"),
    )
    effort: float = attrs.field(
        default=10.0, validator=above(0), metadata=doc("for perceptron: labels per epoch and dimension")
    )

    scope: ClassVar[Scope] = Scope(tasks="binary", families="linear", answers="label")
    paper: ClassVar[str] = (
        "Cohn, Atlas and Ladner 1994; Yan and Zhang 2017; Chandrasekaran et al. 2020, Section 2.1 and Example 5"
    )

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; the stream of rows is drawn from the domain or the pool, the perceptron's through the chart."""
        if self.rule == "disagreement":
            source = granted("selective-sampling", self.sampler, knowledge, endless=False)
            rows = source.draw(knowledge, self.stream, rng)
            return self_checked(knowledge, rng, lambda known, own: DisagreementRegion(known, rows, own), rough=ROUGH)
        rho = knowledge.rho if self.rho is None else self.rho
        if rho is None or rho >= 0.5:
            raise Incompatible(
                "the perceptron has to know a bound below 1/2 on how often a label is wrong; give it a rho"
            )
        effort = self.effort / (1 - 2 * rho) ** 2

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            return HalfspaceLearner(
                known, stream, lambda d, own: BandPerceptron(d, own, self.eps, effort), eps=self.eps
            )

        return self_checked(attrs.evolve(knowledge, rho=rho), rng, start, eps=self.eps)
