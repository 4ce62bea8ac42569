"""The page of a report: what is on it, and the one file it becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from mex.app.analysis.aggregate import LEVEL, Scene, scenes
from mex.app.analysis.crosstab import COSTS, missing, number, times, with_spread
from mex.app.files import replacing
from mex.app.matrix.plan import Plan
from mex.app.report.words import accuracy_of, outlook, sentences, usd
from mex.errors import UsageError

ACROSS = 5
"""The most defenses side by side; more go below, so that a sheet of paper holds them."""
HERE = Path(__file__).parent


@attrs.frozen
class Square:
    """One square of the heat map."""

    status: str
    heat: float = 0.0
    text: str = ""
    queries: str = ""
    dollars: str = ""
    best: bool = False
    missing: str = ""


def write(path: Path, records: Sequence[dict[str, Any]], recipe: str = "", plan: Plan | None = None) -> None:
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
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        from mex.app.report import plots
    except ImportError as error:
        raise UsageError(f"a report needs {error.name}: pip install 'model-extraction[report]'") from None
    found = scenes(records, plan)
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("page.html").render(
        style=(HERE / "style.css").read_text(encoding="utf-8"),
        outlook=outlook(found),
        sections=[_section(scene, plots) for scene in found],
        reasons=_reasons(records),
        recipe=recipe,
        level=f"{LEVEL:g}",
        version=", ".join(sorted({str(record["mex_version"]) for record in records})),
    )
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")


def _section(scene: Scene, plots: Any) -> dict[str, Any]:
    ran = [record for group in scene.groups.values() for record in group.ran]
    return {
        "title": f"{scene.model} on {scene.dataset}",
        "accuracy": accuracy_of(scene),
        "sentences": sentences(scene, LEVEL) if ran else [],
        "tables": [_table(scene, scene.defenses[i : i + ACROSS]) for i in range(0, len(scene.defenses), ACROSS)],
        "curves": _drawn(plot for plot in (plots.key(scene), *(plots.curves(scene, d) for d in scene.defenses))),
        "errors": _drawn(plots.errors(scene, defense) for defense in scene.defenses),
        "trade_off": plots.trade_off(scene, LEVEL),
        "queries": _drawn(plots.queries(scene, group) for group in scene.groups.values() if group.ran),
    }


def _table(scene: Scene, defenses: list[str]) -> dict[str, Any]:
    best = {defense: scene.best(defense) for defense in defenses}
    rows = [(attack, [_square(scene, attack, d, best[d] == attack) for d in defenses]) for attack in scene.attacks]
    return {"defenses": defenses, "rows": rows, "costs": _costs(scene, defenses)}


def _drawn(plots: Any) -> list[str]:
    return [plot for plot in plots if plot]


def _square(scene: Scene, attack: str, defense: str, best: bool) -> Square:
    group = scene.groups.get((attack, defense))
    if group is None or not group.ran:
        return Square(group.status if group else "not run")
    agreement, queries = group.median("agreement"), group.median(f"queries_to_{LEVEL}")
    dollars = group.median(f"usd_to_{LEVEL}")
    assert agreement
    return Square(
        status="ok",
        heat=0.8 * max(0.0, min(1.0, 2 * agreement.value - 1)) ** 3,  # what matters happens near 1
        text=with_spread(agreement),
        queries=number(queries.value) if queries and queries.finite else "never",
        dollars=usd(dollars.value) if dollars and dollars.finite else "",
        best=best,
        missing=missing(group),
    )


def _costs(scene: Scene, defenses: list[str]) -> list[tuple[str, list[str]]]:
    rows = [("times more queries", [times(scene.multiplier(defense)) for defense in defenses])]
    for name, field, form in COSTS:
        costs = [scene.cost(defense, field) for defense in defenses]
        rows.append((name, [form(cost.value) if cost else "" for cost in costs]))
    return rows


def _reasons(records: Sequence[dict[str, Any]]) -> list[tuple[str, int, str, str]]:
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
