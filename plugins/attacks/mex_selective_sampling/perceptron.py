"""The active perceptron of Yan and Zhang."""

from __future__ import annotations

import math

import numpy as np

from mex.types import FloatArray


class BandPerceptron:
    """The modified perceptron of Yan and Zhang (NeurIPS 2017), in epochs that halve the angle.

    It asks directions uniform in the band b/2 <= <w, x> <= b of the sphere, which is the same as skipping the other
    directions of a stream. If w errs on the direction, it is reflected, which keeps its length.

    Args:
        d: the dimension.
        rng: where the stream comes from.
        eps: the geometric error to end at.
        effort: labels per epoch and dimension.
    """

    efficient = False

    def __init__(self, d: int, rng: np.random.Generator, eps: float, effort: float) -> None:
        self._d = d
        self._rng = rng
        self._eps = eps
        self._per_epoch = math.ceil(effort * d * math.log(d + 2))
        w = rng.standard_normal(d)
        self._w = w / np.linalg.norm(w)
        self._angle = math.pi / 2  # a bound on the angle between w and w*
        self._in_epoch = 0  # labels in this epoch
        self._pending = self._draw()

    def ask(self) -> FloatArray | None:
        """One direction in the band, None after the last epoch."""
        return self._pending if self._angle > self._eps / 2 else None

    def _draw(self) -> FloatArray:
        """A direction in the band, shape (1, d)."""
        band = min(self._angle / math.sqrt(self._d), 1.0)
        height = band * self._rng.uniform(0.5, 1.0) if self._d > 1 else 1.0
        u = self._rng.standard_normal(self._d)
        u -= (u @ self._w) * self._w
        length = np.linalg.norm(u)
        x = height * self._w + (math.sqrt(max(1 - height**2, 0.0)) * u / length if self._d > 1 and length > 0 else 0.0)
        return np.asarray(x)[None]

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Reflect on a mistake; after an epoch halve the angle."""
        x = V[0] / np.linalg.norm(V[0])
        if signs[0] < 0:
            self._w = self._w - 2 * (self._w @ x) * x
            self._w /= np.linalg.norm(self._w)
        self._in_epoch += 1
        if self._in_epoch >= self._per_epoch:
            self._angle /= 2
            self._in_epoch = 0
        self._pending = self._draw()

    def estimate(self) -> FloatArray:
        """The current normal, shape (d,)."""
        return self._w
