"""Which worker runs which cell: what has been fitted for one cell is at hand for the next."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Iterable, Iterator

import attrs

from mex.app.matrix.cells import Cell
from mex.app.matrix.scenarios import group_of


@attrs.define(eq=False)
class Job:
    """A cell to run, its place in the plan, and whether a process has died in it."""

    index: int
    cell: Cell
    killed: bool = False

    @property
    def group(self) -> str:
        """The cells of one group share a fitted model."""
        return group_of(self.cell)


Block = deque[Job]
"""Jobs of one group that share a defense as well."""


class Schedule:
    """Hands out the cells of a plan to numbered workers, each made when it is due.

    A worker stays with a group of cells that share a fitted model while there are other groups for the others. Then
    it helps with the group that has most left, with a defense that nobody is at if there is one. A cell in which a
    process died is handed out once more, at the end, while nothing else runs.
    """

    def __init__(self, cells: Iterable[tuple[int, Cell]]) -> None:
        jobs = (Job(index, cell) for index, cell in cells)
        self._unopened = itertools.groupby(jobs, key=lambda job: job.group)
        self._open: dict[str, deque[Block]] = {}
        self._unfinished: Counter[str] = Counter()
        self._at: dict[int, tuple[str, Block]] = {}
        self._killed: deque[Job] = deque()

    def next(self, worker: int, alone: bool) -> Job | None:
        """The job that ``worker`` is to run now, ``alone`` or beside others; None if there is none for it."""
        block = self._block_for(worker)
        if block:
            return block.popleft()
        return self._killed.popleft() if alone and self._killed else None

    def waiting(self) -> bool:
        """Whether some job has not been handed out."""
        begun = any(block for _, block in self._at.values())
        return begun or bool(self._killed) or any(self._open.values()) or self._open_next() is not None

    def rest(self) -> Iterator[Job]:
        """What has not been handed out, to be given up."""
        begun = [block for _, block in self._at.values()]
        while self._open_next() is not None:
            pass
        for block in (*begun, *itertools.chain.from_iterable(self._open.values()), self._killed):
            yield from block

    def once_more(self, job: Job) -> bool:
        """Put off a job whose process was killed; False if that was the second time."""
        if job.killed:
            return False
        job.killed = True
        self._killed.append(job)
        return True

    def finish(self, job: Job) -> bool:
        """Count a job as done; return whether it was the last of its group."""
        group = job.group
        self._unfinished[group] -= 1
        last = self._unfinished[group] == 0
        if last:
            del self._unfinished[group], self._open[group]
        return last

    def _block_for(self, worker: int) -> Block | None:
        group, block = self._at.get(worker, ("", None))
        if block:
            return block
        taken = {other for number, (other, _) in self._at.items() if number != worker}
        for candidate in (group, *(name for name in self._open if name not in taken)):
            if self._open.get(candidate):
                return self._take(worker, candidate)
        opened = self._open_next()
        if opened is not None:
            return self._take(worker, opened)
        return self._help(worker)

    def _take(self, worker: int, group: str) -> Block:
        block = self._open[group].popleft()
        self._at[worker] = (group, block)
        return block

    def _help(self, worker: int) -> Block | None:
        """A block of a group that others are at, or the last job of the longest block under way."""
        fullest = max(self._open, key=lambda group: sum(map(len, self._open[group])), default=None)
        if fullest is not None and self._open[fullest]:
            return self._take(worker, fullest)
        group, longest = max(self._at.values(), key=lambda at: len(at[1]), default=("", None))
        if not longest:
            return None
        self._at[worker] = (group, deque([longest.pop()]))
        return self._at[worker][1]

    def _open_next(self) -> str | None:
        """Open the group that comes next in the plan, if there is one."""
        group: str
        for group, jobs in self._unopened:
            blocks = [deque(block) for _, block in itertools.groupby(jobs, key=lambda job: job.cell.defense)]
            self._open.setdefault(group, deque()).extend(blocks)
            self._unfinished[group] += sum(map(len, blocks))
            return group
        return None
