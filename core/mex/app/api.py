"""The same from Python: one attack on any model in a line, and the matrix."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from mex.app.matrix.engine import Workers
from mex.app.matrix.experiment import run_attack
from mex.app.matrix.isolation import isolated
from mex.app.matrix.ledgers import Asked, describe, replaying
from mex.app.matrix.plan import read
from mex.app.matrix.record import Record
from mex.app.matrix.run import DEFAULT, Run
from mex.app.matrix.scenarios import protect
from mex.dataset import Rows
from mex.domain import Domain
from mex.extraction import Extraction
from mex.knowledge import Family
from mex.oracle import PRICE_PER_QUERY
from mex.registry import Registry
from mex.registry.loader import load_registry
from mex.registry.spec import Spec
from mex.schema import Schema
from mex.target import Target
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.tabular.adapters import TableModel, target_of
from mex.types import Answer, Array, Estimator


def attack(
    attack: str,
    model: Estimator,
    *,
    defense: str = "none",
    domain: Domain | None = None,
    family: Family | str | None = None,
    classes: npt.ArrayLike | None = None,
    like: Any = None,
    pool: Any = None,
    train: tuple[Any, Array] | None = None,
    answers: Answer | None = None,
    budget: int = 1000,
    price_per_query: float = PRICE_PER_QUERY,
    seed: int = 0,
    ledger: str | Path | None = None,
    registry: Registry | None = None,
) -> Extraction:
    """Attack a fitted model: a :class:`mex.Target`, or any object with ``predict``.

    Args:
        attack, defense: components as on the command line, ``name:key=value``.
        model: the model; what its interface accepts is ``domain`` (by default all of R^d, or what ``like`` shows).
        family: the public class F that the model is from, such as ``linear``: attacks on one class ask for it.
        classes: the labels it answers with, in the order of its probabilities, if it has no ``classes_``.
        like: for a model of tables a data frame as it takes them, the path of a CSV file, or a :class:`mex.Schema`.
            Then ``pool`` and ``train`` are such tables, and the stolen model takes them as well.
        pool: unlabeled rows that the attacker has, shape (n, d); of a table, those without a missing value.
        train: the operator's rows and labels, for defenses that learn from them.
        answers, budget, price_per_query, seed: as :class:`mex.Oracle` and the command line have them; the same
            seed gives the same queries as there.
        ledger: a file that keeps what the model was asked and answered; what it holds already is not asked again, so
            that an attack that was ended or killed goes on where it stopped.

    Where the model fails after its first answers, a warning says so, and what was paid for until then is returned.

    Raises:
        Incompatible: if the attack or the defense cannot work on this model.
        UsageError: for an unknown name or a bad value.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> stolen = attack("passive:model=decision-tree", model, pool=X, domain=Domain.of(X), budget=100)
    >>> stolen.queries, float((stolen.hypothesis.predict(X) == model.predict(X)).mean().round(2))
    (100, 0.97)
    """
    registry = registry or load_registry()
    family = Family(family) if isinstance(family, str) else family
    wrapped = isinstance(model, Target)
    schema = None if like is None else like if isinstance(like, Schema) else Schema.of(model, like=like)
    if schema is not None:
        train = train and (schema.encode(train[0]), train[1])
        pool = None if pool is None else schema.encode(pool)
        pool = None if pool is None else pool[~np.isnan(pool).any(axis=1)]
    target = model if wrapped else target_of(model, schema, domain=domain, family=family, classes=classes)
    rows = Rows(*train) if train else Rows(np.empty((0, target.domain.n_features)), np.empty(0))
    with isolated(seed):
        asked = Asked(protect(registry, Spec.of(defense), target, rows, seed))
        if ledger is not None:
            asked = replaying(asked.target, Session(Ledger.at(Path(ledger), describe(target)), "attack"))
        with contextlib.closing(asked):
            extraction = run_attack(
                registry,
                Spec.of(attack),
                asked.target,
                seed=seed,
                pool=pool,
                answers=answers,
                budget=budget,
                price_per_query=price_per_query,
            )
    extraction = asked.tell(extraction)
    if extraction.stopped == "failed":
        warnings.warn(f"{extraction.note}; the attack ended there", RuntimeWarning, stacklevel=2)
    return extraction if schema is None else _taking_tables(extraction, schema)


def _taking_tables(extraction: Extraction, schema: Schema) -> Extraction:
    """The same with hypotheses that take the tables of a schema."""
    return attrs.evolve(
        extraction,
        hypothesis=TableModel(extraction.hypothesis, schema),
        snapshots=tuple((queries, TableModel(kept, schema)) for queries, kept in extraction.snapshots),
    )


def matrix(
    plan: str | Path | Mapping[str, Any] | None = None,
    *,
    jobs: int | None = None,
    backend: str = "processes",
    scheduler: str | None = None,
    time_limit: float | None = None,
    out: str | Path | None = None,
    ledger: bool = False,
    retry_failed: bool = False,
    registry: Registry | None = None,
) -> list[Record]:
    """Run a matrix and return the records of its cells, in the order of the plan.

    Args:
        plan: a TOML file, or tables as in one, such as ``{"attacks": ["passive"], "seeds": 2, …}``;
            by default the one that ``mex matrix`` runs.
        jobs: how many worker processes, which use the installed plugins. By default cells run in this process:
            with plugins of its own and under a debugger, but one that ends the process ends it.
        backend: ``processes``, or ``dask`` for a cluster that runs at the address ``scheduler``.
        time_limit: seconds of wall time after which a cell has failed and its process is killed.
        out: a directory that keeps every finished cell and the recipe of the run, ``run.toml``; what it
            holds already is not run again.
        ledger: keep there as well what every attack asked and was answered, a file for each cell.
        retry_failed: run again what failed there.
        registry: the components, by default those installed.

    Raises:
        UsageError: for a plan that cannot be run; nothing has run then.
    """
    tables = DEFAULT if plan is None else plan if isinstance(plan, Mapping) else read(Path(plan))
    return list(
        Run(
            tables,
            registry or load_registry(),
            workers=Workers(jobs, backend, scheduler, time_limit),
            out=None if out is None else Path(out),
            retry_failed=retry_failed,
            ledger=ledger,
        )
    )
