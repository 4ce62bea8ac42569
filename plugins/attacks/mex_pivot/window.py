"""Integrals of piecewise constant densities over windows."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import FloatArray


@attrs.frozen(eq=False)
class Window:
    """Integrals of posteriors over windows around a centre, each of shape (n,).

    Attributes:
        inside: the mass in the window.
        first, second, fourth: the integrals of the powers of the distance from the centre over the window.
        left, right: the masses on either side of the window.
    """

    inside: FloatArray
    first: FloatArray
    second: FloatArray
    fourth: FloatArray
    left: FloatArray
    right: FloatArray

    @classmethod
    def of(cls, offset: FloatArray, mass: FloatArray, half: FloatArray) -> Window:
        """Integrate over the windows from -``half`` to ``half``.

        Args:
            offset: the distances of the edges of the cells from the centre, shape (n, cells + 1).
            mass: the masses of the cells, shape (n, cells).
            half: half the width of each window, shape (n,).
        """
        inner = np.clip(offset, -half[:, None], half[:, None])
        width = np.diff(offset, axis=1)
        density = np.divide(mass, width, out=np.zeros_like(mass), where=width > 0)
        power: list[FloatArray] = [inner]
        for _ in range(4):
            power.append(power[-1] * inner)
        inside, first, second, fourth = (
            (density * np.diff(power[k], axis=1)).sum(axis=1) / (k + 1) for k in (0, 1, 2, 4)
        )
        left = (density * np.clip(-half[:, None] - offset[:, :-1], 0, width)).sum(axis=1)
        return cls(inside, first, second, fourth, left, np.maximum(1 - inside - left, 0))
