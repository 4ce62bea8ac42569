"""What every attack promises, by the conformance kit; and that each strategy chooses its queries by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mex_activeml.attack import STRATEGIES, ActiveML

import mex
from mex.testing import Check, checks
from mex.testing.examples import example_dataset, example_target


@pytest.mark.parametrize("check", checks("attack", "activeml:batch=20", least_agreement=0.85))
def test_it_keeps_the_promises_of_an_attack(check: Check) -> None:
    check()


SLOW = ("epistemic", "monte-carlo-eer", "value-of-information")
"""Strategies that fit a model for each candidate and class."""


def asked(strategy: str) -> mex.Extraction:
    budget, pool, batch = (12, 15, 1) if strategy in SLOW else (30, 80, 10)
    oracle = mex.Oracle(example_target(), answers="label", budget=budget)
    known = oracle.knowledge(pool=example_dataset().X[:pool])
    learner = ActiveML(strategy=strategy, start=10, batch=batch).learner(known, np.random.default_rng(0))
    return mex.extract(oracle, learner, snapshots=False)


@pytest.mark.filterwarnings("ignore")  # what scikit-activeml says of its own dependencies
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_strategy_asks_rows_of_the_pool_once_and_repeats_itself(strategy: str) -> None:
    first, again = asked(strategy), asked(strategy)
    assert first.queries == first.unique_queries == (12 if strategy in SLOW else 30)
    assert np.array_equal(first.transcript.X, again.transcript.X)


def test_the_plan_that_compares_runs_as_it_is() -> None:
    plan = Path(__file__).parents[1] / "margin.toml"
    records = mex.matrix(plan, budget=12, seeds=1)
    assert [record["attack"] for record in records] == ["activeml", "activeml", "margin", "pivot"]
    assert {record["status"] for record in records} == {"ok"}


def test_margin_asks_nearer_to_the_boundary_than_chance() -> None:
    target = example_target()

    def distance(strategy: str) -> float:
        later = asked(strategy).transcript.X[10:]
        return float(np.abs(target.estimator.decision_function(later)).mean())

    assert distance("margin") < 0.7 * distance("random")
