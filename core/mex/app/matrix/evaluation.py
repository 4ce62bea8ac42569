"""The yardstick of a cell: fixed points on which hypotheses are compared with the undefended f*."""

from __future__ import annotations

import attrs
import numpy as np

from mex.app.analysis.numbers import digits
from mex.app.matrix.record import POINTS
from mex.dataset import Rows
from mex.errors import Incompatible, UsageError
from mex.learner import predictions
from mex.target import Target, labels
from mex.toolkit.active.samplers import between_rows
from mex.toolkit.metrics import agreement, class_agreement, distance, unit_normal
from mex.types import Array, Estimator, FloatArray, Sealed, read_only

SHARE_HELD_OUT, SHARE_OF_EACH = 0.4, 0.125
"""Of a budget to measure: the held-out rows; the points between them, the uniform ones, the rows on which a defense's
answers are compared with f*'s, and these asked again."""


POINTS_OF = ("agreement", "near_agreement", "uniform_agreement")
REPEATED = 1000
"""Held-out rows that a model which costs nothing is asked once more, to see whether it answers by chance."""


def _read_only(points: dict[str, FloatArray]) -> dict[str, FloatArray]:
    return {name: read_only(X) for name, X in points.items()}


@attrs.frozen(eq=False)
class Yardstick(Sealed):
    """Fixed points with the answers of the undefended f*, against which hypotheses are measured.

    ``held_out`` rows saturate early and a high-dimensional model can be nearly constant on uniform
    points, so each set alone misleads: ``near`` lies between held-out rows.

    ``repeated`` is the agreement of f* with itself on the first held-out rows, asked twice: 1 unless it answers by
    chance. None of a model that costs money, and of a record.
    """

    target: Target
    truth: Array | None
    points: dict[str, FloatArray] = attrs.field(converter=_read_only)
    answers: dict[str, Array]
    normal: FloatArray | None
    repeated: float | None = None

    @classmethod
    def of(
        cls,
        target: Target,
        held_out: Rows,
        rng: np.random.Generator,
        *,
        labelled: bool = True,
        budget: int | None = None,
    ) -> Yardstick:
        """Draw the points, and ask the undefended f* about them, which no oracle counts.

        Args:
            target: f*.
            held_out: rows as the interface takes them, and their true targets if ``labelled``.
            rng: where the points come from.
            labelled: whether there are true targets.
            budget: of an f* that costs money, how many rows may be asked to measure, its defense's cost included.

        Raises:
            UsageError: if f* answers with values and there are too few rows for an R².
        """
        if target.classes is None and len(held_out.X) < 2:
            raise UsageError(f"R² needs at least two held-out rows, and there are {len(held_out.X)}: give more rows")
        points_of_each = POINTS
        if budget is not None:
            points_of_each = max(1, int(SHARE_OF_EACH * budget))
            of_rows = slice(max(2, int(SHARE_HELD_OUT * budget)))
            held_out = Rows(held_out.X[of_rows], held_out.y[of_rows])
        crossover = target.family.axis_parallel
        points = {
            "agreement": held_out.X,
            "near_agreement": between_rows(held_out.X, target.domain, points_of_each, rng, crossover=crossover),
            "uniform_agreement": target.domain.sample(points_of_each, rng),
        }
        answers = {"agreement": labels(target, held_out.X)}
        for name in POINTS_OF[1:]:
            try:
                answers[name] = labels(target, points[name])
            except Incompatible:  # a record answers what was asked of it
                del points[name]
        truth = held_out.y if labelled else None
        estimator = getattr(target, "estimator", None)  # a target of another kind does not show one
        normal = None if estimator is None else unit_normal(estimator, target.domain)
        free = budget is None and len(answers) == len(POINTS_OF)
        repeated = _with_itself(target, held_out.X[:REPEATED], answers["agreement"][:REPEATED]) if free else None
        return cls(target, truth, points, answers, normal, repeated)

    @property
    def asked(self) -> int:
        """How many rows f* was asked."""
        again = 0 if self.repeated is None else len(self.points["agreement"][:REPEATED])
        return sum(map(len, self.points.values())) + again

    @property
    def chance(self) -> str:
        """A sentence if f* answers rows otherwise when they are asked again; "" if it was not seen to.

        Of answers drawn afresh a copy that always gives the likeliest one (of values, the mean) agrees with one draw on
        (1 + repeated) / 2 at most: two draws agree with probability sum(p^2) >= max(p)^2 >= 2 max(p) - 1, and the R^2
        of the mean misses half of the variance between two draws.
        """
        if self.repeated is None or self.repeated >= 1:
            return ""
        places = digits(len(self.points["agreement"][:REPEATED]))
        most = (
            f"no copy can be expected to agree with one answer on more than about {(1 + self.repeated) / 2:.{places}f}"
        )
        if self.regression:
            return f"the model gives other values when asked again (R² {self.repeated:.{places}f} between both): {most}"
        return f"the model answers {1 - self.repeated:.{places}f} of rows otherwise when asked again: {most} of them"

    @property
    def regression(self) -> bool:
        """Whether f* answers with values."""
        return self.target.classes is None

    def majority(self, points: str) -> float | None:
        """The share of f*'s most common label on a set of points, what a constant agrees on.

        None for values, and of points that f* does not answer.
        """
        if self.regression or points not in self.answers:
            return None
        _, counts = np.unique(self.answers[points], return_counts=True)
        return float(counts.max() / counts.sum())

    def score(self, stolen: Estimator) -> dict[str, float | None]:
        """Agreement with f* on each set of points, the geometric error, and the accuracy on the held-out rows.

        Raises:
            AnswerError: if the hypothesis predicts what f* could not answer.
        """
        theirs = {name: predictions(stolen, X, self.target.classes) for name, X in self.points.items()}
        return {
            **dict.fromkeys(("near_agreement", "uniform_agreement")),
            **{name: agreement(given, self.answers[name], self.regression) for name, given in theirs.items()},
            "class_agreement": self._by_class(theirs["agreement"]),
            "geometric_error": distance(self.normal, stolen, self.target.domain),
            "stolen_accuracy": self.accuracy(theirs["agreement"]),
        }

    def _by_class(self, answers: Array) -> float | None:
        """The agreement of ``answers`` to the held-out rows, averaged over f*'s classes; None for values."""
        return None if self.regression else class_agreement(answers, self.answers["agreement"])

    def accuracy(self, answers: Array) -> float | None:
        """How right ``answers`` to the held-out rows are, by the true targets (R^2 for values); None without these."""
        if self.truth is None:
            return None
        return agreement(answers, self.truth, self.regression)

    def accuracies(self, defended: Target) -> dict[str, float | None]:
        """The accuracy of f*, of what honest users get instead of it, and what they lose."""
        ours = self.accuracy(self.answers["agreement"])
        theirs = self.accuracy(labels(defended, self.points["agreement"]))
        lost = None if ours is None or theirs is None else ours - theirs
        return {"target_accuracy": ours, "defended_accuracy": theirs, "accuracy_lost": lost}


def _with_itself(target: Target, X: FloatArray, first: Array) -> float:
    """The agreement of a second answer to each row with the first; 1 where values differ by rounding only."""
    again = labels(target, X)
    if target.classes is None and np.allclose(again, first, rtol=1e-6, atol=1e-9 * float(np.ptp(first))):
        return 1.0
    return agreement(again, first, target.classes is None)
