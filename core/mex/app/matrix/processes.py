"""Cells in worker processes: what has finished stands, whatever dies."""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import wait
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from mex.app.matrix import ledgers
from mex.app.matrix.cache import Cache
from mex.app.matrix.cells import Cell
from mex.app.matrix.child import Closable
from mex.app.matrix.experiment import failed
from mex.app.matrix.looking import Look
from mex.app.matrix.record import Record
from mex.app.matrix.schedule import Job, Schedule
from mex.app.matrix.worker import TIME_OVER, End, Lost, Task, Worker
from mex.errors import MexError
from mex.registry import Registry

LOOK = 1.0
"""Seconds between two looks at processes that say nothing: a child of theirs may hold what would tell of their end."""
STILLBORN = 3
"""How often workers may die, one after another, before any of them is ready."""


class WorkersDie(MexError):
    """Worker processes die before they do anything."""


class NoWorkers(WorkersDie):
    """Not one worker process can be started."""


class Processes:
    """Worker processes that are started when there is something to do, and replaced when they die.

    Raises:
        WorkersDie: from any method, if processes die again and again before they are ready.
    """

    def __init__(
        self,
        registry: Registry,
        jobs: int,
        *,
        end: End = End(),  # noqa: B008  a value
        fork: bool = False,
        held: Closable | None = None,
        live: bytes | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            registry: the components.
            jobs: how many processes at most.
            end: when a task is given up and its process killed, and when none is begun any more.
            fork: start workers as copies of this process, which takes milliseconds and keeps plugins that are not
                installed, but suits only a process that is ours alone; by default they start afresh.
            held: what a copy closes first.
            live: objects that are components as well, packed; for workers that start afresh.
        """
        self._jobs = jobs
        self._when = end
        self._private = tempfile.TemporaryDirectory(prefix="mex-", ignore_cleanup_errors=True)
        directory = Path(self._private.name)
        self._cache = Cache(directory)
        self._context = multiprocessing.get_context("fork") if fork else _afresh()
        kept = ledgers.directory
        self._given = (directory, kept, end, None, registry, held) if fork else (directory, kept, end, live)
        self._workers: dict[int, Worker] = {}
        self._stillborn = 0
        # Python waits for its children before it exits: a run that nobody closed must not keep it.
        self._end = Finalize(self, _end, args=(self._workers,), exitpriority=0)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._private.cleanup()

    def look(self, looks: Sequence[Look]) -> list[str]:
        """What is seen by each look, as :func:`look_at` gives it; what a process is lost over is left to the cells."""
        waiting = deque(looks)
        answers = self._answers(lambda _: waiting.popleft() if waiting else None, lambda: bool(waiting))
        seen = {id(look): answer for look, answer in answers if isinstance(answer, str)}
        return [seen[id(look)] for look in looks if id(look) in seen]

    def run(self, cells: Iterable[tuple[int, Cell]], starting: Callable[[Cell], None]) -> Iterator[tuple[int, Record]]:
        """Run cells; yield their numbers and records as they finish.

        A cell whose process is killed is run once more, alone: it may not have been its fault. If that is killed as
        well, or a process ends itself or takes too long, the cell has failed. The others go on.

        Args:
            cells: each with its number.
            starting: called with each cell as it is handed to a process.
        """
        schedule = Schedule(cells)

        def next_job(worker: int) -> Job | None:
            job = None if self._when.over else schedule.next(worker, alone=not self._at_work())
            if job:
                starting(job.cell)
            return job

        def waiting() -> bool:
            return not self._when.over and schedule.waiting()

        for job, answer in self._answers(next_job, waiting):
            assert isinstance(job, Job)
            if isinstance(answer, str):
                record = json.loads(answer)
            elif answer.killed and schedule.once_more(job):
                continue
            else:
                record = failed(job.cell, answer.reason + ", twice" * answer.killed)
            if schedule.finish(job):
                self._cache.drop(job.group)
            yield job.index, record
        for job in schedule.rest():
            yield job.index, failed(job.cell, TIME_OVER)

    def _answers(
        self, next_task: Callable[[int], Task | None], waiting: Callable[[], bool]
    ) -> Iterator[tuple[Task, str | Lost]]:
        """Have tasks done while there are some; yield each with what came of it."""
        while True:
            self._hand_out(next_task, waiting)
            if not self._at_work() and not waiting():
                return
            ended = list(self._ended())
            self._hand_out(next_task, waiting)  # first, so that no worker waits for what is done with the answers
            yield from ended

    def _hand_out(self, next_task: Callable[[int], Task | None], waiting: Callable[[], bool]) -> None:
        for worker in self._workers.values():
            if worker.idle and (task := next_task(worker.number)) is not None:
                worker.give(task, self._when)
        for number in range(self._jobs):
            if number not in self._workers and waiting():
                self._start(number)

    def _start(self, number: int) -> None:
        """Start a worker; where the system gives no more processes, go on with those that there are."""
        try:
            self._workers[number] = Worker(number, self._context, *self._given)
        except OSError as error:
            why = error.strerror or error
            if not self._workers:
                raise NoWorkers(f"worker processes cannot be started: {why}") from None
            if self._jobs > len(self._workers):
                self._jobs = len(self._workers)
                print(f"mex: no more than {self._jobs} worker processes can be started: {why}", file=sys.stderr)

    def _at_work(self) -> list[Worker]:
        return [worker for worker in self._workers.values() if worker.task is not None]

    def _ended(self) -> Iterator[tuple[Task, str | Lost]]:
        """Wait until a process has something to say, has died or has taken too long."""
        busy = [worker for worker in self._workers.values() if not worker.idle]
        first = min([LOOK, *(worker.left for worker in self._at_work())])
        wait([tell for worker in busy for tell in (worker.connection, worker.process.sentinel)], max(0.0, first))
        for worker in busy:
            answer = worker.answer()
            if isinstance(answer, Lost):
                del self._workers[worker.number]
            if worker.task is not None and answer is not None:
                yield worker.task, answer
                worker.task = None
            elif answer is not None:
                self._started(worker, answer)

    def _started(self, worker: Worker, answer: str | Lost) -> None:
        worker.ready = isinstance(answer, str)
        self._stillborn = 0 if worker.ready else self._stillborn + 1
        if self._stillborn == STILLBORN:
            assert isinstance(answer, Lost)
            raise WorkersDie(f"worker processes cannot be started: {answer.reason}")


def _end(workers: dict[int, Worker]) -> None:
    for worker in workers.values():
        worker.dismiss()
    for worker in workers.values():
        worker.end()


def _afresh() -> Any:
    from joblib.externals.loky.backend.context import get_context

    return get_context("loky")
