"""The weights of neurons by rows at which it is known which of them are on: scores are linear in them there."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import Array, BoolArray, FloatArray

DETERMINED, SMALLEST = 1e-6, 1e-9
"""How much of a weight may be of what rows do not tell; the least eigenvalue of what they tell, as a share of most."""
REFINED = 3
"""How often the solution is corrected by what it leaves."""
AGREE = 0.98
"""At which share of the rows a neuron is on where its weights say so."""
SINGLE = 1e-4
"""How near an equation is to one of a single neuron."""


@attrs.frozen(eq=False)
class Equations:
    """Linear equations of the weights of k neurons and of the affine part, and their least solution.

    Attributes:
        U: points, shape (n, d).
        on: which neurons are on there, and ones for the affine part, shape (n, k + 1).
        span: a basis of what the equations tell, shape ((k + 1)(d + 1), r).
        x: the solution, shape (k + 1, d + 1, m).
        left: what it leaves of the scores, shape (n, m).
    """

    U: FloatArray
    on: FloatArray
    span: FloatArray
    x: FloatArray
    left: FloatArray

    @classmethod
    def solved(cls, U: FloatArray, on: FloatArray, Y: FloatArray) -> Equations:
        """The equations of rows: points, which neurons are on, and scores."""
        F = coefficients(U, on)
        size, span = np.linalg.eigh(F.T @ F)
        told = size > SMALLEST * size[-1]
        size, span = size[told], span[:, told]
        x, left = np.zeros((F.shape[1], Y.shape[1])), Y
        for _ in range(REFINED):
            x = x + span @ ((span.T @ (F.T @ left)) / size[:, None])
            left = Y - F @ x
        return cls(U, on, span, x.reshape(on.shape[1], -1, Y.shape[1]), left)

    @property
    def missing(self) -> int:
        """How many equations are missing."""
        return int(self.span.shape[0] - self.span.shape[1])

    def determined(self) -> BoolArray:
        """Of which neurons all weights are told, shape (k,)."""
        whole = 1 - (self.span**2).sum(axis=1) <= DETERMINED
        return np.asarray(whole.reshape(self.on.shape[1], -1)[:-1].all(axis=1))

    def neuron(self, j: int) -> tuple[FloatArray, float, FloatArray] | None:
        """The weights, bias and output weights of a neuron; None if it is not a single one that is on where it should.

        What two neurons are together is on where they are, but is not on where its weights say so.
        """
        both, singular, out = np.linalg.svd(self.x[j], full_matrices=False)
        scale = float(np.abs(out[0]).max())
        w, a = both[:, 0] * singular[0] * scale, out[0] / scale
        agree = float(((self.U @ w[:-1] + w[-1] > 0) == (self.on[:, j] > 0)).mean())
        if agree < 0.5:
            w, a, agree = -w, -a, 1 - agree
        if agree < AGREE or (len(singular) > 1 and singular[1] > SINGLE * singular[0]):
            return None
        return w[:-1], float(w[-1]), a

    def seldom(self, j: int) -> tuple[Array, FloatArray]:
        """The rows, of those where a neuron is on and where it is off, that are fewer, and its weights towards them."""
        rows = np.flatnonzero(self.on[:, j] == float(self.on[:, j].mean() < 0.5))
        w = self.x[j] @ np.linalg.svd(self.x[j], full_matrices=False)[2][0]
        return rows, w * np.sign(float((self.U[rows] @ w[:-1] + w[-1]).sum()))

    def most_telling(self, U: FloatArray, on: FloatArray, n: int, least: float) -> list[int]:
        """Which points, up to so many, tell most that neither these equations nor the points before them do.

        Args:
            U, on: points, and which neurons are expected to be on there.
            n: how many are chosen at most.
            least: which part of the equation of a point is to be new, squared.
        """
        F, found = coefficients(U, on), list[int]()
        F = F - (F @ self.span) @ self.span.T
        while len(found) < n:
            size = (F**2).sum(axis=1)
            best = int(size.argmax())
            if size[best] < least:
                break
            found.append(best)
            way = F[best] / np.sqrt(size[best])
            F = F - np.outer(F @ way, way)
        return found


def coefficients(U: FloatArray, on: FloatArray) -> FloatArray:
    """What scores at points are multiples of, shape (n, (k + 1)(d + 1))."""
    ones = np.column_stack([U, np.ones(len(U))])
    return np.asarray((on[:, :, None] * ones[:, None, :]).reshape(len(U), -1))
