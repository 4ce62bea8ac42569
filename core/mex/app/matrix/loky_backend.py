"""Cells in joblib's loky processes: what has finished stands, whatever dies."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from mex.app.matrix import scenarios
from mex.app.matrix.cache import Shelf
from mex.app.matrix.cells import Cell
from mex.app.matrix.checkpoints import Spool
from mex.app.matrix.experiment import failed, run_cell
from mex.app.matrix.record import Record
from mex.errors import MexError
from mex.registry.loader import DISABLE, installed

Finished = tuple[int, Record]
WATCH = 0.5
"""Seconds between two looks of a worker at whether its parent lives."""
STILLBORN = 3
"""How often workers may die before any of them has begun a cell."""


class WorkersDie(MexError):
    """Worker processes die before they do anything."""


def run_in_processes(
    cells: list[Cell],
    jobs: int,
    directory: Path | None,
    starting: Callable[[Cell], None],
    time_limit: float | None = None,
) -> Iterator[Finished]:
    """Run ``cells`` in ``jobs`` processes; yield their indices and records as they finish.

    A cell whose process dies is run once more, alone; if that process dies as well, it has failed. The
    other cells go on.

    Args:
        cells, jobs: what to run, and in how many processes.
        directory: where workers leave their records, a temporary one by default.
        starting: called with each cell as it is handed to a process.
        time_limit: seconds after which a cell has failed.

    Raises:
        WorkersDie: if processes die again and again before they begin a cell.
        UsageError: if ``directory`` cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="mex-", ignore_cleanup_errors=True) as private:
        run = _Run(cells, jobs, Spool(directory or Path(private)), Path(private), starting, time_limit)
        run.spool.prepare()
        yield from run.all()


class _Run:
    def __init__(
        self,
        cells: list[Cell],
        jobs: int,
        spool: Spool,
        private: Path,
        starting: Callable[[Cell], None],
        time_limit: float | None,
    ) -> None:
        self.cells, self.jobs, self.spool, self.private, self.starting = cells, jobs, spool, private, starting
        self.time_limit = time_limit
        self.keys = [cell.identity()["cell"] for cell in cells]
        self.waiting = dict.fromkeys(range(len(cells)))
        self.shelf = Shelf(private)
        self.needed = Counter(key for cell in cells for key in scenarios.shelf_keys(cell))

    def all(self) -> Iterator[Finished]:
        deaths: Counter[int] = Counter()
        suspects: list[int] = []
        stillborn = 0
        while self.waiting:
            batch = [suspects.pop(0)] if suspects else list(self.waiting)
            if not (yield from self._pool(batch)):
                continue
            yield from self._left(batch)
            begun = [i for i in batch if i in self.waiting and self.spool.begun(self.keys[i])]
            deaths.update(begun)
            for i in begun:
                self.spool.clear(self.keys[i])
            if len(batch) == 1 and deaths[batch[0]] > 1:
                yield self._finished(batch[0], failed(self.cells[batch[0]], "its process was killed, twice"))
            else:
                suspects += begun
            stillborn = 0 if begun else stillborn + 1
            if stillborn == STILLBORN:
                raise WorkersDie("worker processes die before they begin a cell; try --jobs 1")

    def _pool(self, batch: list[int]) -> Generator[Finished, None, bool]:
        """Run a batch in processes; return whether one of them died, which ends them all."""
        from joblib import Parallel, delayed, parallel_config
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        disabled = os.environ.get(DISABLE, "")

        def tasks() -> Iterator[Any]:
            for i in batch:
                self.starting(self.cells[i])
                work = (self.private, self.spool, self.keys[i], i, self.cells[i], self.time_limit)
                yield delayed(_work)(disabled, *work)

        setup = {"initializer": _settle, "initargs": (os.getpid(), self.private)}
        with parallel_config(backend="loky", inner_max_num_threads=1, **setup):
            # One job would run in this process, and a suspect must not.
            pool = Parallel(max(2, self.jobs), batch_size=1, pre_dispatch=self.jobs, return_as="generator_unordered")
            try:
                for i, record in pool(tasks()):
                    yield self._finished(i, record)
            except TerminatedWorkerError:
                return True
        return False

    def _left(self, batch: Iterable[int]) -> Iterator[Finished]:
        """The records of a batch that finished, but whose process or parent died before they arrived."""
        for i in list(batch):
            record = self.spool.take(self.keys[i]) if i in self.waiting else None
            if record and record["cell"] == self.keys[i]:
                yield self._finished(i, record)

    def _finished(self, i: int, record: Record) -> Finished:
        del self.waiting[i]
        self.spool.clear(self.keys[i])
        for key in scenarios.shelf_keys(self.cells[i]):
            self.needed[key] -= 1
            if self.needed[key] == 0:
                self.shelf.drop(key)
        return i, record


def _settle(parent: int, private: Path) -> None:
    """What a worker does first: leave Ctrl-C and stdout to its parent, and end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.dup2(2, 1)  # what a plugin prints, or a library of C, is no record
    threading.Thread(target=_watch, args=(parent, private), daemon=True).start()


def _watch(parent: int, private: Path) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH)
    shutil.rmtree(private, ignore_errors=True)
    os._exit(1)


def _work(
    disabled: str, private: Path, spool: Spool, key: str, index: int, cell: Cell, time_limit: float | None
) -> Finished:
    scenarios.shelf = Shelf(private)
    spool.begin(key)
    record = run_cell(installed(disabled), cell, time_limit)
    spool.leave(key, record)
    return index, record
