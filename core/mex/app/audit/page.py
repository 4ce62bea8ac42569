"""The page of an audit as one HTML file that needs no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from mex.app.analysis.numbers import digits
from mex.app.analysis.statistics import LEVELS
from mex.app.audit.blocks import Code, Curves, Part, Table, TradeOff
from mex.app.audit.content import sections
from mex.app.report import parts
from mex.app.report.chart import Line, line_chart, looks
from mex.app.report.scales import logarithmic, stretched
from mex.app.report.tradeoff import trade_off

STYLE = Path(__file__).with_name("page.css")


def page(told: Mapping[str, Any]) -> str:
    """The document as a page."""
    title = f"Audit of {told['subject']['name']}"
    found = sections(told)
    body = []
    for i, section in enumerate(found):
        kind = ' class="verdict"' if i == 0 else ""
        inside = "\n".join(_part(part, title) for part in section.parts)
        head = f'<h2 id="section-{i}">{escape(section.title)}</h2>'
        body.append(f'<section aria-labelledby="section-{i}"{kind}>\n{head}\n{inside}\n</section>')
    contents = "".join(f'<li><a href="#section-{i}">{escape(s.title)}</a></li>' for i, s in enumerate(found))
    script = f"\n{parts.script()}\n"
    own = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{own}'"
    return f"""<!doctype html>
<html lang="en" data-level="{told["defenses"][0]["level"] if told["defenses"] else ""}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{parts.style()}{STYLE.read_text(encoding="utf-8")}
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the verdict</a>
<header>
<h1>{escape(title)}</h1>
<p>{escape(_about(told))}</p>
<nav aria-label="Sections"><ul>{contents}</ul></nav>
</header>
<main id="main">
{chr(10).join(body)}
</main>
<script>{script}</script>
</body>
</html>
"""


def _about(told: Mapping[str, Any]) -> str:
    subject, depth = told["subject"], told["depth"]
    return f"on {subject['data_name']}; mex {told['mex_version']}, depth {depth['name']}"


def _curves(part: Curves, title: str) -> str:
    """Charts with one key and shared axes."""
    points = [point for chart in part.charts for _, line in chart.lines for point in line]
    x = logarithmic(min(p[0] for p in points), max(p[0] for p in points))
    y = stretched(min(p[1] for p in points), part.rows)
    drawn = looks(list(dict.fromkeys(name for chart in part.charts for name, _ in chart.lines)))
    figures = [
        parts.figure(
            line_chart(
                [Line(name, drawn[name], line) for name, line in chart.lines],
                x,
                y,
                label=f"{title}: {part.score} {chart.caption.lower()}",
                caption=chart.caption,
                names=("queries", part.score),
                levels=LEVELS,
                digits=digits(part.rows),
            )
        )
        for chart in part.charts
    ]
    key = "".join(f"<li>{look.swatch} {escape(name)}</li>" for name, look in drawn.items())
    inside = "\n".join(figures)
    return f'<p>{escape(part.caption)}</p>\n<ul class="key">{key}</ul>\n<div class="plots">\n{inside}\n</div>'


def _part(part: Part, title: str) -> str:
    if isinstance(part, str):
        return f"<p>{escape(part)}</p>"
    if isinstance(part, list):
        return parts.listed(part)
    if isinstance(part, Table):
        return parts.table(part.label, part.caption, part.header, part.rows, name=part.name)
    if isinstance(part, Code):
        code = parts.code(part.caption, part.lines)
        if part.folded:
            return f"<details><summary>{escape(part.caption)}</summary>{code}</details>"
        return f"<p>{escape(part.caption)}</p>{code}"
    if isinstance(part, Curves):
        return _curves(part, title)
    assert isinstance(part, TradeOff)
    chart = trade_off(title, part.defenses, part.lost_is)
    assert chart is not None
    return f'<p>{escape(part.caption)}</p><div class="plots one">{parts.figure(chart)}</div>'
