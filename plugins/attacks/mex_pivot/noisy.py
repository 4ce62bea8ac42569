"""Ratio bisection when answers may be wrong."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
from scipy.special import betainc, gammainc

from mex.toolkit.bounds import capacity, sphere_bits
from mex.types import Array, FloatArray
from mex_pivot.bisection import Posteriors, Step
from mex_pivot.frame import Frame
from mex_pivot.groups import Groups, Ratios
from mex_pivot.prior import normalised
from mex_pivot.search import JITTER, UNBOUNDED, Goal, Search

LARGEST_RHO = 0.45
"""The largest rate of wrong answers that an unknown one is taken for."""

BULK, GROSS = 1.2, 1.2
"""Shares of the error allowed, of variance and of gross errors, above which a ratio is asked again."""

NARROW = 0.5
"""Central 80% of a posterior, in prior standard deviations, below which it tells no more about s."""

UNCLEAR = 3000
"""Queries after which the sign of the pivot is given up."""

RHOS = np.geomspace(1e-3, LARGEST_RHO, 36)
"""Rates of wrong answers that an unknown one may be."""

PATIENCE = 6
"""Give up after so many times the queries that should do."""


class NoisySearch(Search):
    """Bayesian bisection of all ratios together, then group queries that rule out gross errors.

    Each round asks every ratio that still adds too much to the error: at its median while the bulk of its
    posterior is wide, in a group with others once only its tails are heavy. Thresholds are fresh real
    numbers, so it makes no difference whether wrong answers are drawn anew or stick to the row.

    ``rho`` is the probability of a wrong answer; None estimates it from the answers, from above.
    """

    _checks = 10

    def __init__(self, d: int, goal: Goal, basis_kind: str, rho: float | None, rng: np.random.Generator) -> None:
        super().__init__(d, goal, basis_kind, rng)
        self._known_rho, self._rho = rho is not None, LARGEST_RHO if rho is None else rho
        self._eps = max(goal.eps, d * 2.0**-48)
        self._bits = sphere_bits(d, self._eps) + 10 * d  # what telling w* takes, and being sure of each ratio
        self._view = Ratios.unknown(d - 1)
        self._sign_answers, self._started = (0.0, 0.0), 0

    def _ratios(self) -> FloatArray:
        return self._view.centre

    def _attempt(self, rows: FloatArray) -> Generator[FloatArray, Array, str]:
        self._frame, self._view, self._started = None, Ratios.unknown(self._d - 1), self._asked
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
            if count > UNCLEAR:
                return 0.0
            total += float((yield pivot + JITTER * self._rng.standard_normal((n, self._d))).sum())
            count += n
        self._sign_answers = (count - abs(total)) / 2, float(count)
        return math.copysign(1.0, total)

    def _signs_left(self, total: float, count: int, risk: float) -> int:
        """As many more queries as the sign takes if all of them agree, but for an unknown rho only about that."""
        if self._known_rho:  # sequential probability ratio test
            return math.ceil(math.log((1 - risk) / risk) / math.log((1 - self._rho) / self._rho) - abs(total))
        minority = (count - abs(total)) / 2
        return 5 + count // 4 if betainc(minority + 1, count - minority + 1, 0.5) < 1 - risk else 0

    def _bisect(self, frame: Frame) -> Generator[FloatArray, Array, str]:
        posteriors, view = Posteriors(self._d - 1, self._rho), self._view
        every = rows = np.arange(self._d - 1)
        due = 0.0
        while not self._unbounded(view.median):
            if self._asked >= due:
                due, rows = 1.05 * self._asked, every
                self._look_back(posteriors)
            view.update(posteriors, rows, self._eps)
            if self._reached(view) or self._exhausted():
                self._check_fit(posteriors)
                return ""
            broad, narrow = self._wanted(view)
            groups, t = Groups.of(view, narrow, self._rng), view.median[broad]
            signs = yield np.concatenate([frame.directions(broad, t), groups.directions(frame)])
            if len(broad):
                posteriors.tell(broad, Step(t), signs[: len(broad)] > 0)
            if len(narrow):
                groups.tell(posteriors, signs[len(broad) :] > 0)
            rows = np.concatenate([broad, narrow])
        return UNBOUNDED

    def _look_back(self, posteriors: Posteriors) -> None:
        """Learn from all answers so far what they have in common: rho, if it is unknown, and s."""
        if not self._known_rho:
            # The upper end of what the evidence leaves of it: too large a rho costs queries, too small a one the goal.
            wrong, n = self._sign_answers
            log_weight = posteriors.log_evidence(RHOS) + (wrong + 1) * np.log(RHOS) + (n - wrong) * np.log1p(-RHOS)
            self._rho = float(np.interp(0.95, np.cumsum(normalised(log_weight)), RHOS))
            posteriors.assume(self._rho)
        if posteriors.learning:
            scale, every = posteriors.learn_scale(), np.arange(self._d - 1)
            spread = posteriors.quantile(every, 0.9) - posteriors.quantile(every, 0.1)
            if np.mean(spread * scale < NARROW) > 0.9:
                posteriors.settle()

    def _wanted(self, view: Ratios) -> tuple[Array, Array]:
        """The ratios to ask now: those whose bulk is too wide, and others whose tails are too heavy."""
        m = len(view.variance)
        bulk, tails = view.variance * m / BULK, (view.left + view.right) * m / (GROSS * self._gross_allowed)
        need = np.maximum(bulk, tails)
        wanted, broad = need >= min(1.0, need.max() / 2), (bulk > 1) | (bulk > tails)
        return np.flatnonzero(wanted & broad), np.flatnonzero(wanted & ~broad)

    @property
    def _gross_allowed(self) -> float:
        # A gross error counts as 2, the diameter of the sphere, where the mean square is wanted.
        return self._eps**2 / 16 if self._goal.stop == "rms" else 1 - self._goal.confidence

    def _reached(self, view: Ratios) -> bool:
        total, gross = float(view.variance.sum()), view.left + view.right
        if self._goal.stop == "rms":
            return total + float(gross.sum()) * 4 / self._eps**2 <= 1
        # The sum of the squared errors that are not gross is close to a gamma variable of the same moments.
        spread = max(float((view.fourth - view.variance**2).sum()), 1e-9)
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
        share, n = posteriors.wrong_share, self._asked
        if self._eps > self._goal.eps:
            self.note = f"float64 does not separate weights to within eps = {self._goal.eps:g}; it was {self._eps:.1g}"
        # A twentieth, in the scale of the noise, may be the bulk of a group that went above its bound.
        elif self._known_rho and share > self._rho + 0.05 * (1 - 2 * self._rho) + 5 * math.sqrt(self._rho / n):
            self.note = (
                f"{share:.0%} of the answers disagree with the best halfspace, more than rho = {self._rho:g} explains"
            )
