"""Figures as small SVG that takes its colours from the page."""

from __future__ import annotations

import io
import re
import warnings
import zlib
from html import escape
from typing import Any

import attrs
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, LINE = "#101112", "#c0c1c2"
"""Stand-ins for two colours of the page, replaced by its variables in the SVG."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mex",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": LINE,
    "legend.frameon": False,
}


@attrs.frozen
class Plot:
    """A plot as SVG, and the words under it."""

    svg: str
    caption: str


def plain(name: str) -> str:
    """A name for matplotlib, which would read what stands between two dollars as a formula."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name).replace("$", r"\$")


def blank(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of so many inches, and its axes."""
    figure = Figure(figsize=(width, height))
    # Margins in inches: to find them from the text takes longer than to draw the plot.
    return figure, figure.add_axes((0.7 / width, 0.46 / height, 1 - 0.8 / width, 1 - 0.56 / height))


def draw(figure: Figure, label: str, caption: str) -> Plot:
    """The figure as SVG that says what it shows, ``label``: other plots of the page have other labels."""
    out = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser's fonts are others
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = _short(_own_ids(svg, f"p{zlib.crc32(label.encode(errors='replace')):08x}-"))
    svg = svg.replace(INK, "var(--ink)").replace(LINE, "var(--line)")
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)  # the page decides; the viewBox keeps the shape
    name = escape(label, quote=True)
    return Plot(f'{head} role="img" aria-label="{name}"><title>{name}</title>{rest}', caption)


def _own_ids(svg: str, prefix: str) -> str:
    """Ids are of the page, not of the plot: keep those that something points at, under names of the plot's own."""
    pointed = r'(url\(#|href="#)([^")]+)'
    names = {old: f"{prefix}{i}" for i, (_, old) in enumerate(dict.fromkeys(re.findall(pointed, svg)))}
    svg = re.sub(r'\sid="([^"]*)"', lambda m: f' id="{names[m[1]]}"' if m[1] in names else "", svg)
    return re.sub(pointed, lambda m: m[1] + names[m[2]], svg)


def _short(svg: str) -> str:
    """Without what nobody sees: the third decimal of a pixel, and white space between elements."""

    def rounded(attribute: re.Match[str]) -> str:
        return re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), attribute[0])

    svg = re.sub(r'\s(d|x|y|transform)="[^"]*"', lambda m: rounded(m).replace("\n", ""), svg)
    return re.sub(r">\s+<", "><", svg)
