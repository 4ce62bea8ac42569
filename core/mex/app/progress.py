"""Progress for people only: on stderr where that is a terminal, below the cell of a notebook, nowhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mex.hooks import hookimpl
from mex.registry import Registry

LATE, PAUSE = 2.0, 0.2
"""Seconds after which something is shown of what takes long, and between two changes of it in a notebook."""


def interactive() -> bool:
    """Whether a person types what runs: at a prompt or in a notebook."""
    return hasattr(sys, "ps1") or _in_notebook()


def _in_notebook() -> bool:
    return Console().is_jupyter


def _bar(shown: bool = True) -> Progress:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    # Not as rich takes it, who shows bars wherever FORCE_COLOR says. Nothing of ours is printed beside a bar.
    shown = shown and sys.stderr.isatty()
    return Progress(*columns, console=console, transient=True, disable=not shown, redirect_stdout=False)


@contextmanager
def queries_bar(description: str, budget: int) -> Iterator[Callable[[int], None]]:
    """A bar of queries; yields the function to call with the count so far."""
    with _bar() as progress:
        task = progress.add_task(f"{description}, queries", total=budget)
        yield lambda queries: progress.update(task, completed=queries)


@contextmanager
def late_queries_bar(description: str, budget: int) -> Iterator[Callable[[int], None]]:
    """The same, once it takes longer than :data:`LATE` seconds; in a notebook a line of text."""
    started = time.monotonic()
    show: Callable[[int], None] | None = None
    with ExitStack() as stack:

        def count(queries: int) -> None:
            nonlocal show
            if show is None and time.monotonic() - started > LATE:
                bar = notebook_line if _in_notebook() else queries_bar
                show = stack.enter_context(bar(description, budget))
            if show is not None:
                show(queries)

        yield count


@contextmanager
def notebook_line(description: str, budget: int) -> Iterator[Callable[[int], None]]:
    """A line of queries below the cell of a notebook, empty in the end."""
    from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

    line = display({"text/plain": ""}, raw=True, display_id=True)
    shown = time.monotonic()

    def count(queries: int) -> None:
        nonlocal shown
        if time.monotonic() - shown > PAUSE:
            shown = time.monotonic()
            line.update({"text/plain": f"{description}: {queries} of {budget} queries"}, raw=True)

    yield count
    line.update({"text/plain": ""}, raw=True)


class CellsBar:
    """A plugin of ``registry``, while it is entered, that shows how many cells are done and which is under way."""

    def __init__(self, total: int, done: int, registry: Registry, shown: bool = True) -> None:
        self._registry = registry
        self._progress = _bar(shown)
        self._task = self._progress.add_task("cells", total=total, completed=done)

    def __enter__(self) -> CellsBar:
        self._registry.manager.register(self)
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
        if self._registry.manager.is_registered(self):
            self._registry.manager.unregister(self)

    @hookimpl
    def mex_cell_started(self, cell: Mapping[str, Any]) -> None:
        """Name the cell under way."""
        self._progress.update(self._task, description=_title(cell))

    @hookimpl
    def mex_cell_finished(self, cell: Mapping[str, Any], outcome: dict[str, Any]) -> None:
        """Count it; a failure is told at once."""
        self._progress.advance(self._task)
        if outcome["status"] == "failed":
            self._progress.console.print(f"failed: {_title(cell)}: {outcome['reason']}", markup=False)


def _title(cell: Mapping[str, Any]) -> str:
    return " × ".join(cell[kind] for kind in ("attack", "defense", "model", "dataset")) + f" seed {cell['seed']}"
