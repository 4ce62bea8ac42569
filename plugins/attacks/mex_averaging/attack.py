"""The passive attack on randomised halfspaces: the average of labelled directions."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner, Scope
from mex.params import above, between, doc, optional, whole
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.halfspaces.adapter import HalfspaceLearner
from mex.types import FloatArray

DOUBLINGS = 12
"""How often sigma is doubled before the attack fails."""


@attrs.frozen(kw_only=True)
class Averaging:
    """Ask directions uniform on the sphere; the average of y x estimates the direction of the mean halfspace.

    Algorithm 1 of the paper, against a server that draws a fresh halfspace from N(mu, sigma^2 I) for each query. It
    asks m = C d max(1, d sigma^2) ln(2 d / delta) / eps^2 directions with C = (15 pi)^2 and takes v = 1/m sum y x. If
    ||v|| >= 1/(12 d sigma) the estimate v/||v|| is within eps of mu with probability 1 - delta (Propositions 1 and 2
    of the appendix). Otherwise sigma was too small (Proposition 3); it is doubled, and the answers so far are kept.
    Two errors of the printed algorithm are corrected: it takes the sum for the average, and its text lowers sigma. The
    paper's experiments scale C by 1/100 and less.

    >>> import mex
    >>> w = np.array([0.6, 0.8, 0.0])
    >>> family = mex.Family("linear", {"intercept": False})
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(mex.halfspace(w), family=family), budget=10_000)
    >>> learner = Averaging(scale=0.01).learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> stolen.stopped, bool(np.linalg.norm(stolen.hypothesis.coef_[0] - w) < 0.1)
    ('budget', True)
    """

    sigma: float | None = attrs.field(
        default=None,
        validator=optional(above(0)),
        metadata=doc("first guess at the standard deviation of the draws, by default the least allowed, 1/sqrt(d)"),
    )
    eps: float = attrs.field(default=0.1, validator=above(0), metadata=doc("the geometric error aimed at"))
    delta: float = attrs.field(
        default=0.05, validator=between(1e-9, 0.5), metadata=doc("probability that the error is above eps")
    )
    scale: float = attrs.field(default=1.0, validator=above(0), metadata=doc("factor on the constant C = (15 pi)^2"))
    batch: int = attrs.field(default=1000, validator=whole(1), metadata=doc("directions to ask at once"))

    scope: ClassVar[Scope] = Scope(tasks="binary", families="linear", answers="label")
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 6.1, Algorithm 1 and Figure 6"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start on the homogeneous problem behind the target's chart."""

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            return HalfspaceLearner(known, stream, lambda d, own: AveragingLearner(self, d, own), eps=self.eps)

        return self_checked(knowledge, rng, start, eps=self.eps)

    def samples(self, d: int, sigma: float) -> int:
        """m of Algorithm 1 in ``d`` dimensions, for draws of standard deviation ``sigma``."""
        C = self.scale * (15 * math.pi) ** 2
        return math.ceil(C * d * max(1.0, d * sigma**2) * math.log(2 * d / self.delta) / self.eps**2)


class AveragingLearner:
    """A learner of directions: the average of random directions times their signs."""

    note = ""
    efficient = False

    def __init__(self, attack: Averaging, d: int, rng: np.random.Generator) -> None:
        self._attack = attack
        self._d = d
        self._rng = rng
        self._sum: FloatArray = np.zeros(d)  # of y x
        self._asked = 0
        self._sigma = max(attack.sigma or 0.0, 1 / math.sqrt(d))
        self._largest_sigma = self._sigma * 2**DOUBLINGS
        self._pending = self._draw()

    def ask(self) -> FloatArray | None:
        """Directions uniform on the sphere; None once the average is long enough, or if the algorithm fails."""
        return self._pending if len(self._pending) else None

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Add y x; after m directions accept the average, or double sigma."""
        self._sum += signs @ V
        self._asked += len(V)
        length = float(np.linalg.norm(self._sum)) / self._asked
        while self._asked >= self._attack.samples(self._d, self._sigma) and length < 1 / (12 * self._d * self._sigma):
            self._sigma *= 2
            if self._sigma > self._largest_sigma:
                self.note = "FAIL of Algorithm 1 at every sigma tried: the labels tell nothing of a mean halfspace"
                self._pending = self._pending[:0]
                return
        self._pending = self._draw()

    def _draw(self) -> FloatArray:
        missing = self._attack.samples(self._d, self._sigma) - self._asked
        V = self._rng.standard_normal((max(min(self._attack.batch, missing), 0), self._d))
        return np.asarray(V / np.linalg.norm(V, axis=1, keepdims=True))

    def estimate(self) -> FloatArray:
        """The direction of the average so far."""
        length = float(np.linalg.norm(self._sum))
        return self._sum / length if length > 0 else self._sum
