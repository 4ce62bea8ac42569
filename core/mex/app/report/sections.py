"""What stands on a page about each model: its tables, its sentences and its charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs
from markupsafe import Markup

from mex.app.analysis.aggregate import Comparison
from mex.app.analysis.crosstab import about_defenses, agreement, idle, missing, winner
from mex.app.analysis.naming import parts_of
from mex.app.analysis.notes import notes, row_name
from mex.app.analysis.numbers import accuracy_change, count, interval, number, times, usd
from mex.app.analysis.overview import Worth, worth
from mex.app.analysis.statistics import LEVELS
from mex.app.matrix.record import Record
from mex.app.report.chart import looks
from mex.app.report.curves import asked, error_curves, learning_curves
from mex.app.report.scales import Scale
from mex.app.report.strips import strip
from mex.app.report.tradeoff import bargains, trade_off
from mex.app.report.words import accuracy_of, sentences

T = TypeVar("T")
ACROSS = 7
"""The most defenses side by side; more go below, so that a sheet of paper holds them."""


@attrs.frozen
class Square:
    """One square of the heat map: what an attack got against a defense."""

    status: str
    heat: float = 0.0
    text: str = ""
    queries: Mapping[str, str] = attrs.field(factory=dict)
    missing: str = ""


def by_level(make: Callable[[float], T]) -> dict[str, T]:
    """Something for each of the levels among which a reader chooses."""
    return {f"{level:g}": make(level) for level in LEVELS}


def section(comparison: Comparison, x: Scale, y: Scale) -> dict[str, Any]:
    """What stands about one model; ``x`` and ``y`` are the axes that all charts share."""
    attacks = looks(comparison.attacks)
    worths = by_level(lambda level: [worth(comparison, d, level) for d in comparison.defenses])
    columns = [comparison.defenses[i : i + ACROSS] for i in range(0, len(comparison.defenses), ACROSS)]
    drawn = {level: chart for level, those in worths.items() if (chart := trade_off(comparison.title, bargains(those)))}
    return {
        "title": comparison.title,
        "accuracy": accuracy_of(comparison),
        "levels": by_level(lambda level: f"{level:g}"),
        "sentences": by_level(lambda level: sentences(comparison, level)) if comparison.ran else {},
        "notes": by_level(lambda level: notes(comparison, level, fractions=False)) if comparison.ran else {},
        "tables": tables(comparison, columns),
        "key": list(attacks.items()),
        "curves": learning_curves(comparison, attacks, x, y),
        "errors": error_curves(comparison, attacks, x),
        "trade_off": drawn,
        "queries": [chart for group in comparison.groups.values() if group.ran and (chart := asked(comparison, group))],
    }


def tables(comparison: Comparison, columns: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """The matrix, in parts of so many defenses."""
    best = by_level(lambda level: {d: winner(comparison, d, level) for d in comparison.defenses})
    about = by_level(lambda level: about_defenses(comparison, level))
    parts = []
    for defenses in columns:
        rows = [
            (row_name(comparison, a), [square(comparison, a, d, best) for d in defenses]) for a in comparison.attacks
        ]
        which = [1 + comparison.defenses.index(defense) for defense in defenses]
        costs = [
            (row[0], [{level: table[i][column] for level, table in about.items()} for column in which])
            for i, row in enumerate(next(iter(about.values())))
            if not idle(row)
        ]
        parts.append({"defenses": defenses, "rows": rows, "costs": costs})
    return parts


def square(comparison: Comparison, attack: str, defense: str, best: Mapping[str, Mapping[str, str | None]]) -> Square:
    """What an attack got against a defense; ``best`` are the attacks that need the fewest queries, by level."""
    group = comparison.groups.get((attack, defense))
    if group is None or not group.ran:
        return Square(group.status if group else "not run")
    middle = group.median("agreement")
    assert middle

    def needed(level: float) -> str:
        queries, dollars = group.median(f"queries_to_{level}"), group.median(f"usd_to_{level}")
        reached, seeds = group.reached(level), len(group.ran)
        some = Markup("<br><small>in {} of {} seeds</small>").format(reached, seeds) if 0 < reached < seeds else ""
        if not queries or not queries.finite or not dollars:
            return Markup("<small>not in {}</small>{}").format(number(group.budget), some)
        wins = best[f"{level:g}"][defense] == attack and len(comparison.attacks) > 1
        star = Markup('<span role="img" aria-label="fewest queries">★</span> ') if wins else ""
        return Markup("{}{}<br><small>{}</small>{}").format(star, small_ends(count(queries)), usd(dollars.value), some)

    return Square(
        status="ok",
        heat=round(0.6 * max(0.0, min(1.0, 2 * middle.value - 1)) ** 3, 3),  # what matters happens near 1
        text=small_ends(agreement(group)),
        queries=by_level(needed),
        missing=missing(group),
    )


def model_rows(comparison: Comparison, x: Scale, link: str = "") -> dict[str, Any]:
    """The rows of a model in an overview, what each defense is worth, and the id of its section."""
    rows = [overview_row(comparison, defense, x) for defense in comparison.defenses]
    return {"title": comparison.title, "link": link, "rows": rows}


def overview_row(comparison: Comparison, defense: str, x: Scale) -> dict[str, Any]:
    """What a defense is worth, at each level."""
    worths = by_level(lambda level: worth(comparison, defense, level))
    lost = next(iter(worths.values())).lost
    bare = defense == comparison.baseline
    return {
        "defense": defense,
        "attack": {level: w.attack or "no result" for level, w in worths.items()},
        "queries": {level: _needed(w, float(level)) for level, w in worths.items()},
        "strips": {level: strip(w.queries, x) for level, w in worths.items()},
        "times": {level: "" if bare else small_ends(times(w.factor, w.more_than)) for level, w in worths.items()},
        "honest": "" if bare or lost is None else accuracy_change(lost.value, comparison.rows),
    }


def _needed(w: Worth, level: float) -> str:
    if w.attack is None:
        return ""
    if not w.stolen:
        reached = small_ends(interval(w.agreement, w.comparison.rows))
        within = "no theft" if w.queries is None else f"not in {number(w.budget)}"
        return Markup("<small>{}:</small> {}").format(within, reached)
    dollars = w.comparison.groups[w.attack, w.defense].median(f"usd_to_{level}")
    return Markup("{} <small>{}</small>").format(small_ends(count(w.queries)), usd(dollars.value) if dollars else "")


def small_ends(text: str) -> str:
    """A number with the ends of its interval in small print."""
    value, bracket, ends = text.partition(" (")
    return Markup("{} <small>({}</small>").format(value, ends) if bracket else text


def reasons(records: Sequence[Record]) -> list[tuple[str, str, str, str]]:
    """Status, how many cells, the reason, and which, of all that was skipped, failed or has a note."""
    told = Counter((r["status"], r["reason"]) for r in records if r["reason"])
    which: dict[tuple[str, str], dict[str, set[str]]] = {}
    for record in records:
        if record["reason"]:
            pairs = which.setdefault((record["status"], record["reason"]), {})
            pairs.setdefault(record["attack"], set()).add(record["defense"])
    return [
        ("noted" if status == "ok" else status, f"{count}", str(reason), _pairs(which[status, reason]))
        for (status, reason), count in sorted(told.items(), key=lambda item: (item[0][0] == "ok", item[0]))
    ]


def _pairs(met: Mapping[str, set[str]], most: int = 5) -> str:
    """Attacks and the defenses that they met, so many attacks at most."""
    told = [f"{attack} against {', '.join(sorted(met[attack]))}" for attack in sorted(met)]
    return "; ".join(told[:most]) + (f"; and {len(told) - most} more attacks" if len(told) > most else "")


def components(
    records: Sequence[Record], found: Sequence[Comparison], summaries: Mapping[tuple[str, str], str]
) -> list[tuple[str, str, str]]:
    """Kind, name and summary of each component that is known, as the page calls it."""
    named: dict[tuple[str, str], set[str]] = {}
    for comparison in found:
        for group in comparison.groups.values():
            record = group.records[0]
            called = {"attack": group.name, "defense": group.defense, "model": comparison.model}
            for part in parts_of(record):
                if part.kind in called:
                    named.setdefault((part.kind, called[part.kind]), set()).add(part.name)
    told = []
    for (kind, label), names in named.items():
        texts = [
            summaries[kind, name] for each in sorted(names) for name in each.split(" + ") if (kind, name) in summaries
        ]
        if texts:
            told.append((kind, label, "; ".join(dict.fromkeys(texts))))
    return sorted(told, key=lambda row: ("attack", "defense", "model").index(row[0]))
