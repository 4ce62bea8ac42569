"""Lines in slices of the domain where all columns but some are held fixed: their kinks, and gradients beside these."""

from __future__ import annotations

import attrs
import numpy as np

from mex.toolkit.generators import relay
from mex.types import BoolArray, FloatArray
from mex_relu_exact.clear import FAINT
from mex_relu_exact.gradients import REACH, Affine, affine_piece, orthonormal
from mex_relu_exact.jumps import Jump, Steps
from mex_relu_exact.kinks import find_kinks
from mex_relu_exact.line import Known, Line, Lost
from mex_relu_exact.network import Network
from mex_relu_exact.partial import Partial
from mex_relu_exact.peeling import ETA, RETRIES, SHORTER
from mex_relu_exact.transcript import Asking, Transcript

SHORT = 1e-12
"""The length of a piece that has none, as a share of a line."""
SHORTEST = 20
"""How many places on a grid a line has at least."""


@attrs.frozen(eq=False)
class Searched:
    """A line that was searched: ``start + t way`` for t from 0 to 1.

    Attributes:
        line: its kinks but those of neurons of which it is known where they are.
        start, way: the line, shape (d,) each.
        known: what was known of these.
        placed: the network of the neurons whose kinks are not among them.
        noise: how far any value may be off.
    """

    line: Line
    start: FloatArray
    way: FloatArray
    known: Known
    placed: Network
    noise: float

    def change(self, k: int) -> tuple[FloatArray, float]:
        """How the slope changes at a kink, shape (m,), and how far that may be off.

        By short steps, or by places at the ends of the pieces before and after it if these are far enough apart.
        """
        kink, pieces = self.line.kinks[k], self.line.pieces()[k : k + 2]
        lengths = np.array([high[0] - low[0] for low, high in pieces])
        error = 2 * self.noise * float((1 / np.maximum(lengths, SHORT)).sum())
        if error >= kink.error:
            return kink.change, kink.error
        before, after = ((high[1] - low[1]) / length for (low, high), length in zip(pieces, lengths, strict=True))
        return after - before, error

    def jump(self, k: int) -> Jump:
        """The jump of the gradient at a kink, as far as the line tells it: along the line."""
        bend, error = self.change(k)
        length = float(np.linalg.norm(self.way))
        change = Affine(np.outer(bend, self.way) / length**2, np.zeros(len(bend)), error / length)
        return Jump(change, self.line.kinks[k].t, 0.0)


class SliceLines:
    """Searches lines along the columns that move of partly known neurons.

    Args:
        told: the answers.
        partial: these neurons.
        grid: the spacing of the places that can be asked, 0 if all can be.
        rng: for where intervals are split, and for checks.
    """

    def __init__(self, told: Transcript, partial: Partial, grid: float, rng: np.random.Generator) -> None:
        self._told = told
        self._partial = partial
        self._grid = grid
        self._rng = rng

    def search(self, start: FloatArray, end: FloatArray, known: BoolArray, *, either: bool) -> Steps[Searched | None]:
        """Find the kinks on a line but those of neurons of which it is known where they are.

        Args:
            start, end: the line.
            known: which neurons these are.
            either: whether it is searched from its end if scores tell nothing at its start.
        """
        told, way, partial = self._told, end - start, self._partial
        placed, others = told.network.copy(), partial.network.copy()
        for j in np.flatnonzero(known):
            placed.add(partial.network.W[j], float(partial.network.b[j]), partial.network.A[j])
        others.keep(~known)
        limit, most = max(told.fine, FAINT), 0.0

        def ask(t: FloatArray) -> Asking:
            nonlocal most
            U = start + t[:, None] * way
            Y, noise = yield from told.ask(U)
            clear = told.visible(noise, limit)
            sums = np.maximum(U @ placed.W.T + placed.b, 0) @ np.abs(placed.A).max(axis=1, initial=0.0)
            noise = np.where(clear, noise + 4 * np.finfo(np.float64).eps * sums, np.inf)
            most = max(most, float(noise[clear].max(initial=0.0)))
            return np.where(clear[:, None], Y, 0.0) - placed.bent(U), noise

        for _ in range(RETRIES):
            length = float(np.linalg.norm(way))
            grid = self._grid / float(np.abs(way).max()) if self._grid else 0.0
            changes = np.abs(others.W @ way)[:, None] * others.A
            errors = partial.errors[~known] * length
            bends = Known(*placed.crossings(start, way), 1e-7, 1e-5, changes, errors, grid)
            try:
                line = yield from relay(find_kinks(max(ETA, limit ** (1 / 3)), bends, self._rng), ask)
            except Lost as lost:
                if lost.args[0] == 0 and either:
                    start, way, either = start + way, -way, False
                    continue
                way = told.chart.snapped((start + SHORTER * lost.args[0] * way)[None])[0] - start
                if float(np.abs(way).max()) <= max(SHORTEST * self._grid, 1e-3):
                    return None
            else:
                return Searched(line, start, way, bends, placed, most)
        return None

    def affine(self, start: FloatArray, way: FloatArray, piece: FloatArray, placed: Network) -> Steps[Affine]:
        """The affine function that scores less a network are on a piece of a line."""
        told = self._told
        places = piece[0] + np.array([0.25, 0.75]) * (piece[1] - piece[0])

        def ask(U: FloatArray) -> Asking:
            Y, noise = yield from told.ask(U)
            return Y - placed.bent(U), np.where(told.visible(noise), noise, np.inf)

        Y, _ = yield from ask(start + places[:, None] * way)
        search = affine_piece(
            start,
            way,
            orthonormal(way[: len(self._partial.moving)]),
            ((places[0], Y[0]), (places[1], Y[1])),
            reach=REACH,
            neurons=len(placed) + len(self._partial),
            rng=self._rng,
            doubt=told.doubt,
            chart=told.chart,
        )
        return (yield from relay(search, ask))
