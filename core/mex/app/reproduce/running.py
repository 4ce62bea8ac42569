"""Running an experiment: its matrix, or its cells one by one where their transcripts are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

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
    keep = None if experiment.transcripts else out
    run = Run(tables, registry, workers=workers, out=keep, on_read=on_read)
    places = [where for row in experiment.rows for where in (row.where, row.over, row.ours) if where is not None]
    read = {tuple(getattr(run.plan, axis).get(where[kind]) for kind, axis in KINDS.items()) for where in places}
    run.cells = run.cells.only(lambda cell: (cell.attack, cell.defense, cell.model, cell.dataset) in read)
    return run


def records_of(experiment: Experiment, run: Run) -> Iterator[Record]:
    """Run the cells; those of an experiment on transcripts here, one after the other."""
    if not experiment.transcripts:
        yield from run
        return
    from mex.app.reproduce.transcripts import with_transcript

    for cell in run.cells:
        try:
            yield with_transcript(run.registry, cell)
        except Incompatible as error:
            yield unfinished(cell.identity(), "skipped", sentence(error))
        except Exception as error:
            yield unfinished(cell.identity(), "failed", sentence(error))
