"""The balanced tree of planes that couples d dimensions to one direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import attrs
import numpy as np

from mex.learner import GeneratorLearner, Steps
from mex.toolkit.bounds import capacity
from mex.toolkit.estimators import halfspace
from mex.types import BoolArray, Estimator, FloatArray
from mex_dimension_coupling.circles import FULL_TURN, Circles

Finished: TypeAlias = Callable[[FloatArray, FloatArray, FloatArray, float], BoolArray]
"""Tells which of k planes are finished, from the estimates, shape (k, 2), their two axes, shape (k, d) each, and the
tolerance."""

FLOAT_LIMIT = 1e-14
"""The least tolerance of an angle: smaller ones are lost in rounding."""

ROUNDING = 1e-12
"""How much less than 1 a probability may be to count as 1."""

PATIENCE = 20
"""A plane is given up after so many times the queries that are expected."""


def water_filled(merges: int, d: int, eps: float) -> float:
    """The tolerance of each angle on a level of ``merges`` planes, for a geometric error of ``eps`` in the end.

    ||w^ - w*||^2 <= sum_i W_i^2 chord_i^2, where W_i^2 is the share of ||w*||^2 in the dimensions that plane i
    couples. On one level these shares sum to at most 1, so it suffices that the squared tolerances of the levels sum
    to eps^2. The number of queries is the sum of log(1 / tolerance) over all planes, which is least if the squared
    tolerance of a level is proportional to its planes.
    """
    return eps * math.sqrt(merges / (d - 1))


def paper(merges: int, d: int, eps: float) -> float:
    """The tolerance of every angle in the paper's experiments."""
    return eps / d


@attrs.define(eq=False)
class Tournament(GeneratorLearner):
    """A learner of directions of R^d from signs that are wrong with probability ``rho``.

    It starts from the axes and replaces, level by level, each two vectors by the vector of their plane that is nearest
    to w*, until one is left. All planes of a level are asked in one batch.

    Attributes:
        d: the dimension. rho: the probability that a sign is wrong, below 1/2. eps: the geometric error to end at.
        delta: the probability of a larger error; without noise it is 0. tolerance: the tolerance of an angle, a
        function of the number of planes on its level, d and eps. oriented: whether a plane starts from the quarter of
        the circle that makes acute angles with its two vectors. The
            paper starts from the whole circle.
        finished: ends planes instead of the posterior, for experiments that know w*, as the paper's do.
        note: one sentence if some planes had to be given up.
    """

    d: int
    rho: float
    eps: float
    delta: float = 0.1
    tolerance: Callable[[int, int, float], float] = water_filled
    oriented: bool = True
    finished: Finished | None = None
    note: str = attrs.field(default="", init=False)
    _vectors: FloatArray = attrs.field(init=False)
    _sizes: FloatArray = attrs.field(init=False)
    """How many dimensions a vector couples; 0 for an axis, whose sign is not known."""
    _angles: FloatArray = attrs.field(init=False)
    """The angle of w* in each plane of this level; empty before the first answer."""

    _seen: set[float] = attrs.field(factory=set, init=False)
    """The signs that occurred."""

    def __attrs_post_init__(self) -> None:
        self._vectors = np.eye(self.d)
        self._sizes = np.zeros(self.d)
        self._angles = np.empty(0)

    def estimate(self) -> FloatArray:
        """The normalised sum of the vectors so far, weighted by the root of their dimensions, shape (d,)."""
        vectors, sizes = self._coupled()
        w = np.sqrt(sizes) @ vectors
        return np.asarray(w / max(float(np.linalg.norm(w)), 1e-300))

    def hypothesis(self) -> Estimator:
        """The estimate as a halfspace of R^d."""
        return halfspace(self.estimate())

    def steps(self) -> Steps:
        """Solve level after level."""
        if self.d == 1:
            yield from self._point_axis()
        while len(self._vectors) > 1:
            yield from self._level()
            self._vectors, self._sizes = self._coupled()
            self._angles = np.empty(0)
        if self.rho == 0 and len(self._seen) == 1:
            # All answers were the same: ask the opposite of the estimate, where a halfspace answers otherwise.
            sign = self._seen.pop()
            if (yield -sign * self._vectors)[0] == sign:
                self.note = "a direction and its opposite have one label: no boundary goes between them"

    def _level(self) -> Steps:
        """Find the angles of w* in all planes of this level."""
        merges = len(self._vectors) // 2
        first, second = self._pairs()
        tolerance = max(self.tolerance(merges, self.d, self.eps), FLOAT_LIMIT)
        risk = self.delta / (self.d - 1) if self.rho else 0.0  # of a wrong angle
        known = (self._sizes[: 2 * merges] > 0) & self.oriented
        acute = np.where(known, 1 - risk, 0.5)
        circles = Circles(acute[::2], acute[1::2], self.rho)
        angles, active = np.zeros(merges), np.arange(merges)
        for _ in range(self._limit(tolerance, risk)):
            x, y = circles.queries().T[:, :, None]
            signs = yield x * first[active] + y * second[active]
            circles.tell(signs > 0)
            self._seen.update(signs.tolist())
            angles[active] = circles.estimates
            self._angles = angles
            if self.finished:
                found = np.column_stack([np.cos(angles[active]), np.sin(angles[active])])
                done = self.finished(found, first[active], second[active], tolerance)
            else:
                done = circles.within(tolerance) >= 1 - risk - ROUNDING
            if done.any():
                active = active[~done]
                circles.keep(~done)
            if not len(active):
                return
        self._give_up(len(active))

    def _point_axis(self) -> Steps:
        """In R^1, ask for the sign of w*, by a sequential probability ratio test (Wald 1945)."""
        enough = 1.0 if self.rho == 0 else math.log(1 / self.delta) / math.log(1 / self.rho - 1)
        ahead = 0.0
        for _ in range(self._limit(1.0, self.delta)):
            sign = float((yield np.ones((1, 1)))[0])
            self._seen.add(sign)
            ahead += sign
            self._vectors[0, 0], self._sizes[0] = math.copysign(1.0, ahead), 1.0
            if abs(ahead) >= enough:
                return
        self._give_up(1)

    def _limit(self, tolerance: float, risk: float) -> int:
        """The most queries about a plane."""
        bits = math.log2(FULL_TURN / tolerance) + math.log2(1 / max(risk, ROUNDING))
        return math.ceil(PATIENCE * max(bits, 1.0) / capacity(self.rho))

    def _give_up(self, planes: int) -> None:
        self.note = f"{planes} planes stayed open: more answers contradict each other than rho = {self.rho:g} explains"

    def _pairs(self) -> tuple[FloatArray, FloatArray]:
        even = len(self._vectors) // 2 * 2
        return self._vectors[0:even:2], self._vectors[1:even:2]

    def _coupled(self) -> tuple[FloatArray, FloatArray]:
        """The vectors of the next level so far, and their sizes; an odd vector is kept."""
        if not len(self._angles):
            return self._vectors, self._sizes
        first, second = self._pairs()
        vectors = np.cos(self._angles)[:, None] * first + np.sin(self._angles)[:, None] * second
        even = 2 * len(vectors)
        sizes = np.maximum(self._sizes[:even], 1).reshape(-1, 2).sum(axis=1)
        return np.concatenate([vectors, self._vectors[even:]]), np.append(sizes, self._sizes[even:])
