"""Models that cost money, and what they are asked to measure: once, for all the attacks and processes of a run."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from pathlib import Path

import attrs

from mex.app.matrix import ledgers
from mex.app.matrix.ledgers import MEASURES, SUFFIX, describe
from mex.defense import undefended
from mex.errors import Incompatible, UsageError
from mex.fitted import FittedTarget
from mex.registry import Registry
from mex.registry.spec import Spec
from mex.target import Target
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.shared import SharedLedger
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.target import RecordedTarget, Remote, recorded

EVALUATION = "evaluation_budget"
"""The parameter of models that cost money: rows at most that they are asked to measure."""
MANY = 100
"""Requests of one client after which a limit would have shown."""
ONE_PROCESS = uuid.uuid4().hex
"""What names the run of a process that has no private folder of a run."""


def evaluation_budget(registry: Registry, model: Spec) -> int | None:
    """How many rows of a model may be asked to measure, None for any number: only models that cost money say it."""
    found: int | None = getattr(registry.build("model", model), EVALUATION, None)
    return found


def with_evaluation_budget(models: Mapping[str, Spec], rows: int, registry: Registry) -> dict[str, Spec]:
    """The same models; those that cost money are asked so many rows at most to measure.

    Raises:
        UsageError: if none costs money.
    """
    paid = {name for name, spec in models.items() if hasattr(registry.load("model", spec.name), EVALUATION)}
    if not paid:
        raise UsageError(f"{EVALUATION} is for models that cost money, and {' and '.join(models)} costs none")
    return {
        name: attrs.evolve(spec, params={**spec.params, EVALUATION: rows}) if name in paid else spec
        for name, spec in models.items()
    }


def measured(target: FittedTarget, name: str, budget: int, private: Path | None) -> FittedTarget:
    """A target as the yardstick asks it: one that costs money through a ledger, up to ``budget`` rows.

    All processes of a run that are given the same ``name`` ask through one ledger, and at one rate. It lies where
    ledgers are kept, or in the ``private`` folder of the run; without either it is kept in memory.
    """
    if not isinstance(target.estimator, Remote):
        return target
    folder, name = ledgers.directory or private, f"{MEASURES}{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    about, run = describe(target), ONE_PROCESS if private is None else str(private)
    ledger = SharedLedger.of(folder / f"{name}{SUFFIX}", about, run) if folder else Ledger(about=about)
    if folder and hasattr(target.estimator, "share_rate"):
        target.estimator.share_rate(folder / f"{name}.rate")
    with ledger.turn():
        attempt = ledger.begin("preflight", target.answers[0], target.estimator.preflight)
        ledger.end(attempt, "answered")
    return recorded(target, Session(ledger, "evaluation", budget))


def rows_to_measure(target: Target) -> dict[str, int]:
    """What the record says of the rows that a target was asked to measure, where they cost money."""
    if not isinstance(target, RecordedTarget):
        return {}
    ledger = target.session.ledger
    return {"evaluation_rows": ledger.sent("evaluation") + ledger.sent("preflight") + ledger.sent("check")}


def findings(target: Target, session: Session | None) -> list[dict[str, str]] | None:
    """What an endpoint has told beside its answers, for the record; None of any other model."""
    try:
        told = getattr(undefended(target).estimator, "findings", None)
    except Incompatible:
        return None
    if told is None or session is None:
        return told
    totals = session.ledger.totals()
    answered = [(requests, rows) for _, outcome, requests, rows in totals if outcome == "answered"]
    requests, rows = map(sum, zip(*answered, strict=True)) if answered else (0, 0)
    if requests < MANY or any(outcome == "throttled" for _, outcome, _, _ in totals):
        return list(told)
    seen = f"{requests} requests with {rows} rows were answered, and none was refused"
    return [*told, {"kind": "no-limit", "sentence": "nothing limits how much one client asks", "evidence": seen}]
