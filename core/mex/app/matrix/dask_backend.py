"""Cells on a dask.distributed cluster that is running already."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import failed, run_cell
from mex.app.matrix.record import Record
from mex.errors import UsageError
from mex.registry.loader import DISABLE, installed

PATIENCE = 10.0
"""Seconds to wait for the scheduler."""
AHEAD = 4
"""How many cells are handed over for each thread of the cluster."""
Finished = tuple[int, Record]


def run_on_cluster(
    cells: Iterable[tuple[int, Cell]], scheduler: str | None, starting: Callable[[Cell], None]
) -> Iterator[Finished]:
    """Run numbered ``cells`` on the cluster at ``scheduler``; yield their numbers and records as they finish.

    dask runs a cell again whose worker died; one that its scheduler gives up has failed.

    Args:
        cells: what to run, handed over a few for each thread of the cluster.
        scheduler: the scheduler's address, such as ``tcp://127.0.0.1:8786``.
        starting: called with each cell as it is handed over.

    Raises:
        UsageError: if dask is not installed, nothing answers there, or a worker has another mex.
    """
    if not scheduler:
        raise UsageError("the backend dask needs the address of a scheduler: --scheduler tcp://HOST:PORT")
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise UsageError("the backend dask needs dask: pip install 'model-extraction[dask]'") from None
    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise UsageError(f"no dask scheduler answers at {scheduler}: {error}") from None
    with client:
        _check_workers(client, scheduler)
        disabled = os.environ.get(DISABLE, "")
        under_way: dict[Any, tuple[int, Cell]] = {}

        def handed_over() -> Iterator[Any]:
            for i, cell in cells:
                starting(cell)
                future = client.submit(_work, disabled, cell, pure=False)
                under_way[future] = (i, cell)
                yield future

        futures = handed_over()
        running = as_completed(list(itertools.islice(futures, AHEAD * sum(client.nthreads().values()))))
        try:
            for future in running:
                i, cell = under_way.pop(future)
                for more in itertools.islice(futures, 1):
                    running.add(more)
                try:
                    record = future.result()
                except KilledWorker:
                    record = failed(cell, "its process was killed, again and again")
                yield i, record
        finally:
            client.cancel(list(under_way))


def _check_workers(client: Any, scheduler: str) -> None:
    try:
        versions = client.run(_version)
    except Exception as error:
        raise UsageError(f"the workers at {scheduler} cannot run mex: {error}") from None
    if not versions:
        raise UsageError(f"the scheduler at {scheduler} has no workers")
    for worker, version in versions.items():
        if version != mex.__version__:
            raise UsageError(f"the worker {worker} has mex {version}, and this is {mex.__version__}")


def _version() -> str:
    return mex.__version__


def _work(disabled: str, cell: Cell) -> Record:
    return run_cell(installed(disabled), cell)
