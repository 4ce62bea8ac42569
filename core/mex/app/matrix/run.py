"""A plan made ready and run: what ``mex matrix`` and :func:`mex.matrix` share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mex.app.analysis.gate import Gate
from mex.app.matrix import provenance
from mex.app.matrix.backends import Workers
from mex.app.matrix.engine import records
from mex.app.matrix.ledgers import kept_in
from mex.app.matrix.paid import evaluation_budget
from mex.app.matrix.plan import AXES, Plan
from mex.app.matrix.record import Record
from mex.app.matrix.results import Results
from mex.errors import UsageError
from mex.registry import Registry

DEFAULT: dict[str, Any] = {
    "attacks": {
        "pivot": {},
        "equation-solving": {},
        "tree-structure": {},
        # Few refits, and small ones: on data of this size hardly worse, in a tenth of the time.
        "surrogate": {
            "use": "boosted-surrogate",
            "trees": 60,
            "learning_rate": 0.4,
            "start": 100,
            "growth": 1.0,
            "several": False,
        },
    },
    "defenses": {
        "none": {},
        "noise": {"use": "bounded-noise", "rho": 0.1},
        "sticky-noise": {"use": "bounded-noise", "rho": 0.1, "sticky": True},
        "rounding": {"decimals": 2},
        "label-only": {},
        "query-detector": {},
    },
    "models": ["logistic", "decision-tree", "boosted-trees"],
    "datasets": ["breast-cancer"],
    "answers": ["label", "proba", "leaf"],
    "budget": 700,
    "seeds": 3,
}
"""The tables of the plan of ``mex matrix`` alone."""


def tables_beside(given: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of :data:`DEFAULT` that hold beside those ``given``: its kinds of answers suit its own components."""
    return {key: value for key, value in DEFAULT.items() if key != "answers" or not given.keys() & AXES.keys()}


class Run:
    """A plan that can be run: everything a user may have got wrong about it has been checked.

    Iterate over it once for the records of its cells, in the order of the plan.

    Attributes:
        plan: the plan, every default filled in.
        cells: its cells.
        gate: the conditions that fail it.
        workers: where the cells run.
        results: what is kept on disk, if anything is.
        ledgers: the directory that keeps ledgers, if any does.
        changes: sentences about what has changed since the last run that was kept in the same place.

    >>> from mex import load_registry
    >>> run = Run({**DEFAULT, "attacks": ["passive"], "defenses": ["none"], "budget": 20, "seeds": 1}, load_registry())
    >>> [(record["model"], record["queries"]) for record in run]
    [('logistic', 20), ('decision-tree', 20), ('boosted-trees', 20)]
    """

    def __init__(
        self,
        tables: Mapping[str, Any],
        registry: Registry,
        *,
        workers: Workers | None = None,
        out: Path | None = None,
        retry_failed: bool = False,
        ledger: bool = False,
        recipe: str = provenance.FILE,
        fail_if: Sequence[str] = (),
        fail_on: str | None = None,
        on_read: Callable[[str], None] = lambda sentence: None,
        persistent: bool = False,
    ) -> None:
        """Check ``tables`` (:meth:`Plan.of`) and open the directory ``out``; nothing runs.

        Args:
            tables: the plan.
            registry: the components.
            workers: where the cells run; by default in this process.
            out: a directory that keeps every finished cell and the recipe of the run; what it holds already is
                not run again.
            retry_failed: run again what failed there.
            ledger: keep there as well what every attack asked and was answered.
            recipe: the name of the file there that repeats this plan, where several plans share the directory.
            fail_if: conditions of the gate beside those of the plan.
            fail_on: what the gate judges, ``any`` seed or their ``median``, if not what the plan says.
            on_read: called with each sentence about the data that is read, before cells run.
            persistent: go on where a record cannot be written, and try again with the next one; :attr:`unwritten` says
                where it is kept in the end. Otherwise the iteration ends with that sentence.

        Raises:
            UsageError: for a plan that cannot be run, or a directory that cannot be written.
        """
        self.registry = registry
        self.plan = Plan.of(tables).resolve(registry)
        self.cells = self.plan.cells()
        self.gate = Gate.parse((*self.plan.fail_if, *fail_if), fail_on or self.plan.fail_on)
        self.workers = workers or Workers()
        paid = any(evaluation_budget(registry, model) is not None for model in self.cells.models)
        if paid and self.workers.backend == "dask":
            raise UsageError("a model that costs money is asked from one machine, which keeps its budget: no cluster")
        self.on_read = on_read
        self.persistent = persistent
        if ledger and (out is None or self.workers.backend == "dask"):
            raise UsageError("ledgers are kept in a directory of this machine: name one, and no cluster")
        self.ledgers = out if ledger else None
        self.results = None if out is None else Results(out)
        if self.results and retry_failed:
            self.results.forget_failed()
        self.changes = [] if out is None else provenance.write(out, self.plan, registry, recipe)

    @property
    def kept(self) -> int:
        """How many of the cells are on disk already."""
        stored = self.results.records if self.results else {}
        return sum(cell.key in stored for cell in self.cells) if stored else 0

    @property
    def restored(self) -> str:
        """A sentence if somebody has changed the file of the results while it was written; or ""."""
        if not self.results or not self.results.restored:
            return ""
        return f"{self.results.path} was cut by somebody else: {self.results.restored} records were written to it again"

    @property
    def unwritten(self) -> str:
        """A sentence if records could not be written, and where they are kept; or ""."""
        return self.results.unwritten if self.results else ""

    def __iter__(self) -> Generator[Record, None, None]:
        told = False
        try:
            with kept_in(self.ledgers):
                for record in records(self.registry, self.cells, self.workers, self.results, self.on_read):
                    if self.results and self.results.trouble and not told:
                        if not self.persistent:
                            break
                        self.on_read(f"{self.results.trouble}; the run goes on, and tries again with each record")
                        told = True
                    yield record
        finally:
            if self.results:
                self.results.finish()
        if self.unwritten and not self.persistent:
            raise UsageError(self.unwritten)
