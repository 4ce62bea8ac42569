"""The JSON Schema of plan files takes what a matrix takes, and refuses nothing that one takes."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import jsonschema
import pytest

import mex
from mex.app.matrix.plan import Plan
from mex.app.matrix.plan_schema import plan_schema
from mex.hooks import KINDS
from mex.params import default, fields

ROOT = Path(__file__).parents[4]
HEAD = "[attacks.passive]\n[defenses.none]\n[models.logistic]\n[datasets.haberman]\n"


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = plan_schema(mex.load_registry())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def said_by_both(validator: Any, registry: mex.Registry, text: str) -> tuple[bool, bool]:
    """Whether the schema takes a plan, and whether a matrix does."""
    plan = tomllib.loads(text)
    try:
        Plan.of(plan).resolve(registry)
    except mex.UsageError:
        return validator.is_valid(plan), False
    return validator.is_valid(plan), True


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        "budget = 500\nseeds = [3, 4]\nanswers = ['label', 'proba']\nprice_per_query = 0.001\ncounters = false\n"
        + HEAD,
        "answers = 'all'\n" + HEAD + "[gate]\nfail_if = ['queries_to_0.99 < 500']\nfail_on = 'median'\n",
        "attacks = ['passive', 'margin:batch=5', {use = 'pivot'}]\nmodels = ['logistic']\n"
        "defenses = ['none', 'rounding + top-k']\ndatasets = ['haberman', 'iris']\n",
        HEAD + "[attacks.trees]\nuse = 'passive'\nmodel = 'decision-tree'\n",
        HEAD + "[attacks.trees]\nuse = 'passive'\nmodel = {use = 'decision-tree', max_depth = 3}\n",
        HEAD + "[defenses.bounded-noise]\nsweep.rho = [0.1, 0.3]\n",
        HEAD + "[defenses.two]\nnest = ['rounding', {use = 'bounded-noise', rho = 0.2}]\n",
        HEAD + "[attacks.margin]\nuse = 'passive'\nsampler = 'uniform'\n",
    ],
)
def test_a_plan_that_a_matrix_takes_is_taken(validator: Any, registry: mex.Registry, text: str) -> None:
    assert said_by_both(validator, registry, text) == (True, True)


def test_the_plan_of_the_readme_is_taken(validator: Any, registry: mex.Registry) -> None:
    (text,) = re.findall(r"```toml\n(budget.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert said_by_both(validator, registry, text) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "[attacks.passive]\n",
        "budgit = 500\n" + HEAD,
        "budget = 0\n" + HEAD,
        "seeds = []\n" + HEAD,
        "seeds = -1\n" + HEAD,
        "answers = 'labels'\n" + HEAD,
        "price_per_query = -1\n" + HEAD,
        "counters = 'no'\n" + HEAD,
        "attacks = []\ndefenses = ['none']\nmodels = ['logistic']\ndatasets = ['haberman']\n",
        HEAD + "[gate]\nfail = 'x'\n",
        HEAD + "[attacks.trees]\nmodel = 'decision-tree'\n",
        HEAD + "[attacks.trees]\nuse = 'pasive'\n",
        HEAD + "[attacks.trees]\nuse = 'passive'\nmodle = 'decision-tree'\n",
        HEAD + "[defenses.bounded-noise]\nrho = 1.5\n",
        HEAD + "[defenses.bounded-noise]\nrho = 'much'\n",
        HEAD + "[defenses.bounded-noise]\nsweep.rho = 0.1\n",
        HEAD + "[defenses.bounded-noise]\nsweep.rho = [0.1, 1.5]\n",
        HEAD + "[defenses.bounded-noise]\nsticky = 1\n",
        HEAD + "[defenses.two]\nnest = []\n",
        HEAD + "[defenses.two]\nnest = ['none']\nrho = 0.1\n",
        HEAD + "[models.mlp]\nactivation = 'step'\n",
    ],
)
def test_a_plan_that_is_refused_is_refused_by_a_matrix_too(validator: Any, registry: mex.Registry, text: str) -> None:
    assert said_by_both(validator, registry, text) == (False, False)


def test_every_default_fits_its_own_schema(validator: Any, registry: mex.Registry) -> None:
    for provided in (p for kind in KINDS for p in registry.provided(kind)):
        kind, name = provided.component.kind, provided.component.name
        table = {
            field.name: list(value) if isinstance(value, tuple) else value
            for field in fields(registry.load(kind, name))
            if (value := default(field)) is not None
        }
        axis = validator.evolve(schema={**validator.schema, "$ref": f"#/definitions/{kind} {name}"})
        assert list(axis.iter_errors(table)) == [], (kind, name)


def test_the_command_prints_it(run: Callable[..., CompletedProcess[str]], validator: Any) -> None:
    done = run("show", "plan")
    assert json.loads(done.stdout) == validator.schema
    assert json.loads(run("show", "plan", "--json").stdout) == validator.schema
    assert run("show", "plan", "x").stderr == "mex: there is one plan: mex show plan, without 'x'\n"
