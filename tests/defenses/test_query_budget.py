"""query-budget: so many rows, then none."""

from __future__ import annotations

import numpy as np
import pytest

import mex
from mex.dataset import Rows
from mex.defense import twin
from mex.target import refusals
from mex.testing.examples import example_dataset, example_target

NO_ROWS = Rows(np.empty((0, 4)), np.empty(0))


def limited(registry: mex.Registry, spec: str) -> mex.Target:
    defended: mex.Target = registry.build("defense", spec).protect(example_target(), NO_ROWS, np.random.default_rng(0))
    return defended


def rows(n: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (n, example_target().domain.n_features))


@pytest.mark.parametrize("sizes", [[10], [1] * 10, [3, 4, 3], [7, 3]])
def test_the_first_rows_are_answered_however_they_come(registry: mex.Registry, sizes: list[int]) -> None:
    client = limited(registry, "query-budget:limit=7")
    X = rows(sum(sizes))
    admitted = np.concatenate([client.admit(part) for part in np.split(X, np.cumsum(sizes)[:-1])])
    assert admitted.tolist() == [True] * 7 + [False] * 3
    assert client.alarm is None, "an honest client may reach a limit"


def test_each_client_has_a_limit_of_its_own(registry: mex.Registry) -> None:
    first = limited(registry, "query-budget:limit=5")
    second = twin(first)
    assert first.admit(rows(6)).sum() == second.admit(rows(6)).sum() == 5


def test_an_attack_ends_refused_with_what_it_has(registry: mex.Registry) -> None:
    oracle = mex.Oracle(limited(registry, "query-budget:limit=40"), answers="label")
    data = example_dataset()
    learner = registry.build("attack", "passive").learner(oracle.knowledge(pool=data.X), np.random.default_rng(0))
    stolen = mex.extract(oracle, learner)
    assert stolen.stopped == "refused"
    assert refusals(stolen.transcript.answers).sum() == stolen.refused == stolen.queries - 40
    agreement = np.mean(stolen.hypothesis.predict(data.X) == example_target().answer(data.X, "label"))
    assert agreement > 0.8


def test_it_nests_and_refuses_before_what_is_behind_it_counts(registry: mex.Registry) -> None:
    client = limited(registry, "query-budget:limit=9 + bounded-noise:rho=0.1 + query-budget:limit=4")
    assert client.admit(rows(6)).tolist() == [True] * 4 + [False] * 2
    assert client.rho == pytest.approx(0.1)
    inner = limited(registry, "query-budget:limit=4 + query-budget:limit=9")
    assert inner.admit(rows(12)).sum() == 4


def test_a_limit_is_at_least_one_row(registry: mex.Registry) -> None:
    with pytest.raises(mex.UsageError, match="limit must be a whole number of at least 1"):
        registry.build("defense", "query-budget:limit=0")
