"""All answers, and what of them a sum of boxes leaves unexplained."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from mex.types import Array, FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.scores import MUTE, Scores
from mex_boosted_exact.solving import least_squares
from mex_boosted_exact.store import Store
from mex_boosted_exact.sums import BoxSum

SIGMAS = 3
"""How many standard deviations of the rounding of its coefficients a sum may be off."""
SLACK = 10
"""How many times the rounding of all outputs of a row may be left of one, after they are solved for."""
FARTHER = 4.0
"""How much farther from 0 than it has to be a score is taken to be that is not told."""
FIRST = 150
"""How many random rows are asked first: by them the progress is judged, and how answers are rounded."""


class Transcript:
    """The points asked and their scores, beside a sum of boxes that explains more and more of them.

    Attributes:
        axes, scores, store, total: the coordinates, what answers are read as, the points asked, and the sum so far.
        one_sided: whether something is left where 0 or 1 is answered, and the sum is not as far from 0 as that tells.
    """

    def __init__(self, axes: Axes, scores: Scores) -> None:
        self.axes = axes
        self.scores = scores
        self.store = Store(len(axes.units))
        self.total = BoxSum(len(axes.units))
        self.one_sided = False
        self._answers: list[Array] = []

    def answers(self) -> Array:
        """The answers to all points, in order."""
        return np.concatenate(self._answers)

    def explained(self) -> float:
        """The share of the first random points at which nothing is left."""
        if len(self.total) == 0:
            return 0.0
        residuals, errors = self.residuals(np.arange(min(FIRST, len(self.store))))
        return float(np.mean(np.abs(residuals) <= errors))

    def spread(self, numbers: Array) -> float:
        """The standard deviation of the scores of points, without those that an answer tells the sign of only."""
        return float(np.std(self.store.score[numbers[self.store.error[numbers] < MUTE]]))

    def certified(self, rows: int) -> tuple[float, int]:
        """How far rounding may have moved scores and sum at the last rows, at most of 99 percent of them.

        The second is at how many of them the answers tell the sign of the score only.
        """
        errors = self._read(np.arange(len(self.store))[-max(rows, 1) :])[1]
        told = errors < MUTE
        return float(np.quantile(errors[told], 0.99)) if told.any() else np.inf, int((~told).sum())

    def refit(self) -> None:
        """Fit the coefficients of the sum to all points that it explains, by least squares.

        Each came from a few answers, whose rounding adds up over the terms.
        """
        numbers = np.arange(len(self.store))
        residuals, errors = self.residuals(numbers)
        right = np.abs(residuals) <= errors
        members = self.total.members(self.store.Z[right])
        change, variances = least_squares(members, residuals[right, None], 1 / self.store.error[right])
        self.total.coefficients[:] += change[:, 0]
        self.total.variances[:] = np.minimum(variances, self.total.variances)

    def coefficients(self) -> tuple[FloatArray, str]:
        """Those of each output, shape (terms, k); of several outputs by least squares on all answers.

        The second is a sentence where these do not follow from the same terms, or "".
        """
        if len(self.scores.weights) == 1:
            return self.total.coefficients[:, None].copy(), ""
        outputs, errors = self.scores.outputs(self.answers())
        residuals, slack = self.residuals(np.arange(len(self.store)))
        right = np.abs(residuals) <= slack  # others are of the probe
        outputs, errors = outputs[right], errors[right]
        if self.scores.link == "logit":
            outputs = outputs - outputs.mean(axis=1, keepdims=True)
        members = self.total.members(self.store.Z[right])
        found, _ = least_squares(members, outputs, 1 / errors.max(axis=1))
        wrong = np.abs(outputs - members @ found) > SLACK * errors.sum(axis=1, keepdims=True)
        off = int(wrong.any(axis=1).sum())
        return found, f"{off} answers do not follow from the terms that their sum has" if off else ""

    def again(self, Z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Residuals of points asked before, their errors, and those of the scores alone."""
        numbers = self.store.numbers(Z)
        if (numbers < 0).any():
            raise LookupError(f"{(numbers < 0).sum()} of {len(Z)} points were not asked before")
        error = self.store.error[numbers]
        return *self.residuals(numbers), np.where(self.one_sided & (error > MUTE), 0.0, error)

    def residuals(self, numbers: Array) -> tuple[FloatArray, FloatArray]:
        """What the sum leaves of the scores of points, shape (n,), and how far rounding may have moved that."""
        left, errors = self._read(numbers)
        mute = np.flatnonzero(self.store.error[numbers] > MUTE)
        if len(mute) == 0:
            return left, errors
        if not self.one_sided:
            left[mute] = 0.0
            return left, errors
        beyond = errors[mute] - np.abs(left[mute])  # by how much the sum is farther from 0 than it has to be
        left[mute] = np.where(beyond < 0, np.sign(left[mute]) * (FARTHER - beyond), 0.0)
        errors[mute] -= self.store.error[numbers[mute]]
        return left, errors

    def _read(self, numbers: Array) -> tuple[FloatArray, FloatArray]:
        """The difference of the scores of points and the sum, and the bounds of its rounding."""
        values, variances = self.total(self.store.Z[numbers])
        return self.store.score[numbers] - values, self.store.error[numbers] + SIGMAS * np.sqrt(variances)

    def ask(self, Z: FloatArray) -> Generator[FloatArray, Array, Array]:
        """The numbers of points, of which the new ones are asked."""
        numbers, new = self.store.find(Z)
        if len(new):
            try:
                answers = yield self.axes.decode(new)
            except GeneratorExit:  # given up
                self.store.withdraw(len(new))
                raise
            if not self._answers:
                self.scores.learn(answers)
            self._answers.append(answers)
            self.store.add(new, *self.scores(answers))
        return numbers
