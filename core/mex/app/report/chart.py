"""Charts as SVG that takes its colours from the page, and the values that its script reads out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any, TypeAlias

import attrs

from mex.app.report.scales import Scale

WIDTH, HEIGHT = 380, 250
LEFT, RIGHT, TOP, BOTTOM = 50, 10, 10, 40
COLOURS = 7
DASHES = ("", "7 3", "2 3", "8 3 2 3")
MARKS = ("circle", "square", "diamond", "triangle")


@attrs.frozen
class Look:
    """How the line of an attack is drawn in every chart: the number of a colour of the page, a dash and a mark."""

    colour: int
    dash: str
    mark: str

    @property
    def swatch(self) -> str:
        """The line alone, for a key."""
        line = f'<line x1="1" y1="6" x2="27" y2="6" stroke-dasharray="{self.dash}"/>'
        drawn = line + mark(self.mark, 14, 6)
        return f'<svg class="swatch s{self.colour}" viewBox="0 0 28 12" aria-hidden="true">{drawn}</svg>'


Point4: TypeAlias = tuple[float, float, float, float]
"""A point of a line: x, and the low end, the middle and the high end of y."""


@attrs.frozen
class Line:
    """A line of a chart.

    Attributes:
        name: whose it is.
        look: how it is drawn.
        points: its values from left to right.
    """

    name: str
    look: Look
    points: Sequence[Point4]


@attrs.frozen
class Chart:
    """A chart and the words under it.

    Attributes:
        svg: the drawing, with an accessible name.
        caption: what it is of.
        values: what the script of the page reads out, as JSON; "" if nothing.
    """

    svg: str
    caption: str
    values: str = ""


def looks(names: Sequence[str]) -> dict[str, Look]:
    """A look for each name: of seven colours, four dashes and four marks, so that 28 differ without their colours."""
    return {
        name: Look(i % COLOURS, DASHES[i % len(DASHES)], MARKS[(i + i // len(DASHES)) % len(MARKS)])
        for i, name in enumerate(names)
    }


def line_chart(
    lines: Sequence[Line],
    x: Scale,
    y: Scale,
    *,
    label: str,
    caption: str,
    names: tuple[str, str],
    levels: Sequence[float] = (),
    beside: Sequence[tuple[float, float]] = (),
    digits: int = 3,
) -> Chart:
    """Lines with the bands of their intervals, whose values the page reads out at a pointer or by the arrow keys.

    Args:
        lines: what is drawn.
        x, y: the axes, shared by charts that are to be compared.
        label: the accessible name.
        caption: the words under it.
        names: of the axes.
        levels: where a line across marks the level that the reader chooses.
        beside: a thin line without a name, such as a bound.
        digits: decimals of the values that are read out.
    """

    def across(value: float) -> float:
        return LEFT + x(value) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - y(value) * (HEIGHT - TOP - BOTTOM)

    parts = [_axes(x, y, names)]
    for level in levels:
        parts.append(f'<path class="level at" data-level="{level:g}" d="M{LEFT} {up(level):.1f}H{WIDTH - RIGHT}"/>')
    for line in lines:
        band = [f"{across(q):.1f} {up(high):.1f}" for q, _, _, high in line.points]
        band += [f"{across(q):.1f} {up(low):.1f}" for q, low, _, _ in reversed(line.points)]
        middle = [(across(q), up(value)) for q, _, value, _ in line.points]
        every = max(1, len(middle) // 5)
        marks = "".join(mark(line.look.mark, *place) for place in middle[::every])
        along = "L".join(f"{a:.1f} {b:.1f}" for a, b in middle)
        parts.append(
            f'<g class="s{line.look.colour}"><path class="band" d="M{"L".join(band)}Z"/>'
            f'<path class="line" stroke-dasharray="{line.look.dash}" d="M{along}"/>{marks}</g>'
        )
    inside = [(across(a), up(b)) for a, b in beside if 0 < x(a) < 1 and 0 < y(b) < 1]
    if inside:
        parts.append(f'<path class="bound" d="M{"L".join(f"{a:.1f} {b:.1f}" for a, b in inside)}"/>')
    parts.append(f'<path class="cursor" d="M0 {TOP}V{HEIGHT - BOTTOM}"/>')
    values = {
        "x": [x.low, x.high],
        "area": [LEFT, WIDTH - RIGHT, WIDTH],
        "name": names[0],
        "digits": digits,
        "lines": [[line.name, line.look.colour, [list(map(_short, p)) for p in line.points]] for line in lines],
    }
    return Chart(svg(WIDTH, HEIGHT, label, "".join(parts)), caption, json.dumps(values, separators=(",", ":")))


def svg(width: float, height: float, label: str, inside: str) -> str:
    """A drawing with an accessible name."""
    name = escape(_printable(label), quote=True)
    return f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{name}">{inside}</svg>'


def mark(shape: str, a: float, b: float, size: float = 3) -> str:
    """A mark at a place: a circle, a square, a diamond or a triangle."""
    if shape == "circle":
        return f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{size:g}"/>'
    wide, side = f"{1.3 * size:g}", f"{2 * size:g}"
    corners = {
        "square": f"M{a - size:.1f} {b - size:.1f}h{side}v{side}h-{side}z",
        "diamond": f"M{a:.1f} {b - 1.3 * size:.1f}l{wide} {wide}l-{wide} {wide}l-{wide} -{wide}z",
        "triangle": f"M{a:.1f} {b - 1.2 * size:.1f}l{1.2 * size:g} {2.2 * size:g}h-{2.4 * size:g}z",
    }
    return f'<path class="mark" d="{corners[shape]}"/>'


def _axes(x: Scale, y: Scale, names: tuple[str, str], right: float = RIGHT) -> str:
    """The frame, the ticks with their names, and what the axes are of; names of ticks never overlap."""
    across, up = WIDTH - LEFT - right, HEIGHT - TOP - BOTTOM
    parts, last = [], -1e9
    for value, text in x.ticks:
        place = LEFT + x(value) * across
        parts.append(f'<path class="grid" d="M{place:.1f} {TOP}v{up}"/>')
        half = 3.2 * len(text)
        if place - half > last + 4:
            parts.append(f'<text x="{place:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{text}</text>')
            last = place + half
    last = 1e9
    for value, text in y.ticks:
        place = HEIGHT - BOTTOM - y(value) * up
        parts.append(f'<path class="grid" d="M{LEFT} {place:.1f}h{across}"/>')
        if place < last - 11:
            parts.append(f'<text x="{LEFT - 5}" y="{place + 3.5:.1f}" text-anchor="end">{text}</text>')
            last = place
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}h{across}"/>')
    middle = LEFT + across / 2
    parts.append(f'<text x="{middle:g}" y="{HEIGHT - 6}" text-anchor="middle">{escape(names[0])}</text>')
    parts.append(
        f'<text transform="translate(9 {TOP + up / 2:g}) rotate(-90)" text-anchor="middle">{escape(names[1])}</text>'
    )
    return "".join(parts)


def _short(value: float) -> Any:
    return int(value) if value == int(value) and abs(value) < 1e15 else float(f"{value:.5g}")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
