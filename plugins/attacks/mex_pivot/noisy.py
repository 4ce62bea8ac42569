"""Ratio bisection when answers may be wrong."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
from scipy.special import betainc, gammainc

from mex.toolkit.bounds import capacity, sphere_bits
from mex.types import Array, FloatArray
from mex_pivot.answer_model import AnswerModel
from mex_pivot.frame import Frame
from mex_pivot.groups import Groups, Ratios
from mex_pivot.posteriors import Posteriors
from mex_pivot.prior import normalised
from mex_pivot.search import JITTER, UNBOUNDED, Goal, RatioSearch

LARGEST_RHO = 0.45
"""The largest rate of wrong answers that works, and the first guess at an unknown one."""

BULK, GROSS = 1.2, 1.2
"""A ratio is asked again if the variance of its error, or the probability that it is gross, is more than so many times
an even share, among the ratios, of what is allowed."""

NARROW = 0.5
"""Width of the central 80 % of a posterior, in prior standard deviations, below which it tells no more about s."""

MOST_FOR_SIGN = 3000
"""The most queries for the sign of <w*, pivot>."""

UNTESTED = "its confidence is that of each ratio of weights alone: now and then the error is a few times eps"
"""What is said of an end that no joint posterior has told."""

RHOS = np.geomspace(1e-3, LARGEST_RHO, 36)
"""The grid of an unknown rate of wrong answers."""

PATIENCE = 6
"""The search is given up after so many times the queries that are expected."""


class NoisySearch(RatioSearch):
    """Bayesian bisection of all ratios together, then group queries that rule out gross errors.

    Each batch asks the ratios that contribute most to the error: at the median as long as the bulk of the posterior is
    wide, in a group with others once only its tails are heavy. No two queries are alike, so sticky noise is as good
    as fresh noise.

    ``rho`` is the probability of a wrong answer; None estimates it from the answers, at the upper end.
    """

    _confirmations = 10

    def __init__(self, d: int, goal: Goal, basis_kind: str, rho: float | None, rng: np.random.Generator) -> None:
        super().__init__(d, goal, basis_kind, rng)
        self._known_rho = rho is not None
        self._rho = LARGEST_RHO if rho is None else rho
        self._eps = max(goal.eps, d * 2.0**-48)
        self._bits = sphere_bits(d, self._eps) + 10 * d  # to find w*, and to confirm each ratio
        self._summary = Ratios.unknown(d - 1)
        self._sign_answers = (0.0, 0.0)  # about the sign of the pivot: how many were in the minority, and all
        self._started = 0  # queries before the present attempt

    def _ratios(self) -> FloatArray:
        return self._summary.centre

    def _attempt(self, rows: FloatArray) -> Generator[FloatArray, Array, str]:
        self._frame = None
        self._summary = Ratios.unknown(self._d - 1)
        self._started = self._asked
        sign = yield from self._sign(rows[0])
        if sign == 0:
            return "the labels of one row are both as frequent: they tell nothing"
        self._first = sign * rows[0]
        self._frame = Frame(self._first, rows[1:])
        return "" if self._d == 1 else (yield from self._bisect(self._frame))

    def _sign(self, pivot: FloatArray) -> Generator[FloatArray, Array, float]:
        """The sign of <w*, pivot>, wrong with a hundredth of the probability that the goal allows; 0 if unclear."""
        risk = (1 - self._goal.confidence) / 100
        total, count = 0.0, 0
        while (n := self._signs_left(total, count, risk)) > 0:
            if count > MOST_FOR_SIGN:
                return 0.0
            total += float((yield pivot + JITTER * self._rng.standard_normal((n, self._d))).sum())
            count += n
        self._sign_answers = (count - abs(total)) / 2, float(count)
        return math.copysign(1.0, total)

    def _signs_left(self, total: float, count: int, risk: float) -> int:
        """How many more queries decide the sign if they all agree; about so many if rho is unknown."""
        if self._known_rho:  # sequential probability ratio test
            return math.ceil(math.log((1 - risk) / risk) / math.log((1 - self._rho) / self._rho) - abs(total))
        minority = (count - abs(total)) / 2
        return 5 + count // 4 if betainc(minority + 1, count - minority + 1, 0.5) < 1 - risk else 0

    def _bisect(self, frame: Frame) -> Generator[FloatArray, Array, str]:
        posteriors, summary = Posteriors(self._d - 1, self._rho), self._summary
        every = rows = np.arange(self._d - 1)
        update_at = 0.0  # a number of queries
        while not self._unbounded(summary.median):
            if self._asked >= update_at:
                update_at, rows = 1.05 * self._asked, every
                self._learn_parameters(posteriors)
            summary.update(posteriors, rows, self._eps)
            if self._reached(summary) or self._exhausted():
                self._check_fit(posteriors)
                return ""
            single, grouped = self._wanted(summary)
            groups, t = Groups.of(summary, grouped, self._rng), summary.median[single]
            signs = yield np.concatenate([frame.directions(single, t), groups.directions(frame)])
            if len(single):
                posteriors.tell(single, AnswerModel(t), signs[: len(single)] > 0)
            if len(grouped):
                groups.tell(posteriors, signs[len(single) :] > 0)
            rows = np.concatenate([single, grouped])
        return UNBOUNDED

    def _learn_parameters(self, posteriors: Posteriors) -> None:
        """Learn rho, if it is unknown, and s from all answers so far."""
        if not self._known_rho:
            # The 95 % quantile: too large a rho costs queries, too small a one misses the goal.
            wrong, n = self._sign_answers
            log_weight = posteriors.log_evidence(RHOS) + (wrong + 1) * np.log(RHOS) + (n - wrong) * np.log1p(-RHOS)
            self._rho = float(np.interp(0.95, np.cumsum(normalised(log_weight)), RHOS))
            posteriors.set_rho(self._rho)
        if posteriors.learning:
            scale, every = posteriors.learn_scale(), np.arange(self._d - 1)
            spread = posteriors.quantile(every, 0.9) - posteriors.quantile(every, 0.1)
            if np.mean(spread * scale < NARROW) > 0.9:
                posteriors.stop_learning()

    def _wanted(self, summary: Ratios) -> tuple[Array, Array]:
        """The ratios to ask at their median, whose bulk is wide, and those to ask in groups, whose tails are heavy."""
        m = len(summary.variance)
        bulk, tails = summary.variance * m / BULK, (summary.left + summary.right) * m / (GROSS * self._gross_allowed)
        need = np.maximum(bulk, tails)
        wanted, wide = need >= min(1.0, need.max() / 2), (bulk > 1) | (bulk > tails)
        return np.flatnonzero(wanted & wide), np.flatnonzero(wanted & ~wide)

    @property
    def _gross_allowed(self) -> float:
        # A gross error counts as 2, the diameter of the sphere, where the mean square is wanted.
        return self._eps**2 / 16 if self._goal.stop == "rms" else 1 - self._goal.confidence

    def _reached(self, summary: Ratios) -> bool:
        """Whether the goal is reached."""
        total, gross = float(summary.variance.sum()), summary.left + summary.right
        if self._goal.stop == "rms":
            return total + float(gross.sum()) * 4 / self._eps**2 <= 1
        # The sum of the squared errors that are not gross is approximately a gamma variable of the same moments.
        spread = max(float((summary.fourth - summary.variance**2).sum()), 1e-9)
        within = float(gammainc(total**2 / spread, total / spread))
        none_gross = math.exp(float(np.log1p(-np.minimum(gross, 1 - 1e-9)).sum()))
        risk = (1 - self._goal.confidence) / 100
        return within * none_gross * (1 - risk) >= self._goal.confidence

    def _exhausted(self) -> bool:
        if self._asked - self._started <= PATIENCE * self._bits / capacity(self._rho):
            return False
        self.note = (
            f"gave up after {self._asked} queries: answers are wrong more often than rho = {self._rho:.2g} explains"
        )
        return True

    def _check_fit(self, posteriors: Posteriors) -> None:
        """Note an eps below the resolution of float64, or more wrong answers than rho explains."""
        share, n = posteriors.wrong_share, self._asked
        if self._eps > self._goal.eps:
            self.note = f"float64 does not separate weights to within eps = {self._goal.eps:g}; it was {self._eps:.1g}"
        # 0.05 (1 - 2 rho) is tolerated: groups without a gross error are above their bound now and then.
        elif self._known_rho and share > self._rho + 0.05 * (1 - 2 * self._rho) + 5 * math.sqrt(self._rho / n):
            self.note = (
                f"{share:.0%} of the answers disagree with the best halfspace, more than rho = {self._rho:g} explains"
            )
        elif self._d > 1:
            self.note = UNTESTED
