"""The engine of the matrix: runs the cells of a plan, in this process or in several."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs

from mex.app.matrix.cells import Cell
from mex.app.matrix.checkpoints import left_over
from mex.app.matrix.dask_backend import run_on_cluster
from mex.app.matrix.experiment import run_cell
from mex.app.matrix.loky_backend import run_in_processes
from mex.app.matrix.record import Record
from mex.app.matrix.results import Results
from mex.app.matrix.scenarios import load_dataset
from mex.errors import MexError, UsageError, suggest
from mex.registry import Registry
from mex.registry.spec import Spec

BACKENDS = ("loky", "dask")
SPOOL = ".running"
"""The folder of a results directory where workers leave what has not arrived yet."""


def _backend(_: object, __: object, value: object) -> None:
    if value not in BACKENDS:
        raise UsageError(f"no backend named {value!r}{suggest(str(value), BACKENDS)}; there are {', '.join(BACKENDS)}")


def _jobs(_: object, __: object, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"jobs must be a whole number of at least 1, not {value!r}")


def _limit(workers: Workers, _: object, value: float | None) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise UsageError(f"a time limit must be a number of seconds above 0, not {value!r}")
    if workers.backend == "dask":
        raise UsageError("a time limit needs processes of our own, which the workers of dask are not")


@attrs.frozen
class Workers:
    """Where cells run: in this process (one job), in joblib's loky processes, or on a dask cluster.

    ``time_limit`` is how many seconds of wall time a cell may take before it has failed; that is no part of a plan,
    for it depends on the machine.

    Raises:
        UsageError: for a number of jobs, a backend or a time limit that is none.
    """

    jobs: int = attrs.field(default=1, validator=_jobs)
    backend: str = attrs.field(default="loky", validator=_backend)
    scheduler: str | None = None
    time_limit: float | None = attrs.field(default=None, validator=_limit)

    @property
    def elsewhere(self) -> bool:
        """Whether cells leave this process, for others that load the installed plugins themselves."""
        return self.jobs > 1 or self.backend == "dask"


def records(
    registry: Registry, cells: list[Cell], workers: Workers | None = None, results: Results | None = None
) -> Iterator[Record]:
    """Yield the record of every cell in the order of ``cells``, each as soon as those before it are there.

    What ``results`` holds already is not run again; what finishes is written to it at once.

    Raises:
        UsageError: for a dataset that cannot be loaded; nothing has run then.
    """
    done = dict(results.records) if results else {}
    order = [cell.identity()["cell"] for cell in cells]
    todo = [cell for cell, key in zip(cells, order, strict=True) if key not in done]
    if results:
        registry.manager.register(results)
    try:
        for dataset in {str(cell.dataset): cell.dataset for cell in todo}.values():
            _try_dataset(registry, dataset)
        spool = results.path.parent / SPOOL if results else None
        running = execute(registry, todo, workers, spool)
        for key in order:
            while key not in done:
                record = next(running)
                done[record["cell"]] = record
            yield done[key]
    finally:
        if results:
            registry.manager.unregister(results)
            results.close()


def _try_dataset(registry: Registry, dataset: Spec) -> None:
    """Load it, so that a user's mistake is told at once; a fault in a plugin is left to its cells to tell."""
    try:
        load_dataset(registry, dataset)
    except MexError:
        raise
    except Exception:
        return


def execute(
    registry: Registry, cells: Iterable[Cell], workers: Workers | None = None, spool: Path | None = None
) -> Iterator[Record]:
    """Run ``cells`` and yield their records as they finish, telling the hooks.

    Records do not depend on where the cells run, timings apart. ``spool`` is where processes leave
    theirs, so that they outlive this one; what a run that was killed had left there comes first.

    Raises:
        UsageError: if cells would leave this process and the registry holds more than the installed plugins.
    """
    cells, workers = list(cells), workers or Workers()
    if workers.elsewhere and not registry.installed:
        raise UsageError("plugins that are not installed cannot travel to other processes: use jobs=1")

    def starting(cell: Cell) -> None:
        _tell(registry, "mex_cell_started", cell=cell.identity())

    kept = left_over(spool, cells) if spool else {}
    for key, record in kept.items():
        yield _finished(registry, next(c for c in cells if c.identity()["cell"] == key), record)
    cells = [cell for cell in cells if cell.identity()["cell"] not in kept]
    if workers.backend == "dask":
        running = run_on_cluster(cells, workers.scheduler, starting)
    elif workers.jobs > 1 and cells:
        running = run_in_processes(cells, min(workers.jobs, len(cells)), spool, starting, workers.time_limit)
    else:
        running = _run_here(registry, cells, workers.time_limit)
    missing = len(cells)
    try:
        for i, record in running:
            missing -= 1
            yield _finished(registry, cells[i], record)
    finally:
        if spool and not missing:
            shutil.rmtree(spool, ignore_errors=True)


def _run_here(registry: Registry, cells: list[Cell], time_limit: float | None) -> Iterator[tuple[int, Record]]:
    for i, cell in enumerate(cells):
        _tell(registry, "mex_cell_started", cell=cell.identity())
        with contextlib.redirect_stdout(sys.stderr):  # what a plugin prints is no record
            record = run_cell(registry, cell, time_limit)
        yield i, record


def _finished(registry: Registry, cell: Cell, record: Record) -> Record:
    _tell(registry, "mex_cell_finished", cell=cell.identity(), outcome=record)
    return record


def _tell(registry: Registry, hook: str, **what: Any) -> None:
    """Call a hook plugin by plugin: one that fails is left out from then on and harms nothing."""
    for plugin, call in list(registry.implementations(hook)):
        try:
            call(**what)
        except MexError:
            raise
        except Exception as error:
            registry.manager.unregister(name=plugin)
            print(f"mex: plugin {plugin!r} failed in {hook} and is left out: {error}", file=sys.stderr)
