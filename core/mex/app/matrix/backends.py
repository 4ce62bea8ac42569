"""Where the cells of a matrix run, and when they are ended."""

from __future__ import annotations

import math
import os
from typing import Any

import attrs

from mex.app.matrix.live import Live
from mex.app.matrix.worker import End
from mex.errors import UsageError, suggest
from mex.registry import Registry

BACKENDS = ("processes", "dask")


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _backend(_: Any, __: Any, value: Any) -> None:
    if value not in BACKENDS:
        raise UsageError(f"no backend named {value!r}{suggest(str(value), BACKENDS)}")


def _jobs(_: Any, __: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise UsageError(f"jobs must be a whole number of at least 1, not {value!r}")


def _limit(workers: Workers, _: Any, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise UsageError(f"a time limit must be a number of seconds above 0, not {value!r}")
    if workers.backend == "dask" or workers.jobs is None:
        raise UsageError("a time limit needs worker processes that can be killed: say how many jobs")


def _travels(workers: Workers, _: Any, value: Live | None) -> None:
    if value is not None and workers.backend == "dask":
        raise UsageError("objects of this process do not travel to a cluster: save the model, and give file:path=")


@attrs.frozen
class Workers:
    """Where cells run: in this process, in worker processes, or on a dask cluster.

    Attributes:
        jobs: how many processes; None is this one, where a plugin can be debugged and may end everything.
        backend: ``processes`` or ``dask``.
        scheduler: the address of the dask cluster.
        time_limit: how many seconds of wall time a cell may take before it has failed; no part of a plan, for it
            depends on the machine.
        fork: whether workers may be copies of this process (:class:`mex.app.matrix.processes.Processes`).
        live: objects of this process that are components as well.
        until: the time, as :func:`time.monotonic` has it, after which no cell starts and those in worker processes are
            ended: they have failed, with that reason.
        cpu_limit: how many seconds of CPU time a cell in a worker process may take before it has failed.

    Raises:
        UsageError: for a number of jobs, a backend or a time limit that is none.
    """

    jobs: int | None = attrs.field(default=None, validator=_jobs)
    backend: str = attrs.field(default="processes", validator=_backend)
    scheduler: str | None = None
    time_limit: float | None = attrs.field(default=None, validator=_limit)
    fork: bool = False
    live: Live | None = attrs.field(default=None, validator=_travels)
    until: float = math.inf
    cpu_limit: float | None = None

    @property
    def end(self) -> End:
        """When cells are ended, for worker processes."""
        return End(self.time_limit, self.cpu_limit, self.until)

    def can_have(self, registry: Registry) -> bool:
        """Whether the components of ``registry`` are there where cells run."""
        return registry.installed or (self.backend == "processes" and (self.jobs is None or self.fork))
