"""Tab completion: commands, options, components, their parameters and values, in three shells, without numpy."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import mex
from mex.app.completion.parameters import parameters
from mex.hooks import KINDS
from mex.params import fields

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("line", "among"),
    [
        ((), {"attack", "matrix", "show", "list-plugins", "completion"}),
        (("li",), {"list-plugins"}),
        (("attack", "pas"), {"passive"}),
        (("attack", "passive", "-m", "decision-t"), {"decision-tree"}),
        (("attack", "passive", "--data", "hab"), {"haberman"}),
        (("attack", "--data", "haberman", "piv"), {"pivot"}),
        (("attack", "passive", "--bud"), {"--budget"}),
        (("matrix", "--fail-on", ""), {"any", "median"}),
        (("matrix", "-a", "passive", "-d", "bounded-noise:"), {"bounded-noise:rho=", "bounded-noise:sticky="}),
        (("matrix", "-d", "bounded-noise:sticky=t"), {"bounded-noise:sticky=true"}),
        (("matrix", "-d", "bounded-noise:rho=0.1,st"), {"bounded-noise:rho=0.1,sticky="}),
        (("matrix", "-d", "none + label-o"), {"none + label-only"}),
        (("matrix", "-d", "none + bounded-noise:s"), {"none + bounded-noise:sticky="}),
        (("attack", "majority-vote:inner=piv"), {"majority-vote:inner=pivot"}),
        (("attack", "majority-vote:inner={use='passive', sampler='uniform'},rep"), {"repeats="}),
        (("show", ""), {"attack", "defense", "model", "dataset", "record"}),
        (("show", "model", "kernel-s"), {"kernel-svm"}),
        (("list-plugins", "--kind", "mod"), {"model"}),
        (("completion", "f"), {"fish"}),
    ],
)
def test_the_word_goes_on_as_the_command_takes_it(run: Run, line: tuple[str, ...], among: set[str]) -> None:
    found = {text.partition("\t")[0] for text in run("complete", "zsh", "mex", *(line or ("",))).stdout.splitlines()}
    assert all(any(word.endswith(wanted) for word in found) for wanted in among), found
    assert all(word.startswith(line[-1] if line else "") for word in found)


@pytest.mark.parametrize(
    "line",
    [("report", ""), ("attack", "--out", ""), ("attack", "passive:sampler=x"), ("attack", "none-such:"), ("no", "")],
)
def test_where_anything_may_stand_the_shell_has_its_own_way(run: Run, line: tuple[str, ...]) -> None:
    done = run("complete", "zsh", "mex", *line)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_option_that_was_given_its_value_is_over(run: Run) -> None:
    assert run("complete", "zsh", "mex", "matrix", "--json", "--fail-on", "any", "--fail-o").stdout.startswith(
        "--fail-on\t"
    )


def test_parameters_are_those_of_the_class_and_no_class_is_imported_for_them(registry: mex.Registry) -> None:
    for provided in (p for kind in KINDS for p in registry.provided(kind)):
        known = parameters(provided.component.target)
        cls = registry.load(provided.component.kind, provided.component.name)
        assert {parameter.name for parameter in known} == {field.name for field in fields(cls)}, cls
        for parameter in known:
            (field,) = [field for field in fields(cls) if field.name == parameter.name]
            assert not parameter.doc or parameter.doc == field.metadata["doc"]
            for value in parameter.values:
                field.validator(None, field, {"true": True, "false": False}.get(value, value))


def test_completion_imports_no_numpy() -> None:
    code = (
        "import sys; from mex.app.cli import main; main(['complete', 'zsh', 'mex', 'attack', 'passive:s']);"
        "print({'numpy', 'sklearn', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["passive:sampler=\t", "set()"]


def test_a_class_that_cannot_be_read_has_no_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_written").mkdir()
    (tmp_path / "half_written" / "__init__.py").touch()
    (tmp_path / "half_written" / "attack.py").write_text("class A(:", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert parameters("half_written.attack:A") == [], "it is not loaded"
    importlib.import_module("half_written")
    assert parameters("half_written.attack:A") == []
    assert parameters("half_written.missing:A") == []


def shell(name: str, script: str, tmp_path: Path) -> list[str]:
    """What a shell prints that has the command ``mex`` and its completion."""
    if (program := shutil.which(name)) is None:
        pytest.skip(f"there is no {name} here")
    command = tmp_path / "mex"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mex "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    env: Mapping[str, str] = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    options = ["-f"] if name == "zsh" else []
    done = subprocess.run([program, *options, "-c", script], capture_output=True, text=True, env=env)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash_is_given_what_follows_its_word_break(tmp_path: Path) -> None:
    script = """
        eval "$(mex completion bash)"
        try() { COMP_LINE=$1; COMP_POINT=${#COMP_LINE}; _mex; printf '%s\\n' "${COMPREPLY[@]}"; }
        try 'mex attack pas'
        try 'mex matrix -d bounded-noise:sticky=f'
        COMP_WORDBREAKS=' '
        try 'mex matrix -d "none + bounded-noise:st'
    """
    assert shell("bash", script, tmp_path) == ["passive", "false", "none + bounded-noise:sticky="]


def test_zsh_keeps_words_that_go_on_without_a_space(tmp_path: Path) -> None:
    script = """
        compdef() { }
        compadd() { print -r -- "$@: ${(P)@[-1]}" }
        eval "$(mex completion zsh)"
        words=(mex matrix -d bounded-noise:st); CURRENT=4; _mex
    """
    assert shell("zsh", script, tmp_path) == ["-a whole: ", "-S  -a begun: bounded-noise:sticky="]


def test_fish_shows_what_a_component_does(tmp_path: Path) -> None:
    script = "mex completion fish | source; complete -C 'mex attack pivo'"
    (line,) = shell("fish", script, tmp_path)
    assert line.startswith("pivot\t")
