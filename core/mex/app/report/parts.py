"""Parts of a page as HTML: tables that scroll, figures, texts to copy, and the page around them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from mex.app.report.chart import Chart

HERE = Path(__file__).parent


def style() -> str:
    """The style that pages share."""
    return (HERE / "style.css").read_text(encoding="utf-8")


def script() -> str:
    """The script that pages share: it reads values out of charts, and cues wide tables."""
    return (HERE / "page.js").read_text(encoding="utf-8")


def scrolling(label: str, inside: str) -> str:
    """What may be wider than the page: it scrolls by itself, has an accessible name, and says that there is more."""
    return (
        f'<div class="wide"><div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">\n{inside}\n'
        '</div><span class="cue" aria-hidden="true">scroll for more →</span></div>'
    )


def table(
    label: str,
    caption: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    name: int = 0,
    numbers: Sequence[int] = (),
) -> str:
    """A table of texts.

    Args:
        label: its accessible name.
        caption: what it says, above it.
        header: of its columns.
        rows: its cells.
        name: the column that names a row.
        numbers: the columns of numbers.
    """

    def cell(text: str, i: int, head: bool = False) -> str:
        kind = ' class="n"' if i in numbers else ""
        if head:
            return f'<th scope="col"{kind}>{escape(text)}</th>'
        return f'<th scope="row">{escape(text)}</th>' if i == name else f"<td{kind}>{escape(text)}</td>"

    head = "".join(cell(text, i, head=True) for i, text in enumerate(header))
    body = "\n".join(f"<tr>{''.join(cell(text, i) for i, text in enumerate(row))}</tr>" for row in rows)
    return scrolling(
        label,
        f"<table>\n<caption><span>{escape(caption)}</span></caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>",
    )


def figure(chart: Chart) -> str:
    """A chart with its caption, and the values that the script reads out."""
    values, caption = "", ""
    if chart.values:
        told = escape(f"{chart.caption}: the arrow keys read out values")
        values = f' data-values="{escape(chart.values)}" tabindex="0" role="group" aria-label="{told}"'
    if chart.caption:
        caption = f"<figcaption>{escape(chart.caption)}</figcaption>\n"
    output = '<output aria-live="polite"></output>' if chart.values else ""
    return f'<figure{values}>\n{caption}<div class="plot">{chart.svg}{output}</div></figure>'


def listed(sentences: Sequence[str]) -> str:
    """A list of sentences."""
    return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def code(label: str, lines: str) -> str:
    """A text to copy."""
    return f'<pre tabindex="0" role="region" aria-label="{escape(label)}">{escape(lines)}</pre>'
