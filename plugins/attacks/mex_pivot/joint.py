"""Search for a halfspace by one joint posterior when answers may be wrong."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
from scipy.special import chdtri

from mex.toolkit.bayes_point.draws import draw
from mex.toolkit.bayes_point.posterior import Posterior, SignModel
from mex.toolkit.bounds import capacity, sphere_bits
from mex.types import Array, FloatArray
from mex_pivot.around import Around
from mex_pivot.coin import HOPELESS, TOGETHER, CoinTest
from mex_pivot.gross import TESTED, GrossError
from mex_pivot.noisy import NoisySearch
from mex_pivot.search import MONOTONE, Goal, Search

LARGEST_DIMENSION, MANY = 256, 128
"""A batch takes O(n d^2) operations, n queries before it: in more dimensions that is too slow, and from the lower bound
on batches are large."""

FIRST_RHO, PRIOR_RHO = 0.01, (0.05, 4.95)
"""The first guess at an unknown rate of wrong answers, and its Beta prior: as if so many were seen, wrong and right."""

BITS = {"sequential": 0.06, "batch": 0.3}
"""The bits per dimension that the answers to one batch tell, by mode."""

AT_ONCE = 1 / 3
"""The share of all dimensions that directions span whose answers are independent of each other, and the bits that an
answer tells in addition. As many directions as dimensions ask about short axes as often as about long ones, so that a
long covariance stays long; fewer are asked about again in the same batch, which costs more the more an answer tells."""

DRAWS = 120
"""Draws of the posterior that tell whether the error is as small as wanted."""

LOOK_AGAIN = 1.3
"""They are drawn again when the trace of the covariance is so many times smaller."""

SAFER = 1.2
"""By how many times less than eps the error is to be of batches of many: without it 17 % of 48 runs, at rates of 0.1 to
0.4, were above eps, most by a quarter at most."""

SOON = 1.25
"""Gross errors are tested once the trace is at most so many times that of the goal: the tests tell more than that."""

WIDE_RHO = 0.3
"""Where the rate is not known, a posterior is computed afresh from this one: with a small one, answers that are far off
count as wrong and pull no more, so that a wrong normal, even the opposite one, stays where it is."""

SWEEPS = 10
"""From so few sweeps over all answers the posterior is wide again, and lies where most of the answers are right."""

MOST_RESTARTS = 4
"""When it went back more often, one ratio after the other is searched, by posteriors that are exact."""

PATIENCE = 6
"""The search is given up after so many times the queries that are expected."""


class JointSearch(Search):
    """Asks directions at even odds, then tests what it found.

    The posterior of w* is taken for normal (:class:`mex.toolkit.bayes_point.posterior.Posterior`). Each batch asks
    random directions orthogonal to its mean, mostly along its long axes, so that every answer is at even odds and
    tells about all components at once: later answers contradict a wrong one, and no component has to be confirmed on
    its own. When the posterior is narrow enough, directions off the mean are asked, whose answers it
    predicts: more surprises than wrong answers explain show a gross error, and the posterior is computed afresh. How
    narrow that is, is told by draws of the posterior itself, whose tails are heavier than those of its Gaussian.

    ``rho`` is the probability of a wrong answer; None estimates it from the answers.
    """

    _confirmations = 10
    _ratios: NoisySearch | None = None
    _side = 1.0  # of the estimate that is handed over: -1.0 if most answers contradict what was found

    def __init__(
        self, d: int, goal: Goal, basis_kind: str, mode: str, rho: float | None, rng: np.random.Generator
    ) -> None:
        super().__init__(d, goal, basis_kind, rng)
        kind = "batch" if d > MANY else mode
        self._bits_a_batch = BITS[kind] * d
        self._known_rho = rho is not None
        self._eps = max(goal.eps, d * 2.0**-48)
        self._aim = self._eps / (SAFER if kind == "batch" else 1.0)
        self._posterior = Posterior(d, SignModel(FIRST_RHO if rho is None else rho))
        self._bits = sphere_bits(d, self._eps) + 10 * d
        self._looked_at = math.inf  # the trace of the covariance when draws were looked at
        self._wanted = self._first_wanted  # the trace that reaches the goal
        self._coin = CoinTest(d)
        self._gross = GrossError(d, goal, self._eps, known_rho=self._known_rho)

    def estimate(self) -> FloatArray:
        if self._ratios is not None and (found := self._ratios.estimate()).any():
            return self._side * found
        length = float(np.linalg.norm(self._posterior.mean))
        return self._side * self._posterior.mean / (length or 1.0)

    def cut(self, X: FloatArray, answers: Array) -> None:
        if self._ratios is None:
            self._take(X[: len(answers)], answers)

    def _take(self, X: FloatArray, signs: Array) -> None:
        self._posterior.add(X * signs[:, None], at_once=True)
        self._posterior.refine()
        if not self._known_rho:
            self._posterior.learn_rho(PRIOR_RHO)

    def _attempt(self, rows: FloatArray) -> Generator[FloatArray, Array, str]:
        self._take(rows, (yield rows))
        self._gross.begin(self._rho)
        restarts = 0
        while not self._given_up():
            if not self._known_rho and self._coin.due(self._rho, self._asked):
                signs = yield (X := self._around.along(TOGETHER, self._rng))
                self._take(X, signs)
                if self._coin.tell(signs, self._asked) and self._rho > HOPELESS:
                    self._compute_afresh()
                if self._coin.failed:
                    self.note = "whatever the halfspace, nearly half of the labels are wrong: they tell nothing"
                continue
            trace, fine = self._around.trace, self._gross.unlikely
            if trace > (wanted := self._wanted * (1 if fine else SOON)):
                X = self._even((self._d - 1) / 2 * math.log2(trace / wanted))
                self._take(X, (yield X))
            elif self._looked_at > LOOK_AGAIN * trace:
                self._look()
            elif fine and not self._lost:
                break
            elif fine or self._gross.likely:
                restarts += 1
                if restarts > MOST_RESTARTS:
                    return (yield from self._search_ratios())
                self._compute_afresh()
            else:
                X, side = self._around.tests(self._gross.wanted(self._rho), self._rng)
                signs = yield X
                self._gross.tell(int((signs != side).sum()), len(signs), self._rho)
                self._take(X, signs)
        self._check_fit()
        return ""

    @property
    def _rho(self) -> float:
        return self._posterior.model.rho

    @property
    def _sure(self) -> float:
        """The probability that an error that is not gross is to be within eps."""
        return 1 - (1 - TESTED) * (1 - self._goal.confidence)

    def _look(self) -> None:
        """Find out how small the trace of the covariance has to be for the goal, in the shape that it has."""
        self._looked_at = self._around.trace
        drawn = draw(self._posterior, DRAWS, self._rng)
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        squares = ((drawn - self.estimate()) ** 2).sum(axis=1)
        within = squares.mean() if self._goal.stop == "rms" else np.quantile(squares, self._sure)
        self._wanted = self._looked_at * self._aim**2 / float(within)

    @property
    def _first_wanted(self) -> float:
        """The trace of the covariance that reaches the goal if the error is a chi-square, as long as none was drawn."""
        n = self._d - 1
        return self._aim**2 / (1.0 if self._goal.stop == "rms" else float(chdtri(n, 1 - self._sure)) / n)

    @property
    def _around(self) -> Around:
        """What the posterior tells of the unit normal."""
        normal = self.estimate()
        root = self._posterior.root / np.linalg.norm(self._posterior.mean)
        return Around(normal, np.asarray(root - np.multiply.outer(normal, normal @ root)))

    def _even(self, bits: float) -> FloatArray:
        """Directions at even odds, shape (n, d), for a batch or until so many ``bits`` are told."""
        bits = min(self._bits_a_batch, max(bits, BITS["sequential"] * self._d))
        told = capacity(self._rho)
        n, most = math.ceil(bits / told), math.ceil((self._d - 1) * min(AT_ONCE + told, 1.0))
        around, sets = self._around, math.ceil(n / most)
        return np.concatenate([around.even(math.ceil(n / sets), self._rng) for _ in range(sets)])

    def _compute_afresh(self) -> None:
        self._gross.begin(self._rho)
        self._looked_at, self._wanted = math.inf, self._first_wanted
        old = self._posterior
        self._posterior = Posterior(self._d, old.model if self._known_rho else SignModel(WIDE_RHO))
        self._posterior.add(old.rows, at_once=True)
        for _ in range(SWEEPS):
            self._posterior.refine(1)
        for _ in range(0 if self._known_rho else SWEEPS):
            self._posterior.refine(1)
            self._posterior.learn_rho(PRIOR_RHO)

    def _search_ratios(self) -> Generator[FloatArray, Array, str]:
        rho = self._rho if self._known_rho else None
        search = self._ratios = NoisySearch(self._d, self._goal, self._basis_kind, rho, self._rng)
        while (X := search.ask()) is not None:
            search.tell(X, signs := (yield X))
            self._posterior.add(X * signs[:, None], at_once=True)
        self._check_fit()
        self.note = self.note or search.note
        return ""

    def _given_up(self) -> bool:
        rho, n = self._rho, self._asked
        if len(self._seen) == 1 and n > 2 * self._d + MONOTONE:
            return True  # the caller finds out why
        if n > PATIENCE * self._bits / capacity(rho):
            self.note = f"gave up after {n} queries: answers are wrong more often than rho = {rho:.2g} explains"
        return bool(self.note)

    @property
    def _contradicted(self) -> float:
        """The share of all answers that contradict the estimate."""
        return float(np.mean(self._posterior.rows @ self.estimate() < 0))

    @property
    def _lost(self) -> bool:
        """Whether more answers contradict the estimate than rho explains, or more than half of them."""
        n, rho = self._asked, self._rho
        return self._contradicted > min(rho + 0.05 * (1 - 2 * rho) + 5 * math.sqrt(rho / n), 0.5)

    def _check_fit(self) -> None:
        """Hand over no normal that most answers contradict; note an eps below float64's resolution, or a bad fit."""
        if self._contradicted > 0.5:
            self._side = -1.0
        if self._eps > self._goal.eps:
            self.note = f"float64 does not separate weights to within eps = {self._goal.eps:g}; it was {self._eps:.1g}"
        elif self._lost:
            rho = f"rho = {self._rho:.2g}"
            self.note = self.note or (
                f"{self._contradicted:.0%} of the answers disagree with the best halfspace, more than {rho} explains"
            )
