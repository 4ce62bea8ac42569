"""A cell is known by its key, and a plan makes its cells one by one."""

from __future__ import annotations

import pickle
import tracemalloc
from typing import Any

import attrs
import pytest

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.plan import Plan
from mex.registry.spec import Spec

WRITTEN: dict[str, Any] = {
    "cell": "b5d5b70cfad19c90",
    "attack": "pivot",
    "attack_params": {
        "eps": 0.0001,
        "stop": "confidence",
        "confidence": 0.9,
        "rho": None,
        "mode": "sequential",
        "basis": "random",
    },
    "defense": "none",
    "defense_params": {},
    "model": "logistic",
    "model_params": {"C": 1.0, "fit_intercept": True},
    "dataset": "breast-cancer",
    "dataset_params": {"positive": None},
    "seed": 0,
    "answers": None,
    "budget": 700,
    "price_per_query": 0.0001,
    "mex_version": "0.1.0",
}
"""What a cell was known by when version 0.1.0 wrote its record."""


def of_record(record: dict[str, Any]) -> Cell:
    specs = {kind: Spec(record[kind], record[f"{kind}_params"]) for kind in ("attack", "defense", "model", "dataset")}
    return Cell(**specs, **{key: record[key] for key in ("seed", "answers", "budget", "price_per_query")})


def test_a_cell_has_the_key_under_which_results_were_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mex, "__version__", "0.1.0")
    cell = of_record(WRITTEN)
    assert cell.identity() == WRITTEN
    assert attrs.evolve(cell, answers="label").key == "bdf7b219359f483d"


def test_what_is_done_to_an_identity_does_not_change_the_cell() -> None:
    cell = Cell(attack=Spec("a", {"inner": {"C": [1, 2]}}), defense=Spec("d"), model=Spec("m"), dataset=Spec("s"))
    cell.identity()["attack_params"]["inner"]["C"].append(3)
    assert cell.identity()["attack_params"] == {"inner": {"C": [1, 2]}}
    assert pickle.loads(pickle.dumps(cell)) == cell


def test_specs_that_are_written_alike_are_one_key_and_others_are_not() -> None:
    one = Spec("a", {"x": 1, "y": [True]})
    assert {one: "found"}[Spec("a", {"y": [True], "x": 1})] == "found"
    assert len({one, Spec("a", {"x": 1.0, "y": [True]}), Spec("a", {"x": 1, "y": [1]}), Spec("b", one.params)}) == 4
    given = {"x": [1]}
    spec = Spec("a", given)
    given["x"].append(2)
    assert spec.params == {"x": [1]}


def test_a_plan_of_many_cells_takes_no_room_and_each_is_found_at_its_place(registry: mex.Registry) -> None:
    tables = {
        "attacks": ["passive", "margin"],
        "defenses": ["none", "bounded-noise"],
        "models": ["logistic", "linear-svm"],
        "datasets": ["haberman"],
        "seeds": 25_000,
        "counters": False,
    }
    plan = Plan.of(tables).resolve(registry)
    tracemalloc.start()
    cells = plan.cells()
    assert len(cells) == 200_000
    last = cells[-1]
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()
    assert (last.attack.name, last.model.name, last.seed) == ("margin", "linear-svm", 24_999)
    assert cells[5:8] == [cells[5], cells[6], cells[7]]
    assert len({cell.key for cell in cells[:64]}) == 64
    with pytest.raises(IndexError):
        cells[200_000]


def test_those_that_are_wanted_keep_their_order(registry: mex.Registry) -> None:
    tables = {"attacks": ["pivot", "passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["iris"]}
    cells = Plan.of({**tables, "seeds": 3}).resolve(registry).cells()
    fewer = cells.only(lambda cell: cell.attack.name == "passive")
    assert [cell.key for cell in fewer] == [cell.key for cell in cells if cell.attack.name == "passive"]
    assert (len(fewer), len(cells), fewer[-1].seed) == (3, 6, 2)
    assert [cell.seed for cell in fewer.only(lambda cell: cell.seed > 0)[:]] == [1, 2]
