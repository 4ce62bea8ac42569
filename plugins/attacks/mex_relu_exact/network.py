"""One hidden layer of ReLUs as a function on the unit box."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import Array, FloatArray


@attrs.define(eq=False)
class Network:
    """The function x -> sum_j A_j relu(w_j . x + b_j) + G x + c, with values in R^m.

    A neuron whose hyperplane misses the box is affine in it and is part of ``G`` and ``c``, and so is the difference
    between a neuron and the same one turned round, as relu(t) = t + relu(-t). Of a neuron only the product of its scale
    and of its weights in the outputs is determined.

    Attributes:
        W, b, A: weights, biases and weights in the outputs of the neurons, shape (h, d), (h,) and (h, m).
        G, c: the affine part, shape (m, d) and (m,).
    """

    W: FloatArray
    b: FloatArray
    A: FloatArray
    G: FloatArray
    c: FloatArray

    @classmethod
    def empty(cls, d: int, m: int) -> Network:
        """The network that is 0."""
        return cls(np.zeros((0, d)), np.zeros(0), np.zeros((0, m)), np.zeros((m, d)), np.zeros(m))

    def __len__(self) -> int:
        return len(self.b)

    def __call__(self, U: FloatArray) -> FloatArray:
        """Values at rows, shape (n, m)."""
        return np.asarray(self.bent(U) + U @ self.G.T + self.c)

    def bent(self, U: FloatArray) -> FloatArray:
        """The part of the neurons in these values."""
        return np.asarray(np.maximum(U @ self.W.T + self.b, 0) @ self.A)

    def copy(self) -> Network:
        """A network of its own."""
        return Network(*(array.copy() for array in (self.W, self.b, self.A, self.G, self.c)))

    def take(self, other: Network) -> None:
        """Become another network."""
        self.W, self.b, self.A, self.G, self.c = other.W, other.b, other.A, other.G, other.c

    def add(self, w: FloatArray, b: float, a: FloatArray) -> None:
        """Add a neuron."""
        self.W = np.vstack([self.W, w])
        self.b = np.append(self.b, b)
        self.A = np.vstack([self.A, a])

    def keep(self, which: Array) -> None:
        """Drop all other neurons."""
        self.W, self.b, self.A = self.W[which], self.b[which], self.A[which]

    def crossings(self, start: FloatArray, way: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where the line ``start + t way`` crosses hyperplanes, and how much its slope changes there, shape (h,)."""
        rate = self.W @ way
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(rate == 0, np.inf, -(self.W @ start + self.b) / rate)
        return t, np.abs(rate) * np.abs(self.A).max(axis=1, initial=0.0)
