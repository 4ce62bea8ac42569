"""The affine piece of a network around a point, from small steps in all real coordinates."""

from __future__ import annotations

from collections.abc import Callable, Generator

import attrs
import numpy as np

from mex.types import FloatArray
from mex_relu_exact.chart import Chart

Told = tuple[FloatArray, FloatArray]
SHRINK, TRIES = 8, 4
REACH, FAR = 0.1, 0.3
"""How far steps go, as a share of the piece or of the mean distance to a hyperplane; where answers are coarse."""
CORRECTED = 3
"""How often values are corrected for where points were asked instead of others."""
ROOM = 0.4
"""The most of the distance to a side of the box that a step takes."""


@attrs.frozen(eq=False)
class Affine:
    """The function x -> J x + c, with J of shape (m, d), 0 in coordinates that are not real; ``error`` is that of J."""

    J: FloatArray
    c: FloatArray
    error: float = 0.0

    def __sub__(self, other: Affine) -> Affine:
        return Affine(self.J - other.J, self.c - other.c, self.error + other.error)


def orthonormal(way: FloatArray) -> FloatArray:
    """A basis of what is orthogonal to a vector, shape (d - 1, d)."""
    return np.asarray(np.linalg.svd(way[None])[2][1:])


def affine_piece(
    start: FloatArray,
    way: FloatArray,
    basis: FloatArray,
    piece: tuple[tuple[float, FloatArray], tuple[float, FloatArray]],
    *,
    reach: float,
    neurons: int,
    rng: np.random.Generator,
    doubt: Callable[[], None],
    chart: Chart,
) -> Generator[FloatArray, Told, Affine]:
    """The affine function on a piece of the line ``start + t way``, in d rows of which one checks the others.

    Along the line it is known from two places of the piece, and so is the value in the middle. The check is a step in
    all directions at once; if it fails the middle is asked, and where a hyperplane was crossed steps are made smaller.

    Args:
        start, way: the line, shape (d,) each; of the way only the first n coordinates, which are real, are not 0.
        basis: of the real directions orthogonal to it, shape (n - 1, n).
        piece: two places, and the values there.
        reach: how far steps go (:data:`REACH`).
        neurons: how many hyperplanes there may be.
        rng: for the check.
        doubt: called where the rows asked last cross a hyperplane.
        chart: which points are asked for others.
    """
    (low, v), (high, w) = piece
    n = basis.shape[1]
    slope, middle, at = (w - v) / (high - low), start + (low + high) / 2 * way, (v + w) / 2
    if chart.places:
        t = round((low + high) / 2 * chart.places) / chart.places
        middle, at = start + t * way, v + (t - low) * slope
    h = reach * min((high - low) * float(np.linalg.norm(way)), 1 / (n * max(neurons, 5)))
    h = min(h, ROOM * float(np.minimum(middle[:n], 1 - middle[:n]).min()))
    along = np.outer(slope, way[:n]) / float(way @ way)
    J = np.zeros((len(slope), len(start)))
    J[:, :n] = along
    if len(basis) == 0:
        return Affine(J, at - J @ middle)

    def planned() -> FloatArray:
        """What scores change by at the points that were to be asked, as the affine function tells it."""
        change = values - at
        for _ in range(CORRECTED if chart.places else 0):
            change = values - at - moved @ (along + (basis.T @ change[:-1] / h).T).T
        return change

    asked = False
    for _ in range(TRIES):
        mix = rng.choice([-1.0, 1.0], len(basis)) * 2 / np.sqrt(len(basis))
        steps = np.zeros((len(basis) + 1, len(start)))
        steps[:-1, :n], steps[-1, :n] = h * basis, h * (mix @ basis)
        moved = (chart.snapped(middle + steps) - (middle + steps))[:, :n]
        values, noise = yield middle + steps
        most = float(noise.max())
        if _even(planned(), mix, most):
            break
        doubt()
        if not asked:
            asked, (found, own) = True, (yield middle[None])
            at, most = found[0], max(most, float(own[0]))
            if _even(planned(), mix, most):
                break
        h /= SHRINK
    J[:, :n] += (basis.T @ planned()[:-1] / h).T
    return Affine(J, at - J @ middle, 2 * most * float(np.sqrt(n)) / h)


def _even(change: FloatArray, mix: FloatArray, noise: float) -> bool:
    """Whether the last change is the mixture of the others, so that no hyperplane was crossed."""
    off = np.abs(change[-1] - mix @ change[:-1]).max()
    return bool(off <= max(8 * noise * np.sqrt(len(mix)), 1e-7 * float(np.abs(change).max())))
