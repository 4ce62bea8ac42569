"""From Python as from the command line: the same queries, the same refusals, the same checks before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import measure, set_scene
from mex.app.matrix.results import FILE
from mex.dataset import Rows
from mex.target import Target

PLAN: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 20,
    "seeds": 1,
    "counters": False,
}


def asked_from_python(registry: mex.Registry, cell: Cell, attack: str, defense: str) -> mex.Extraction:
    scene = set_scene(registry, cell.model, cell.dataset, cell.seed)
    return mex.attack(
        attack,
        scene.target,
        defense=defense,
        pool=scene.pool.X,
        held_out=None,
        train=(scene.train.X, scene.train.y),
        budget=cell.budget,
        seed=cell.seed,
        registry=registry,
    )


@pytest.mark.parametrize("attack", ["margin", "passive:sampler=uniform", "majority-vote:inner=margin,q=5"])
@pytest.mark.parametrize(
    "defense", ["none", "bounded-noise:rho=0.2", "bounded-noise:rho=0.1 + bounded-noise:sticky=true"]
)
def test_an_attack_from_python_asks_what_its_cell_asks(registry: mex.Registry, attack: str, defense: str) -> None:
    cell = Cell(
        attack=registry.resolve("attack", attack),
        defense=registry.resolve("defense", defense),
        model=registry.resolve("model", "logistic"),
        dataset=registry.resolve("dataset", "haberman"),
        seed=3,
        budget=60,
    )
    _, there = measure(registry, cell)
    here = asked_from_python(registry, cell, attack, defense)
    assert np.array_equal(here.transcript.X, there.transcript.X)
    assert np.array_equal(here.transcript.answers, there.transcript.answers)


@attrs.frozen(kw_only=True)
class Choosy:
    """A defense for regressors only."""

    scope: ClassVar[mex.Scope] = mex.Scope(tasks="regression")
    paper: ClassVar[str] = "none"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        raise AssertionError("out of its scope")


OUT_OF_SCOPE = {
    "choosy": "choosy works on regression targets; this one is binary",
    "none + choosy": r"none \+ choosy works on regression targets; this one is binary",
    "bounded-noise + choosy": "one works on binary and multiclass targets, the other on regression",
}


@pytest.mark.parametrize("defense", OUT_OF_SCOPE)
def test_a_defense_out_of_its_scope_protects_nothing_nested_or_not(
    given: Callable[..., mex.Registry], defense: str
) -> None:
    registry = given(defense={"choosy": Choosy})
    (record,) = mex.matrix({**PLAN, "defenses": [defense]}, registry=registry)
    assert record["status"] == "skipped"
    cell = Cell(
        **{kind: registry.resolve(kind, PLAN[f"{kind}s"][0]) for kind in ("attack", "model", "dataset")},
        defense=registry.resolve("defense", defense),
    )
    with pytest.raises(mex.Incompatible, match=OUT_OF_SCOPE[defense]) as refused:
        asked_from_python(registry, cell, "passive", defense)
    assert record["reason"] == str(refused.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"gate": {"fail_if": ["nonsense < 1"]}}, "a gate is FIELD < NUMBER"),
        ({"gate": {"fail_if": "agreement > 1"}}, "holds fail_if, a list of conditions"),
        ({"price_per_query": float("nan")}, "price_per_query must be a number of at least 0, not nan"),
        ({"price_per_query": True}, "price_per_query must be a number of at least 0, not True"),
        ({"models": [{"use": "logistic", "C": float("inf")}]}, "model 'logistic': C must be a number above 0, not inf"),
    ],
)
def test_what_is_wrong_with_a_plan_is_told_before_anything_runs_or_is_written(
    registry: mex.Registry, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(mex.UsageError, match=sentence):
        mex.matrix({**PLAN, **change}, registry=registry, out=tmp_path / "out")
    assert not (tmp_path / "out" / FILE).exists()


@attrs.frozen(kw_only=True)
class Unbounded:
    """An attack with parameters that no record can hold."""

    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"
    limit: Any = attrs.field(default=1.0)

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        raise AssertionError("never started")


@pytest.mark.parametrize("value", [float("inf"), float("nan"), np.arange(3), {1: 2}, {"a": [object()]}])
def test_a_parameter_that_is_no_json_is_a_sentence_about_its_component(
    given: Callable[..., mex.Registry], value: Any
) -> None:
    registry = given(attack={"unbounded": Unbounded})
    sentence = "attack 'unbounded': limit must be what JSON can hold, not"
    with pytest.raises(mex.UsageError, match=sentence) as error:
        mex.matrix({**PLAN, "attacks": [{"use": "unbounded", "limit": value}]}, registry=registry)
    assert "\n" not in str(error.value)
    with pytest.raises(mex.UsageError, match=sentence):
        mex.matrix({**PLAN, "attacks": {"mine": {"use": "unbounded", "limit": value}}}, registry=registry)


def test_a_default_that_is_no_json_is_told_as_well(given: Callable[..., mex.Registry]) -> None:
    @attrs.frozen(kw_only=True)
    class Infinite(Unbounded):
        limit: float = attrs.field(default=float("inf"))

    with pytest.raises(mex.UsageError, match="attack 'infinite': limit must be what JSON can hold, not inf"):
        mex.matrix({**PLAN, "attacks": ["infinite"]}, registry=given(attack={"infinite": Infinite}))


def test_numbers_of_numpy_and_ranges_are_taken_where_numbers_and_lists_are(registry: mex.Registry) -> None:
    attack = {"use": "passive", "model": {"use": "random-forest", "trees": np.int64(3)}}
    plan = {
        **PLAN,
        "attacks": [attack],
        "budget": np.int32(20),
        "seeds": range(1, 3),
        "price_per_query": np.float32(0.5),
    }
    records = mex.matrix(plan, registry=registry)
    assert [(record["seed"], record["queries"], record["price_usd"]) for record in records] == [
        (1, 20, 10),
        (2, 20, 10),
    ]
    assert records[0]["attack_params"]["model"]["trees"] == 3
