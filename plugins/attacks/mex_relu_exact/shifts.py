"""How far each neuron's kink is displaced by the columns along which no line is searched."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import Array, BoolArray, FloatArray

CONSISTENT = 1e-6
"""How far another equation may be off, as a share of the weights, that confirms them."""
NEW = 1e-6
"""How far a slice is to be, in the unit box, from what those seen before span, to tell something new."""


@attrs.define(eq=False)
class _Seen:
    """The slices in which a neuron was seen, what they told, and a basis of their differences from the first."""

    basis: FloatArray
    slices: list[FloatArray]
    told: list[float]
    confirmed: bool | None = None
    tried: dict[int, list[float]] = attrs.field(factory=dict)
    sought: list[bool] = attrs.field(factory=list)

    def beyond(self, z: FloatArray) -> FloatArray:
        """The part of the way to a slice that is orthogonal to all ways seen."""
        way = z - self.slices[0]
        for _ in range(2):
            way = way - self.basis.T @ (self.basis @ way)
        return np.asarray(way)


class Shifts:
    """Of every neuron equations ``v . z + b = s``: one for each slice z of the domain where its kink was seen.

    ``v`` are its weights on the columns that are held fixed, of which there are ``width``.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._seen = list[_Seen]()

    def add(self) -> int:
        """Begin with another neuron; its number."""
        self._seen.append(_Seen(np.zeros((0, self._width)), [], []))
        return len(self._seen) - 1

    def keep(self, which: BoolArray) -> None:
        """Drop all other neurons."""
        self._seen = [seen for seen, kept in zip(self._seen, which, strict=True) if kept]

    def tell(self, j: int, z: FloatArray, s: float) -> None:
        """Add an equation of a neuron."""
        seen = self._seen[j]
        if len(seen.basis) == self._width:
            v, b = self.solution(j)
            size = float(np.abs(v).max(initial=0.0)) + abs(b)
            seen.confirmed = bool(abs(float(v @ z) + b - s) <= CONSISTENT * size)
        elif seen.slices:
            rest = seen.beyond(z)
            if (length := float(np.linalg.norm(rest))) > NEW:
                seen.basis = np.vstack([seen.basis, rest / length])
        seen.slices.append(z)
        seen.tried = {}
        seen.told.append(s)

    def stretch(self, j: int, factor: float) -> None:
        """Multiply the equations of a neuron."""
        self._seen[j].told = [factor * s for s in self._seen[j].told]

    def slices(self, j: int) -> list[FloatArray]:
        """Where a neuron was seen."""
        return self._seen[j].slices

    def sought(self, j: int) -> list[bool]:
        """Whether a neuron was there, at each place where it was sought (:mod:`.additive`); a list to add to."""
        return self._seen[j].sought

    def tried(self, j: int, column: int) -> list[float]:
        """The values of a neuron, but for an unknown weight, in slices with another value of that column; a list to add
        to, of those since the last equation."""
        return self._seen[j].tried.setdefault(column, [])

    def complete(self) -> BoolArray:
        """Which neurons have all their weights determined, and confirmed by another equation, shape (h,)."""
        return np.array([seen.confirmed is True for seen in self._seen], dtype=bool)

    def refuted(self) -> BoolArray:
        """Which neurons contradict another equation: they are none, shape (h,)."""
        return np.array([seen.confirmed is False for seen in self._seen], dtype=bool)

    def known(self, z: FloatArray) -> BoolArray:
        """Which neurons have their kink in a slice where it is expected, shape (h,); those to be confirmed do not."""
        return np.array(
            [len(seen.basis) < self._width and float(np.linalg.norm(seen.beyond(z))) <= NEW for seen in self._seen],
            dtype=bool,
        )

    def ranks(self) -> Array:
        """How many independent equations there are beyond the first, shape (h,)."""
        return np.array([len(seen.basis) for seen in self._seen], dtype=np.int64)

    def missing(self, j: int) -> FloatArray:
        """Directions in which the weights of a neuron are not known, shape (k, width): columns if they are some."""
        basis = self._seen[j].basis
        rest = np.linalg.svd(basis, full_matrices=True)[2][len(basis) :] if len(basis) else np.eye(self._width)
        columns = np.flatnonzero(np.linalg.norm(rest, axis=0) > NEW)
        return np.eye(self._width)[columns] if len(columns) == len(rest) else np.asarray(rest)

    def solution(self, j: int) -> tuple[FloatArray, float]:
        """The least weights that satisfy the equations of a neuron, and its bias."""
        seen = self._seen[j]
        Z, s = np.array(seen.slices), np.array(seen.told)
        v = np.linalg.lstsq(Z - Z[0], s - s[0], rcond=1e-9)[0]
        return v, s[0] - float(v @ Z[0])
