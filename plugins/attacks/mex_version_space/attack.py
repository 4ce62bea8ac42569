"""Query synthesis for halfspaces by spectral cuts of the version space."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner, Scope
from mex.learner import without_noise
from mex.params import above, doc, one_of, whole
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.halfspaces.adapter import HalfspaceLearner
from mex.types import FloatArray
from mex_version_space.ellipsoid import Ellipsoid, inscribe

FLOAT_LIMIT = 1e-12
"""The size of the version space at which the attack ends, since rounding of <w, x> would decide the next answer."""
STABLE = 10
"""How many times the longest move that counts as staying put the geometric error may be then."""


@attrs.frozen(kw_only=True)
class VersionSpace:
    """Halve the version space of a halfspace along its longest axis.

    The version space, the halfspaces that agree with all answers so far, is a cone. Each batch finds the largest
    ellipsoid in it, takes its centre u as the estimate of w*, and asks the unit vectors orthogonal to u along the
    longest axes of the ellipsoid, so that either answer removes about half of the cone. The first batch has ``batch``
    random orthonormal directions, or all d for a full ellipsoid, which is unbounded otherwise.

    The defaults are those of the authors' routine, as far as it is known. The attack always ends at a geometric error
    of about 1e-12. Wrong answers are not noticed, since each cut goes through the estimate and leaves part of the
    cone.

    Sources: I. Alabdulmohsin, X. Gao and X. Zhang, "Efficient active learning of halfspaces via query
    synthesis", AAAI 2015; Chandrasekaran et al. 2020, Section 6.1, Figure 3, and Table 5 for ``stop="stable"``.
    That paper does not give its threshold; the default ``tolerance`` is chosen to stop where its table does.

    >>> from mex import Family, FittedTarget, Oracle, extract, halfspace
    >>> rng = np.random.default_rng(0)
    >>> w = rng.standard_normal(13)
    >>> target = FittedTarget.wrap(halfspace(w), family=Family("linear", {"intercept": False}))
    >>> oracle = Oracle(target, budget=135)
    >>> stolen = extract(oracle, VersionSpace().learner(oracle.knowledge(), rng)).hypothesis
    >>> f"{np.linalg.norm(stolen.coef_[0] - w / np.linalg.norm(w)):.3f}"
    '0.001'
    """

    ellipsoid: str = attrs.field(
        default="diagonal",
        validator=one_of("diagonal", "full"),
        metadata=doc("axes of the ellipsoid: those of the features, as in the authors' routine, or any (full)"),
    )
    batch: int = attrs.field(
        default=1,
        validator=whole(1),
        metadata=doc("queries of a batch, one for each of the longest axes; at most d - 1"),
    )
    stop: str = attrs.field(
        default="budget",
        validator=one_of("budget", "stable", "size"),
        metadata=doc("end with the budget, when the estimate hardly moves any more, or when the ellipsoid is small"),
    )
    tolerance: float = attrs.field(
        default=1.5e-3, validator=above(0), metadata=doc("for stop=stable: the largest move that counts as none")
    )
    rounds: int = attrs.field(
        default=10, validator=whole(1), metadata=doc("for stop=stable: batches in a row without a move")
    )
    eps: float = attrs.field(
        default=1e-6, validator=above(0), metadata=doc("for stop=size: the geometric error to end at")
    )

    scope: ClassVar[Scope] = Scope(tasks="binary", families="linear", answers="label")
    paper: ClassVar[str] = "Alabdulmohsin et al. 2015; Chandrasekaran et al. 2020, Section 6.1, Figure 3 and Table 5"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start on the homogeneous problem behind the target's chart."""
        note = without_noise("version-space", knowledge.rho)

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            return HalfspaceLearner(
                known, stream, lambda d, own: SpectralLearner(self, d, own), eps=self.eps, note=note
            )

        error = {"budget": FLOAT_LIMIT, "stable": STABLE * self.tolerance, "size": self.eps}[self.stop]
        return self_checked(knowledge, rng, start, eps=error)


class SpectralLearner:
    """A learner of directions by the largest ellipsoid in the version space."""

    def __init__(self, attack: VersionSpace, n_features: int, rng: np.random.Generator) -> None:
        self._attack = attack
        self._w: FloatArray = np.zeros(n_features)
        self._cone: FloatArray = np.empty((0, n_features))  # y x of all answers
        self._ellipsoid: Ellipsoid | None = None
        self._stable_rounds = 0
        first = n_features if attack.ellipsoid == "full" else min(attack.batch, n_features)
        self._pending = np.linalg.qr(rng.standard_normal((n_features, first)))[0].T

    def ask(self) -> FloatArray | None:
        """The unit vectors to ask, shape (k, d), or None at the end."""
        return self._pending if len(self._pending) else None

    def tell(self, X: FloatArray, signs: FloatArray) -> None:
        """Cut the cone by the signs (1 or -1) of the directions ``X``."""
        cuts = X * signs[:, None]
        guess = self._ellipsoid.cut(cuts) if self._ellipsoid else Ellipsoid.touching(cuts)
        self._cone = np.vstack([self._cone, cuts])
        # The guess is an ellipsoid in the cone as well, for where float64 finds no larger one.
        self._ellipsoid = inscribe(self._cone, guess, diagonal=self._attack.ellipsoid == "diagonal") or guess
        moved = float(np.linalg.norm(self._ellipsoid.centre - self._w))
        self._w = self._ellipsoid.centre
        ends = self._ends(self._ellipsoid.size, moved)
        self._pending = self._ellipsoid.tangent_axes()[: 0 if ends else self._attack.batch]

    def estimate(self) -> FloatArray:
        """The centre of the ellipsoid, a unit vector; zeros before the first answer."""
        return self._w

    def _ends(self, size: float, moved: float) -> bool:
        """Whether the attack ends, given the size of the ellipsoid and how far the estimate has moved."""
        attack = self._attack
        self._stable_rounds = self._stable_rounds + 1 if moved <= attack.tolerance else 0
        if attack.stop == "stable" and self._stable_rounds >= attack.rounds:
            return True
        return size <= (max(attack.eps, FLOAT_LIMIT) if attack.stop == "size" else FLOAT_LIMIT)
