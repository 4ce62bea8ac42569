"""``mex new-plugin`` writes a package that passes its own tests and linter as written; CI checks its types too."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from mex.app.scaffold import LONGEST
from mex.hooks import KINDS

pytest_plugins = ("pytester",)


def ruff(folder: Path, *args: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *args, "--no-cache", "."], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_passes_its_own_tests(
    run: Callable[..., subprocess.CompletedProcess[str]],
    install: Callable[..., Path],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    name = f"fresh-{kind}"
    done = run("new-plugin", kind, name, "--into", pytester.path)
    folder = pytester.path / f"mex-{name}"
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{folder}: the {kind} {name}, its tests and its README.")
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    install(project["name"], project["entry-points"]["mex"], {})
    monkeypatch.syspath_prepend(str(folder / "src"))
    assert f"{kind}\t{name}\t" in run("list-plugins", "--kind", kind).stdout
    monkeypatch.setattr("mex.registry.loader.installed", lambda: __import__("mex").load_registry())
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "--rootdir", folder, "-c", folder / "pyproject.toml"
    )
    assert result.ret == 0
    assert result.parseoutcomes()["passed"] >= 12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["x", "scope-of-array", "array", "a" * LONGEST])
def test_what_it_writes_is_formatted_whatever_the_name(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, kind: str, name: str
) -> None:
    assert run("new-plugin", kind, name, "--into", tmp_path).returncode == 0
    ruff(tmp_path / f"mex-{name}", "check")
    ruff(tmp_path / f"mex-{name}", "format", "--check")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("attack", "passive"), "attack 'passive' is already provided by model-extraction"),
        (("attack", "csv"), "a package mex_csv is installed already: choose another name"),
        (("attack", "Corner_guess"), "a component's name must be in kebab-case, not 'Corner_guess'"),
        (("attack", "a" * 33), "a name has at most 32 letters, not 33: lines of code have to hold it"),
        (("attak", "corner"), "argument KIND: invalid choice: 'attak'"),
        (("attack", "there"), "mex-there is there already"),
        (("attack", "new", "--into", "mex-there/file"), "cannot write mex-there/file/mex-new: Not a directory"),
    ],
)
def test_what_cannot_be_written_is_said_and_nothing_is(
    run: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mex-there").mkdir()
    (tmp_path / "mex-there" / "file").touch()
    done = run("new-plugin", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"mex: {said}")
    assert [path.name for path in tmp_path.iterdir()] == ["mex-there"]
