"""Search for a halfspace by one joint posterior when answers may be wrong."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
from scipy.special import betainc, chdtri, logit, ndtr

from mex.toolkit.bayes_point.draws import draw
from mex.toolkit.bayes_point.posterior import LARGEST, Posterior, SignModel
from mex.toolkit.bounds import capacity, sphere_bits
from mex.types import Array, FloatArray
from mex_pivot.around import OFF, Around
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

SOON = 1.25
"""Gross errors are tested once the trace is at most so many times that of the goal: the tests tell more than that."""

TESTED = 0.2
"""The share of the probability of an error above eps that may be left to gross errors."""

MOST_GROSS = 0.02
"""The largest probability of a gross error with which the search ends."""

GROSS, FEW = 0.15, 15
"""The probability, before it is tested, that the error is gross: an unlikely run of wrong answers that the
posterior takes for right. In more than so few dimensions it falls with them, as a run has to be longer to matter."""

GROSS_UNKNOWN = 0.45
"""The same where the rate is not known, and may be taken for too small."""

NOISY = 0.05
"""From this rate of wrong answers on it is as large as that; it falls to nothing with the rate."""

WIDER = 4.0
"""A gross error is taken for so many times the standard one."""

FEWEST = 9
"""So many tests without a surprise show that answers are not those of a coin, where their rate is unknown."""

LIKELY = 0.8
"""The probability of a gross error at which the search goes back."""

WIDE_RHO = 0.3
"""Where the rate is not known, a posterior is computed afresh from this one: with a small one, answers that are far off
count as wrong and pull no more, so that a wrong normal, even the opposite one, stays where it is."""

SWEEPS = 10
"""From so few sweeps over all answers the posterior is wide again, and lies where most of the answers are right."""

MOST_RESTARTS = 4
"""When it went back more often, one ratio after the other is searched, by posteriors that are exact."""

MOST_HOPELESS = 1
"""How often it goes back because nearly half of the answers seem to be wrong."""

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
        self._bits_a_batch = BITS["batch" if d > MANY else mode] * d
        self._known_rho = rho is not None
        self._eps = max(goal.eps, d * 2.0**-48)
        self._posterior = Posterior(d, SignModel(FIRST_RHO if rho is None else rho))
        self._bits = sphere_bits(d, self._eps) + 10 * d
        self._looked_at = math.inf  # the trace of the covariance when draws were looked at
        self._wanted = self._first_wanted  # the trace that reaches the goal
        self._tested = 0  # directions off the present posterior's mean
        self._surprises_met = 0

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
        log_odds = self._log_odds
        restarts, hopeless = 0, 0
        while not self._given_up():
            if self._hopeless:
                hopeless += 1
                log_odds = self._log_odds
                self._compute_afresh()
                if hopeless > MOST_HOPELESS or self._hopeless:
                    self.note = "whatever the halfspace, nearly half of the labels are wrong: they tell nothing"
                    break
            trace = self._around.trace
            fine = log_odds <= logit(self._allowed) and self._tells
            if trace > (wanted := self._wanted * (1 if fine else SOON)):
                X = self._even((self._d - 1) / 2 * math.log2(trace / wanted))
                self._take(X, (yield X))
            elif self._looked_at > LOOK_AGAIN * trace:
                self._look()
            elif fine and not self._lost:
                break
            elif fine or log_odds >= logit(LIKELY):
                restarts += 1
                log_odds = self._log_odds
                if restarts > MOST_RESTARTS:
                    return (yield from self._search_ratios())
                self._compute_afresh()
            else:
                surprise, none, sure = self._weights()
                n = max(math.ceil((log_odds - logit(self._allowed)) / sure), 0 if self._known_rho else FEWEST)
                X, side = self._around.tests(max(2, (n + 1) // 2, self._tested // 4), self._rng)
                signs = yield X
                surprises = int((signs != side).sum())
                log_odds += surprises * surprise + (len(signs) - surprises) * none
                self._surprises_met += surprises
                self._tested += len(signs)
                self._take(X, signs)
        self._check_fit()
        return ""

    @property
    def _noise(self) -> float:
        """1 where answers are wrong so often that gross errors occur, down to 0 where none are."""
        return min(self._posterior.model.rho / NOISY, 1.0)

    @property
    def _tells(self) -> bool:
        """Whether answers to tests are what was predicted more often than not, which those of a coin are not."""
        if self._known_rho:
            return True
        others = self._tested - self._surprises_met
        return float(betainc(self._surprises_met + 1, others + 1, 0.5)) > 0.999

    @property
    def _log_odds(self) -> float:
        """The log odds of a gross error before it is tested."""
        gross = GROSS if self._known_rho else GROSS_UNKNOWN
        return float(logit(max(gross * min(FEW / self._d, 1.0) * self._noise, 1e-12)))

    @property
    def _allowed(self) -> float:
        """The probability of a gross error that the goal allows."""
        # A gross error counts as 2, the diameter of the sphere, where the mean square is wanted.
        return self._eps**2 / 16 if self._goal.stop == "rms" else min(TESTED * (1 - self._goal.confidence), MOST_GROSS)

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
        self._wanted = self._looked_at * self._eps**2 / float(within)

    @property
    def _first_wanted(self) -> float:
        """The trace of the covariance that reaches the goal if the error is a chi-square, as long as none was drawn."""
        n = self._d - 1
        return self._eps**2 / (1.0 if self._goal.stop == "rms" else float(chdtri(n, 1 - self._sure)) / n)

    @property
    def _around(self) -> Around:
        """What the posterior tells of the unit normal."""
        normal = self.estimate()
        root = self._posterior.root / np.linalg.norm(self._posterior.mean)
        return Around(normal, np.asarray(root - np.multiply.outer(normal, normal @ root)))

    def _even(self, bits: float) -> FloatArray:
        """Directions at even odds, shape (n, d), for a batch or until so many ``bits`` are told."""
        bits = min(self._bits_a_batch, max(bits, BITS["sequential"] * self._d))
        told = capacity(self._posterior.model.rho)
        n, most = math.ceil(bits / told), math.ceil((self._d - 1) * min(AT_ONCE + told, 1.0))
        around, sets = self._around, math.ceil(n / most)
        return np.concatenate([around.even(math.ceil(n / sets), self._rng) for _ in range(sets)])

    def _weights(self) -> tuple[float, float, float]:
        """What a surprising answer and another one add to the log odds, and what one takes off in the mean."""
        rho = self._posterior.model.rho
        fine, gross = (rho + (1 - 2 * rho) * float(ndtr(-OFF / wide)) for wide in (1.0, math.hypot(1, WIDER)))
        surprise, none = math.log(gross / fine), math.log((1 - gross) / (1 - fine))
        return surprise, none, -(fine * surprise + (1 - fine) * none)

    def _compute_afresh(self) -> None:
        self._tested = self._surprises_met = 0
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
        rho = self._posterior.model.rho if self._known_rho else None
        search = self._ratios = NoisySearch(self._d, self._goal, self._basis_kind, rho, self._rng)
        while (X := search.ask()) is not None:
            search.tell(X, signs := (yield X))
            self._posterior.add(X * signs[:, None], at_once=True)
        self._check_fit()
        self.note = self.note or search.note
        return ""

    def _given_up(self) -> bool:
        rho, n = self._posterior.model.rho, self._asked
        if len(self._seen) == 1 and n > 2 * self._d + MONOTONE:
            return True  # the caller finds out why
        if n > PATIENCE * self._bits / capacity(rho):
            self.note = f"gave up after {n} queries: answers are wrong more often than rho = {rho:.2g} explains"
        return bool(self.note)

    @property
    def _hopeless(self) -> bool:
        """Whether the unknown rate is so large after so many answers that they seem to tell nothing."""
        return not self._known_rho and self._posterior.model.rho > 0.98 * LARGEST and self._asked > 20 * self._d + 200

    @property
    def _contradicted(self) -> float:
        """The share of all answers that contradict the estimate."""
        return float(np.mean(self._posterior.rows @ self.estimate() < 0))

    @property
    def _lost(self) -> bool:
        """Whether more answers contradict the estimate than rho explains, or more than half of them."""
        n, rho = self._asked, self._posterior.model.rho
        return self._contradicted > min(rho + 0.05 * (1 - 2 * rho) + 5 * math.sqrt(rho / n), 0.5)

    def _check_fit(self) -> None:
        """Hand over no normal that most answers contradict; note an eps below float64's resolution, or a bad fit."""
        if self._contradicted > 0.5:
            self._side = -1.0
        if self._eps > self._goal.eps:
            self.note = f"float64 does not separate weights to within eps = {self._goal.eps:g}; it was {self._eps:.1g}"
        elif self._lost:
            rho = f"rho = {self._posterior.model.rho:.2g}"
            self.note = self.note or (
                f"{self._contradicted:.0%} of the answers disagree with the best halfspace, more than {rho} explains"
            )
