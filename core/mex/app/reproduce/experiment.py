"""An experiment of the paper: a plan, what was printed, and what the paper leaves open."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from mex.app.matrix.plan import AXES, PAPER, Plan, read
from mex.app.reproduce.spreading import spread
from mex.errors import UsageError, suggest

HERE = Path(__file__).parent / "experiments"
KINDS = {kind: axis for axis, kind in AXES.items()}


@attrs.frozen(kw_only=True)
class Row:
    """One line of an experiment: where to look, which numbers to read there, and what was printed of them.

    Attributes:
        where: the label of an attack, defense, model and dataset of the plan; those not named are the only ones.
        measure: the numbers (:mod:`.measures`).
        printed: what the paper printed of each; none for a line that is only ours.
        less: what the paper's counter leaves out, taken off ours.
        over: where to read the numbers that those of ``where`` are divided by, if it is a ratio.
        ours: where to read the same numbers of the best attack that this project has; none to leave it out.
        proposition: rho, delta and q of a majority vote: what is printed is the factor of queries of Proposition 1.
        holds: what the number has to be for a claim in words, such as ``"<= 0.09"``; "" for none.
        what: the line in words; by default what tells ``where`` from the others.
        note: why it cannot be matched, or what is to be known about it.
    """

    where: Mapping[str, str]
    measure: tuple[str, ...]
    printed: tuple[float | None, ...] = ()
    less: float = 0.0
    over: Mapping[str, str] | None = None
    ours: Mapping[str, str] | None = None
    proposition: Mapping[str, float] | None = None
    holds: str = ""
    what: str = ""
    note: str = ""


@attrs.frozen(kw_only=True)
class Experiment:
    """A file of ``experiments``.

    Attributes:
        name: of the file, without its ending.
        title, section: what it is, and where in the paper.
        plan: the tables of the matrix.
        rows: its lines.
        declared: what the paper leaves open and the plan decides, and how to read the table, in sentences.
        quick: what a reduced run changes in the plan: settings, and for an axis the labels that are kept.
        transcripts: whether numbers are read off what was asked, so that the cells run in this process.
    """

    name: str
    title: str
    section: str
    plan: Mapping[str, Any]
    rows: tuple[Row, ...]
    declared: tuple[str, ...] = ()
    quick: Mapping[str, Any] = attrs.field(factory=dict)
    transcripts: bool = False

    @classmethod
    def of(cls, name: str, tables: Mapping[str, Any]) -> Experiment:
        """An experiment from the tables of its file, in which one table may stand for many lines (:func:`.spread`).

        Args:
            name: of the experiment.
            tables: the plan, and the table ``paper``: the attributes above, and ``by``, the axis of which all lines
                with one label stand together.

        Raises:
            UsageError: if a line names what is not in the plan.
        """
        paper = dict(tables[PAPER])
        plan = {key: value for key, value in tables.items() if key != PAPER}
        labels = {KINDS[kind]: kind for kind in KINDS}
        parsed = Plan.of(plan)
        only = {kind: _only(getattr(parsed, axis)) for axis, kind in labels.items()}
        rows = [_row(name, row, only, parsed) for given in paper.pop("rows") for row in spread(given, tuple(KINDS))]
        if by := paper.pop("by", ""):
            order = list(dict.fromkeys(row.where[by] for row in rows))
            rows.sort(key=lambda row: order.index(row.where[by]))
        for key in ("declared",):
            paper[key] = tuple(paper.get(key, ()))
        return cls(name=name, plan=plan, rows=tuple(rows), **paper)

    def tables(self, quick: bool) -> dict[str, Any]:
        """The plan to run, reduced if ``quick``."""
        tables = dict(self.plan)
        if not quick:
            return tables
        for key, value in self.quick.items():
            kept = Plan.of(self.plan)
            tables[key] = {label: _spec(getattr(kept, key)[label]) for label in value} if key in AXES else value
        return tables


def names() -> list[str]:
    """The names of all experiments, in the order of the paper."""
    return sorted((path.stem for path in HERE.glob("*.toml")), key=_place)


@functools.cache
def load(name: str) -> Experiment:
    """The experiment of this name.

    Raises:
        UsageError: if there is none.
    """
    if name not in names():
        raise UsageError(
            f"nothing named {name!r} can be reproduced{suggest(name, names())}; mex reproduce lists what can"
        )
    return Experiment.of(name, read(HERE / f"{name}.toml"))


def _place(name: str) -> tuple[int, str]:
    """Tables, figures, then the rest."""
    kinds = ("table", "tables", "figure")
    kind = name.partition("-")[0]
    return (kinds.index(kind) if kind in kinds else len(kinds), name)


def _only(axis: Mapping[str, Any]) -> str | None:
    return next(iter(axis)) if len(axis) == 1 else None


def _spec(spec: Any) -> dict[str, Any]:
    return dict(spec.params) if "nest" in spec.params else {"use": spec.name, **spec.params}


def _row(name: str, given: Mapping[str, Any], only: Mapping[str, str | None], plan: Plan) -> Row:
    row = dict(given)
    where = _where(name, {kind: row.pop(kind) for kind in KINDS if kind in row}, only, plan)
    for key in ("over", "ours"):
        if isinstance(row.get(key), str):
            row[key] = {"attack": row[key]}
        if key in row:
            row[key] = _where(name, {**where, **row[key]}, only, plan)
    for key in ("measure", "printed"):
        if key in row:
            row[key] = tuple(row[key]) if isinstance(row[key], list) else (row[key],)
    return Row(where=where, **row)


def _where(name: str, given: Mapping[str, str], only: Mapping[str, str | None], plan: Plan) -> dict[str, str]:
    where = {}
    for kind, axis in KINDS.items():
        label = given.get(kind, only[kind])
        if label not in getattr(plan, axis):
            raise UsageError(f"{name}: a line names {label!r}, and {axis} are {', '.join(getattr(plan, axis))}")
        where[kind] = str(label)
    return where
