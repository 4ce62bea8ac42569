"""The region of disagreement of the halfspaces that agree with all answers."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from mex import Knowledge
from mex.learner import without_noise
from mex.target import refusals
from mex.toolkit.estimators import constant, halfspace
from mex.types import Array, Estimator, FloatArray

SLACK = 1e-9
"""The margin, for weights in [-1, 1] and rows of length 1, below which a linear program counts as infeasible."""
SAMPLES, STEPS = 64, 4
"""Halfspaces that agree with all answers, drawn at random, and steps of each after an answer."""


class DisagreementRegion:
    """A learner that asks the rows of a stream whose label the version space does not determine."""

    takes_refusals = True

    def __init__(self, known: Knowledge, stream: FloatArray, rng: np.random.Generator) -> None:
        assert known.classes is not None
        self._known = known
        self._rng = rng
        self._classes = known.classes
        middle, half = known.domain.middle, known.domain.half_width
        ones = np.ones((len(stream), 1 if known.family.public.get("intercept", True) else 0))
        lifted = np.hstack([(stream - middle) / half, ones])
        self._stream = stream
        self._lifted = lifted / np.maximum(np.linalg.norm(lifted, axis=1, keepdims=True), 1e-12)
        self._next = 0  # the index of the next row of the stream
        self._cone: FloatArray = np.empty((0, lifted.shape[1]))  # y x of the answers
        self._samples: FloatArray = np.empty((0, lifted.shape[1]))  # weights that agree with all of them
        self._widest: tuple[int, FloatArray] = (0, np.zeros(lifted.shape[1]))  # of so many answers, the widest margin
        self._labels: list[Array] = []
        self.note = without_noise("selective-sampling", known.rho)

    def ask(self) -> FloatArray | None:
        """The next row of the stream in the region of disagreement, shape (1, d); None at its end."""
        while self._next < len(self._stream) and not self._is_open(self._lifted[self._next]):
            self._next += 1
        return self._stream[self._next : self._next + 1] if self._next < len(self._stream) else None

    def _is_open(self, x: FloatArray) -> bool:
        """Whether of the halfspaces that agree with all answers some put ``x`` on one side, some on the other.

        A linear program decides it, unless two of the samples do.
        """
        scores = self._samples @ x
        if len(self._cone) == 0 or (scores.min() < -SLACK and scores.max() > SLACK):
            return True
        other = -x if scores.sum() > 0 else x
        w, margin = _max_margin(np.vstack([self._cone, other]))
        if margin > SLACK:
            self._samples = np.vstack([self._samples, w])
        return margin > SLACK

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Narrow the version space; up to rounding, some of it is left whatever the answer."""
        if refusals(answers).any():  # go on to the next row
            self._next += 1
            return
        told = self._lifted[self._next] * (1.0 if answers[0] == self._classes[1] else -1.0)
        self._labels.append(answers)
        cone = np.vstack([self._cone, told])
        agreeing = self._samples[self._samples @ told > SLACK]
        if len(agreeing) == 0:
            w, margin = _max_margin(cone)
            agreeing = w[None] if margin > 0 else agreeing
        if len(agreeing):  # else no halfspace agrees with this answer and all before it
            self._cone = cone
            self._samples = _hit_and_run(cone, agreeing[self._rng.integers(len(agreeing), size=SAMPLES)], self._rng)
        self._next += 1

    def hypothesis(self) -> Estimator:
        """The halfspace with the widest margin to all answers."""
        domain = self._known.domain
        seen = np.concatenate(self._labels) if self._labels else self._classes[:1]
        affine = self._lifted.shape[1] > domain.n_features
        if affine and len(np.unique(seen)) == 1:
            return constant(seen[0], domain.n_features)
        if self._widest[0] != len(self._cone):
            self._widest = len(self._cone), _max_margin(self._cone)[0]
        weights = self._widest[1]
        w = weights[: domain.n_features] / domain.half_width
        b = float(weights[-1] - w @ domain.middle) if affine else 0.0
        return halfspace(w, b, self._classes)


def _hit_and_run(cone: FloatArray, W: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Move each row of ``W``, weights inside the cone <w, a> > 0, at random inside it; they end with length 1."""
    for _ in range(STEPS):
        W = W / np.linalg.norm(W, axis=1, keepdims=True)
        U = rng.standard_normal(W.shape)
        U /= np.linalg.norm(U, axis=1, keepdims=True)
        inside, change = W @ cone.T, U @ cone.T
        with np.errstate(divide="ignore"):
            reach = -inside / change
        low = np.max(np.where(change > 0, reach, -1.0), axis=1).clip(-1.0, 0.0)
        high = np.min(np.where(change < 0, reach, 1.0), axis=1).clip(0.0, 1.0)
        moved = W + (low + (high - low) * rng.random(len(W)))[:, None] * U
        W = np.where((moved @ cone.T > SLACK).all(axis=1, keepdims=True), moved, W)
    return W


def _max_margin(cone: FloatArray) -> tuple[FloatArray, float]:
    """The w in [-1, 1]^d with the largest margin, the least <w, a> over the rows a, and this margin."""
    n, d = cone.shape
    solution = linprog(
        np.append(np.zeros(d), -1.0),
        A_ub=np.hstack([-cone, np.ones((n, 1))]),
        b_ub=np.zeros(n),
        bounds=[(-1, 1)] * d + [(None, 1)],
        method="highs",
    )
    return (solution.x[:d], float(solution.x[d])) if solution.status == 0 else (np.zeros(d), -1.0)
