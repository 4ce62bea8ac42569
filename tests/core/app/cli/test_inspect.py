"""``mex list-plugins`` and ``mex show``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import mex
from mex.app.matrix.record import DERIVED, FIELDS, IDENTITY, TIMINGS
from mex.hooks import EXTENSIONS, KINDS

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_every_component_is_listed_with_its_provider(run: Run, registry: mex.Registry) -> None:
    listed = [json.loads(line) for line in run("list-plugins", "--json").stdout.splitlines()]
    assert [(x["kind"], x["name"]) for x in listed] == [
        (p.component.kind, p.component.name) for p in registry.provided()
    ]
    assert all(set(x) == {"kind", "name", "summary", "counters", "provider", "version", "status"} for x in listed)
    ours = {(x["kind"], x["name"]) for x in listed if x["provider"] == "model-extraction"}
    assert ours >= {
        ("attack", "passive"),
        *(("defense", name) for name in ("none", "bounded-noise")),
        *(("model", name) for name in ("logistic", "linear-svm", "decision-tree", "random-forest", "kernel-svm")),
        ("model", "linear-regression"),
        *(("dataset", name) for name in ("heart", "haberman", "breast-cancer-wisconsin")),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_can_be_listed(run: Run, kind: str) -> None:
    lines = run("list-plugins", "--kind", kind, "--json").stdout.splitlines()
    assert lines
    assert {json.loads(line)["kind"] for line in lines} == {kind}


def test_a_pipe_gets_tabs(run: Run, registry: mex.Registry) -> None:
    header, *rows = [line.split("\t") for line in run("list-plugins").stdout.splitlines()]
    assert header == ["kind", "name", "summary", "provider", "version"]
    assert len(rows) == len(registry.provided())
    assert all(len(row) == 5 for row in rows)


def test_a_broken_plugin_is_listed_with_its_reason(run: Run, install: Callable[..., Path]) -> None:
    install("fake", {"bad": "fake_bad"}, {"fake_bad": "raise OSError('first line\\nsecond line')"})
    done = run("list-plugins")
    assert (done.returncode, done.stderr) == (0, "")
    assert "bad\tfake\tOSError: first line second line\n" in done.stdout
    last = json.loads(run("list-plugins", "--json").stdout.splitlines()[-1])
    assert last == {
        "plugin": "bad",
        "provider": "fake",
        "reason": "OSError: first line second line",
        "status": "failed",
    }


def test_everything_listed_can_be_shown(run: Run, registry: mex.Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mex.app.cli.fits.interfaces", lambda *_: [])  # each would fit three models
    for provided in registry.provided():
        kind, name = provided.component.kind, provided.component.name
        done = run("show", kind, name, "--json")
        assert (done.returncode, done.stderr) == (0, ""), (kind, name)
        about = json.loads(done.stdout)
        assert (about["kind"], about["name"], about["provider"]) == (kind, name, provided.provider)
        if kind in EXTENSIONS:
            assert about["facts"]["target"] == provided.component.target
            continue
        assert about["doc"]
        assert about["works on"] or kind == "dataset"
        assert about["paper"] or (about["source"] and about["licence"]) or kind == "dataset"
        for parameter in about["parameters"]:
            assert all(parameter[key] for key in ("name", "allowed", "doc")), (name, parameter)
            assert " at 0x" not in parameter["allowed"], (name, parameter)  # words, and not a function of Python's


def test_a_person_sees_parameters_with_what_is_allowed(run: Run) -> None:
    shown = run("show", "defense", "bounded-noise").stdout
    assert shown.startswith("defense bounded-noise: a wrong label with probability rho")
    assert "works on: binary and multiclass targets\n" in shown
    assert "paper: Chandrasekaran et al. 2020, Section 5.1" in shown
    assert "rho\t0.1\ta number between 0 and 1\tprobability that a label is wrong" in shown
    assert ">>>" not in shown
    assert run("show", "defense", "none").stdout.endswith("no parameters\n")
    assert "model\tnull\ta model\t" in run("show", "attack", "passive").stdout


def test_the_fields_of_a_record_are_shown_as_they_are_described(run: Run) -> None:
    shown = json.loads(run("show", "record", "--json").stdout)
    assert shown["kind"] == "record"
    assert [field["name"] for field in shown["fields"]] == list(FIELDS)
    assert [field["name"] for field in shown["fields"] if field["part"] == "identity"] == list(IDENTITY)
    assert [field["name"] for field in shown["fields"] if field["timing"]] == list(TIMINGS)
    assert [number["name"] for number in shown["derived"]] == list(DERIVED)
    lines = run("show", "record").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines[1 : len(FIELDS) + 1]] == list(FIELDS)
    rho = "rho\ta number between 0 and 1\tshare\tnone is public\tpublic bound on the share of wrong labels"
    assert rho in lines


def test_help_and_version_end_well(run: Run) -> None:
    assert run("--version").stdout == f"mex {mex.__version__}\n"
    for command in ([], ["attack"], ["matrix"], ["show"], ["list-plugins"]):
        done = run(*command, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("usage: mex")


def test_a_plugin_may_add_commands_and_one_that_cannot_harms_nothing(run: Run, install: Callable[..., Path]) -> None:
    greeting = """
        import mex

        def greet(args, registry):
            print("hello,", len(registry.provided("defense")) > 1)
            return 7

        @mex.hookimpl
        def mex_commands(subparsers):
            subparsers.add_parser("greet").set_defaults(run=greet)
        """
    failing = "import mex\n@mex.hookimpl\ndef mex_commands(subparsers): raise OSError('no')"
    taking = "import mex\n@mex.hookimpl\ndef mex_commands(subparsers): subparsers.add_parser('attack')"
    modules = {"greeting": greeting, "failing": failing, "taking": taking}
    install("fake", {name: name for name in modules}, modules)
    done = run("greet")
    assert (done.returncode, done.stdout) == (7, "hello, True\n")
    assert "mex: plugin 'failing' could not add its commands: no\n" in done.stderr
    assert run("attack", "pasive", "-m", "logistic", "--data", "heart").returncode == 2, "attack is still ours"


def test_a_model_shows_its_interface_and_the_attacks_that_start_on_it(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    about = json.loads(run("show", "model", "kernel-svm:kernel=poly", "--json").stdout)
    assert [(one["task"], one["answers"], one["family"]) for one in about["interfaces"]] == [
        ("binary", ["label"], "kernel"),
        ("multiclass", ["label"], "kernel"),
        ("regression", ["value"], "kernel"),
    ]
    attacks = {attack["attack"]: attack for attack in about["interfaces"][0]["attacks"]}
    assert attacks["margin-points"]["answers"] == ["label"]
    assert (
        attacks["kushilevitz-mansour"]["reason"] == "kushilevitz-mansour asks about bits, and feature 0 has more values"
    )
    printed = run("show", "model", "boolean-tree").stdout
    assert "binary\trows of bits\tlabel\tboolean" in printed
    assert "kushilevitz-mansour\tlabel" in printed
    assert "mex inspect says what is understood of one" in run("show", "model", "file").stdout
