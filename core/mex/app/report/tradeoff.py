"""What each defense buys against what it costs, with labels in the margin that never overlap."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import attrs

from mex.app.analysis.overview import Worth
from mex.app.analysis.statistics import Estimate
from mex.app.report.chart import HEIGHT, LEFT, MARKS, TOP, Chart, mark, svg
from mex.app.report.scales import Scale, linear, logarithmic

WIDTH, MARGIN, BOTTOM, LINE = 400, 158, 40, 15
"""Of the drawing in its own pixels: its width, the margin of the labels, the room of the axis, a line of text."""
LOST = "accuracy that honest users lose, points"
LONGEST = 24
"""Of a label; the page tells the whole name in its tables."""


@attrs.frozen
class Bargain:
    """A defense in the chart.

    Attributes:
        name: of it.
        lost: what honest users lose, in points of accuracy (of R²: hundredths).
        factor: how many times more queries the best attack needs; infinite where none gets there.
        more_than: what an infinite ``factor`` is more than.
    """

    name: str
    lost: float
    factor: Estimate
    more_than: float | None


def bargains(worths: Sequence[Worth]) -> list[Bargain]:
    """The defenses of which both are known."""
    return [
        Bargain(w.defense, 100 * w.lost.value, w.factor, w.more_than)
        for w in worths
        if w.factor is not None and w.lost is not None
    ]


def trade_off(title: str, drawn: Sequence[Bargain], lost_is: str = LOST) -> Chart | None:
    """The multiplier of each defense over what honest users lose, ``lost_is``; None for fewer than two defenses."""
    if len(drawn) < 2:
        return None
    most = max([d.factor.value for d in drawn if d.factor.finite] + [d.more_than or 1 for d in drawn])
    least = min([1.0] + [d.factor.low for d in drawn])
    height = max(HEIGHT, TOP + BOTTOM + LINE * len(drawn))
    lost = [d.lost for d in drawn]
    room = 0.06 * (max(lost) - min(lost) or 1)
    x, y = linear(min(lost) - room, max(lost) + room), logarithmic(max(least, 0.05) / 1.1, most * 1.25, "{:g}×".format)
    across, up, right = WIDTH - LEFT - MARGIN, height - TOP - BOTTOM, WIDTH - MARGIN
    parts = [_axes(x, y, across, up, height, lost_is)]
    places = []
    for i, d in enumerate(drawn):
        never = not d.factor.finite
        value = (d.more_than or most) if never else d.factor.value
        a = LEFT + x(d.lost) * across
        bottom, b, top = (height - BOTTOM - y(v) * up for v in (d.factor.low, value, d.factor.high))
        look, shape = f"s{i % 7}", "triangle" if never else MARKS[i % 3]
        reach = "" if never else f'<path class="range" d="M{a:.1f} {bottom:.1f}V{top:.1f}"/>'
        parts.append(f'<g class="{look}">{reach}{mark(shape, a, b, 5)}</g>')
        places.append((b, a, d.name, look, shape))
    for (b, a, name, look, shape), label in zip(
        places, spaced([p[0] for p in places], TOP, height - BOTTOM), strict=True
    ):
        short = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
        parts.append(
            f'<path class="leader" d="M{a + 7:.1f} {b:.1f}L{right:g} {label:.1f}h6"/>'
            f'<g class="{look}">{mark(shape, right + 12, label)}</g>'
            f'<text x="{right + 19:g}" y="{label + 3.5:.1f}">{escape(short)}</text>'
        )
    told = f"trade-off of the defenses of {title}"
    return Chart(svg(WIDTH, height, told, "".join(parts)), "")


def _axes(x: Scale, y: Scale, across: float, up: float, height: float, lost_is: str) -> str:
    parts = [f'<path class="axis" d="M{LEFT} {TOP}v{up}h{across}"/>']
    parts += [
        f'<path class="grid" d="M{LEFT} {height - BOTTOM - y(v) * up:.1f}h{across}"/>'
        f'<text x="{LEFT - 5}" y="{height - BOTTOM - y(v) * up + 3.5:.1f}" text-anchor="end">{text}</text>'
        for v, text in y.ticks
    ]
    parts += [
        f'<text x="{LEFT + x(v) * across:.1f}" y="{height - BOTTOM + 14}" text-anchor="middle">{text}</text>'
        for v, text in x.ticks
    ]
    parts.append(
        f'<text x="{LEFT + across / 2:g}" y="{height - 6}" text-anchor="middle">'
        f"{escape(lost_is)}</text>"
        f'<text transform="translate(9 {TOP + up / 2:g}) rotate(-90)" text-anchor="middle">times as many queries</text>'
    )
    return "".join(parts)


def spaced(places: Sequence[float], first: float, last: float, gap: float = LINE) -> list[float]:
    """The places moved apart to at least ``gap``, in their order and as far as there is room between the ends.

    >>> spaced([50, 50, 52], 0, 100, 10)
    [50.0, 60.0, 70.0]
    >>> spaced([99, 99], 0, 100, 10)
    [90.0, 100.0]
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [0.0] * len(places)
    least = float(first)
    for i in order:
        moved[i] = least = max(least, float(places[i]))
        least += gap
    most = float(last)
    for i in reversed(order):
        moved[i] = most = min(most, moved[i])
        most -= gap
    return moved
