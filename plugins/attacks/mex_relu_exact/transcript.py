"""All answers: points, scores, and how far rounding may have moved each."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

import numpy as np

from mex.types import Array, FloatArray
from mex_relu_exact.chart import Chart
from mex_relu_exact.network import Network
from mex_relu_exact.scores import Scores

Told: TypeAlias = tuple[FloatArray, FloatArray]
"""Scores of points, shape (n, m), and the bounds of their rounding, shape (n,)."""
Asking: TypeAlias = Generator[FloatArray, Array, Told]

FINE, VISIBLE = 1e-13, 3e-6
"""Up to which rounding, as shares of the size of scores, a score is exact, and up to which it tells of kinks."""
FIRST = 24
"""How many of the first rows are random places of the survey."""
DOUBTFUL = 1e3
"""How many times their rounding doubtful answers may be off that are explained."""
SCALE = 4.0
"""How many roundings of one number an answer may be off, until that is measured."""


class Transcript:
    """The points asked, their scores, and the network that is to explain them.

    Attributes:
        chart, scores: the coordinates, and what answers are read as.
        network: the network so far.
        size: the largest score of the first answers.
        scale: how many roundings of one number an answer is off.
        fine: up to which rounding, as a share of the size, scores are as exact as this interface gives them.
    """

    def __init__(self, chart: Chart, scores: Scores) -> None:
        self.chart = chart
        self.scores = scores
        self.network = Network.empty(len(chart), scores.width)
        self.size = 0.0
        self.scale = SCALE
        self.fine = FINE
        self._parts: list[tuple[FloatArray, FloatArray, FloatArray, Array]] = []

    def __len__(self) -> int:
        return sum(len(part[0]) for part in self._parts)

    def table(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Points, scores and the bounds of their rounding, infinite where scores are but bounds."""
        if len(self._parts) > 1:
            U, Y, loss, doubt = (np.concatenate(column) for column in zip(*self._parts, strict=True))
            self._parts = [(U, Y, loss, doubt)]
        U, Y, loss, _ = self._parts[0]
        return U, Y, self.noise(Y, loss)

    def explained(self) -> float:
        """The share of the variance of the first scores that the network explains; below 0 if it adds to it."""
        if len(self) == 0:
            return 0.0
        U, Y, noise = (column[:FIRST] for column in self.table())
        U, Y = U[np.isfinite(noise)], Y[np.isfinite(noise)]
        variance = float(((Y - Y.mean(axis=0)) ** 2).sum()) if len(Y) else 0.0
        return 1 - float(((Y - self.network(U)) ** 2).sum()) / variance if variance else 0.0

    def explicable(self) -> Array:
        """Which rows of the table a network without further neurons has to explain."""
        U, Y, noise = self.table()
        off = np.abs(np.nan_to_num(Y) - self.network(U)).max(axis=1)
        return np.asarray(self.visible(noise) & (~self._parts[0][3] | (off <= DOUBTFUL * noise)))

    def doubt(self) -> None:
        """The rows asked last show a kink that is not known: no fit is made to them until they are explained."""
        self._parts[-1][3][:] = True

    def noise(self, Y: FloatArray, loss: FloatArray) -> FloatArray:
        """How far scores may be off, by the rounding of answers and of the sums behind them, shape (n,)."""
        size = np.maximum(self.size, np.nan_to_num(np.abs(Y)).max(axis=1, initial=0.0))
        return np.asarray(self.scale * (loss + self.scores.unit * size))

    def visible(self, noise: FloatArray, limit: float = VISIBLE) -> Array:
        """Which scores tell of kinks, shape (n,): those of which rounding is no more than a share of the size."""
        return np.asarray(noise <= limit * self.size)

    def add(self, X: FloatArray, answers: Array) -> Told:
        """Take answers; their scores and how far they may be off."""
        Y, loss = self.scores(answers)
        self._parts.append((self.chart.encode(X), Y, loss, np.zeros(len(X), dtype=bool)))
        return Y, self.noise(Y, loss)

    def ask(self, U: FloatArray) -> Asking:
        """Scores of points and how far they may be off."""
        X = self.chart.decode(U)
        return self.add(X, (yield X))

    def ask_residual(self, U: FloatArray, limit: float = VISIBLE) -> Asking:
        """What the network leaves of scores, and how far that may be off; infinite where that is beyond a limit."""
        Y, noise = yield from self.ask(U)
        asked = self._parts[-1][0]
        visible = self.visible(noise, limit)
        off = np.where(visible[:, None], Y, 0.0) - self.network(asked)
        return off, np.where(visible, noise, np.inf)
