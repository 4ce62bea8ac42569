"""The active perceptron that learns beside its own boundary."""

from __future__ import annotations

import math

import numpy as np

from mex.types import FloatArray


class BandPerceptron:
    """The modified perceptron of Yan and Zhang (NeurIPS 2017), by epochs of half the angle each.

    A direction uniform on the sphere that lands in the band b/2 <= <w, x> <= b is asked; drawing from the
    band at once is the same as letting the others pass, which is free. If the answer says that w is wrong
    there, w is reflected, which keeps its length.

    Args:
        d: the dimension.
        rng: where the stream comes from.
        eps: the geometric error to end at.
        effort: labels per epoch and dimension.
    """

    def __init__(self, d: int, rng: np.random.Generator, eps: float, effort: float) -> None:
        self._d, self._rng, self._eps = d, rng, eps
        self._per_epoch = math.ceil(effort * d * math.log(d + 2))
        w = rng.standard_normal(d)
        self._w = w / np.linalg.norm(w)
        self._angle, self._told = math.pi / 2, 0
        self._pending = self._draw()

    def ask(self) -> FloatArray | None:
        """One direction in the band, None after the last epoch."""
        return self._pending if self._angle > self._eps / 2 else None

    def _draw(self) -> FloatArray:
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
        self._told += 1
        if self._told >= self._per_epoch:
            self._angle, self._told = self._angle / 2, 0
        self._pending = self._draw()

    def estimate(self) -> FloatArray:
        """The current normal."""
        return self._w
