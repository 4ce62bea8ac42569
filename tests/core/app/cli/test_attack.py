"""``mex attack``: one record, one stolen model in a file that anyone can load."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skops.io
from records import record

import mex
from mex.app.analysis.statistics import queries_to
from mex.app.cli.attacked import sentences
from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import measure, set_scene
from mex.app.matrix.record import RESULTS, TIMINGS
from mex.fitted import FittedTarget
from mex.oracle import Oracle
from mex.types import Answer, Array, FloatArray

Run = Callable[..., subprocess.CompletedProcess[str]]

SMALL = ("attack", "passive", "-m", "logistic", "--data", "haberman", "--budget", "20")


def test_the_record_is_one_json_line_and_nothing_else(run: Run) -> None:
    done = run(*SMALL, "--json")
    read = "haberman: 306 rows; 3 whole numbers; target class: 1 (225), 2 (81)"
    assert (done.returncode, done.stderr) == (0, f"mex: {read}\n")
    (line,) = done.stdout.splitlines()
    record = json.loads(line)
    assert set(RESULTS) < set(record)
    assert (record["status"], record["queries"], record["stopped"]) == ("ok", 20, "budget")
    assert record["attack_params"] == {
        "sampler": "pool",
        "model": None,
        "regularisation": "adapted",
        "batch": 10,
    }
    assert 0.5 < record["agreement"] <= 1


def test_a_person_reads_three_sentences_and_a_small_table(run: Run) -> None:
    worth, took, ended, header, held_out, *_ = run(*SMALL).stdout.splitlines()
    record = json.loads(run(*SMALL, "--json").stdout)
    assert record["held_out"] == 76
    agreement = f"{math.floor(record['agreement'] * 100) / 100:.2f}"  # of 76 rows, more digits would say too much
    said = f"after 20 queries ($0.0020) the copy answers {agreement} of the held-out rows as the model does."
    assert worth == f"passive on logistic of haberman: {said}"
    reached = [level for level in (0.95, 0.99, 0.999) if queries_to(record["curve"], level) < math.inf]
    assert took.startswith(f"An agreement of {min(0.95, *reached)} {'took' if reached else 'was not reached'}")
    assert ended.startswith("The budget was spent; by the true labels the model is right on 0.")
    assert header.split("\t") == ["measured on", "agreement", "one constant answer"]
    assert held_out.split("\t")[:2] == ["76 held-out rows", agreement]


def test_the_sentences_call_no_theft_what_one_constant_answer_gets_to() -> None:
    took = sentences(record(curve=[(8, 0.97), (16, 0.98), (64, 0.995)], majority=0.97))[1]
    assert took.startswith("One constant answer agrees on 0.97, for nothing: no lower agreement is a theft. An")
    assert "An agreement of 0.99 took 41 queries ($0.4100); one of 0.999 was not reached." in took
    before, _, by_class = took.partition("With each class alike, ")
    assert "0.95" not in before
    assert by_class == "an agreement of 0.95 took 8 queries."


def test_the_sentences_tell_each_level_the_alarm_and_what_is_not_known() -> None:
    found = record(curve=[(8, 0.5), (16, 0.96), (64, 0.995)], defense="watch", alarm=30, refused=3, reason="a note")
    worth, took, ended = sentences(found)
    assert " behind watch: " in worth
    assert took == (
        "An agreement of 0.95 took 16 queries ($0.1600); one of 0.99 took 53 queries ($0.5300); one of 0.999 was not "
        "reached."
    )
    assert "3 queries were refused; the alarm was raised after 30 queries; a note; " in ended
    assert "honest users get 0.85" in ended
    unlabelled = {"target_accuracy": None, "stolen_accuracy": None, "defended_accuracy": None, "accuracy_lost": None}
    values = record(majority=None, uniform_majority=None, answers="value", **unlabelled)
    assert "explains 0.99 of the variance" in sentences(values)[0]
    assert sentences(values)[2] == "The attack was done. --json prints all fields."


def test_an_attack_that_is_interrupted_prints_and_saves_what_it_paid_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Oracle.ask

    def interrupted(oracle: Oracle, X: FloatArray) -> Array:
        if oracle.queries >= 10:
            raise KeyboardInterrupt
        return ask(oracle, X)

    monkeypatch.setattr(Oracle, "ask", interrupted)
    done = run(*SMALL, "--json", "--save", tmp_path / "stolen.skops")
    assert done.returncode == 130
    record = json.loads(done.stdout)
    assert (record["stopped"], record["queries"]) == ("interrupted", 10)
    assert (tmp_path / "stolen.skops").exists()


def test_an_attack_on_a_target_that_fails_prints_and_saves_what_it_paid_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, asked = FittedTarget.answer, [0]

    def failing(target: FittedTarget, X: FloatArray, kind: Answer) -> Array:
        asked[0] += len(X) == 10  # batches of passive, and no other
        if asked[0] > 1:
            raise ConnectionError("503")
        return answer(target, X, kind)

    monkeypatch.setattr(FittedTarget, "answer", failing)
    done = run(*SMALL, "--json", "--save", tmp_path / "stolen.skops")
    assert done.returncode == 1
    sentence = "the target failed after 10 answers (ConnectionError: 503)"
    read, saved, told = done.stderr.splitlines()
    assert saved == f"mex: saved; skops.io.load('{tmp_path / 'stolen.skops'}') reads it"
    assert read.startswith("mex: haberman: 306 rows")
    assert told.startswith(f"mex: {sentence}")
    record = json.loads(done.stdout)
    assert (record["status"], record["stopped"], record["queries"]) == ("failed", "failed", 20)
    assert record["reason"].startswith(sentence)
    assert 0.3 < record["agreement"] <= 1
    stolen = skops.io.load(tmp_path / "stolen.skops", trusted=[])
    assert stolen.predict(np.zeros((1, 3))).shape == (1,)


def test_the_command_and_the_matrix_and_python_give_the_same_record(run: Run, registry: mex.Registry) -> None:
    def untimed(record: dict[str, object]) -> dict[str, object]:
        return {k: v for k, v in record.items() if k not in TIMINGS}

    typed = json.loads(run(*SMALL, "-d", "bounded-noise:rho=0.2", "--seed", "1", "--json").stdout)
    tables = {
        "attacks": ["passive"],
        "defenses": ["bounded-noise:rho=0.2"],
        "models": ["logistic"],
        "datasets": ["haberman"],
    }
    (record,) = mex.matrix({**tables, "counters": False, "budget": 20, "seeds": [1]}, registry=registry)
    assert untimed(typed) == untimed(record)


def test_a_noisy_target_leaves_a_worse_model(run: Run) -> None:
    def agreement(*more: str) -> float:
        return float(
            np.mean([json.loads(run(*SMALL, *more, "--seed", str(s), "--json").stdout)["agreement"] for s in range(5)])
        )

    assert agreement("-d", "bounded-noise:rho=0.5") < agreement() - 0.05


def test_defenses_nest_on_the_command_line(run: Run) -> None:
    record = json.loads(run(*SMALL, "-d", "bounded-noise:rho=0.1 + bounded-noise:sticky=true", "--json").stdout)
    assert record["defense"] == "bounded-noise + bounded-noise"
    assert [layer["sticky"] for layer in record["defense_params"]["nest"]] == [False, True]


def test_answers_and_price_are_as_asked_for(run: Run) -> None:
    record = json.loads(run(*SMALL, "--answers", "proba", "--price-per-query", "0.5", "--json").stdout)
    assert (record["answers"], record["price_usd"], record["price_per_query"]) == ("proba", 10.0, 0.5)


FAMILIES = [
    ("logistic", "haberman"),
    ("logistic:fit_intercept=false", "haberman"),
    ("linear-svm", "haberman"),
    ("decision-tree", "haberman"),
    ("random-forest:trees=5", "haberman"),
    ("kernel-svm", "haberman"),
    ("kernel-svm:kernel=poly", "haberman"),
    ("linear-regression", "diabetes"),
    ("decision-tree", "diabetes"),
    ("random-forest:trees=5", "diabetes"),
    ("kernel-svm", "diabetes"),
]


@pytest.mark.parametrize(("model", "data"), FAMILIES)
def test_a_stolen_model_is_saved_as_it_was_measured(
    run: Run, registry: mex.Registry, tmp_path: Path, model: str, data: str
) -> None:
    if data not in {p.component.name for p in registry.provided("dataset")}:
        pytest.skip(f"there is no {data} yet")
    file = tmp_path / "stolen model.skops"
    done = run("attack", "passive", "-m", model, "--data", data, "--budget", "60", "--save", file, "--json")
    assert done.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == [file.name], "no half-written file beside it"
    # Everything is scikit-learn's; skops asks for trust in the arrays of a tree, which it does not check.
    untrusted = skops.io.get_untrusted_types(file=file)
    assert untrusted in ([], ["sklearn.tree._tree.Tree"])
    assert not untrusted or "tree" in model or "forest" in model
    stolen = skops.io.load(file, trusted=untrusted)

    cell = Cell(
        attack=registry.resolve("attack", "passive"),
        defense=registry.resolve("defense", "none"),
        model=registry.resolve("model", model),
        dataset=registry.resolve("dataset", data),
        budget=60,
    )
    again, extraction = measure(registry, cell)
    record = json.loads(done.stdout)
    assert again["cell"] == record["cell"]
    assert again["agreement"] == record["agreement"]
    X = set_scene(registry, cell.model, cell.dataset, 0).yardstick.points["agreement"]
    assert np.array_equal(stolen.predict(X), extraction.hypothesis.predict(X))


def test_what_learned_nothing_can_be_saved_as_well(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "stolen.skops"
    assert run(*SMALL[:-1], "1", "--save", file).returncode == 0
    assert skops.io.get_untrusted_types(file=file) == []
    assert len(set(skops.io.load(file).predict(np.random.default_rng(0).random((9, 3))))) == 1


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(self: Oracle, X: object) -> None:
        raise AssertionError("the oracle was asked")

    monkeypatch.setattr(Oracle, "ask", ask)


def test_an_agreement_below_a_constants_is_marked_and_the_mark_explained(run: Run) -> None:
    done = run("attack", "passive:sampler=uniform", "-m", "decision-tree", "--data", "haberman", "--budget", "12")
    rows = dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)
    agreement, majority = rows["76 held-out rows"].split("\t")
    assert float(agreement.removesuffix("↓")) < float(majority)
    assert agreement.endswith("↓")
    explained = "↓ worse than always answering the most common label, which agrees on "
    assert f"{explained}{majority} of the held-out rows\n" in done.stderr


def test_a_regression_on_five_rows_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("a,y\n0.5,1.5\n1.5,2.25\n2.5,3.1\n3.5,4.7\n4.5,5.9\n", encoding="utf-8")
    done = run(
        "attack", "passive", "-m", "linear-regression", "--data", f"csv:path={tmp_path / 'few.csv'},task=regression"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "mex: R² needs at least two held-out rows, and there are 1: give more rows\n"


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (".", "it is a directory"),
        ("missing/stolen.skops", "No such file or directory"),
        ("file/stolen.skops", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_any_query(
    run: Run, tmp_path: Path, place: str, reason: str
) -> None:
    (tmp_path / "file").touch()
    done = run(*SMALL, "--save", tmp_path / place, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"mex: cannot write {tmp_path / place}: {reason}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.usefixtures("unasked")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_without_permission_is_told_before_any_query(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = run(*SMALL, "--save", tmp_path / "stolen.skops")
    tmp_path.chmod(0o700)
    assert done.returncode == 2
    assert done.stderr.endswith("Permission denied\n")


def test_an_old_file_stands_until_the_new_one_is_whole(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "stolen.skops"
    file.write_text("old")
    assert run(*SMALL[:-1], "0", "--save", file).returncode == 2
    assert file.read_text() == "old"
    assert run(*SMALL, "--save", file).returncode == 0
    assert skops.io.load(file).n_features_in_ == 3


def test_a_reader_that_leaves_is_no_complaint() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "mex", "list-plugins"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_a_full_disk_loses_neither_the_record_nor_the_stolen_model(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, aside = tmp_path / "full", tmp_path / "aside"
    full.mkdir()
    aside.mkdir()
    dump = skops.io.dump

    def write(*_: object) -> int:
        raise mex.UsageError("cannot write results.jsonl: No space left on device")

    def save(model: object, path: Path) -> None:
        if path.parent == full:
            raise OSError(28, "No space left on device")
        dump(model, path)

    monkeypatch.setattr("tempfile.tempdir", str(aside))
    with monkeypatch.context() as patches:
        patches.setattr("skops.io.dump", save)
        patches.setattr("mex.app.matrix.results.Results._write", write)
        done = run(*SMALL, "--out", str(full), "--save", str(full / "model.skops"), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["queries"] == 20
    kept, saved = done.stderr.splitlines()[-2:]
    assert "No space left on device; 1 record not written, as there was no room elsewhere either" in kept
    assert "model.skops: No space left on device, so it was saved; skops.io.load('" in saved
    (file,) = aside.glob("mex-stolen-*/model.skops")
    assert str(file) in saved
    assert hasattr(skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file)), "predict")


def test_what_the_stolen_model_says_of_itself_is_written_down(run: Run, tmp_path: Path) -> None:
    boosted = ("-m", "boosted-trees:trees=2,max_depth=2", "--data", "diabetes", "--budget", "2000")
    done = run("attack", "boosted-exact:checks=60", *boosted, "--describe", str(tmp_path / "found.txt"))
    assert done.returncode == 0, done.stderr
    assert "exact: a clone of " in done.stdout
    lines = (tmp_path / "found.txt").read_text().splitlines()
    assert lines[0].startswith("thresholds of ")
    assert any(" where " in line and " >= " in line for line in lines)
    silent = run(*SMALL, "--describe", str(tmp_path / "nothing.txt"))
    assert "which says nothing of itself" in silent.stderr
    assert not (tmp_path / "nothing.txt").exists()
