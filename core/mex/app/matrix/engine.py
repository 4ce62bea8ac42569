"""The engine of the matrix: runs the cells of a plan, in this process or in several."""

from __future__ import annotations

import contextlib
import copy
import itertools
import sys
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from typing import Any, TypeAlias

from mex.app.matrix.backends import Workers
from mex.app.matrix.cells import Cell, Cells
from mex.app.matrix.dask_backend import run_on_cluster
from mex.app.matrix.experiment import failed, run_cell
from mex.app.matrix.looking import look_at, looks, told
from mex.app.matrix.processes import NoWorkers, Processes
from mex.app.matrix.record import Record
from mex.app.matrix.results import Results
from mex.app.matrix.worker import TIME_OVER
from mex.errors import UsageError
from mex.registry import Registry

Finished: TypeAlias = Generator[tuple[int, Record], None, None]


def records(
    registry: Registry,
    cells: Cells,
    workers: Workers | None = None,
    results: Results | None = None,
    on_read: Callable[[str], None] = lambda sentence: None,
) -> Generator[Record, None, None]:
    """Yield the record of every cell in the order of ``cells``, each as soon as those before it are there.

    What ``results`` holds already is not run again; what finishes is written to it at once. Records do not depend
    on where the cells run, timings apart. Before they do, ``on_read`` is called with each sentence about what was read.

    Raises:
        UsageError: for a dataset that cannot be loaded, or if cells would leave this process and the registry holds
            more than the installed plugins; nothing has run then.
    """
    workers = workers or Workers()
    if not workers.can_have(registry):
        raise UsageError("plugins that are not installed cannot travel to other processes: do not say how many jobs")
    stored = results.records if results else None
    kept = {i for i, cell in enumerate(cells) if cell.key in stored} if stored else set[int]()
    arrived: dict[int, Record] = {}
    with contextlib.closing(_run(registry, cells, kept, workers, results, on_read)) as running:
        for i in range(len(cells)):
            if i in kept and stored is not None and (record := stored.find(cells[i].key)):
                yield record
                continue
            if i in kept and i not in arrived:  # somebody has removed it since
                gone = {j for j in kept if j >= i and not (stored and stored.find(cells[j].key))}
                with contextlib.closing(
                    _run(registry, cells, set(range(len(cells))) - gone, workers, results, on_read)
                ) as more:
                    arrived.update(_finished(registry, cells, more, results))
            while i not in arrived:
                arrived.update(_finished(registry, cells, itertools.islice(running, 1), results))
            yield arrived.pop(i)


def _finished(
    registry: Registry, cells: Cells, running: Iterable[tuple[int, Record]], results: Results | None
) -> Iterator[tuple[int, Record]]:
    """The same, each written to ``results`` and told to the hooks."""
    for i, record in running:
        if results:
            results.append(record)
        _tell(registry, "mex_cell_finished", cell=cells[i].identity(), outcome=record)
        yield i, record


def _run(
    registry: Registry,
    cells: Cells,
    kept: Collection[int],
    workers: Workers,
    results: Results | None,
    on_read: Callable[[str], None],
) -> Finished:
    """Run the cells whose numbers are not kept; yield numbers and records as they finish."""

    def todo() -> Iterator[tuple[int, Cell]]:
        return ((i, cells[i]) for i in range(len(cells)) if i not in kept)

    given_up: list[int] = []

    def in_time() -> Iterator[tuple[int, Cell]]:
        for i, cell in todo():
            if workers.end.over:
                given_up.append(i)
            else:
                yield i, cell

    def starting(cell: Cell) -> None:
        _tell(registry, "mex_cell_started", cell=cell.identity())

    todays = looks(registry, cells, kept)

    def look_first(answers: Iterable[str]) -> None:
        mistakes, sentences = told(answers)
        for mistake in mistakes:
            raise UsageError(mistake)
        for sentence in sentences:
            on_read(sentence)

    if workers.backend == "dask":
        look_first(look_at(registry, look) for look in todays)
        yield from run_on_cluster(in_time(), workers.scheduler, starting)
    elif workers.jobs is None:
        look_first(look_at(registry, look) for look in todays)
        yield from _run_here(registry, in_time(), starting)
    else:
        jobs = min(workers.jobs, len(cells))
        live = None if workers.live is None else workers.live.packed()
        begun = False
        try:
            with Processes(registry, jobs, end=workers.end, fork=workers.fork, held=results, live=live) as processes:
                look_first(processes.look(todays))
                for finished in processes.run(todo(), starting):
                    begun = True
                    yield finished
        except NoWorkers as error:
            if begun or workers.time_limit is not None:
                raise
            print(f"mex: {error}: cells run in this process", file=sys.stderr)
            look_first(look_at(registry, look) for look in todays)
            yield from _run_here(registry, in_time(), starting)
    yield from ((i, failed(cells[i], TIME_OVER)) for i in given_up)


def _run_here(registry: Registry, cells: Iterable[tuple[int, Cell]], starting: Callable[[Cell], None]) -> Finished:
    for i, cell in cells:
        starting(cell)
        yield i, run_cell(registry, cell)


def _tell(registry: Registry, hook: str, **what: Any) -> None:
    """Call a hook plugin by plugin, each with copies: one that fails is left out from then on and harms nothing."""
    for plugin, call in list(registry.implementations(hook)):
        try:
            call(**copy.deepcopy(what))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            registry.manager.unregister(name=plugin)
            print(f"mex: plugin {plugin!r} failed in {hook} and is left out: {error}", file=sys.stderr)
