"""The loader, with fake distributions on the path: a stranger's plugin is found, a broken one harms nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import mex

Install = Callable[..., Path]

GOOD = """
    import mex

    @mex.hookimpl
    def mex_components():
        return [mex.Component("defense", "{name}", "{name}_defense:Nothing", "answers nothing")]
    """

BROKEN = {
    "import-error": ("import a_module_that_is_not_there", "No module named 'a_module_that_is_not_there'"),
    "system-exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "syntax-error": ("def", "SyntaxError"),
    "no-hook": ("x = 1", "no hook in it"),
    "unmarked-hook": ("def mex_components(): return []", "no hook in it"),
    "misspelt": (
        "import mex\n@mex.hookimpl\ndef mex_componets(): return []",
        "unknown hook 'mex_componets'; did you mean 'mex_components'?",
    ),
    "signature": ("import mex\n@mex.hookimpl\ndef mex_components(a): return []", "can not be found in the hookspec"),
    "raising": ("import mex\n@mex.hookimpl\ndef mex_components(): raise OSError('gone')", "OSError: gone"),
    "rubbish": (
        "import mex\n@mex.hookimpl\ndef mex_components(): return [1]",
        "must return mex.Component records, not 1",
    ),
}


def names(registry: mex.Registry) -> set[tuple[str, str, str]]:
    return {(p.component.kind, p.component.name, p.component.target) for p in registry.provided()}


def test_a_plugin_of_a_stranger_is_found_with_its_provider(install: Install, registry: mex.Registry) -> None:
    install("fake", {"anything": "fake_plugin"}, {"fake_plugin": GOOD.format(name="coarsest")})
    loaded = mex.load_registry()
    assert names(loaded) == names(registry) | {("defense", "coarsest", "coarsest_defense:Nothing")}
    found = loaded.find("defense", "coarsest")
    assert (found.provider, found.version) == ("fake", "1.0")
    assert not loaded.broken
    assert loaded.installed


def test_every_broken_plugin_is_listed_with_its_reason_and_harms_nothing(
    install: Install, registry: mex.Registry
) -> None:
    modules = {case: f"broken_{case.replace('-', '_')}" for case in BROKEN}
    entry_points = {**modules, "missing": "broken_missing", "attribute": "broken_no_hook:absent", "good": "good_one"}
    sources = {modules[case]: source for case, (source, _) in BROKEN.items()}
    install("fake", entry_points, {**sources, "good_one": GOOD.format(name="fine")})
    loaded = mex.load_registry()
    assert names(loaded) == names(registry) | {("defense", "fine", "fine_defense:Nothing")}
    reasons = {broken.plugin: broken.reason for broken in loaded.broken}
    assert set(reasons) == set(entry_points) - {"good"}
    assert {broken.provider for broken in loaded.broken} == {"fake"}
    assert all(expected in reasons[case] for case, (_, expected) in BROKEN.items()), reasons
    assert "No module named 'broken_missing'" in reasons["missing"]
    assert "has no attribute 'absent'" in reasons["attribute"]
    assert not any("\n" in reason for reason in reasons.values())


def test_a_stranger_cannot_take_the_name_of_a_built_in(install: Install, registry: mex.Registry) -> None:
    thief = (
        'import mex\n@mex.hookimpl\ndef mex_components():\n    return [mex.Component("attack", "passive", "t:T", "x")]'
    )
    install("a-thief", {"aaa": "thief"}, {"thief": thief})
    loaded = mex.load_registry()
    assert names(loaded) == names(registry)
    assert loaded.find("attack", "passive").provider == "model-extraction"
    assert [b.reason for b in loaded.broken] == ["attack 'passive' is already provided by model-extraction"]


def test_a_stranger_may_name_its_entry_point_or_point_it_as_ours_without_harm(
    install: Install, registry: mex.Registry
) -> None:
    install("fake", {"passive": "fake_passive", "again": "mex_passive"}, {"fake_passive": GOOD.format(name="other")})
    loaded = mex.load_registry()
    assert names(loaded) == names(registry)
    assert {b.plugin: b.reason for b in loaded.broken} == {
        "passive": "another plugin is called 'passive' already",
        "again": "this is the plugin 'passive' again",
    }
    assert loaded.manager.has_plugin("passive")


def test_the_first_distribution_on_the_path_wins(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("fake", {"good": "fake_plugin"}, {"fake_plugin": GOOD.format(name="coarsest")})
    shadowed = tmp_path / "later" / "fake-0.9.dist-info"
    shadowed.mkdir(parents=True)
    (shadowed / "METADATA").write_text("Metadata-Version: 2.1\nName: fake\nVersion: 0.9\n", encoding="utf-8")
    (shadowed / "entry_points.txt").write_text("[mex]\ngood = not_there\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(shadowed.parent)])
    loaded = mex.load_registry()
    assert not loaded.broken
    assert loaded.find("defense", "coarsest").version == "1.0"


@pytest.mark.parametrize("content", ["[mex]\nnonsense\n", "[mex]\nx = 1 + 1\n", "[mex]\nx =\n", "[mex\nx = y\n"])
def test_metadata_that_cannot_be_read_harms_nothing(install: Install, registry: mex.Registry, content: str) -> None:
    site = install("fake", {}, {})
    (site / "fake-1.0.dist-info" / "entry_points.txt").write_text(content, encoding="utf-8")
    loaded = mex.load_registry()
    assert names(loaded) == names(registry)
    assert {b.provider for b in loaded.broken} <= {"fake"}


def test_a_distribution_without_a_name_harms_nothing(install: Install, registry: mex.Registry) -> None:
    site = install("fake", {"good": "good_one"}, {"good_one": GOOD.format(name="fine")})
    (site / "fake-1.0.dist-info" / "METADATA").unlink()
    install("other", {"more": "more_of_it"}, {"more_of_it": GOOD.format(name="more")})
    assert names(mex.load_registry()) >= names(registry) | {("defense", "more", "more_defense:Nothing")}


def test_plugins_can_be_left_out(monkeypatch: pytest.MonkeyPatch, registry: mex.Registry) -> None:
    monkeypatch.setenv("MEX_DISABLE_PLUGINS", "passive, uci,,unknown")
    loaded = mex.load_registry()
    gone = names(registry) - names(loaded)
    assert ("attack", "passive", "mex_passive.attack:Passive") in gone
    assert {target.partition(".")[0] for _, _, target in gone} == {"mex_passive", "mex_uci"}
    assert not loaded.broken
    assert names(mex.load_registry(disabled="")) == names(registry)


def test_listing_plugins_imports_neither_numpy_nor_scikit_learn(install: Install) -> None:
    site = install("fake", {"bad": "fake_bad"}, {"fake_bad": "raise OSError('gone')"})
    script = (
        "import sys, mex.app.cli; code = mex.app.cli.main(['list-plugins', '--json']);"
        "heavy = {'numpy', 'sklearn', 'scipy', 'joblib', 'rich'} & set(sys.modules);"
        "print(*heavy, file=sys.stderr); sys.exit(code)"
    )
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    assert done.stderr.strip() == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all({"kind", "name", "summary", "provider", "version"} <= set(x) for x in lines if x["status"] == "ok")
    assert [x for x in lines if x["status"] == "failed"] == [
        {"plugin": "bad", "provider": "fake", "reason": "OSError: gone", "status": "failed"}
    ]


def test_importing_mex_loads_attrs_and_pluggy_only() -> None:
    script = "import sys, mex; mex.hookimpl; print(*{'numpy', 'sklearn', 'rich', 'mex.oracle'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(mex, name) is not None for name in mex.__all__)
    with pytest.raises(AttributeError, match="module 'mex' has no attribute 'Atack'"):
        mex.Atack  # noqa: B018
