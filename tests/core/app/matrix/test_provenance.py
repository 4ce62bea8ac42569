"""run.toml: what to give ``mex matrix`` to repeat a run."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import mex
from mex.app.matrix import provenance as recipe
from mex.app.matrix.plan import MADE_WITH, Plan, read

PLAN = {
    "attacks": {
        "passive": {"model": {"use": "logistic", "C": 3.5}},
        'odd "label"': {"use": "majority-vote", "inner": "margin"},
    },
    "defenses": ["none", "bounded-noise:rho=0.1 + none"],
    "models": ["logistic", "kernel-svm:gamma=0.5"],
    "datasets": ["haberman"],
    "budget": 20,
    "seeds": [3, 5],
    "counters": False,
    "answers": "label",
}


@pytest.mark.parametrize("seeds", [2, [3, 5]])
def test_the_recipe_of_a_run_gives_the_same_cells(registry: mex.Registry, tmp_path: Path, seeds: object) -> None:
    plan = Plan.of({**PLAN, "seeds": seeds}).resolve(registry)
    assert recipe.write(tmp_path / "new", plan, registry) == []
    again = Plan.of(read(tmp_path / "new" / recipe.FILE)).resolve(registry)
    assert [cell.identity() for cell in again.cells()] == [cell.identity() for cell in plan.cells()]
    assert list(again.attacks) == list(plan.attacks)


def test_it_says_what_the_run_was_made_with_and_what_has_changed_since(registry: mex.Registry, tmp_path: Path) -> None:
    plan = Plan.of({**PLAN, "defenses": ["none"]}).resolve(registry)
    recipe.write(tmp_path, plan, registry)
    path = tmp_path / recipe.FILE
    made = tomllib.loads(path.read_text(encoding="utf-8"))[MADE_WITH]
    assert made["model-extraction"] == mex.__version__
    assert {"python", "platform", "numpy", "scipy", "scikit-learn"} < set(made)
    path.write_text(path.read_text(encoding="utf-8").replace(f'"numpy" = "{made["numpy"]}"', '"numpy" = "0.1"'))
    assert recipe.write(tmp_path, plan, registry) == [f"numpy 0.1 then, {made['numpy']} now"]
    path.write_text("not TOML at all", encoding="utf-8")
    assert recipe.write(tmp_path, plan, registry) == []


def test_a_file_that_has_changed_since_is_said(registry: mex.Registry, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,x\n2,y\n", encoding="utf-8")
    plan = Plan.of({**PLAN, "datasets": [str(tmp_path / "rows.csv")]}).resolve(registry)
    assert recipe.write(tmp_path, plan, registry) == []
    (tmp_path / "rows.csv").write_text("a,b\n1,x\n3,y\n", encoding="utf-8")
    (change,) = recipe.write(tmp_path, plan, registry)
    assert change.startswith(f"{tmp_path / 'rows.csv'} ")
