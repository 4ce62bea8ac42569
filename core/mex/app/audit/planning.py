"""What an audit is about to do, before it does it: attacks, defenses, cells, rows and dollars."""

from __future__ import annotations

from typing import Any

from mex.app.analysis.statistics import LEVELS
from mex.app.audit import stages
from mex.app.audit.choosing import BASELINES, attacks
from mex.app.audit.clock import plan_text
from mex.app.audit.running import Audit
from mex.app.audit.shields import shields
from mex.app.audit.subject import Subject, open_subject
from mex.registry import Registry
from mex.registry.spec import Spec

ADDED = 3
"""Attacks that know one defense, at most: what a plan adds by itself, for the count of cells before it is made."""


def recommended(subject: Subject) -> list[dict[str, Any]]:
    """Every attack and defense: whether it applies to the model, from which answers, and why or why not."""
    rows = [
        {
            "kind": "attack",
            "name": choice.label,
            "applies": choice.reads is not None,
            "reads": choice.reads or "",
            "why": choice.reason or choice.role,
        }
        for choice in attacks(subject)
    ]
    for shield in shields(subject):
        effect = shield.effect
        told = [] if effect is None else ["labels as before" if effect.labels_kept else "changes labels"]
        told += ["fresh for each question"] if effect and effect.fresh else []
        told += ["watches the client"] if effect and effect.watches else []
        answers = ", ".join(effect.answers if effect else subject.kinds)
        rows.append(
            {
                "kind": "defense",
                "name": shield.label,
                "applies": not shield.reason,
                "reads": "" if shield.reason else answers,
                "why": shield.reason or ", ".join(told),
            }
        )
    return rows


def applying(registry: Registry, model: str, data: str) -> dict[tuple[str, str], str]:
    """By kind and name from which answers a component works on a model, or why it does not.

    Raises:
        UsageError, Incompatible: if the model cannot be opened on the data.
    """
    applies: dict[tuple[str, str], dict[str, None]] = {}
    for row in recommended(open_subject(registry, Spec.of(model, "model"), Spec.of(data, "dataset"))):
        said = applies.setdefault((row["kind"], row["name"].partition(":")[0]), {})
        said[row["reads"] if row["applies"] else f"no: {row['why']}"] = None
    return {name: ", ".join(filter(None, said)) for name, said in applies.items()}


def cells(audit: Audit) -> tuple[int, int]:
    """How many cells the race has, and how many the judging has at most."""
    raced = stages.race(audit.subject, audit.applying, audit.depth)
    in_race = sum(len(stage.choices) for stage in raced)
    kinds = {choice.reads for choice in audit.applying}
    baselines = sum(choice.baseline for choice in audit.applying)
    of_kind = (4 + len(LEVELS)) * audit.depth.keep  # and the baselines
    stay = of_kind * len(kinds) + baselines
    weaker = 2 * len(stages.KNOWS_LESS) * audit.depth.keep * len(kinds)
    met = sum(stages.meets(s, kind) for s in audit.shields if not s.reason for kind in kinds if kind)
    defended = met * (of_kind + len(BASELINES) + 1 + ADDED)  # one is a vote
    return in_race, audit.depth.seeds * (stay + weaker + defended)


def most_rows(audit: Audit) -> int:
    """Rows that a model is sent at most, if none is sent twice: those of all attacks and those to measure."""
    _, judging = cells(audit)
    race = stages.race(audit.subject, audit.applying, audit.depth)
    short = stages.race_rows(audit.subject, audit.depth)  # which those that are too slow ask beside what they did ask
    in_race = sum((stage.budget + short * stage.long) * stage.cells for stage in race)
    measuring = (audit.subject.evaluation_budget or 0) * (audit.depth.seeds + 1)
    return in_race + judging * audit.depth.budget + measuring


def plan_sentences(audit: Audit) -> list[str]:
    """What is about to be done."""
    depth, subject = audit.depth, audit.subject
    in_race, judging = cells(audit)
    tried = [shield.label for shield in audit.shields if not shield.reason]
    rows = most_rows(audit)
    price = f", up to {rows:,} rows or ${rows * audit.price:,.2f}" if subject.costs_money else ""
    return [
        f"{len({c.label for c in audit.applying})} attacks apply to this {subject.target.family.kind} model, from "
        f"{' and '.join(subject.kinds)} answers; {len(tried)} defenses are tried: {', '.join(tried) or 'none'}",
        f"a race of {in_race} cells, then up to {judging} cells of {depth.budget:,} queries with {depth.seeds} seeds"
        f"{price}; {depth.name} is meant to take {depth.minutes} min on 2 free cores for a model of the size of adult",
        f"{plan_text(60 * audit.minutes)}; what is not done then is cut and named (--minutes N: another plan)",
    ]
