"""The plots of a report, as SVG that takes its colours from the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatter, LogLocator

from mex.app.analysis.aggregate import Comparison
from mex.app.analysis.group import FEWER, Group
from mex.app.analysis.statistics import Estimate, bands
from mex.app.report.svg import INK, STYLE, Plot, blank, draw, plain
from mex.toolkit.bounds import capacity, query_bound
from mex.types import FloatArray

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a7a7a")
"""Okabe and Ito's palette, told apart by the colour-blind; lines differ in their strokes and marks as well."""
STROKES, MARKS = ("-", "--", "-.", ":"), "osD^vPX"
CurveScore = Literal["agreement", "geometric_error"]
TELLING = 1e-12
"""Bits of an answer below which no number of queries is told."""
MANY = 6
"""With more lines than this a plot has no key of its own, but shares one; with more points they are numbered."""


def style_of(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """A colour, a stroke and a mark for each attack, the same in every plot."""
    return {
        name: {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": STROKES[i % len(STROKES)],
            "marker": MARKS[i % len(MARKS)],
            "markersize": 4,
        }
        for i, name in enumerate(names)
    }


def legend(comparison: Comparison) -> Plot | None:
    """The lines of many attacks by name, once for all plots; None where each plot has room for them."""
    if len(comparison.attacks) <= MANY:
        return None
    with rc_context(STYLE):
        rows = -(-len(comparison.attacks) // 2)
        figure = Figure(figsize=(4.6, 0.2 * rows + 0.2))
        lines = [Line2D([], [], label=plain(attack), **look) for attack, look in style_of(comparison.attacks).items()]
        figure.legend(handles=lines, loc="center", ncols=2, fontsize=8)
        return draw(figure, f"lines of the attacks on {comparison.title}", "the lines of the attacks")


def curves(comparison: Comparison, defense: str) -> Plot | None:
    """Agreement against queries, a line per attack: the median over seeds and its interval."""
    return _lines(comparison, defense, "agreement", f"agreement with the model, defense {defense}")


def errors(comparison: Comparison, defense: str) -> Plot | None:
    """Geometric error against queries where the attacks steal a halfspace, beside the bound of any attack.

    The bound holds for the mean over halfspaces uniform on the sphere; one model, or one prior, can be luckier.
    """

    def bound(axes: Axes) -> None:
        first = comparison.against(defense)[0].ran[0]
        rho, features = first["rho"], first["features"]
        if rho is None or features is None or first["answers"] != "label":  # the bound counts the bits of labels
            return
        if capacity(rho) < TELLING:
            return
        eps = np.geomspace(1e-6, 1, 40)
        # A halfspace with an intercept is a direction in one dimension more (mex.toolkit.metrics.geometric_error).
        fewest = [query_bound(features + 1, float(e), rho) for e in eps]
        axes.plot(fewest, eps, color=INK, linewidth=1, label="bound, random halfspace")

    return _lines(comparison, defense, "geometric_error", f"geometric error, defense {defense}", log=True, beside=bound)


def _lines(
    comparison: Comparison,
    defense: str,
    score: CurveScore,
    label: str,
    log: bool = False,
    beside: Callable[[Axes], None] | None = None,
) -> Plot | None:
    styles = style_of(comparison.attacks)
    drawn = [(group, *_band(group, score)) for group in comparison.against(defense)]
    drawn = [(group, n, bands) for group, n, bands in drawn if len(n)]
    if not drawn:
        return None
    with rc_context(STYLE):
        figure, axes = blank(4.6, 3.1)
        for group, n, (low, middle, high) in drawn:
            marks = max(1, len(n) // 6)
            axes.plot(n, middle, label=plain(group.attack), markevery=marks, **styles[group.attack])
            axes.fill_between(n, low, high, color=styles[group.attack]["color"], alpha=0.15, linewidth=0)
        axes.set_xscale("log")
        fewest, most = axes.get_xlim()
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if most < 50 * fewest else (1,)))
        axes.xaxis.set_major_formatter(lambda queries, _: f"{queries:,.0f}")
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda error, _: f"{error:g}")
        else:
            axes.set_ylim(top=1.01)
        axes.minorticks_off()
        if beside:
            limits = axes.get_xlim(), axes.get_ylim()
            beside(axes)
            axes.set_xlim(limits[0])
            axes.set_ylim(limits[1])
        axes.set_xlabel("queries")
        axes.set_ylabel(score.replace("_", " "))
        axes.grid(alpha=0.5)
        if len(comparison.attacks) <= MANY:
            axes.legend(fontsize=8)
        return draw(figure, f"{label} of {comparison.title}", defense)


def _band(group: Group, score: CurveScore) -> tuple[FloatArray, FloatArray]:
    """The counts of queries at which some seed was measured, and low, median and high there, shape (3, counts)."""
    curves = [[(point["queries"], point[score]) for point in record["curve"] or []] for record in group.ran]
    series = [[(float(n), float(value)) for n, value in curve if n > 0 and value is not None] for curve in curves]
    series = [points for points in series if points]
    if not series:
        return np.empty(0), np.empty((3, 0))
    n = np.unique([queries for points in series for queries, _ in points])
    n = n[n >= max(points[0][0] for points in series)]  # from where every seed has a value
    at = np.array([np.interp(np.log(n), np.log([q for q, _ in p]), [a for _, a in p]) for p in series])
    return n, bands(at, fewer=score.startswith(FEWER))


def trade_off(comparison: Comparison, level: float) -> Plot | None:
    """What each defense buys against what it costs: the multiplier over the accuracy that honest users lose."""
    points: list[tuple[str, float, Estimate]] = []
    for defense in comparison.defenses:
        factor, cost = comparison.multiplier(defense, level), comparison.cost(defense, "accuracy_lost")
        if factor and cost:
            points.append((defense, round(100 * cost.value, 2) + 0.0, factor))
    if len(points) < 2:
        return None
    middle = (min(lost for _, lost, _ in points) + max(lost for _, lost, _ in points)) / 2
    names: list[str] = []
    most = max((factor.value for _, _, factor in points if factor.finite), default=1.0) * 3
    with rc_context(STYLE):
        figure, axes = blank(4.6, 3.1)
        for i, (defense, lost, factor) in enumerate(points):
            low, value, high = (min(x, most) for x in (factor.low, factor.value, factor.high))
            look: dict[str, Any] = {"color": COLOURS[i % len(COLOURS)], "linewidth": 1, "markersize": 6}
            axes.plot(np.array([lost, lost]), np.array([low, high]), **look)
            mark = MARKS[i % len(MARKS)] if factor.finite else "^"
            axes.plot(np.array([lost]), np.array([value]), marker=mark, **look)
            names.append(defense if factor.finite else f"{defense} (not within the budget)")
            name = plain(names[-1]) if len(points) <= MANY else str(i + 1)
            above = sum((x, f.value) == (lost, factor.value) for _, x, f in points[:i])  # at the same place
            side = "right" if lost > middle else "left"  # where there is room for the name
            axes.annotate(
                name,
                (lost, value),
                ha=side,
                xytext=(6 if side == "left" else -6, 4 + 9 * above),
                textcoords="offset points",
                fontsize=8,
            )
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter(labelOnlyBase=False))
        axes.yaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(1, 0.4)))
        axes.margins(x=0.25, y=0.15)
        axes.set_xlabel("accuracy that honest users lose, points")
        axes.set_ylabel("times more queries")
        axes.grid(alpha=0.5)
        numbered = "; ".join(f"{i} {name}" for i, name in enumerate(names, 1)) if len(points) > MANY else ""
        return draw(figure, f"trade-off of the defenses of {comparison.title}", numbered)


def queries(comparison: Comparison, group: Group) -> Plot | None:
    """Where an attack asked, for two features: one seed's queries, the later ones darker."""
    asked = next((record["asked"] for record in group.ran if record["asked"]), None)
    if not asked:
        return None
    X = np.array(asked)
    with rc_context(STYLE):
        figure, axes = blank(3.0, 3.0)
        later = [to_rgba(COLOURS[0], alpha) for alpha in np.linspace(0.25, 1, len(X))]
        axes.scatter(X[:, 0], X[:, 1], s=8, c=later, linewidths=0)
        axes.set_xlabel("feature 0")
        axes.set_ylabel("feature 1")
        pair = f"{group.attack} against {group.defense}"
        return draw(figure, f"queries of {pair}, {comparison.title}", pair)
