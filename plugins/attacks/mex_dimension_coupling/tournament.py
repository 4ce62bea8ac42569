"""The tournament that couples d dimensions to one direction."""

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
"""From the estimates in k planes (k, 2), their two axes (k, d) each, and the tolerance: which planes are finished."""

FLOAT_LIMIT = 1e-14
"""Rounding, not the target, tells an angle any finer."""

ROUNDING = 1e-12
"""What a probability may lack of 1 and count as 1."""

PATIENCE = 20
"""How many times as many queries as it should take a plane may take."""


def water_filled(merges: int, d: int, eps: float) -> float:
    """The tolerance of each angle on a level of so many merges, for a geometric error of ``eps`` in the end.

    The chords of the angles' errors add up to ||w^ - w*||^2 <= sum_i W_i^2 chord_i^2, where W_i^2 is the
    share of ||w*||^2 in the dimensions that merge i couples. On one level these shares sum to 1 at most;
    so it is enough, whatever the target, that the squared tolerances of the levels sum to eps^2. Queries go
    with the log of 1/tolerance of every merge: fewest where a level's square is proportional to its merges.
    """
    return eps * math.sqrt(merges / (d - 1))


def paper(merges: int, d: int, eps: float) -> float:
    """The tolerance of every angle in the authors' own experiments."""
    return eps / d


@attrs.define(eq=False)
class Tournament(GeneratorLearner):
    """Learns a direction of R^d from signs that are wrong with probability ``rho``.

    From the axes it goes on, level by level, to replace each two vectors by the one of their plane that is
    nearest to w*, until one is left. The planes of a level ask together, as long as any of them is open.

    Attributes:
        d: the dimension.
        rho: the probability that a sign is wrong, below 1/2.
        eps: the geometric error to end at.
        delta: the probability that it is missed; without noise it never is.
        tolerance: of an angle: a function of the number of merges on its level, d and eps.
        oriented: whether to start from what is known: w* makes acute angles with the vectors found, so
            that it is in one quarter of the next circle. The paper starts from the whole circle.
        finished: an end of planes in place of the posterior's. An experiment that knows the truth can stop
            by it, as the paper's does; an attacker cannot.
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
    """How many dimensions a vector couples; 0 for an axis that may as well point the other way."""
    _angles: FloatArray = attrs.field(init=False)
    """Of w* in the planes of this level; empty before the first answer."""

    _heard: set[float] = attrs.field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self._vectors, self._sizes, self._angles = np.eye(self.d), np.zeros(self.d), np.empty(0)

    def estimate(self) -> FloatArray:
        """The sum of the vectors found, by the root of their dimensions: exact at the end, shape (d,)."""
        vectors, sizes = self._coupled()
        w = np.sqrt(sizes) @ vectors
        return np.asarray(w / max(float(np.linalg.norm(w)), 1e-300))

    def hypothesis(self) -> Estimator:
        """The estimate as a halfspace of R^d."""
        return halfspace(self.estimate())

    def steps(self) -> Steps:
        """Play the tournament."""
        if self.d == 1:
            yield from self._point_axis()
        while len(self._vectors) > 1:
            yield from self._level()
            self._vectors, self._sizes = self._coupled()
            self._angles = np.empty(0)
        if self.rho == 0 and len(self._heard) == 1:
            # A halfspace may answer alike whatever was asked, but not the side away from the estimate.
            sign = self._heard.pop()
            if (yield -sign * self._vectors)[0] == sign:
                self.note = "a direction and its opposite have one label: no boundary goes between them"

    def _level(self) -> Steps:
        merges = len(self._vectors) // 2
        first, second = self._pairs()
        tolerance = max(self.tolerance(merges, self.d, self.eps), FLOAT_LIMIT)
        doubt = self.delta / (self.d - 1) if self.rho else 0.0
        known = (self._sizes[: 2 * merges] > 0) & self.oriented
        acute = np.where(known, 1 - doubt, 0.5)
        circles = Circles(acute[::2], acute[1::2], self.rho)
        angles, active = np.zeros(merges), np.arange(merges)
        for _ in range(self._limit(tolerance, doubt)):
            x, y = circles.queries().T[:, :, None]
            signs = yield x * first[active] + y * second[active]
            circles.tell(signs > 0)
            self._heard.update(signs.tolist())
            angles[active] = circles.estimates
            self._angles = angles
            if self.finished:
                found = np.column_stack([np.cos(angles[active]), np.sin(angles[active])])
                done = self.finished(found, first[active], second[active], tolerance)
            else:
                done = circles.within(tolerance) >= 1 - doubt - ROUNDING
            if done.any():
                active = active[~done]
                circles.keep(~done)
            if not len(active):
                return
        self._give_up(len(active))

    def _point_axis(self) -> Steps:
        """In R^1, ask which way w* points until it is sure enough (Wald 1945)."""
        enough = 1.0 if self.rho == 0 else math.log(1 / self.delta) / math.log(1 / self.rho - 1)
        ahead = 0.0
        for _ in range(self._limit(1.0, self.delta)):
            sign = float((yield np.ones((1, 1)))[0])
            self._heard.add(sign)
            ahead += sign
            self._vectors[0, 0], self._sizes[0] = math.copysign(1.0, ahead), 1.0
            if abs(ahead) >= enough:
                return
        self._give_up(1)

    def _limit(self, tolerance: float, doubt: float) -> int:
        bits = math.log2(FULL_TURN / tolerance) + math.log2(1 / max(doubt, ROUNDING))
        return math.ceil(PATIENCE * max(bits, 1.0) / capacity(self.rho))

    def _give_up(self, planes: int) -> None:
        self.note = f"{planes} planes stayed open: more answers contradict each other than rho = {self.rho:g} explains"

    def _pairs(self) -> tuple[FloatArray, FloatArray]:
        even = len(self._vectors) // 2 * 2
        return self._vectors[0:even:2], self._vectors[1:even:2]

    def _coupled(self) -> tuple[FloatArray, FloatArray]:
        """The vectors of the next level and their sizes, as far as they are known; an odd one stays."""
        if not len(self._angles):
            return self._vectors, self._sizes
        first, second = self._pairs()
        vectors = np.cos(self._angles)[:, None] * first + np.sin(self._angles)[:, None] * second
        even = 2 * len(vectors)
        sizes = np.maximum(self._sizes[:even], 1).reshape(-1, 2).sum(axis=1)
        return np.concatenate([vectors, self._vectors[even:]]), np.append(sizes, self._sizes[even:])
