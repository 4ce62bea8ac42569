"""The same from Python: one attack on any model in a line, and the matrix."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from mex.app.given import SHARE, read_given
from mex.app.judging import EVALUATION, judge_of, judged, name_of
from mex.app.matrix.backends import Workers
from mex.app.matrix.experiment import run_attack
from mex.app.matrix.isolation import isolated
from mex.app.matrix.ledgers import kept
from mex.app.matrix.plan import read
from mex.app.matrix.record import Record
from mex.app.matrix.run import Run, tables_beside
from mex.app.matrix.scenarios import protect
from mex.app.objects import read_objects
from mex.app.progress import interactive, late_queries_bar
from mex.app.result import AttackResult
from mex.defense import twin
from mex.domain import Domain
from mex.knowledge import Family
from mex.oracle import PRICE_PER_QUERY
from mex.registry import Registry
from mex.registry.loader import load_registry
from mex.registry.spec import Spec
from mex.target import Target
from mex.types import Answer, Estimator


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
    held_out: Any = SHARE,
    train: tuple[Any, Any] | None = None,
    answers: Answer | None = None,
    budget: int = 1000,
    price_per_query: float = PRICE_PER_QUERY,
    seed: int = 0,
    ledger: str | Path | None = None,
    evaluation_budget: int = EVALUATION,
    registry: Registry | None = None,
) -> AttackResult:
    """Attack a fitted model, and say how many queries and dollars it takes to steal it.

    Args:
        attack, defense: components as on the command line, ``name:key=value``.
        model: a fitted estimator or any object with ``predict``, a function of rows, shape (n, d), or of tables, or a
            :class:`mex.Target`.
        domain: what its interface accepts; by default all of R^d, or what ``like`` shows.
        family: the public class F that the model is from, such as ``linear``: attacks on one class ask for it.
        classes: the labels it answers with, in the order of its probabilities, if it has no ``classes_``.
        like: for a model of tables a data frame as it takes them, the path of a CSV or Parquet file, or a
            :class:`mex.Schema`; by default the first data frame among the next three, which are such tables then.
        pool: unlabeled rows that the attacker has, shape (n, d), or a table.
        held_out: rows on which the stolen model is compared with the real one, or the share of the pool that is
            held out for this (of a pool of 40 or more rows); None for no comparison. It asks the model about
            these rows, up to 1000 of them twice, and 4000 others; none of these are the attacker's queries.
        train: the operator's rows and labels, for defenses that learn from them.
        answers, budget, price_per_query, seed: as :class:`mex.Oracle` and the command line have them. The same pool
            and seed give the same queries as there. Of a function ``answers`` says which kind it gives.
        ledger: a file that keeps what the model was asked and answered, so that nothing is asked again when the attack
            goes on. What is asked to judge is kept beside it, in ``NAME-evaluation.ledger``.
        evaluation_budget: rows at most that a model which costs money is asked to judge.

    Rows may be arrays, lists, sparse matrices or data frames; those with a missing value are left out. A model that
    raises an error is asked again; where it goes on to, after its first answers, a warning says so, and what was paid
    for until then is returned, as it is when interrupted at a prompt or in a notebook. An error of the attack itself
    has what was paid for as its attribute ``transcript``.

    Raises:
        Incompatible: if the attack or the defense cannot work on this model.
        UsageError: for an unknown name or a bad value.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> attack("passive:model=decision-tree", model, pool=X, domain=Domain.of(X), budget=100)
    passive:model=decision-tree on DecisionTreeClassifier: the budget is spent after 100 queries ($0.0100)
    agreement: 0.97 on 38 held-out rows (one constant answer: 0.39)
    by class: 0.96, each alike
    near: 0.7580 on rows between them
    uniform: 0.5645 on uniform points (one constant answer: 0.3600)
    to 0.95: 52 queries ($0.0052)
    to 0.99: not reached
    to 0.999: not reached
    """
    registry = registry or load_registry()
    spec, behind = Spec.of(attack), Spec.of(defense)
    given = read_given(
        model,
        *(like, pool, held_out, train),
        seed,
        domain=domain,
        family=Family(family) if isinstance(family, str) else family,
        classes=classes,
        answers=(answers,) if answers and not isinstance(model, Target) and not hasattr(model, "predict") else None,
    )
    judge, path = twin(judge_of(given.target)), None if ledger is None else Path(ledger)
    defended = protect(registry, behind, given.target, given.train, seed)
    with isolated(seed), late_queries_bar(spec.name, budget) as count, kept(defended, path, budget) as asked:
        extraction = run_attack(
            registry,
            spec,
            asked.target,
            seed=seed,
            pool=given.pool,
            answers=answers,
            budget=budget,
            price_per_query=price_per_query,
            on_progress=count,
            interruptible=interactive(),
        )
    extraction = asked.tell(extraction)
    if extraction.stopped == "failed":
        warnings.warn(f"{extraction.note}; the attack ended there", RuntimeWarning, stacklevel=2)
    names = {"attack": str(spec), "defense": str(behind), "model": name_of(given.target)}
    return judged(extraction, given, judge, seed, path, evaluation_budget, **names, price_per_query=price_per_query)


def matrix(
    plan: str | Path | Mapping[str, Any] | None = None,
    *,
    models: Any = None,
    data: Any = None,
    target: str | None = None,
    jobs: int | None = None,
    backend: str = "processes",
    scheduler: str | None = None,
    time_limit: float | None = None,
    out: str | Path | None = None,
    ledger: bool = False,
    retry_failed: bool = False,
    registry: Registry | None = None,
    **settings: Any,
) -> list[Record]:
    """Run a matrix and return the records of its cells, in the order of the plan.

    Args:
        plan: a TOML file, or tables as in one, such as ``{"attacks": ["passive"], "seeds": 2, …}``;
            by default the one that ``mex matrix`` runs. Attacks that know one of its defenses are added, unless
            ``counters`` is false.
        models: by name, fitted estimators, functions of rows, or mappings of such an ``object`` and any of ``like``,
            ``schema``, ``classes``, ``answers`` and ``family``; components as in a plan stand beside them. They are not
            fitted again: of the rows of ``data`` a third each is the attacker's, the judge's, and for defenses to
            learn from.
        data: what these models are asked about: (X, y), a data frame one of whose columns may be the ``target``, a
            dataset as on the command line; or several of them by name.
        target: the column of the true labels.
        jobs: how many worker processes, which use the installed plugins; by default cells run in this process.
        backend: ``processes``, or ``dask`` for a cluster that runs at the address ``scheduler``.
        time_limit: seconds of wall time after which a cell has failed and its process is killed.
        out: a directory that keeps every finished cell and the recipe of the run, ``run.toml``; what it holds already
            is not run again. Objects are told apart by a digest of them and of their code.
        ledger: keep there as well what every attack asked and was answered, a file for each cell.
        retry_failed: run again what failed there.
        registry: the components, by default those installed.
        settings: keys of a plan, such as ``attacks``, ``defenses`` and ``seeds``; they go before those of ``plan``.

    Raises:
        UsageError: for a plan that cannot be run; nothing has run then.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> mine = {"mine": DecisionTreeClassifier(random_state=0).fit(X, y)}
    >>> plan = {"attacks": ["tree-structure"], "defenses": ["none"], "answers": "leaf", "seeds": 1}
    >>> records = matrix(plan, models=mine, data=(X, y))
    >>> records[0]["model"], records[0]["agreement"]
    ('mine', 1.0)
    """
    registry = registry or load_registry()
    axes, live = read_objects(models, data, target)
    tables = tables_beside(axes | settings) if plan is None else plan if isinstance(plan, Mapping) else read(Path(plan))
    run = Run(
        {**tables, **settings, **axes},
        live.added_to(registry) if live else registry,
        workers=Workers(jobs, backend, scheduler, time_limit, live=live),
        out=None if out is None else Path(out),
        retry_failed=retry_failed,
        ledger=ledger,
        persistent=True,
    )
    records = list(run)
    for sentence in filter(None, (run.restored, run.unwritten)):
        warnings.warn(sentence, RuntimeWarning, stacklevel=2)
    return records
