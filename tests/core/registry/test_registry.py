"""The registry takes each plugin whole or not at all, and says why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import attrs
import pytest

import mex
from mex.hooks import KINDS
from mex.params import between

COARSE = mex.Component("defense", "coarse", "somewhere.defense:Coarse", "coarser answers")


def plugin(**functions: Callable[..., Any]) -> ModuleType:
    """A plugin module with these functions as hooks."""
    module = ModuleType("a_plugin")
    for name, function in functions.items():
        setattr(module, name, mex.hookimpl(function))
    return module


def components(*found: Any) -> ModuleType:
    return plugin(mex_components=lambda: list(found))


def added(*plugins: object) -> mex.Registry:
    registry = mex.Registry()
    for i, module in enumerate(plugins):
        registry.add(partial(lambda loaded: loaded, module), f"plugin-{i}", f"package-{i}", "1.0")
    return registry


def raises(error: BaseException) -> Callable[[], object]:
    def load() -> object:
        raise error

    return load


def test_a_plugin_provides_its_components() -> None:
    registry = added(components(COARSE))
    assert not registry.broken
    (provided,) = registry.provided()
    assert provided == registry.find("defense", "coarse")
    assert (provided.component, provided.provider, provided.version) == (COARSE, "package-0", "1.0")


def test_components_are_listed_by_kind_and_name() -> None:
    kinds = [mex.Component(kind, name, "a:B", "x") for name in ("b", "a") for kind in reversed(KINDS)]
    registry = added(components(*kinds))
    listed = [(p.component.kind, p.component.name) for p in registry.provided()]
    assert listed == [(kind, name) for kind in KINDS for name in ("a", "b")]
    assert [p.component.name for p in registry.provided("model")] == ["a", "b"]


BROKEN: dict[str, tuple[Callable[[], object], str]] = {
    "does not import": (raises(ImportError("No module named 'torch'")), "ImportError: No module named 'torch'"),
    "exits": (raises(SystemExit("please buy")), "SystemExit: please buy"),
    "no hook": (lambda: ModuleType("empty"), "no hook in it: mark a function mex_cell_finished or"),
    "a misspelt hook": (
        lambda: plugin(mex_component=lambda: []),
        "unknown hook 'mex_component'; did you mean 'mex_components'?",
    ),
    "a misspelt hook beside a good one": (
        lambda: plugin(mex_components=lambda: [COARSE], mex_cell_ended=lambda: None),
        "unknown hook 'mex_cell_ended'",
    ),
    "an unknown argument": (
        lambda: plugin(mex_components=lambda registry: []),
        "'mex_components'.*Argument.* \\{'registry'\\} are declared in the hookimpl but can not be found",
    ),
    "raises": (lambda: plugin(mex_components=lambda: 1 / 0), "ZeroDivisionError: division by zero"),
    "returns nothing": (lambda: plugin(mex_components=lambda: None), "TypeError: 'NoneType' object is not iterable"),
    "returns rubbish": (lambda: components("coarse"), "must return mex.Component records, not 'coarse'"),
    "a bad second component": (lambda: components(COARSE, 3), "must return mex.Component records, not 3"),
    "a component twice": (lambda: components(COARSE, COARSE), "defense 'coarse' is already provided by this plugin"),
    "a bad kind": (
        lambda: plugin(mex_components=lambda: [mex.Component("attac", "x", "a:B", "s")]),
        "ValueError: a component's kind must be one of attack, defense, model, dataset, .*, not 'attac'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_listed_with_its_reason_and_harms_nothing(case: str) -> None:
    load, reason = BROKEN[case]
    registry = mex.Registry()
    good = mex.Component("attack", "good", "a:B", "fine")
    assert registry.add(lambda: components(good), "good", "package")
    assert not registry.add(load, "bad", "other")
    assert registry.add(lambda: components(attrs.evolve(good, name="later")), "later", "package")
    (broken,) = registry.broken
    assert (broken.plugin, broken.provider) == ("bad", "other")
    assert re.search(reason, broken.reason)
    assert "\n" not in broken.reason
    assert [p.component.name for p in registry.provided()] == ["good", "later"], "all or nothing"
    assert not registry.manager.has_plugin("bad"), "none of its hooks is called"


def test_a_name_that_is_taken_is_refused_with_all_that_comes_with_it() -> None:
    mine = mex.Component("attack", "mine", "a:B", "fine")
    registry = added(components(COARSE), components(mine, attrs.evolve(COARSE, target="evil:Coarse")))
    assert registry.broken[0].reason == "defense 'coarse' is already provided by package-0"
    assert registry.find("defense", "coarse").component.target == "somewhere.defense:Coarse"
    with pytest.raises(mex.UsageError, match="no attack named 'mine'; there are none"):
        registry.find("attack", "mine")


def test_one_name_may_be_of_several_kinds() -> None:
    registry = added(components(*(mex.Component(kind, "same", "a:B", "x") for kind in KINDS)))
    assert not registry.broken
    assert len(registry.provided()) == len(KINDS)


@pytest.mark.parametrize("name", ["first", "second"])
def test_a_plugin_that_comes_again_does_not_disturb_the_first(name: str) -> None:
    finished = plugin(mex_components=lambda: [COARSE], mex_cell_finished=lambda cell, outcome: None)
    registry = mex.Registry()
    assert registry.add(lambda: finished, "first")
    again = finished if name == "second" else components(attrs.evolve(COARSE, name="other"))
    assert not registry.add(lambda: again, name)
    reason = "this is the plugin 'first' again" if name == "second" else "another plugin is called 'first' already"
    assert [b.reason for b in registry.broken] == [reason]
    assert [p.component.name for p in registry.provided()] == ["coarse"]
    assert [who for who, _ in registry.implementations("mex_cell_finished")] == ["first"]


def test_an_unknown_component_is_named_with_the_nearest() -> None:
    registry = added(components(COARSE, attrs.evolve(COARSE, name="none")))
    with pytest.raises(mex.UsageError, match=r"no defense named 'corse'; did you mean 'coarse'?"):
        registry.find("defense", "corse")
    with pytest.raises(mex.UsageError, match="no defense named 'xyz'; there are: coarse, none"):
        registry.build("defense", "xyz")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("missing_module.x:Coarse", "ModuleNotFoundError: No module named 'missing_module'"),
        ("mex.errors:Coarse", "AttributeError: module 'mex.errors' has no attribute 'Coarse'"),
        ("mex.errors:suggest", "mex.errors:suggest is not a class"),
    ],
)
def test_a_component_whose_class_does_not_load_is_one_sentence(target: str, reason: str) -> None:
    registry = added(components(attrs.evolve(COARSE, target=target)))
    with pytest.raises(mex.UsageError, match=f"^defense 'coarse' of package-0.*{reason}$"):
        registry.build("defense", "coarse")


@attrs.frozen(kw_only=True)
class Picky:
    """Refuses in other ways than mex's validators do."""

    rho: float = attrs.field(default=0.5, validator=between(0, 1))
    size: int = attrs.field(default=1, validator=attrs.validators.in_([1, 2]))
    scale: float = attrs.field(default=1.0, converter=float)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("picky:rho=2", "defense 'picky': rho must be a number between 0 and 1, not 2"),
        ("picky:size=3", "defense 'picky': 'size' must be in"),
        ("picky:scale=x", "defense 'picky': could not convert string to float: 'x'"),
        ("picky:scale=[1]", "defense 'picky': float\\(\\) argument must be"),
        ("picky:roh=1", "defense 'picky' has no parameter 'roh'; did you mean 'rho'"),
        ("picky:_=1", "defense 'picky' has no parameter '_'"),
    ],
)
def test_a_bad_parameter_is_one_sentence(given: Callable[..., mex.Registry], spec: str, sentence: str) -> None:
    with pytest.raises(mex.UsageError, match=sentence):
        given(defense={"picky": Picky}).resolve("defense", spec)


def test_a_component_of_a_component_is_built_and_resolved_with_it(registry: mex.Registry) -> None:
    spec = "passive:model={use='decision-tree', max_depth=3}"
    attack = registry.build("attack", spec)
    assert attack.model.max_depth == 3
    resolved = registry.resolve("attack", spec)
    assert resolved.params["model"] == {
        "use": "decision-tree",
        "max_depth": 3,
        "min_samples_leaf": 1,
        "max_leaf_nodes": None,
        "incomplete": False,
    }
    assert registry.build("attack", resolved) == attack
    assert registry.resolve("attack", resolved) == resolved


def test_nested_defenses_are_built_from_the_inside_out(registry: mex.Registry) -> None:
    nested = registry.build("defense", "bounded-noise:rho=0.1 + bounded-noise:rho=0.2,sticky=true")
    assert [layer.rho for layer in nested.nest] == [0.1, 0.2]
    resolved = registry.resolve("defense", "none + bounded-noise")
    assert resolved.params["nest"] == [
        {"use": "none"},
        {"use": "bounded-noise", "rho": 0.1, "sticky": False, "cell": None},
    ]


def test_a_hook_is_called_with_the_arguments_it_asks_for() -> None:
    seen: list[object] = []
    registry = added(plugin(mex_cell_finished=lambda outcome: seen.append(outcome)))
    for name, call in registry.implementations("mex_cell_finished"):
        assert name == "plugin-0"
        call(cell=None, outcome={"status": "ok"})
    assert seen == [{"status": "ok"}]


@pytest.mark.parametrize(
    "fields",
    [
        ("thing", "x", "a:B", "s"),
        ("attack", "X Y", "a:B", "s"),
        ("attack", "x", "a.B", "s"),
        ("attack", "x", "a:B", " "),
    ],
)
def test_a_component_record_is_checked_when_it_is_made(fields: tuple[str, str, str, str]) -> None:
    with pytest.raises(ValueError, match=r"a component's (kind|name|target|summary) must be"):
        mex.Component(*fields)
