"""The charts of a comparison: learning curves, geometric errors, where an attack asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mex.app.analysis.aggregate import Comparison
from mex.app.analysis.group import FEWER, Group
from mex.app.analysis.numbers import digits
from mex.app.analysis.statistics import LEVELS, bands
from mex.app.report.chart import Chart, Line, Look, Point4, line_chart, mark, svg
from mex.app.report.scales import Scale, linear, logarithmic, stretched
from mex.toolkit.bounds import capacity, query_bound

CurveScore = Literal["agreement", "geometric_error"]
TELLING = 1e-12
"""Bits of an answer below which no number of queries is told."""
LOWEST = 0.02
"""The share of the points of curves that may lie below the axis of agreements."""


def queries_scale(found: Sequence[Comparison]) -> Scale:
    """The axis of queries that all charts of a page share: from the first look at a stolen model to the last."""
    asked = [p["queries"] for c in found for r in c.ran for p in r["curve"] or [] if p["queries"] > 0]
    return logarithmic(min(asked, default=1), max(asked, default=10))


def agreement_scale(found: Sequence[Comparison]) -> Scale:
    """The axis of agreements that all charts of a page share."""
    values = [p["agreement"] for c in found for r in c.ran for p in r["curve"] or []]
    rows = max((c.rows for c in found if c.ran), default=2)
    return stretched(float(np.quantile(values, LOWEST)) if values else 0.0, rows)


def learning_curves(comparison: Comparison, looks: dict[str, Look], x: Scale, y: Scale) -> list[Chart]:
    """Agreement against queries, a chart for each defense and a line for each attack."""
    charts = []
    for defense in comparison.defenses:
        lines = curves(comparison, defense, "agreement", looks)
        if lines:
            label = f"learning curves on {comparison.title} against {defense}"
            places = digits(comparison.rows)
            names = "queries", "R²" if comparison.regression else "agreement"
            charts.append(
                line_chart(lines, x, y, label=label, caption=defense, names=names, levels=LEVELS, digits=places)
            )
    return charts


def error_curves(comparison: Comparison, looks: dict[str, Look], x: Scale) -> list[Chart]:
    """Geometric error against queries where the attacks steal a halfspace, beside the bound of any attack.

    The bound holds for the mean over halfspaces uniform on the sphere; one model, or one prior, can be luckier.
    """
    drawn = {defense: curves(comparison, defense, "geometric_error", looks) for defense in comparison.defenses}
    values = [v for lines in drawn.values() for line in lines for _, *ends in line.points for v in ends if v > 0]
    if not values:
        return []
    y = logarithmic(max(min(values), 1e-16), max(values), short)
    return [
        line_chart(
            lines,
            x,
            y,
            label=f"geometric error on {comparison.title} against {defense}",
            caption=defense,
            names=("queries", "geometric error"),
            beside=bound(comparison, defense),
            digits=6,
        )
        for defense, lines in drawn.items()
        if lines
    ]


def short(error: float) -> str:
    """A small number in a few signs.

    >>> short(0.02), short(1e-6)
    ('0.02', '1e-6')
    """
    return f"{error:g}" if error >= 0.01 else f"{error:.0e}".replace("e-0", "e-")


def bound(comparison: Comparison, defense: str) -> list[tuple[float, float]]:
    """Fewest queries and geometric error, of any attack on a random halfspace; empty where labels are not all."""
    first = comparison.against(defense)[0].ran[0]
    rho, features = first["rho"], first["features"]
    # The bound counts the bits of labels.
    if rho is None or features is None or first["answers"] != "label" or capacity(rho) < TELLING:
        return []
    # A halfspace with an intercept is a direction in one dimension more (mex.toolkit.metrics.geometric_error).
    return [(query_bound(features + 1, float(eps), rho), float(eps)) for eps in np.geomspace(1e-6, 1, 40)]


def curves(comparison: Comparison, defense: str, score: CurveScore, looks: dict[str, Look]) -> list[Line]:
    """The line of each attack against a defense: the median over seeds and its interval."""
    drawn = [(group, _band(group, score)) for group in comparison.against(defense)]
    return [Line(group.attack, looks[group.attack], points) for group, points in drawn if points]


def _band(group: Group, score: CurveScore) -> list[Point4]:
    return median_line(
        [[(p["queries"], p[score]) for p in record["curve"] or []] for record in group.ran], score.startswith(FEWER)
    )


def median_line(curves: Sequence[Sequence[tuple[float, float | None]]], fewer: bool = False) -> list[Point4]:
    """The line of several seeds: from the first count of queries that all have, with low end, median and high end.

    Args:
        curves: of each seed (queries, score).
        fewer: whether less is better for the attacker, as of an error.
    """
    series = [[(float(n), float(value)) for n, value in curve if n > 0 and value is not None] for curve in curves]
    series = [points for points in series if points]
    if not series:
        return []
    n = np.unique([queries for points in series for queries, _ in points])
    n = n[n >= max(points[0][0] for points in series)]  # from where every seed has a value
    at = np.array([np.interp(np.log(n), np.log([q for q, _ in p]), [a for _, a in p]) for p in series])
    return list(zip(n.tolist(), *bands(at, fewer).tolist(), strict=True))


def asked(comparison: Comparison, group: Group) -> Chart | None:
    """Where an attack asked, for two features: one seed's queries, the later ones darker."""
    rows = next((record["asked"] for record in group.ran if record["asked"]), None)
    if not rows:
        return None
    size, edge = 200, 12
    ends = [linear(min(row[i] for row in rows), max(row[i] for row in rows)) for i in (0, 1)]
    dots = "".join(
        f'<g opacity="{0.25 + 0.75 * i / len(rows):.2f}">'
        + mark("circle", edge + ends[0](a) * (size - 2 * edge), size - edge - ends[1](b) * (size - 2 * edge), 2.2)
        + "</g>"
        for i, (a, b) in enumerate(rows)
    )
    frame = f'<path class="axis" d="M3 3v{size - 6}h{size - 6}"/>'
    pair = f"{group.attack} against {group.defense}"
    label = f"queries of {pair} in the plane of the two features, {comparison.title}"
    return Chart(svg(size, size, label, f'{frame}<g class="s0">{dots}</g>'), pair)
