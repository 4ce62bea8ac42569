"""The page of an audit as one HTML file that needs no network and runs no script."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from mex.app.audit.chart import COLOURS, svg
from mex.app.audit.content import Chart, Code, Part, Table, sections

STYLE = Path(__file__).with_name("page.css")


def page(told: Mapping[str, Any]) -> str:
    """The document as a page."""
    title = f"Audit of {told['subject']['model']}"
    body = []
    for i, section in enumerate(sections(told)):
        kind = ' class="verdict"' if i == 0 else ""
        parts = "\n".join(_part(part) for part in section.parts)
        head = f'<h2 id="section-{i}">{escape(section.title)}</h2>'
        body.append(f'<section aria-labelledby="section-{i}"{kind}>\n{head}\n{parts}\n</section>')
    contents = "".join(
        f'<li><a href="#section-{i}">{escape(section.title)}</a></li>' for i, section in enumerate(sections(told))
    )
    colours = "\n".join(f".line-{i} {{ --c: {light}; --cd: {dark}; }}" for i, (light, dark) in enumerate(COLOURS))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{STYLE.read_text(encoding="utf-8")}{colours}
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the verdict</a>
<header>
<h1>{escape(title)}</h1>
<p>on {escape(told["subject"]["data"])}; mex {escape(told["mex_version"])}, depth {escape(told["depth"]["name"])}</p>
<nav aria-label="Sections"><ul>{contents}</ul></nav>
</header>
<main id="main">
{chr(10).join(body)}
</main>
</body>
</html>
"""


def _part(part: Part) -> str:
    if isinstance(part, str):
        return f"<p>{escape(part)}</p>"
    if isinstance(part, list):
        return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in part) + "</ul>"
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Code):
        code = f'<pre tabindex="0"><code>{escape(part.lines)}</code></pre>'
        if part.folded:
            return f"<details><summary>{escape(part.caption)}</summary>{code}</details>"
        return f"<p>{escape(part.caption)}</p>{code}"
    return _figure(part)


def _table(part: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in part.header)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in part.rows
    )
    # The caption is outside of what scrolls, so that it wraps at the width of the screen.
    caption = escape(part.caption)
    return (
        f'<p class="caption">{caption} <span class="cue">Scroll sideways for more columns.</span></p>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(part.caption, quote=True)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _figure(part: Chart) -> str:
    key = "".join(f'<li class="line-{i}"><span></span>{escape(c.name)}</li>' for i, c in enumerate(part.curves))
    rows = "".join(
        f"<tr><th scope='row'>{escape(c.name)}</th><td>{x:,.0f}</td><td>{y:.4f}</td></tr>"
        for c in part.curves
        for x, y in c.points
    )
    return (
        f'<figure>{svg(part)}<figcaption>{escape(part.caption)}<ul class="key">{key}</ul></figcaption>'
        f"<details><summary>The points as numbers</summary><table><thead><tr><th scope='col'>attack</th>"
        f"<th scope='col'>{escape(part.x)}</th><th scope='col'>{escape(part.y)}</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details></figure>"
    )
