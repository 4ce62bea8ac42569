"""Outcomes for people: as a table of text, as Markdown, as one HTML page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from mex.app.analysis.crosstab import TextTable
from mex.app.analysis.statistics import Estimate, coverage
from mex.app.files import replacing
from mex.app.reproduce.experiment import HERE
from mex.app.reproduce.lines import Line, Outcome

NONE, NEVER = "–", "never"
"""What there is no number of; an infinite number of queries."""
HEADER = ["where", "number", "paper", "here", "here / paper", "best here"]
TITLE = "The paper's tables and figures, reproduced"


def table(outcome: Outcome) -> TextTable:
    """The lines of an outcome, what was left open below."""
    notes = [f"* {note}" for note in dict.fromkeys(line.note for line in outcome.lines if line.note)]
    numbers = {note[2:]: f"[{i}]" for i, note in enumerate(notes, 1)}
    rows = [_cells(line, numbers.get(line.note, "")) for line in outcome.lines]
    told = f"Medians; in brackets {coverage(outcome.seeds)}." + (" A reduced run." if outcome.quick else "")
    below = [told, *outcome.experiment.declared]
    below += [f"{number} {note}" for note, number in numbers.items()]
    if outcome.failed:
        below.append(f"{outcome.failed} cells failed.")
    experiment = outcome.experiment
    return TextTable(f"{experiment.title} ({experiment.section})", HEADER, rows, [], below)


def _cells(line: Line, number: str) -> list[str]:
    verdict = line.verdict or (NONE if line.ratio is None else f"{line.ratio:.2f}")
    best = f"{estimate(line.best, line.measure)} {line.by}" if line.by else ""
    what = f"{line.what} {number}".strip()
    printed = NONE if line.printed is None else one(line.printed, line.measure)
    return [what, words(line.measure), printed, estimate(line.here, line.measure), verdict, best]


def words(measure: str) -> str:
    """A measure for people.

    >>> words("queries_to_error_1e-3"), words("usd_to_0.99"), words("target_accuracy")
    ('queries to an error of 1e-3', 'US dollars to 0.99', 'target accuracy')
    """
    text = measure.replace("_to_error_", " to an error of ").replace("_after_", " after ")
    return text.replace("price_usd", "US dollars").replace("usd", "US dollars").replace("_", " ")


def one(value: float, measure: str) -> str:
    """One number, with three digits that count.

    >>> one(1234.4, "queries"), one(0.0123456, "error_after_100"), one(0.9, "agreement"), one(math.inf, "queries")
    ('1,234', '0.0123', '0.900', 'never')
    """
    if not math.isfinite(value):
        return NEVER
    if measure.startswith("usd"):
        return f"${value:,.4f}" if value < 1 else f"${value:,.2f}"
    if measure.startswith("agreement") or measure.endswith(
        ("agreement", "accuracy", "majority", "wrong_answers", "share", "_lost")
    ):
        return f"{value:.3f}"
    return f"{value:,.0f}" if abs(value) >= 100 or measure.startswith("queries") else f"{value:.3g}"


def estimate(found: Estimate | None, measure: str) -> str:
    """A median with its interval.

    >>> estimate(Estimate(150, 140, 163), "queries"), estimate(None, "queries")
    ('150 (140–163)', '–')
    """
    if found is None:
        return NONE
    low, high = one(found.low, measure), one(found.high, measure)
    return one(found.value, measure) + (f" ({low}–{high})" if low != high else "")


def markdown(outcomes: Sequence[Outcome]) -> str:
    """All outcomes as one document."""
    from mex.app.cli.documents import markdown as as_markdown

    parts = [f"# {TITLE}\n"]
    for outcome in outcomes:
        flags = " --quick" if outcome.quick else ""
        repeat = f"`mex reproduce {outcome.experiment.name}{flags} --seeds {outcome.seeds}`"
        parts.append(f"{as_markdown(table(outcome))}\n\n{repeat}\n")
    return "\n".join(parts)


def write_html(path: Path, outcomes: Sequence[Outcome]) -> None:
    """All outcomes as one page that needs no network, in the style of a report.

    Raises:
        UsageError: if the file cannot be written.
    """
    import html

    style = (HERE.parents[1] / "report" / "style.css").read_text(encoding="utf-8")
    parts = []
    for outcome in outcomes:
        found = table(outcome)
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in found.header)
        body = "".join(
            "<tr>"
            + "".join(
                f'<th scope="row">{html.escape(cell)}</th>' if i == 0 else f"<td>{html.escape(cell)}</td>"
                for i, cell in enumerate(row)
            )
            + "</tr>\n"
            for row in found.rows
        )
        notes = "".join(f"<li>{html.escape(note)}</li>\n" for note in found.notes)
        title, name = html.escape(found.title), html.escape(outcome.experiment.name)
        parts.append(
            f'<section id="{name}" aria-labelledby="title-{name}">\n<h2 id="title-{name}">{title}</h2>\n'
            f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">\n<table>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n<ul>\n{notes}</ul>\n</section>\n"
        )
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{TITLE}</title>\n<link rel="icon" href="data:,">\n'
        f"<style>\n{style}\ntd {{ white-space: nowrap; }}\n</style>\n</head>\n<body>\n<header>\n<h1>{TITLE}</h1>\n"
        "<p>Chandrasekaran, Chaudhuri, Giacomelli, Jha and Yan, <em>Exploring Connections Between Active Learning and"
        " Model Extraction</em>, USENIX Security 2020.</p>\n</header>\n"
        f'<main id="main">\n{"".join(parts)}</main>\n</body>\n</html>\n'
    )
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")
