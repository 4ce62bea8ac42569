"""Small drawings inside a table: a median and its interval, on an axis that all rows share."""

from __future__ import annotations

from mex.app.analysis.statistics import Estimate
from mex.app.report.chart import mark
from mex.app.report.scales import Scale

WIDTH, HEIGHT, EDGE = 170, 16, 6


def strip(queries: Estimate | None, scale: Scale) -> str:
    """Queries as a dot with the line of their interval; an arrow at the end where an attack never gets there."""
    if queries is None:
        return ""
    low, value, high = (EDGE + scale(end) * (WIDTH - 2 * EDGE) for end in (queries.low, queries.value, queries.high))
    middle = HEIGHT / 2
    line = f'<path class="axis" d="M{EDGE} {middle:g}H{WIDTH - EDGE}"/>' + (
        f'<path class="range" d="M{low:.1f} {middle:g}H{high:.1f}"/>' if high > low else ""
    )
    end = mark("circle", value, middle, 4) if queries.finite else _arrow(WIDTH - EDGE, middle)
    return f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{line}{end}</svg>'


def axis(scale: Scale) -> str:
    """The axis of strips, for the head of their column."""
    room, last, parts = WIDTH - 2 * EDGE, -100.0, []
    for value, text in scale.ticks:
        place = EDGE + scale(value) * room
        half = 3.4 * len(text)
        if place - half < last or place + half > WIDTH:
            continue
        last = place + half + 4
        parts.append(f'<text x="{place:.1f}" y="11" text-anchor="middle">{text}</text>')
    return f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'


def _arrow(a: float, b: float) -> str:
    return f'<path class="never" d="M{a - 9:g} {b - 5:g}l9 5l-9 5z"/>'
