"""Learning curves as SVG: a logarithmic axis of queries, values told where the pointer rests."""

from __future__ import annotations

import math
from html import escape

from mex.app.audit.content import Chart, Curve

COLOURS = (
    ("#0b5cad", "#7db7f5"),
    ("#b3401a", "#f39a78"),
    ("#1a7f37", "#6fd08c"),
    ("#7b3fa0", "#c79be6"),
    ("#8a6100", "#e0b34a"),
    ("#5b6470", "#aab4c0"),
)
"""Light and dark; lines also differ in their dashes."""
DASHES = ("", "7 3", "2 3", "9 3 2 3", "12 4", "4 2")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 330, 58, 16, 14, 46


def svg(chart: Chart) -> str:
    """A chart as an SVG element."""
    xs = [x for curve in chart.curves for x, _ in curve.points]
    ys = [y for curve in chart.curves for _, y in curve.points]
    low, high = max(1.0, min(xs)), max(*xs, 2.0)
    floor = math.floor(10 * max(0.0, min(ys))) / 10
    floor = min(floor, 0.9)

    def place(x: float, y: float) -> tuple[float, float]:
        across = math.log(max(x, low) / low) / (math.log(high / low) or 1)
        up = (max(y, floor) - floor) / (1 - floor)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    parts = []
    for value in _ticks(low, high):
        x, _ = place(value, floor)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{value:,.0f}</text>')
    for k in range(5):
        value = floor + (1 - floor) * k / 4
        _, y = place(low, value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(chart.x)}</text>')
    for i, curve in enumerate(chart.curves):
        parts.append(_line(curve, i, [place(x, y) for x, y in curve.points]))
    label = escape(chart.caption, quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _line(curve: Curve, i: int, places: list[tuple[float, float]]) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(curve.name)}: {value:.4f} after {queries:,.0f}'
        "</title></circle>"
        for (x, y), (queries, value) in zip(places, curve.points, strict=True)
    )
    dash = f' stroke-dasharray="{DASHES[i]}"' if DASHES[i] else ""
    return f'<g class="line-{i}"><polyline points="{points}"{dash}/>{dots}</g>'


def _ticks(low: float, high: float) -> list[float]:
    """Whole powers of ten between two numbers, with twice and five times these where they are few.

    >>> _ticks(8, 150)
    [10, 20, 50, 100]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    few = high / low < 1000
    every = [10**p * m for p in powers for m in ((1, 2, 5) if few else (1,))]
    return [value for value in every if low <= value <= high]
