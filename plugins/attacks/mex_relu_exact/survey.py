"""What 25 rows tell before the search: whether answers are noisy, coarse, saturated, or bent everywhere."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from mex.types import Array, FloatArray
from mex_relu_exact.draws import Draws
from mex_relu_exact.transcript import Told, Transcript

TRIPLES, TRIES = 8, 38
STEP, WIDE = 1e-3, 5e-3
"""How far the outer points of a triple are from the middle one, as a share of the range; where answers are coarse."""
BENT, MANY_BENT = 100.0, 0.3
"""How many times their rounding three points are off a line that are bent, and the share of triples that may be."""
CLOSER, SMOOTH, NOISE = 4, (8.0, 32.0), 0.8
"""How much nearer bent triples are asked again: what is smooth is bent less by the square of that, a kink by less than
that or entirely. With noise nearly all are bent."""
NOISY = 1e3, 1e-9
"""How many times their rounding, or which share of their size, two answers to the same row may differ: sums depend on
the rows beside it, and large ones that cancel lose digits."""
SLIGHT = 1e-9
"""The share of the size that is taken for rounding, though it is more than that of the answers themselves."""
OFFSET = 20.0
"""The same share, in distances of neighbouring floats in a column."""
KINK = 3.0
"""How many times less a kink is bent from nearer by at least; rounding is not."""
COARSEST = 1e-6
"""Up to which rounding, as a share of the size, kinks are found by differences."""
SPREAD = 10
"""How many times the usual rounding answers may be off that are as exact as others."""
LEAST = (2.0, 0.5)
"""How many roundings of one number answers are off at least; second, where they are coarse and so are known better."""
QUIET = 0.25
"""The quantile of the triples by which rounding is measured: across others there may be a kink."""


class Survey:
    """Three points on a line, several times: of a network of ReLUs most are on a line but for rounding.

    Attributes:
        reason: why the target cannot be taken apart, a sentence; "" if nothing speaks against it.
    """

    def __init__(self, told: Transcript, draws: Draws) -> None:
        self.reason = ""
        self._told = told
        self._draws = draws

    def steps(self) -> Generator[FloatArray, Array, None]:
        """Ask the rows, teach the transcript how answers are rounded, and find the reason."""
        told = self._told
        X, answers = np.empty((0, told.chart.domain.n_features)), None
        asked = 0
        while asked < TRIES and (answers is None or not told.scores.learn(answers)):
            more = told.chart.decode(np.concatenate([self._triple(kind, STEP) for kind in (asked, asked + 2)]))
            new = yield more
            X, answers = np.vstack([X, more]), new if answers is None else np.concatenate([answers, new])
            asked += 2
        assert answers is not None
        told.chart.single = told.scores.single
        Y, noise = told.add(X, answers)
        coarse = told.scores.single or told.scores.decimals is not None
        every = [(Y[i : i + 3], noise[i : i + 3]) for i in range(0, len(Y), 3)]
        triples = [] if coarse else _visible(every)
        while len(triples) < TRIPLES and asked < TRIES:
            triple = yield from told.ask(self._triple(asked, WIDE if coarse else STEP))
            triples += _visible([triple])
            asked += 1
        bends = yield from self._closer(triples)
        again, _ = yield from told.ask(told.chart.encode(X[:1]))
        off = float(np.nan_to_num(np.abs(again - Y[:1])).max())
        size = float(np.abs(np.nan_to_num(Y)).max())
        if off > max(NOISY[0] * float(noise[0]), self._slight(NOISY[1]) * size):
            self.reason = f"the same row is answered differently each time (by up to {off:.2g}): answers are noisy"
        elif len(triples) < TRIPLES:
            rounded = "" if told.scores.decimals is None else f", rounded to {told.scores.decimals} decimals"
            places = f"{asked - len(triples)} of {asked} random places"
            self.reason = f"{places} are answered with probabilities of 0 or 1{rounded}"
        else:
            self._judge(triples, bends, off)

    def _slight(self, share: float) -> float:
        """Which share of the size may be rounding: sums of columns lose the digits of their offsets."""
        return max(share, OFFSET * self._told.chart.resolution)

    def _triple(self, kind: int, step: float) -> FloatArray:
        """Three points on a line, shape (3, d)."""
        n, rng, centre = self._told.chart.n_real, self._draws.rng, self._draws.draw(kind)
        way = np.zeros_like(centre)
        way[:n] = rng.choice([-1.0, 1.0], n) * step * rng.uniform(0.5, 1, n)
        if grid := self._told.chart.grid:
            step = max(step, CLOSER * grid)
            way[:n] = CLOSER * grid * np.ceil(step / (CLOSER * grid)) * np.sign(way[:n])
        way = self._told.chart.parted(way, CLOSER)
        centre[:n] = np.clip(centre[:n], 2 * step, 1 - 2 * step) if grid else np.clip(centre[:n], step, 1 - step)
        centre = self._told.chart.snapped(centre[None])[0]
        return np.array([centre - way, centre, centre + way])

    def _closer(self, triples: list[Told]) -> Generator[FloatArray, Array, FloatArray]:
        """How many times less bent the first two bent triples are from nearer by; nothing if they are few."""
        told = self._told
        bent = [k for k, (Y, noise) in enumerate(triples) if _bend(Y) > BENT * float(noise.max())]
        if len(bent) <= MANY_BENT * len(triples):
            return np.empty(0)
        U, Y, _ = told.table()
        found = []
        for k in bent[:2]:
            i = int(np.flatnonzero((triples[k][0][1] == Y).all(axis=1))[0])
            near = U[i] + np.array([[-1.0], [1.0]]) * (U[i + 1] - U[i]) / CLOSER
            sides, _ = yield from told.ask(near)
            found.append(_bend(triples[k][0]) / max(_bend(np.array([sides[0], Y[i], sides[1]])), 1e-300))
        return np.array(found)

    def _judge(self, triples: list[Told], closer: FloatArray, off: float) -> None:
        """Find the rounding and the reason, by three points on lines, bends from nearer by, and a row asked twice."""
        told = self._told
        told.size = max(float(np.abs(Y).max()) for Y, _ in triples)
        bends = np.array([_bend(Y) for Y, _ in triples])
        ratios = bends / np.array([max(float(noise.max()), 1e-300) for _, noise in triples])
        coarse = told.scores.single or told.scores.decimals is not None
        rounding = float(np.clip(told.scale * np.quantile(ratios, QUIET), LEAST[coarse], 1e3))
        uneven = len(closer) > 0 and float(closer.min()) < KINK
        if uneven:
            rounding = max(rounding, told.scale * float(np.median(ratios[ratios > BENT])))
        told.scale = max(rounding, told.scale * off / max(float(triples[0][1].max()), 1e-300))
        noise = told.table()[2]
        share = float(np.quantile(noise[np.isfinite(noise)], QUIET)) / told.size if told.size else 0.0
        told.fine = max(told.fine, SPREAD * share)
        what = f"answers are bent at {np.mean(ratios > BENT):.0%} of random places"
        if len(closer) and SMOOTH[0] < closer.min() and closer.max() < SMOOTH[1]:
            self.reason = f"{what}, and less from nearer by: they are those of a smooth activation"
        elif np.mean(ratios > BENT) > NOISE and not (uneven and share < self._slight(SLIGHT)):
            self.reason = (
                f"{what}, and otherwise from nearer by: they have noise drawn once for each row, or were computed in"
                " float32"
            )
        elif share > COARSEST:
            how = "float32 numbers, " if told.scores.single else ""
            how = how if told.scores.decimals is None else f"rounded to {told.scores.decimals} decimals, "
            self.reason = f"answers are {how}right to {-np.log10(share):.1f} digits only: too few to see kinks by"


def _bend(Y: FloatArray) -> float:
    """How far the middle one of three points is off the line through the others, twice."""
    return float(np.abs(Y[0] + Y[2] - 2 * Y[1]).max())


def _visible(triples: list[Told]) -> list[Told]:
    return [triple for triple in triples if np.isfinite(triple[1]).all()]
