"""Disagreement-based active learning over a finite class of halfspaces."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner, Scope
from mex.params import above, between, doc, whole
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.halfspaces.adapter import HalfspaceLearner
from mex.types import FloatArray

DRAWS = 200
"""How many random directions are drawn for a batch; if the candidates agree on all of them, the attack ends."""


@attrs.frozen(kw_only=True)
class Disagreement:
    """Keep the halfspaces of a finite class that may still be the best; ask only where they disagree.

    The class is a sample of ``size`` random unit normals. Of random directions only those are asked on which the
    halfspaces kept disagree, since others cannot change their order. A halfspace is dropped when it has more errors
    than the best one, where the two differ, than a Hoeffding bound at level delta explains (for all halfspaces and
    numbers of answers), so that a minority of wrong labels does no harm. It takes about nu^2/eps^2 d theta labels
    (paper, Remark 4), with nu the best error in the class. It is for coarse errors: the best of N random normals is at
    a distance of about N^(-1/(d-1)) from w*.

    >>> import mex
    >>> w = np.array([0.6, 0.8])
    >>> family = mex.Family("linear", {"intercept": False})
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(mex.halfspace(w), family=family), budget=2000)
    >>> learner = Disagreement(size=200).learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.linalg.norm(stolen.hypothesis.coef_[0] - w) < 0.15)
    True
    """

    size: int = attrs.field(default=1000, validator=whole(2), metadata=doc("halfspaces in the class"))
    eps: float = attrs.field(
        default=0.05,
        validator=above(0),
        metadata=doc("end when no halfspace kept is farther than this from the estimate"),
    )
    delta: float = attrs.field(
        default=0.05, validator=between(1e-9, 0.5), metadata=doc("probability that the best halfspace is dropped")
    )
    batch: int = attrs.field(default=10, validator=whole(1), metadata=doc("directions to ask at once"))

    scope: ClassVar[Scope] = Scope(tasks="binary", families="linear", answers="label")
    paper: ClassVar[str] = (
        "Balcan, Beygelzimer and Langford 2006; Dasgupta, Hsu and Monteleoni 2007; Chandrasekaran et al. 2020, Remark 4"
    )

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start on the homogeneous problem behind the target's chart."""

        def start(known: Knowledge, own: np.random.Generator) -> Learner:
            return HalfspaceLearner(known, own, lambda d, stream: DisagreementLearner(self, d, stream), eps=self.eps)

        return self_checked(knowledge, rng, start, eps=self.eps)


class DisagreementLearner:
    """A learner of directions that keeps the halfspaces which may still be the best."""

    efficient = False

    def __init__(self, attack: Disagreement, d: int, rng: np.random.Generator) -> None:
        self._attack = attack
        self._rng = rng
        self._normals = _directions(attack.size, d, rng)  # of the halfspaces kept
        self._wrong = np.empty((attack.size, 0), dtype=bool)  # whether each errs on each direction asked
        self._pending = self._disputed()

    def ask(self) -> FloatArray | None:
        """Directions on which the halfspaces kept disagree, None at the end."""
        return self._pending if len(self._pending) else None

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Count errors, and drop the halfspaces with too many more than the best."""
        self._wrong = np.hstack([self._wrong, (self._normals @ V.T > 0) != (signs > 0)])
        best = self._wrong[np.argmin(self._wrong.sum(axis=1))]
        # Where a halfspace differs from the best, one of the two errs: the difference is a sum of terms -1 and 1.
        differ = (self._wrong != best).sum(axis=1)
        worse = self._wrong.sum(axis=1) - best.sum()
        tests = self._attack.size * self._wrong.shape[1] ** 2
        keep = worse <= np.sqrt(2 * differ * math.log(2 * tests / self._attack.delta))
        self._normals = self._normals[keep]
        self._wrong = self._wrong[keep]
        self._pending = self._disputed()

    def _disputed(self) -> FloatArray:
        """Random directions on which the halfspaces kept disagree; none if all of them are within eps."""
        d = self._normals.shape[1]
        if np.linalg.norm(self._normals - self.estimate(), axis=1).max() <= self._attack.eps:
            return np.empty((0, d))
        V = _directions(DRAWS, d, self._rng)
        positive = (V @ self._normals.T > 0).mean(axis=1)
        return np.asarray(V[(positive > 0) & (positive < 1)][: self._attack.batch])

    def estimate(self) -> FloatArray:
        """The direction of the mean of the halfspaces with the fewest errors."""
        errors = self._wrong.sum(axis=1)
        best = self._normals[errors == errors.min()].mean(axis=0)
        length = float(np.linalg.norm(best))
        return np.asarray(best / length if length > 0 else self._normals[0])


def _directions(n: int, d: int, rng: np.random.Generator) -> FloatArray:
    """Random unit vectors, shape (n, d)."""
    V = rng.standard_normal((n, d))
    return np.asarray(V / np.linalg.norm(V, axis=1, keepdims=True))
