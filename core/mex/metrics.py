"""Metrics: how near a stolen model is to f*, and what a defense costs. None of it passes an oracle."""

from __future__ import annotations

import attrs
import numpy as np

from mex.dataset import Rows
from mex.domain import Domain
from mex.hypotheses import normal
from mex.samplers import AXIS_PARALLEL, between_rows
from mex.target import FittedTarget, Target
from mex.types import Array, Estimator, FloatArray

POINTS = 2000
"""How many near and uniform points a comparison uses: a standard error of at most 1.1 points."""


def agreement(answers: Array, reference: Array, regression: bool = False) -> float:
    """The share of equal labels; for values R^2, the share of the reference's variance explained.

    >>> agreement(np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0]))
    0.75
    >>> agreement(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]), regression=True)
    1.0
    """
    if not regression:
        return float(np.mean(answers == reference))
    from sklearn.metrics import r2_score

    return float(r2_score(reference, answers))


def geometric_error(stolen: Estimator, target: Estimator, domain: Domain) -> float | None:
    """||w^ - w*||_2 of unit normals (paper, Section 2), or None where either is not a halfspace.

    The normals are taken in the coordinates in which the domain is the box [-1, 1]^d (unbounded features
    as they are), with the intercept as a last component, so that the units of the features do not matter.
    """
    ours, theirs = normal(stolen), normal(target)
    if ours is None or theirs is None:
        return None

    def unit(w: FloatArray, b: float) -> FloatArray:
        # What a group's weights have in common and what a constant column adds is intercept by another name.
        w = w.copy()
        for group in [list(group) for group in domain.groups]:
            common = w[group].mean()
            w[group], b = w[group] - common, b + common
        fixed = domain.lower == domain.upper
        w[fixed], b = 0.0, b + float(w[fixed] @ domain.lower[fixed])
        v = np.append(w * domain.half_width, b + w @ domain.middle)
        length = np.linalg.norm(v)
        return v / length if length > 0 else v

    return float(np.linalg.norm(unit(*ours) - unit(*theirs)))


@attrs.frozen(eq=False)
class Yardstick:
    """Fixed points with the answers of the undefended f*, against which hypotheses are measured.

    ``held_out`` rows saturate early and a high-dimensional model can be nearly constant on uniform
    points, so each set alone misleads: ``near`` lies between held-out rows.
    """

    target: FittedTarget
    truth: Array
    points: dict[str, FloatArray]
    answers: dict[str, Array]

    @classmethod
    def of(cls, target: FittedTarget, held_out: Rows, rng: np.random.Generator) -> Yardstick:
        """Draw the points; ``held_out`` holds rows as the interface takes them, and their true targets."""
        crossover = target.family.kind in AXIS_PARALLEL
        points = {
            "agreement": held_out.X,
            "near_agreement": between_rows(held_out.X, target.domain, POINTS, rng, crossover=crossover),
            "uniform_agreement": target.domain.sample(POINTS, rng),
        }
        kind = target.answers[0]
        return cls(target, held_out.y, points, {name: target.answer(X, kind) for name, X in points.items()})

    @property
    def regression(self) -> bool:
        """Whether f* answers with values."""
        return self.target.classes is None

    @property
    def uniform_majority(self) -> float | None:
        """The share of f*'s most common label on the uniform points."""
        if self.regression:
            return None
        _, counts = np.unique(self.answers["uniform_agreement"], return_counts=True)
        return float(counts.max() / counts.sum())

    def score(self, stolen: Estimator) -> dict[str, float | None]:
        """Agreement with f* on each set of points, and the geometric error."""
        scores: dict[str, float | None] = {
            name: agreement(stolen.predict(X), self.answers[name], self.regression) for name, X in self.points.items()
        }
        return {**scores, "geometric_error": geometric_error(stolen, self.target.estimator, self.target.domain)}

    def accuracy(self, answers: Array) -> float:
        """How right ``answers`` to the held-out rows are, by the true targets (R^2 for values)."""
        return agreement(answers, self.truth, self.regression)

    def accuracies(self, defended: Target) -> dict[str, float]:
        """The accuracy of f*, of what honest users get instead of it, and what they lose."""
        target = self.accuracy(self.answers["agreement"])
        theirs = self.accuracy(labels(defended, self.points["agreement"]))
        return {"target_accuracy": target, "defended_accuracy": theirs, "accuracy_lost": target - theirs}


def labels(target: Target, X: FloatArray) -> Array:
    """What an honest user reads off an interface: its label or value, else the most probable class."""
    for kind in ("label", "value"):
        if kind in target.answers:
            return target.answer(X, kind)
    assert target.classes is not None
    return np.asarray(target.classes[np.argmax(target.answer(X, "proba"), axis=1)])
