"""A plan adds the attacks that know its defenses, which plugins declare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest

import mex
from mex.app.analysis.aggregate import compare
from mex.app.analysis.crosstab import crosstab
from mex.app.analysis.tidy import rows
from mex.app.matrix.counters import sentences
from mex.app.matrix.plan import Plan
from mex.app.matrix.provenance import text
from mex.params import component

SMALL: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": {"none": {}, "mine": {"use": "margin-noise"}, "other": {"use": "bounded-noise"}},
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 20,
    "seeds": 1,
}


@attrs.frozen(kw_only=True)
class Knowing:
    """An attack that is told the defense."""

    against: Any = attrs.field(default=None, metadata=component("defense", "the defense that it knows"))

    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        raise mex.Incompatible(f"it knows {type(self.against).__name__} of {self.against.rho}")


class Declaring:
    """A plugin of one component."""

    def __init__(self, kind: str, name: str, counters: Mapping[str, Any]) -> None:
        self.component = mex.Component(kind, name, f"{__name__}:Knowing", "for a test", counters=counters)

    @mex.hookimpl
    def mex_components(self) -> list[mex.Component]:
        return [self.component]


def with_plugin(kind: str, name: str, counters: Mapping[str, Any]) -> mex.Registry:
    registry = mex.load_registry()
    assert registry.add(lambda: Declaring(kind, name, counters), name)
    return registry


def resolved(registry: mex.Registry, **change: Any) -> Plan:
    return Plan.of({**SMALL, **change}).resolve(registry)


def test_a_counter_meets_the_defense_that_it_knows_and_the_bare_model(registry: mex.Registry) -> None:
    plan = resolved(registry)
    near = "margin:sampler=near,batch=50"
    assert plan.added == {near: ("mine",), "pivot": ("other",)}
    met = {(cell.attack.name, cell.defense.name) for cell in plan.cells()}
    assert {defense for attack, defense in met if attack == "margin"} == {"none", "margin-noise"}
    assert {defense for attack, defense in met if attack == "passive"} == {"none", "margin-noise", "bounded-noise"}
    assert f"added {near}, as it counters mine" in sentences(plan)


def test_what_the_plan_has_already_is_not_added_and_nothing_is_where_it_says_so(registry: mex.Registry) -> None:
    plan = resolved(registry, attacks=["margin:batch=50,sampler=near", "pivot"])
    assert not plan.added
    assert not resolved(registry, counters=False).added
    with pytest.raises(mex.UsageError, match="counters must be true or false, not 3"):
        resolved(registry, counters=3)


def test_of_nested_defenses_each_is_countered(registry: mex.Registry) -> None:
    plan = resolved(registry, defenses=["bounded-noise + margin-noise"])
    assert set(plan.added) == {"pivot", "margin:sampler=near,batch=50"}


@pytest.mark.parametrize("declared_by", ["attack", "defense"])
def test_the_plugin_of_an_attack_declares_it_or_that_of_a_defense(declared_by: str) -> None:
    if declared_by == "attack":
        registry = with_plugin("attack", "knowing", {"query-budget": ["knowing", "passive:sampler=near"]})
        added = resolved(registry, defenses=["query-budget"]).added
        assert set(added) == {"knowing of query-budget", "passive:sampler=near"}
    else:
        registry = with_plugin("defense", "knowing", {"knowing": "passive:sampler=near"})
        assert set(resolved(registry, defenses=["knowing"]).added) == {"passive:sampler=near"}


def test_an_attack_that_takes_a_defense_is_told_the_one_it_counters_with_its_parameters() -> None:
    registry = with_plugin("attack", "knowing", {"bounded-noise": "knowing"})
    plan = {**SMALL, "defenses": ["bounded-noise:rho=0.3"], "attacks": ["pivot"]}
    added = [record for record in mex.matrix(plan, registry=registry) if record["attack"] == "knowing"]
    assert [record["reason"] for record in added] == ["it knows BoundedNoise of 0.3"]


def test_a_counter_that_is_not_installed_is_left_out_and_a_wrong_parameter_is_told() -> None:
    assert not resolved(with_plugin("attack", "knowing", {"none": "gone"}), defenses=["none"]).added
    with pytest.raises(mex.UsageError, match="no parameter 'wrong'"):
        resolved(with_plugin("attack", "knowing", {"none": "passive:wrong=1"}), defenses=["none"])


@pytest.mark.parametrize("counters", [3, {"none": 3}, {3: "passive"}, {"none": [""]}])
def test_counters_that_are_no_texts_break_their_plugin(counters: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        mex.Component("attack", "x", "x:X", "for a test", counters=counters)


def test_those_that_plugins_here_declare_can_be_built(registry: mex.Registry) -> None:
    declared = [pair for p in registry.provided() for pair in p.component.counters]
    assert declared
    for defense, attack in declared:
        registry.find("defense", defense)
        registry.build("attack", attack)


def test_the_recipe_of_a_run_gives_the_same_cells_again(registry: mex.Registry) -> None:
    import tomllib

    for counters in (True, False):
        plan = resolved(registry, counters=counters)
        again = Plan.of(tomllib.loads(text(plan, {}))).resolve(registry)
        assert [cell.key for cell in again.cells()] == [cell.key for cell in plan.cells()]


def test_a_table_says_what_was_added_and_who_set_the_multiplier(registry: mex.Registry) -> None:
    plan = resolved(registry, attacks=["passive:batch=7"])
    run = mex.matrix({**SMALL, "attacks": ["passive:batch=7"]}, registry=registry)
    for record in (record for record in run if record["status"] == "ok"):
        fast = record["attack"] == "margin"
        record["curve"] = [{**record["curve"][0], "queries": 10 if fast else 40, "agreement": 1.0}]
    (comparison,) = compare(run, plan)
    shown = crosstab(comparison)
    near = "margin:sampler=near,batch=50"
    assert f"+ {near}" in [row[0] for row in shown.rows]
    assert f"+ {near} was added because it counters mine" in shown.notes
    by = dict(zip(shown.header, next(row for row in shown.footer if row[0] == "set by"), strict=True))
    assert by["mine"] == by["none"] == near
    assert {row["multiplier_set_by"] for row in rows([comparison]) if row["defense"] == "mine"} == {near}


def test_the_command_line_says_what_it_adds_and_leaves_it_out(run: Callable[..., Any]) -> None:
    words = "-a passive -d margin-noise -m logistic --data haberman --budget 20 --seeds 1 --jobs 1 --json"
    flags = words.split()
    told = run("matrix", *flags)
    assert "added margin:sampler=near,batch=50, as it counters margin-noise; --no-counters leaves it out" in told.stderr
    assert len(told.stdout.splitlines()) == 2
    assert len(run("matrix", *flags, "--no-counters").stdout.splitlines()) == 1
