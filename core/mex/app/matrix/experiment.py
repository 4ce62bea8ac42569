"""Running a cell: from its specs to its record."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from mex.app.matrix.cells import Cell
from mex.app.matrix.costs import did_nothing, unchanged
from mex.app.matrix.interrupts import user_interrupts
from mex.app.matrix.isolation import isolated
from mex.app.matrix.json_lines import check, dump, unfinished
from mex.app.matrix.ledgers import through_ledger
from mex.app.matrix.paid import findings, rows_to_measure
from mex.app.matrix.record import RESULTS, Record
from mex.app.matrix.scenarios import deploy, is_deployed, set_scene
from mex.errors import Incompatible, sentence, writes_nothing
from mex.extraction import Extraction, extract
from mex.knowledge import Knowledge, Scope
from mex.oracle import Oracle, Transcript
from mex.registry import Registry
from mex.registry.spec import Spec
from mex.target import Target, knowledge
from mex.toolkit.facts import LEAKS
from mex.types import Answer, FloatArray, stream

ASKED = 400
"""The most queries of a cell that its record shows, where the domain is a plane."""


def run_attack(
    registry: Registry,
    attack: Spec,
    target: Target,
    *,
    seed: int,
    pool: FloatArray | None,
    answers: Answer | None,
    budget: int,
    price_per_query: float,
    transcript: Transcript | None = None,
    **options: Any,
) -> Extraction:
    """Let an attack at a deployed target, as every cell, ``mex attack`` and :func:`mex.attack` do.

    The oracle notes what is asked in ``transcript``; ``options`` are those of :func:`mex.extract`.

    Raises:
        Incompatible: if the target is outside the scope of the attack.
        MexError: or whatever the attack raises; such an error has the rows and answers paid for as its ``transcript``.
    """
    built = registry.build("attack", attack)
    oracle = Oracle(target, answers=answers, budget=budget, price_per_query=price_per_query, scope=built.scope)
    if transcript is not None:
        oracle.transcript = transcript
    known = oracle.knowledge(pool=pool)
    offered = [kind for kind in target.answers if kind in built.scope.answers]
    if answers is None and offered and known.answers not in built.scope.answers:
        raise Incompatible(
            f"{attack.name} takes {' or '.join(built.scope.answers)} answers, and {known.answers} is shown unless "
            f"another kind is asked for: try answers={offered[0]}, which this model gives too"
        )
    built.scope.check(attack.name, known)
    with writes_nothing("the attack"):
        learner = built.learner(known, stream(seed, "attack"))
    try:
        return _telling(extract(oracle, learner, **options), built.scope, known)
    except Exception as error:
        if len(oracle.transcript):
            with contextlib.suppress(AttributeError):  # few errors take no attribute
                error.transcript = oracle.transcript  # type: ignore[attr-defined]
                error.add_note(f"{len(oracle.transcript)} answers were paid for: they are its attribute transcript")
        raise


def _telling(extraction: Extraction, scope: Scope, known: Knowledge) -> Extraction:
    """With a note where an attack on the class of the model has stolen thresholds that are values of training rows."""
    leak = LEAKS.get(str(known.family.public.get("thresholds")), "") if known.family.kind in scope.families else ""
    return attrs.evolve(extraction, note=_joined(extraction.note, leak) or "")


def _joined(*sentences: str) -> str | None:
    return "; ".join(filter(None, sentences)) or None


def measure(
    registry: Registry, cell: Cell, on_progress: Callable[[int], str | None] | None = None, interruptible: bool = False
) -> tuple[Record, Extraction]:
    """Run one cell; return its record and what the attack got, as :func:`mex.extract` takes the last two.

    Where ``on_progress`` ends it, its ``reason`` says why.

    Raises:
        Incompatible: if its components cannot work together.
        MexError: or whatever a plugin raises.
    """
    started, cpu = time.perf_counter(), time.process_time()
    with isolated(cell.seed):
        scene = set_scene(registry, cell.model, cell.dataset, cell.seed)
        yardstick = scene.yardstick
        deployment = deploy(registry, cell)
        known = knowledge(deployment.target, answers=cell.answers)
        asked = through_ledger(deployment.target, cell, is_deployed(registry, cell.model))
        with contextlib.closing(asked):
            extraction = run_attack(
                registry,
                cell.attack,
                asked.target,
                seed=cell.seed,
                pool=scene.pool.X,
                answers=cell.answers,
                budget=cell.budget,
                price_per_query=cell.price_per_query,
                transcript=asked.transcript,
                keep=yardstick.score,
                interruptible=interruptible,
                on_progress=on_progress,
            )
            rows = asked.numbers | rows_to_measure(scene.target)
            told = findings(scene.target, asked.session)
        extraction = asked.tell(extraction)
        silent = unchanged(deployment.costs) and asked.target.alarm is None and extraction.queries > 0
        idle = ""
        if silent and cell.defense.name != "none" and not is_deployed(registry, cell.model):  # which may ask a price
            scope = registry.build("attack", cell.attack).scope
            idle = did_nothing(cell.defense.name, Oracle(scene.target, answers=known.answers, scope=scope), extraction)
        scores = extraction.snapshots[-1][1]
        curve = [
            {"queries": n, **{name: score for name, score in then.items() if name != "stolen_accuracy"}}
            for n, then in extraction.snapshots
        ]
        record = {
            **cell.identity(),
            **dict.fromkeys(RESULTS),
            "answers": known.answers,
            "status": "failed" if extraction.stopped in ("failed", "time") else "ok",
            "features": known.domain.n_features,
            "rho": known.rho,
            "reason": _joined(getattr(on_progress, "reason", ""), extraction.note, idle, yardstick.chance),
            "queries": extraction.queries,
            "unique_queries": extraction.unique_queries,
            **rows,
            "findings": told,
            "refused": extraction.refused,
            "alarm": asked.target.alarm,
            "price_usd": extraction.price_usd,
            **scores,
            "points": len(yardstick.points.get("near_agreement", ())) or None,
            "held_out": len(yardstick.points["agreement"]),
            "majority": yardstick.majority("agreement"),
            "uniform_majority": yardstick.majority("uniform_agreement"),
            **deployment.costs,
            "stopped": extraction.stopped,
            "learner_seconds": extraction.learner_seconds,
            "oracle_seconds": extraction.oracle_seconds,
            "curve": curve,
            "asked": where_asked(extraction.transcript) if known.domain.n_features == 2 else None,
        }
    times = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    return check({**record, **times}), extraction


def where_asked(transcript: Transcript) -> list[list[float]]:
    """Where an attack asked, for a plot: at most :data:`ASKED` of its rows, evenly chosen, in order."""
    X = transcript.X
    chosen = np.unique(np.linspace(0, len(X) - 1, min(ASKED, len(X))).astype(int))
    return [[float(f"{value:.5g}") for value in row] for row in X[chosen]]


def run_cell(registry: Registry, cell: Cell, on_progress: Callable[[int], str | None] | None = None) -> Record:
    """Run one cell and return its record; whatever goes wrong inside is its status and reason.

    Raises:
        KeyboardInterrupt: if the user interrupts; one that a plugin raises is its cell's failure.
    """
    with user_interrupts() as interrupted:
        try:
            record, _ = measure(registry, cell, on_progress)
            dump(record)  # what is no JSON fails here, and not where it would end the matrix
        except Incompatible as error:
            record = unfinished(cell.identity(), "skipped", sentence(error))
        except BaseException as error:
            record = failed(cell, sentence(error))
        if interrupted():
            raise KeyboardInterrupt
        return record


def failed(cell: Cell, reason: str) -> Record:
    """The record of a cell that came to nothing."""
    return unfinished(cell.identity(), "failed", reason)
