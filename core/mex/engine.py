"""The engine of the matrix: runs the cells of a plan, in this process or in several."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from mex.cells import Cell
from mex.errors import MexError, UsageError
from mex.experiment import load_dataset, run_cell
from mex.loader import DISABLE, load_registry
from mex.registry import Registry
from mex.results import Results
from mex.spec import Spec


class WorkerDied(MexError):
    """A worker process was killed: what had finished stands."""


def records(
    registry: Registry, cells: list[Cell], jobs: int = 1, results: Results | None = None
) -> Iterator[dict[str, Any]]:
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
        running = execute(registry, todo, jobs)
        for key in order:
            while key not in done:
                record = next(running)
                done[record["cell"]] = record
            yield done[key]
    finally:
        if results:
            registry.manager.unregister(results)


def _try_dataset(registry: Registry, dataset: Spec) -> None:
    """Load it, so that a user's mistake is told at once; a fault in a plugin is left to its cells to tell."""
    try:
        load_dataset(registry, dataset)
    except MexError:
        raise
    except Exception:
        return


def execute(registry: Registry, cells: Iterable[Cell], jobs: int = 1) -> Iterator[dict[str, Any]]:
    """Run ``cells`` and yield their records as they finish, telling the hooks.

    With more than one job the cells run in joblib's loky workers, which load the installed plugins
    themselves; records do not depend on the number of jobs, timings apart.

    Raises:
        UsageError: if ``jobs`` is below 1, or the registry holds more than the installed plugins.
        WorkerDied: if a worker process was killed.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise UsageError(f"jobs must be a whole number of at least 1, not {jobs!r}")
    cells = list(cells)
    if jobs == 1 or len(cells) < 2:
        for cell in cells:
            _tell(registry, "mex_cell_started", cell=cell)
            yield _finished(registry, cell, run_cell(registry, cell))
        return
    if not registry.installed:
        raise UsageError("plugins that are not installed cannot travel to other processes: use jobs=1")
    yield from _parallel(registry, cells, min(jobs, len(cells)))


def _parallel(registry: Registry, cells: list[Cell], jobs: int) -> Iterator[dict[str, Any]]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    disabled = os.environ.get(DISABLE, "")

    def tasks() -> Iterator[Any]:
        for i, cell in enumerate(cells):
            _tell(registry, "mex_cell_started", cell=cell)
            yield delayed(_work)(disabled, i, cell)

    # Ctrl-C reaches the workers as well: they leave it to this process to end them.
    deaf: dict[str, Any] = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    with parallel_config(backend="loky", inner_max_num_threads=1, **deaf):
        arriving = Parallel(n_jobs=jobs, batch_size=1, pre_dispatch=jobs, return_as="generator_unordered")(tasks())
        try:
            for i, record in arriving:
                yield _finished(registry, cells[i], record)
        except TerminatedWorkerError:
            raise WorkerDied("a worker process was killed; run the same command again to go on") from None


def _work(disabled: str, index: int, cell: Cell) -> tuple[int, dict[str, Any]]:
    return index, run_cell(_installed(disabled), cell)


_installed = functools.lru_cache(maxsize=1)(load_registry)


def _finished(registry: Registry, cell: Cell, record: dict[str, Any]) -> dict[str, Any]:
    _tell(registry, "mex_cell_finished", cell=cell, outcome=record)
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
