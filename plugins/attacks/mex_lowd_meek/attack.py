"""The attack of Lowd and Meek: a line search for each weight of a halfspace."""

from __future__ import annotations

from collections.abc import Generator
from typing import ClassVar

import attrs
import numpy as np

from mex import GeneratorLearner, Knowledge, Learner, Scope, halfspace
from mex.learner import Steps, without_noise
from mex.params import above, between, doc
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.halfspaces.adapter import HalfspaceLearner
from mex.types import Array, Estimator, FloatArray

FLOAT_LIMIT = 1e-15
"""The least relative error of a weight: smaller ones are lost in rounding."""

NEAREST = 2.0**-100
"""The search for a weight ends once it is at least the inverse of this times the witness's."""


@attrs.frozen(kw_only=True)
class LowdMeek:
    """Find a sign witness, then the ratio of each other weight to its weight by a line search.

    A sign witness is a feature that changes the label when it alone changes; between two rows of different labels there
    is one, found here by bisection. From a step against the witness, the distance along another feature to the
    boundary is the ratio of the two weights. It is found by an exponential and then a binary search, with
    O(d log 1/eps) queries besides those for ratios far from 1. A feature along which there is no boundary in either
    direction has weight 0. All features are searched side by side.

    >>> import mex
    >>> family = mex.Family("linear", {"intercept": False})
    >>> target = mex.FittedTarget.wrap(mex.halfspace(np.array([2.0, 0.0, -3.0, 6.0])), family=family)
    >>> oracle = mex.Oracle(target)
    >>> learner = LowdMeek(eps=1e-3).learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> stolen.queries, (7 * stolen.hypothesis.coef_[0]).round(2)
    (36, array([ 2.,  0., -3.,  6.]))
    """

    eps: float = attrs.field(
        default=1e-2,
        validator=above(0),
        metadata=doc("relative error of each weight; the geometric error is at most as large"),
    )
    zero: float = attrs.field(
        default=1e-6,
        validator=between(1e-12, 0.1),
        metadata=doc("a weight below this share of the witness's is taken for 0"),
    )

    scope: ClassVar[Scope] = Scope(tasks="binary", families="linear", answers="label")
    paper: ClassVar[str] = "Lowd and Meek, KDD 2005; Chandrasekaran et al. 2020, Section 6.1, Table 2"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start on the homogeneous problem behind the target's chart."""
        note = without_noise("lowd-meek", knowledge.rho)
        eps = min(self.eps, self.zero)

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            return HalfspaceLearner(
                known, stream, lambda d, own: LineSearchLearner(d, self.eps, self.zero, own), eps=eps, note=note
            )

        return self_checked(knowledge, rng, start, eps=max(self.eps, self.zero))


class LineSearchLearner(GeneratorLearner):
    """A learner of directions from signs that are right.

    With s the sign of the weight w_f of the witness f, the direction t e_i - s e_f is positive for t > |w_f / w_i|, if
    w_i is positive; otherwise -t e_i - s e_f is.
    """

    note = ""

    def __init__(self, d: int, eps: float, zero: float, rng: np.random.Generator) -> None:
        self._d = d
        self._eps = max(eps, FLOAT_LIMIT)
        self._rng = rng
        self._witness: FloatArray | None = None  # its signed axis, shape (d,)
        self._sides: FloatArray = np.zeros(d)  # the signs of the other weights, 0 for those that are 0
        self._low: FloatArray = np.zeros(d)  # bounds of |w_f / w_i|
        self._high: FloatArray = np.full(d, 1 / zero)

    def estimate(self) -> FloatArray:
        """The unit normal with the ratios in the middle of their intervals, shape (d,)."""
        if self._witness is None:
            return np.zeros(self._d)
        w = self._witness + self._sides * 2 / (self._low + self._high)
        return np.asarray(w / np.linalg.norm(w))

    def hypothesis(self) -> Estimator:
        """The estimate as a halfspace of R^d."""
        return halfspace(self.estimate())

    def steps(self) -> Steps:
        """Find the witness, the signs of the other weights, and then their ratios to it."""
        witness = self._witness = yield from self._find_witness()
        if witness is None:
            self.note = "a direction and its opposite have one label: no boundary goes between them"
            return
        others = np.flatnonzero(witness == 0)
        if not len(others):
            return
        axes, far = np.eye(self._d)[others], self._high[others, None]
        signs = yield np.concatenate([axes * far - witness, -axes * far - witness])
        ahead, behind = signs.reshape(2, -1) > 0
        self._sides[others] = ahead * 1.0 - behind
        while len(active := self._unfinished()):
            low, high = self._low[active], self._high[active]
            t = np.where(low == 0, np.minimum(1, high / 2), np.minimum(2 * low, (low + high) / 2))
            rows = np.zeros((len(active), self._d))
            rows[np.arange(len(active)), active] = t * self._sides[active]
            beyond = (yield rows - witness) > 0
            self._low[active] = np.where(beyond, low, t)
            self._high[active] = np.where(beyond, t, high)

    def _find_witness(self) -> Generator[FloatArray, Array, FloatArray | None]:
        """The axis of a sign witness, with the sign of its weight, shape (d,); None if there is none."""
        v = self._rng.standard_normal(self._d)
        signs = yield np.stack([v, -v])
        if signs[0] == signs[1]:
            return None
        v = v * signs[0]
        first, last = 0, self._d  # with so many coordinates negated, v is positive, and negative
        while last - first > 1:
            middle = (first + last) // 2
            sign = (yield np.where(np.arange(self._d) < middle, -v, v)[None])[0]
            first, last = (middle, last) if sign > 0 else (first, middle)
        return np.where(np.arange(self._d) == first, np.sign(v), 0.0)

    def _unfinished(self) -> Array:
        """The features whose intervals are too wide."""
        low, high = self._low, self._high
        return np.flatnonzero((self._sides != 0) & (high - low > self._eps * (low + high)) & (high > NEAREST))
