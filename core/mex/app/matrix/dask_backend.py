"""Cells on a dask.distributed cluster that is running already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import failed, run_cell
from mex.app.matrix.record import Record
from mex.errors import UsageError
from mex.registry.loader import DISABLE, installed

PATIENCE = 10.0
"""Seconds to wait for the scheduler."""
Finished = tuple[int, Record]


def run_on_cluster(cells: list[Cell], scheduler: str | None, starting: Callable[[Cell], None]) -> Iterator[Finished]:
    """Run ``cells`` on the cluster at ``scheduler``; yield their indices and records as they finish.

    dask runs a cell again whose worker died; one that its scheduler gives up has failed.

    Args:
        cells: what to run.
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
        index = {}
        for i, cell in enumerate(cells):
            starting(cell)
            index[client.submit(_work, disabled, cell, pure=False)] = i
        try:
            for future in as_completed(list(index)):
                i = index.pop(future)
                try:
                    record = future.result()
                except KilledWorker:
                    record = failed(cells[i], "its process was killed, again and again")
                yield i, record
        finally:
            client.cancel(list(index))


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
