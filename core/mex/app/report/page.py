"""The page of a report: what is on it, and the one file it becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from mex.app.analysis.aggregate import LEVEL, Comparison, compare
from mex.app.analysis.crosstab import about_defenses, agreement, missing, queries
from mex.app.analysis.notes import notes, row_name
from mex.app.analysis.numbers import usd
from mex.app.files import replacing
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import DERIVED, FIELDS, Record
from mex.app.report.added import added
from mex.app.report.words import accuracy_of, overview, sentences
from mex.errors import UsageError

ACROSS = 5
"""The most defenses side by side; more go below, so that a sheet of paper holds them."""
HERE = Path(__file__).parent


@attrs.frozen
class Square:
    """One square of the heat map: what an attack got against a defense."""

    status: str
    heat: float = 0.0
    text: str = ""
    queries: str = ""
    dollars: str = ""
    best: bool = False
    missing: str = ""


def write(path: Path, records: Sequence[Record], recipe: str = "", plan: Plan | None = None) -> None:
    """Write the report of ``records`` to ``path``, whole or not at all.

    Args:
        path: the HTML file.
        records: what a matrix returned, or its ``results.jsonl`` holds.
        recipe: the text of ``run.toml``, for whoever wants to repeat the run.
        plan: whose labels to use.

    Raises:
        UsageError: if there is no record, the file cannot be written, or an extra is not installed.
    """
    if not records:
        raise UsageError("there is no finished cell to report")
    try:
        page = _render(records, recipe, plan)
    except ImportError as error:
        raise UsageError(f"a report needs {error.name}: pip install 'model-extraction[report]'") from None
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8", errors="replace")  # the name of a file may be no text


def _render(records: Sequence[Record], recipe: str, plan: Plan | None) -> str:
    """The text of the page; the extra that it needs is imported here."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from mex.app.report import plots

    found = compare(records, plan)
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(
        style=(HERE / "style.css").read_text(encoding="utf-8"),
        overview=overview(found),
        sections=[_section(comparison, plots) for comparison in found],
        added=added(records),
        reasons=_reasons(records),
        meanings=_meanings(),
        recipe=recipe,
        level=f"{LEVEL:g}",
        version=", ".join(sorted({record["mex_version"] for record in records})),
    )


def _section(comparison: Comparison, plots: Any) -> dict[str, Any]:
    return {
        "title": comparison.title,
        "accuracy": accuracy_of(comparison),
        "sentences": sentences(comparison, LEVEL) if comparison.ran else [],
        "notes": notes(comparison) if comparison.ran else [],
        "tables": [
            _table(comparison, comparison.defenses[i : i + ACROSS]) for i in range(0, len(comparison.defenses), ACROSS)
        ],
        "curves": _drawn(
            plot for plot in (plots.legend(comparison), *(plots.curves(comparison, d) for d in comparison.defenses))
        ),
        "errors": _drawn(plots.errors(comparison, defense) for defense in comparison.defenses),
        "trade_off": plots.trade_off(comparison, LEVEL),
        "queries": _drawn(plots.queries(comparison, group) for group in comparison.groups.values() if group.ran),
    }


def _table(comparison: Comparison, defenses: list[str]) -> dict[str, Any]:
    best = {defense: comparison.best(defense) for defense in defenses}
    rows = [
        (row_name(comparison, attack), [_square(comparison, attack, d, best[d] == attack) for d in defenses])
        for attack in comparison.attacks
    ]
    columns = [0, *(1 + comparison.defenses.index(defense) for defense in defenses)]
    costs = [[row[i] for i in columns] for row in about_defenses(comparison)]
    return {"defenses": defenses, "rows": rows, "costs": costs}


def _drawn(plots: Any) -> list[str]:
    return [plot for plot in plots if plot]


def _square(comparison: Comparison, attack: str, defense: str, best: bool) -> Square:
    group = comparison.groups.get((attack, defense))
    if group is None or not group.ran:
        return Square(group.status if group else "not run")
    middle, dollars = group.median("agreement"), group.median(f"usd_to_{LEVEL}")
    assert middle
    return Square(
        status="ok",
        heat=0.8 * max(0.0, min(1.0, 2 * middle.value - 1)) ** 3,  # what matters happens near 1
        text=agreement(group),
        queries=queries(group, LEVEL),
        dollars=usd(dollars.value) if dollars and dollars.finite else "",
        best=best,
        missing=missing(group),
    )


def _meanings() -> list[tuple[str, str, str]]:
    """Name, unit and meaning of each number that is computed from records or that they hold."""
    level = f"{LEVEL:g}"
    told = {
        name.replace("LEVEL", level): (unit, text.replace("LEVEL", level)) for name, (unit, text) in DERIVED.items()
    }
    told |= {field.name: (field.kind.unit, field.meaning) for field in FIELDS.values() if field.measured}
    return [(name, unit, meaning) for name, (unit, meaning) in told.items()]


def _reasons(records: Sequence[Record]) -> list[tuple[str, int, str, str]]:
    """Status, how many cells, which, and the reason, of all that was skipped, failed or has a note."""
    told = Counter((r["status"], r["reason"]) for r in records if r["reason"])
    which: dict[tuple[str, str], set[str]] = {}
    for record in records:
        if record["reason"]:
            pair = f"{record['attack']} against {record['defense']}"
            which.setdefault((record["status"], record["reason"]), set()).add(pair)
    return [
        (status, count, "; ".join(sorted(which[status, reason])), reason)
        for (status, reason), count in sorted(told.items(), key=lambda item: (item[0][0] == "ok", item[0]))
    ]
