"""Running a cell: from its specs to its record."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import ThreadpoolController

from mex.app.matrix.cells import Cell, stream
from mex.app.matrix.deadline import Overdue, deadline
from mex.app.matrix.json_lines import check, dump, unfinished
from mex.app.matrix.record import RESULTS, Record
from mex.app.matrix.scenarios import deploy, set_scene
from mex.defense import twin
from mex.errors import Incompatible, MexError
from mex.extraction import Extraction, extract
from mex.oracle import Oracle, Transcript
from mex.registry import Registry

ASKED = 400
"""The most queries of a cell that its record shows, where the domain is a plane."""


def measure(
    registry: Registry, cell: Cell, on_progress: Callable[[int], None] | None = None, interruptible: bool = False
) -> tuple[Record, Extraction]:
    """Run one cell; return its record and what the attack got, as :func:`mex.extract` takes the last two.

    Raises:
        Incompatible: if its components cannot work together.
        MexError: or whatever a plugin raises.
    """
    started = time.perf_counter()
    with _libraries(len(sys.modules)).limit(limits=1):  # in every worker alike: same bytes, no fight over cores
        scene = set_scene(registry, cell.model, cell.dataset, cell.seed)
        attack = registry.build("attack", cell.attack)
        deployment = deploy(registry, cell)
        defended = twin(deployment.target)
        oracle = Oracle(defended, answers=cell.answers, budget=cell.budget, price_per_query=cell.price_per_query)
        known = oracle.knowledge(pool=scene.pool.X)
        attack.scope.check(cell.attack.name, known)
        learner = attack.learner(known, stream(cell.seed, "attack"))
        extraction = extract(oracle, learner, interruptible=interruptible, on_progress=on_progress)
        yardstick = scene.yardstick
        curve = [{"queries": n, **yardstick.score(h)} for n, h in extraction.snapshots]
        record = {
            **cell.identity(),
            **dict.fromkeys(RESULTS),
            "answers": known.answers,
            "status": "ok",
            "features": known.domain.n_features,
            "rho": known.rho,
            "reason": extraction.note or None,
            "queries": extraction.queries,
            "unique_queries": extraction.unique_queries,
            "refused": extraction.refused,
            "alarm": defended.alarm,
            "price_usd": extraction.price_usd,
            **{name: last for name, last in curve[-1].items() if name != "queries"},
            "uniform_majority": yardstick.uniform_majority,
            **deployment.costs,
            "stolen_accuracy": yardstick.accuracy(extraction.hypothesis.predict(yardstick.points["agreement"])),
            "stopped": extraction.stopped,
            "learner_seconds": extraction.learner_seconds,
            "oracle_seconds": extraction.oracle_seconds,
            "curve": curve,
            "asked": asked(extraction.transcript) if known.domain.n_features == 2 else None,
        }
    return check({**record, "seconds": time.perf_counter() - started}), extraction


@functools.lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """The numeric libraries that are loaded; looked up again only when a module has come, for it takes milliseconds."""
    return ThreadpoolController()


def asked(transcript: Transcript) -> list[list[float]]:
    """Where an attack asked, for a plot: at most :data:`ASKED` of its rows, evenly chosen, in order."""
    X = transcript.X
    chosen = np.unique(np.linspace(0, len(X) - 1, min(ASKED, len(X))).astype(int))
    return [[float(f"{value:.5g}") for value in row] for row in X[chosen]]


def run_cell(registry: Registry, cell: Cell, time_limit: float | None = None) -> Record:
    """Run one cell and return its record; what goes wrong inside is its status and reason."""
    try:
        with deadline(time_limit):
            record, _ = measure(registry, cell)
        dump(record)  # what is no JSON fails here, and not where it would end the matrix
        return record
    except Overdue:
        return failed(cell, f"took longer than {time_limit:g} seconds")
    except Incompatible as reason:
        return unfinished(cell.identity(), "skipped", str(reason))
    except MexError as error:
        return failed(cell, str(error))
    except (Exception, SystemExit) as error:
        return failed(cell, f"{type(error).__name__}: {error}")


def failed(cell: Cell, reason: str) -> Record:
    """The record of a cell that came to nothing."""
    return unfinished(cell.identity(), "failed", reason)
