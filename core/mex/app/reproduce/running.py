"""Running an experiment: its matrix, or its cells one by one where their transcripts are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from mex.app.matrix.backends import Workers
from mex.app.matrix.json_lines import unfinished
from mex.app.matrix.record import Record
from mex.app.matrix.run import Run
from mex.app.reproduce.experiment import KINDS, Experiment
from mex.errors import Incompatible, sentence
from mex.registry import Registry


def prepare(
    experiment: Experiment,
    registry: Registry,
    *,
    quick: bool = False,
    seeds: int | None = None,
    workers: Workers | None = None,
    out: Path | None = None,
    on_read: Callable[[str], None] = lambda _: None,
) -> Run:
    """The matrix of an experiment, ready to run: those of its cells that some line reads.

    Args:
        experiment: which.
        registry: the components.
        quick: run what is reduced.
        seeds: how many, if not as many as the file says.
        workers: where cells run; those of an experiment on transcripts run in this process.
        out: a directory that keeps the cells; what it holds is not run again.
        on_read: called with each sentence about the data.

    Raises:
        UsageError: if a component is missing or the directory cannot be written.
    """
    tables = experiment.tables(quick)
    if seeds is not None:
        tables["seeds"] = seeds
    run = Run(tables, registry, workers=workers, out=out, on_read=on_read)
    places = [where for row in experiment.rows for where in (row.where, row.over, row.ours) if where is not None]
    read = {tuple(getattr(run.plan, axis).get(where[kind]) for kind, axis in KINDS.items()) for where in places}
    run.cells = run.cells.only(lambda cell: (cell.attack, cell.defense, cell.model, cell.dataset) in read)
    return run


def records_of(experiment: Experiment, run: Run) -> Iterator[Record]:
    """Run the cells; those of an experiment on transcripts here, one after the other."""
    if not experiment.transcripts:
        yield from run
        return
    from mex.app.reproduce.transcripts import Numbers, with_transcript

    numbers = Numbers(run.results.path.parent if run.results else None)
    for cell in run.cells:
        kept = run.results.records.get(cell.key) if run.results else None
        if kept is None or (kept["status"] == "ok" and cell.key not in numbers):
            try:
                kept, numbers[cell.key] = with_transcript(run.registry, cell)
            except Incompatible as error:
                kept = unfinished(cell.identity(), "skipped", sentence(error))
            except Exception as error:
                kept = unfinished(cell.identity(), "failed", sentence(error))
            if run.results:
                run.results.append(kept)
        yield cast("Record", {**kept, **numbers.get(cell.key, {})})
    if run.results:
        run.results.finish()
