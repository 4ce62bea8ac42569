"""A run: what is left is peeled, thresholds are narrowed and confirmed, and random rows check."""

from __future__ import annotations

import numpy as np

from mex_boosted_exact.additive import Additive
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.confirmation import Confirmation
from mex_boosted_exact.draws import Draws
from mex_boosted_exact.guesses import Guesses
from mex_boosted_exact.precision import probe
from mex_boosted_exact.refine import Refinement
from mex_boosted_exact.scores import MUTE, Scores
from mex_boosted_exact.searches import Asking, Searches
from mex_boosted_exact.transcript import Transcript

FIRST_BATCH, LAST_BATCH = 16, 1024
FITTED, SETTLED, IDLE = 50, 200, 5
"""After how many rows without residual coefficients of float32 answers are fitted, and steps narrowed; how often in a
row unseen steps are sought."""
SHARE = 1 / 15
"""Of all rows as many are checks at the end at least: of many terms more may be left that show in few rows."""
MET = 3
"""In the box of a term of so many steps there are random rows enough; in that of each with more one is asked."""
GROWN = 1.01
"""By how much a sum has to have grown for its coefficients to be fitted again before the end."""


class Run:
    """Finds the sum of boxes that the scores of a target are.

    Attributes:
        told, axes, store, total: the answers, and of these the coordinates, the points asked, and the sum so far.
        adds_up: whether it seems to be a sum of functions of one feature each; None before that is known.
        clean: on how many rows, one after the other, it was right since it changed last.
        reason: why the end is none, a sentence; "" if it is.
    """

    def __init__(self, axes: Axes, scores: Scores, draws: Draws, *, double: bool = False) -> None:
        """Start.

        Args:
            axes: the coordinates, in float32; what float64 adds to thresholds is found in the end.
            scores: gives the scores of answers and the bounds of their rounding.
            draws: gives random points.
            double: whether the target is known to compare in float64.
        """
        self.told = Transcript(axes, scores)
        self.axes = axes
        self.store = self.told.store
        self.total = self.told.total
        self.adds_up: bool | None = None
        self.clean = 0
        self.reason = ""
        self._draws = draws
        self._rng = draws.rng
        guesses = Guesses(axes, draws.pool)
        self._additive = Additive(self.told, guesses, draws.rng)
        self._searches = Searches(self.told, guesses, draws.rng)
        self._refinement = Refinement(axes, self.total, draws)
        self._confirmation = Confirmation(axes, self.total, draws)
        self._double = double
        self._fitted = self._fitted_to = 0  # how many terms were fitted to how many answers last
        self._swept = 0  # in the boxes of how many terms a row was asked
        self._confirmed = 0  # of how many terms the thresholds were confirmed
        self._probed = False  # whether it is known in which precision the target compares

    def steps(self, checks: int) -> Asking:
        """Go on from the rows of the survey, until enough random rows, one after the other, leave no residual.

        That is ``checks``, or a fifteenth of all rows if that is more.
        """
        numbers, error = np.arange(len(self.store)), self.store.error
        start = 0 if error[0] <= 3 * error.min() else int(np.argmin(error))
        searches = self._searches
        searches.searcher.anchor = self._refinement.grouping.anchor = self.store.Z[start].copy()
        self.total.add(float(self.store.score[start]), float(error[start] ** 2), ())
        self.adds_up = yield from self._additive.holds(numbers)
        yield from self._additive.steps(start, adds_up=self.adds_up)
        searches.sort(numbers)
        if not searches.wrong:  # by none of these rows the sum was found, so that they are checks as good as others
            self.clean = len(numbers) - 1  # without the one it starts from
        batch = FIRST_BATCH
        while (
            searches.wrong
            or self.clean < (needed := max(checks, int(SHARE * len(self.store))))
            or self._refinement.open()
            or (self.axes.double and self._confirmed < len(self.total))
            or not (self.axes.double or self._probed)
            or self._swept < len(self.total)
            or not self.told.one_sided
            or (self.told.scores.single and self._fitted_to < len(self.store))
        ):
            if searches.wrong:
                version = len(self.total)
                yield from searches.peel()
                if len(self.total) > version:
                    self.clean, batch = 0, max(batch // 2, FIRST_BATCH)
                elif searches.wrong and not self._refit(1):
                    self.reason = f"at {len(searches.wrong)} rows something is left that leads to no step"
                    return
            elif self.clean >= min(FITTED, checks) and self.told.scores.single and self._refit(GROWN):
                self.clean = 0
            elif self.clean >= min(SETTLED, checks) and self._refinement.open():
                yield from self._refine()
                if not searches.wrong:
                    yield from self._confirm()
                searches.sort_unclear()
                self.clean = 0
            elif self.clean >= min(SETTLED, checks) and self.axes.double and self._confirmed < len(self.total):
                yield from self._confirm()
            elif self.clean >= min(SETTLED, checks) and not self.axes.double and not self._probed:
                yield from self._probe()
            elif self.clean >= min(SETTLED, checks) and self._swept < len(self.total):
                terms = self.total.terms[self._swept : self._swept + LAST_BATCH]
                self._swept += len(terms)
                if deep := [term for term in terms if len(term) > MET]:
                    searches.sort((yield from self.told.ask(self._draws.in_boxes(deep, self.total))))
            elif self.clean >= min(SETTLED, checks) and not self.told.one_sided:
                self.told.one_sided = True
                if (self.store.error > MUTE).any():
                    searches.sort_again()
            elif self.clean >= needed:
                self._fit()
            else:
                Z = self._draws.points(min(batch, needed - self.clean) if self.clean else batch, self.total)
                searches.sort((yield from self.told.ask(Z)))
                self.clean += len(Z)
                batch = min(2 * batch, LAST_BATCH)
        searches.sort_unclear()
        if searches.wrong:
            self.reason = f"{len(searches.wrong)} rows lie between the two ends of a step that was not found exactly"

    def _refit(self, grown: float) -> bool:
        """Fit the coefficients to all answers, and sort the rows again, if the sum has ``grown`` so since last time."""
        if len(self.total) < max(grown * self._fitted, self._fitted + 1):
            return False
        self._fit()
        return True

    def _fit(self) -> None:
        self._fitted, self._fitted_to = len(self.total), len(self.store)
        self.told.refit()
        self._searches.sort_again()

    def _refine(self) -> Asking:
        """Narrow all steps to the last bit that the target compares."""
        refinement, idle = self._refinement, 0
        while steps := refinement.open():
            if not (groups := refinement.groups(steps)):
                idle += 1
                if idle == IDLE:
                    for step in steps:
                        refinement.settle(step)
                continue
            idle = 0
            Z = refinement.rows(groups)
            numbers = yield from self.told.ask(Z)
            refinement.narrow(groups, Z, self.store.score[numbers], self.store.error[numbers])
            if refinement.doubts:
                numbers = yield from self.told.ask(refinement.beside())
                residuals, errors = self.told.residuals(numbers)
                right = np.abs(residuals) <= errors
                refinement.split(right.reshape(-1, 2))
                self._searches.sort(numbers)
                if not right.all():
                    return

    def _confirm(self) -> Asking:
        """Ask rows at both ends of the steps of all terms that have none there."""
        self._confirmed = len(self.total)
        self._searches.sort((yield from self.told.ask(self._confirmation.rows(self.store.Z))))

    def _probe(self) -> Asking:
        """Find out whether the target compares in float64, by rows that float32 rounds to the ends of steps."""
        self._probed = True
        if self._double:
            self.axes.compare(double=True)
            return
        Z, expected, slack = probe(self.axes, self.total, self._refinement.grouping)
        if len(Z):
            numbers = yield from self.told.ask(Z)
            off = np.abs(self.store.score[numbers] - expected)
            if np.any(off > self.store.error[numbers] + slack):
                self.axes.compare(double=True)
