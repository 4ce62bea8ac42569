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


class DisagreementRegion:
    """A learner that asks the rows of a stream whose label the version space does not determine."""

    takes_refusals = True

    def __init__(self, known: Knowledge, stream: FloatArray) -> None:
        assert known.classes is not None
        self._known = known
        self._classes = known.classes
        middle, half = known.domain.middle, known.domain.half_width
        ones = np.ones((len(stream), 1 if known.family.public.get("intercept", True) else 0))
        lifted = np.hstack([(stream - middle) / half, ones])
        self._stream = stream
        self._lifted = lifted / np.maximum(np.linalg.norm(lifted, axis=1, keepdims=True), 1e-12)
        self._next = 0  # the index of the next row of the stream
        self._cone: FloatArray = np.empty((0, lifted.shape[1]))  # y x of the answers
        self._w: FloatArray = np.zeros(lifted.shape[1])
        self._labels: list[Array] = []
        self.note = without_noise("selective-sampling", known.rho)

    def ask(self) -> FloatArray | None:
        """The next row of the stream in the region of disagreement, shape (1, d); None at its end."""
        while self._next < len(self._stream) and not self._is_open(self._lifted[self._next]):
            self._next += 1
        return self._stream[self._next : self._next + 1] if self._next < len(self._stream) else None

    def _is_open(self, x: FloatArray) -> bool:
        """Whether some halfspace that agrees with all answers puts ``x`` on the other side than the current one."""
        if len(self._cone) == 0:
            return True
        side = 1.0 if self._w @ x > 0 else -1.0
        return _max_margin(np.vstack([self._cone, -side * x]))[1] > SLACK

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Narrow the version space; up to rounding, some of it is left whatever the answer."""
        if refusals(answers).any():  # go on to the next row
            self._next += 1
            return
        sign = 1.0 if answers[0] == self._classes[1] else -1.0
        self._labels.append(answers)
        cone = np.vstack([self._cone, sign * self._lifted[self._next]])
        w, margin = _max_margin(cone)
        if margin > 0:
            self._cone, self._w = cone, w
        self._next += 1

    def hypothesis(self) -> Estimator:
        """The halfspace with the widest margin to all answers."""
        domain = self._known.domain
        seen = np.concatenate(self._labels) if self._labels else self._classes[:1]
        affine = self._w.size > domain.n_features
        if affine and len(np.unique(seen)) == 1:
            return constant(seen[0], domain.n_features)
        w = self._w[: domain.n_features] / domain.half_width
        b = float(self._w[-1] - w @ domain.middle) if affine else 0.0
        return halfspace(w, b, self._classes)


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
