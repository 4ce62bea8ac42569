"""The page of a report: what is on it, and the one file it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mex.app.analysis.aggregate import LEVEL, compare
from mex.app.analysis.statistics import LEVELS
from mex.app.files import replacing
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import DERIVED, FIELDS, Record
from mex.app.report import curves, parts, strips
from mex.app.report.added import added
from mex.app.report.words import counted, overview
from mex.errors import UsageError

HERE = Path(__file__).parent
AT = tuple(f"{level:g}" for level in LEVELS)
"""The levels among which a reader chooses, as texts."""


def write(
    path: Path,
    records: Sequence[Record],
    recipe: str = "",
    plan: Plan | None = None,
    summaries: Mapping[tuple[str, str], str] | None = None,
) -> None:
    """Write the report of ``records`` to ``path``, whole or not at all.

    Args:
        path: the HTML file.
        records: what a matrix returned, or its ``results.jsonl`` holds.
        recipe: the text of ``run.toml``, for whoever wants to repeat the run.
        plan: whose labels to use.
        summaries: what components are, by kind and name.

    Raises:
        UsageError: if there is no record, the file cannot be written, or an extra is not installed.
    """
    if not records:
        raise UsageError("there is no finished cell to report")
    try:
        page = _render(records, recipe, plan, summaries or {})
    except ImportError as error:
        raise UsageError(f"a report needs {error.name}: pip install 'model-extraction[report]'") from None
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8", errors="replace")  # the name of a file may be no text


def environment() -> Any:
    """The templates, with the style and the script of a page; the extra that they need is imported here."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals |= {"style": parts.style(), "script": parts.script(), "scrolling": parts.scrolling}
    made.globals |= {"figure": parts.figure, "text_table": parts.table, "code": parts.code}
    return made


def _render(records: Sequence[Record], recipe: str, plan: Plan | None, summaries: Mapping[tuple[str, str], str]) -> str:
    template = environment().get_template("page.html")
    from mex.app.report import sections  # which needs the extra, too

    found = compare(records, plan)
    x, y = curves.queries_scale(found), curves.agreement_scale(found)
    ran = [comparison for comparison in found if comparison.ran]
    return str(
        template.render(
            counted=counted(records),
            held=overview(found),
            regression=any(comparison.regression for comparison in found),
            even=any(len(group.ran) % 2 == 0 for c in ran for group in c.groups.values() if group.ran),
            overview=[sections.model_rows(comparison, x, f"comparison-{i}") for i, comparison in enumerate(found, 1)],
            axis=strips.axis(x),
            sections=[sections.section(comparison, x, y) for comparison in found],
            reasons=sections.reasons(records),
            components=sections.components(records, found, summaries),
            added=added(records),
            meanings=meanings(),
            recipe=recipe,
            levels=AT,
            level=f"{LEVEL:g}",
            version=", ".join(sorted({record["mex_version"] for record in records})),
        )
    )


def meanings() -> list[tuple[str, str, str]]:
    """Name, unit and meaning of each number that is computed from records or that they hold."""
    told: dict[str, tuple[str, str]] = dict(DERIVED)
    told |= {field.name: (field.kind.unit, field.meaning) for field in FIELDS.values() if field.measured}
    return [(name, unit, meaning) for name, (unit, meaning) in told.items()]
