"""The document of an audit: all that was found, as one JSON value from which every page is made."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mex
from mex.app.audit import racing
from mex.app.audit.advice import recommendation
from mex.app.audit.defending import trades, usual
from mex.app.audit.depth import RACE_SEED
from mex.app.audit.findings import findings
from mex.app.audit.limits import checks, limit_lines, not_tried, resolution
from mex.app.audit.measuring import Measured
from mex.app.audit.names import component, name_of
from mex.app.audit.running import Outcome
from mex.app.audit.stages import race_rows
from mex.app.audit.standards import mappings, reactions
from mex.app.audit.thieves import estimate, thieves
from mex.app.audit.verdict import cap, verdict
from mex.app.matrix.provenance import versions
from mex.registry.spec import Spec
from mex.target import knowledge

FORMAT = "mex-audit/1"
SCHEMA = Path(__file__).with_name("schema.json")


def document(outcome: Outcome) -> dict[str, Any]:
    """What an audit found, as JSON-ready values of the form that ``schema.json`` beside this file describes."""
    found = trades(outcome)
    who = thieves(outcome)
    rows = [thief.row(outcome.levels) for thief in who]
    shown = usual(outcome)
    subject = _subject(outcome)
    told: dict[str, Any] = {
        "format": FORMAT,
        "mex_version": mex.__version__,
        "subject": subject,
        "depth": _depth(outcome),
        "constant": outcome.constant,
        "varies": outcome.varies,
        "levels": outcome.levels,
        "thieves": rows,
        "shown": shown,
        "attacks": [_attack(measured) for measured in outcome.judged],
        "defenses": [trade.row() for trade in found],
        "recommendation": recommendation(found, subject),
        "cap": cap(rows, shown),
        "limits": limit_lines(outcome, who),
        "resolution": resolution(outcome),
        "checks": checks(outcome),
        "unjudged": [f"{choice.label} ({choice.reads})" for choice in outcome.unjudged],
        "not_tried": not_tried(outcome),
        "findings": findings(outcome),
        "components": _components(outcome),
        "method": _method(outcome),
    }
    told["reactions"] = reactions(outcome)
    return {**told, "mappings": mappings(told), "verdict": verdict(told)}


def _subject(outcome: Outcome) -> dict[str, Any]:
    subject = outcome.subject
    known = knowledge(subject.target)
    family = subject.target.family
    return {
        "name": name_of(subject, "model", subject.model),
        "data_name": name_of(subject, "dataset", subject.dataset),
        "model": component(subject, "model", subject.model),
        "data": component(subject, "dataset", subject.dataset),
        "from_python": subject.live is not None,
        "task": known.task,
        "classes": None if known.classes is None else [str(label) for label in known.classes],
        "answers": list(subject.kinds),
        "family": family.kind,
        "family_reason": family.reason,
        "features": known.domain.n_features,
        "rows": len(subject.pool),
        "read": subject.read,
        "costs_money": subject.costs_money,
        "hashes": {spec.name: digest(spec) for spec in (subject.model, subject.dataset)},
    }


def digest(spec: Spec) -> str:
    """The SHA-256 of the file that a component reads, or the digest of an object; of any other, that of its text."""
    path = Path(str(spec.params.get("path") or "")).expanduser()
    if spec.params.get("path") and path.is_file():
        return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    if set(spec.params) == {"object"}:
        return f"object-sha256:{spec.params['object']}"
    return f"text-sha256:{hashlib.sha256(spec.text.encode()).hexdigest()}"


def _depth(outcome: Outcome) -> dict[str, Any]:
    depth = outcome.depth
    return {
        "name": depth.name,
        "budget": depth.budget,
        "seeds": list(range(depth.seeds)),
        "race_seed": RACE_SEED,
        "race_rule": racing.RULE.format(keep=depth.keep, rows=race_rows(outcome.subject, depth)),
        "price_per_query": outcome.price,
        "rows_asked": sum(r["queries"] or 0 for m in _all(outcome) for r in m.group.records),
        "rows_sent": sum(r["rows_sent"] or 0 for m in _all(outcome) for r in m.group.records),
        "cells": sum(len(m.group.records) for m in _all(outcome)),
        "cells_cut": outcome.cut,
        "minutes": outcome.minutes if math.isfinite(outcome.minutes) else None,
    }


def _all(outcome: Outcome) -> list[Measured]:
    return [*outcome.raced, *outcome.measured]


def _attack(measured: Measured) -> dict[str, Any]:
    """A judged attack with its learning curve: the median agreement at each count of queries that all seeds have."""
    choice, group = measured.choice, measured.group
    agreement = group.median("agreement")
    return {
        "attack": choice.label,
        "reads": choice.reads,
        "rows": choice.rows,
        "class_known": choice.family,
        "baseline": choice.baseline,
        "status": group.status,
        "reason": None if group.ran else str(group.records[0]["reason"]),
        "agreement": estimate(agreement),
        "near_agreement": estimate(group.median("near_agreement")),
        "held_out": group.rows if group.ran else None,
        "queries": {f"{level}": estimate(group.median(f"queries_to_{level}")) for level in ("0.95", "0.99", "0.999")},
        "curves": [[[p["queries"], round(p["agreement"], 5)] for p in r["curve"] or []] for r in group.ran],
    }


def _components(outcome: Outcome) -> list[dict[str, str]]:
    """What the attacks that were judged and the defenses that were tried are."""
    registry = outcome.subject.registry
    met = [("attack", m.choice.spec.name) for m in outcome.measured]
    met += [("defense", shield.spec.name) for shield in outcome.shields if not shield.reason]
    return [
        {"kind": kind, "name": name, "summary": registry.find(kind, name).component.summary}
        for kind, name in sorted(set(met))
    ]


def _method(outcome: Outcome) -> dict[str, Any]:
    return {
        "versions": versions(outcome.subject.registry),
        "recipes": outcome.recipes,
        "attacks_in_race": len(outcome.raced),
        "stayed": [{"attack": choice.label, "reads": choice.reads} for choice in outcome.stay],
    }


def dumped(told: Mapping[str, Any]) -> str:
    """A document as a text of JSON."""
    return json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
