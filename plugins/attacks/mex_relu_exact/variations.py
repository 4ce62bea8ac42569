"""Slices of a domain that differ from one in some columns."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_relu_exact.chart import Chart

SPREAD = 300
"""How many slices are drawn."""


def varied(
    chart: Chart,
    at: FloatArray,
    w: FloatArray,
    column: int,
    direction: FloatArray,
    unknown: set[int],
    rng: np.random.Generator,
) -> FloatArray:
    """Points with another value of a column, and the others drawn so that the values of a neuron are spread.

    Args:
        chart: the coordinates.
        at: a point, shape (d,).
        w: the weights of the neuron, shape (d,).
        column: which column has another value, and is changed by most along ``direction``.
        direction: along which the weights of the neuron are not known, shape (d,).
        unknown: all columns of which the weights are not known: the others of these are left.
        rng: for the draws.
    """
    Z = np.tile(at, (SPREAD, 1))
    towards = np.concatenate([[-1.0, 1.0], rng.uniform(-1, 1, SPREAD - 2)])
    for unit in [*([i] for i in range(len(chart)) if i not in chart.grouped), *chart.groups]:
        free = [i for i in unit if i not in unknown]
        drawn = rng.random(SPREAD) < np.abs(towards)
        if len(unit) == 1 and unit[0] not in chart.grouped:
            i = unit[0]
            if i == column:
                Z[:, i] = 1.0 if at[i] < 0.5 else 0.0
            elif free:
                Z[:, i] = np.where(drawn, (towards * w[i] > 0) * 1.0, rng.integers(0, 2, SPREAD))
        elif column in unit:
            levels = np.eye(len(unit) + 1)[:, :-1]
            Z[:, unit] = levels[np.abs((levels - at[unit]) @ direction[unit]).argmax()]
        elif len(free) == len(unit):
            weights = np.array([*w[unit], 0.0])
            order = np.where(towards > 0, weights.argmax(), weights.argmin())
            level = np.where(drawn, order, rng.integers(0, len(unit) + 1, SPREAD))
            Z[:, unit] = np.eye(len(unit) + 1)[level][:, :-1]
    return Z


def moved(chart: Chart, at: FloatArray, held: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A point with another number or another level in one of some coordinates."""
    at, i = at.copy(), int(rng.choice(held))
    group = next((group for group in chart.groups if i in group), None)
    if group is not None:
        on = at[i] > 0.5
        at[group] = 0.0
        if not on:
            at[i] = 1.0
        return at
    step = 1e-3 if i < chart.n_real and not chart.grid else float(1 / chart.span[i])
    move = max(round(0.5 ** rng.integers(1, 4) / step), 1) * step * rng.choice([-1.0, 1.0])
    at[i] = at[i] + move if -1e-9 < at[i] + move < 1 + 1e-9 else at[i] - move
    at[i] = np.clip(at[i], 0.0, 1.0)
    return at
