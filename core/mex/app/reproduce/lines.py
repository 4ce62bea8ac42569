"""The lines of an experiment: what was printed, what is measured, and what the best attack here gets."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from mex.app.analysis.statistics import Estimate, median
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import Record
from mex.app.reproduce.experiment import KINDS, Experiment, Row
from mex.app.reproduce.measures import less_is_better, read_off
from mex.errors import UsageError

Verdict: TypeAlias = Literal["", "holds", "does not hold", "not settled within the budget"]
HOLDS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@attrs.frozen(kw_only=True)
class Line:
    """One number: as printed, as measured, and that of the best attack here.

    Attributes:
        what: the line in words.
        measure: which number.
        printed: what the paper printed, if it did.
        here: the median over seeds with its interval; None where there is no result.
        best: the same of the best attack of this project, and ``by`` its label; None if the row has none.
        verdict: of a claim whether it holds, if the budget settles that; "" of other lines.
        note: what is to be known, or why there is no result.
    """

    what: str
    measure: str
    printed: float | None
    here: Estimate | None
    best: Estimate | None = None
    by: str = ""
    verdict: Verdict = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """What was measured, over what was printed."""
        if self.here is None or not self.printed or not self.here.finite:
            return None
        return self.here.value / self.printed


@attrs.frozen
class Outcome:
    """An experiment that was run.

    Attributes:
        experiment: which.
        lines: its numbers.
        failed: how many cells failed.
        seeds: over how many seeds the medians are.
        quick: whether the plan was reduced.
    """

    experiment: Experiment
    lines: tuple[Line, ...]
    failed: int
    seeds: int
    quick: bool


def outcome(experiment: Experiment, plan: Plan, records: Sequence[Record], quick: bool) -> Outcome:
    """The lines of an experiment, from the records of its cells under the labels of ``plan``, which may be reduced."""
    cells: dict[tuple[str | None, ...], dict[int, Record]] = {}
    for record in records:
        where = tuple(plan.label(kind, record) for kind in KINDS)
        seeds = cells.setdefault(where, {})
        if record["status"] == "ok" or record["seed"] not in seeds:  # of several kinds of answers, one that it takes
            seeds[record["seed"]] = record
    known = {kind: getattr(plan, axis) for kind, axis in KINDS.items()}

    def at(where: Mapping[str, str]) -> dict[int, Record]:
        return cells.get(tuple(where[kind] for kind in KINDS), {})

    lines = [
        line
        for row in experiment.rows
        if all(where is None or _in(where, known) for where in (row.where, row.over))
        for line in _lines(row, at, known, _words(row, experiment.rows))
    ]
    failed = sum(record["status"] == "failed" for record in records)
    reduced = quick and bool(experiment.quick)
    return Outcome(experiment, tuple(lines), failed, len({record["seed"] for record in records}), reduced)


def _lines(
    row: Row, at: Callable[[Mapping[str, str]], dict[int, Record]], known: Mapping[str, Mapping[str, object]], what: str
) -> Iterator[Line]:
    ours = row.ours if row.ours and _in(row.ours, known) else None
    for i, measure in enumerate(row.measure):
        here = _estimate(at(row.where), measure, row.less, at(row.over) if row.over else None)
        reason = "; ".join(dict.fromkeys(r["reason"] or "" for r in at(row.where).values() if r["status"] != "ok"))
        yield Line(
            what=what,
            measure=f"ratio of {measure}" if row.over else measure,
            printed=_printed(row, i),
            here=here,
            best=_estimate(at(ours), measure, 0.0, None) if ours else None,
            by=ours["attack"] if ours else "",
            verdict=_verdict(row, measure, here, at) if row.holds else "",
            note="; ".join(filter(None, (row.note, reason))),
        )


def _printed(row: Row, i: int) -> float | None:
    """What was printed of the ``i``-th number of a row, or what Proposition 1 predicts of a ratio of queries."""
    if row.proposition:
        return 8 / (1 - 2 * row.proposition["rho"]) ** 2 * math.log(row.proposition["q"] / row.proposition["delta"])
    return row.printed[i] if i < len(row.printed) else None


def _estimate(
    cells: Mapping[int, Record],
    measure: str,
    less: float,
    over: Mapping[int, Record] | None,
    most: Callable[[Record, float | None], float | None] = lambda _, value: value,
) -> Estimate | None:
    """The median over seeds; ``most`` makes another number of one that is infinite."""
    values = []
    for seed, record in cells.items():
        if record["status"] != "ok":
            continue
        value = most(record, read_off(record, measure))
        if value is not None and over is not None:
            value = _ratio(value, over.get(seed), measure)
        values.append(value if value is None else value - less)
    return median(values, fewer=less_is_better(measure))


def _ratio(value: float, record: Record | None, measure: str) -> float | None:
    below = None if record is None or record["status"] != "ok" else read_off(record, measure)
    return None if not below or math.isinf(below) else value / below


def _verdict(
    row: Row, measure: str, here: Estimate | None, at: Callable[[Mapping[str, str]], dict[int, Record]]
) -> Verdict:
    """Whether a median is what a claim says; infinite is only known to be more than the budget."""
    sign, _, bound = row.holds.partition(" ")
    if sign not in HOLDS:
        raise UsageError(f"a claim is a sign of {', '.join(HOLDS)} and a number, not {row.holds!r}")
    if here is None:
        return "not settled within the budget"
    holds = bool(HOLDS[sign](here.value, float(bound)))
    if not here.finite:
        least = _estimate(at(row.where), measure, row.less, at(row.over) if row.over else None, _spent)
        if least is None or bool(HOLDS[sign](least.value, float(bound))) != holds:
            return "not settled within the budget"
    return "holds" if holds else "does not hold"


def _spent(record: Record, value: float | None) -> float | None:
    """The budget where an attack never got there within it."""
    return value if value is None or math.isfinite(value) else float(record["budget"])


def _in(where: Mapping[str, str], known: Mapping[str, Mapping[str, object]]) -> bool:
    return all(label in known[kind] for kind, label in where.items())


def _words(row: Row, rows: Sequence[Row]) -> str:
    """What tells a row from the others: its dataset, then the labels that differ between rows."""
    if row.what:
        return row.what
    differ = [kind for kind in KINDS if len({other.where[kind] for other in rows}) > 1]
    pairs = {(other.where["dataset"], other.where["model"]) for other in rows}
    if len(pairs) == len({dataset for dataset, _ in pairs}) and "model" in differ:
        differ.remove("model")  # each dataset has its own
    order = sorted(differ or ["attack"], key=("dataset", "model", "attack", "defense").index)
    words = ", ".join(row.where[kind] for kind in order)
    if row.over:
        other = [row.over[kind] for kind in KINDS if row.over[kind] != row.where[kind]]
        return f"{words}, over {', '.join(other)}"
    return words
