"""What each defense is worth: the multiplier of the best attacker who knows it, beside its cost to honest users."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import make_classification

import mex
from mex.app.analysis.aggregate import Comparison, compare
from mex.app.analysis.crosstab import COSTS
from mex.app.analysis.numbers import number, share, times
from mex.app.matrix.counters import sentences
from mex.app.matrix.plan import Plan

REGISTRY = mex.load_registry()
OPTIONS = argparse.ArgumentParser(add_help=False)
OPTIONS.add_argument("--out", type=Path, help="where the cells of worth are kept, a folder for each dataset")
OPTIONS.add_argument("--jobs", type=int, default=2, help="the worker processes of worth")
LEVEL, BUDGET = 0.99, 2000
LONGEST = 600
"""Seconds after which a cell has failed."""
ATTACKS = {  # beside those that the matrix adds because they counter a defense
    "pivot": {"eps": 1e-3},  # told of rho
    "passive": {},
    "near": {"use": "passive", "sampler": "near"},
    "margin": {"batch": 10},
    "margin, near": {"use": "margin", "sampler": "near", "batch": 50},  # counters of some, here against all
}
DEFENSES = {
    "none": {},
    "fresh noise": {"use": "bounded-noise", "rho": 0.1},
    "sticky noise": {"use": "bounded-noise", "rho": 0.1, "sticky": True},
    "boundary-noise": {},
    "boundary-noise, sticky": {"use": "boundary-noise", "sticky": True},
    "margin-noise": {},
    "model-distribution": {},
    "model-ensemble": {},
    "label-only": {},
    "detector, mmd": {"use": "query-detector"},
    "detector, hotelling": {"use": "query-detector", "test": "hotelling"},
    "query-budget": {"limit": 300},
}
CONFIDENCE = {"none": {}, "rounding": {}, "reverse-sigmoid": {}, "gaussian-output": {}}


def breast_cancer(seeds: int) -> None:
    """Queries of the best attack to an agreement of 0.99, how many times more than undefended, and honest costs."""
    _worth(seeds, ATTACKS, DEFENSES, "breast-cancer")


def adult(seeds: int) -> None:
    """The same on adult: integers and one-hot groups."""
    _worth(seeds, ATTACKS, DEFENSES, "adult")


def four_features(seeds: int) -> None:
    """The same on 1,372 rows of four continuous features, as many as the banknote data has."""
    with tempfile.TemporaryDirectory() as directory:
        _worth(seeds, ATTACKS, DEFENSES, f"csv:path={written(Path(directory))}")


def probabilities(seeds: int) -> None:
    """The same where probabilities are shown: defenses of confidence, and attacks on labels beside equation solving."""
    attacks = {**ATTACKS, "equation-solving": {}}
    _worth(seeds, attacks, CONFIDENCE, "breast-cancer", answers="proba")


def written(directory: Path) -> Path:
    """A CSV file of four features and two classes that overlap little."""
    X, y = make_classification(1372, 4, n_informative=4, n_redundant=0, class_sep=1.5, flip_y=0.0, random_state=0)
    path = directory / "four-features.csv"
    np.savetxt(
        path, np.column_stack([X, y]), delimiter=",", header="a,b,c,d,label", comments="", fmt=["%.6f"] * 4 + ["%d"]
    )
    return path


def _worth(seeds: int, attacks: Any, defenses: Any, dataset: str, answers: str = "label") -> None:
    plan = {
        "attacks": attacks,
        "defenses": defenses,
        "models": ["logistic"],
        "datasets": [dataset],
        "answers": answers,
        "budget": BUDGET,
        "seeds": seeds,
    }
    resolved = Plan.of(plan).resolve(REGISTRY)
    options = OPTIONS.parse_known_args()[0]
    out = options.out and options.out / f"{Path(dataset).stem}-{answers}"
    records = mex.matrix(plan, registry=REGISTRY, jobs=options.jobs, time_limit=LONGEST, out=out)
    print(*sentences(resolved), sep="\n")
    for comparison in compare(records, resolved):
        _show(comparison)
    for record in records:
        if record["status"] == "failed":
            print(f"failed: {record['attack']} x {record['defense']} on {record['dataset']}: {record['reason']}")


def _show(comparison: Comparison) -> None:
    print(f"\n{comparison.title}, {BUDGET} queries")
    costs = "".join(f"{name:>17s}" for name, _, _ in COSTS)
    print(f"{'defense':24s} {'best attack':30s} {'queries':>8s} {'agrees':>7s}  {'times more queries':24s}{costs}")
    for defense in comparison.defenses:
        best = comparison.best(defense, LEVEL)
        if best is None:
            print(f"{defense:24s} no attack ran")
            continue
        group = comparison.groups[best, defense]
        queries, agreement = group.median(f"queries_to_{LEVEL}"), group.median("agreement")
        assert queries
        assert agreement
        paid = [comparison.cost(defense, field) for _, field, _ in COSTS]
        shown = "".join(
            f"{form(cost.value, group.rows) if cost else '':>17s}"
            for (_, _, form), cost in zip(COSTS, paid, strict=True)
        )
        factor = times(comparison.multiplier(defense, LEVEL), comparison.more_than(defense, LEVEL))
        agrees = share(agreement.value, group.rows)
        print(f"{defense:24s} {best:30s} {number(queries.value):>8s} {agrees:>7s}  {factor:24s}{shown}")


PARTS = {f"worth-{part.__name__}": part for part in (breast_cancer, four_features, adult, probabilities)}
