"""Neurons as jumps of the gradient; and what searches for them are, and say when they give up."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

import attrs
import numpy as np

from mex.types import Array, FloatArray
from mex_relu_exact.gradients import Affine

Result = TypeVar("Result")
Steps: TypeAlias = Generator[FloatArray, Array, Result]

BLUR = 5.0
"""How many times the error of its gradient a hyperplane may be off."""


class GivenUp(Exception):
    """The network cannot be found; the argument is a sentence that says why, such as another hidden layer."""


@attrs.frozen(eq=False)
class Jump:
    """What the affine piece changes by at a kink, the place on the line, and the length of the shorter piece there."""

    change: Affine
    t: float
    room: float

    def neuron(self, way: FloatArray) -> tuple[FloatArray, float, FloatArray]:
        """Weights, bias and output weights of the neuron that is off before the kink."""
        left, S, right = np.linalg.svd(self.change.J, full_matrices=False)
        w, a = right[0], left[:, 0] * S[0]
        if w @ way < 0:
            w, a = -w, -a
        scale = float(np.abs(a).max())
        return w * scale, float(a @ self.change.c) / float(a @ a) * scale, a / scale

    def blur(self) -> float:
        """How far the hyperplane may be off, in the box."""
        return BLUR * self.change.error / max(float(np.linalg.norm(self.change.J)), 1e-300)
