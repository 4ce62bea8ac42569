"""``mex inspect``, and the first line of a run: what was read of a table."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

ROWS = "".join(
    f"{i},{20 + i % 40},{['no', 'yes', 'NULL'][i % 3]},{i % 2 == 0},7,{['low', 'high'][i % 2]}\n" for i in range(60)
)
CLINIC = f",age,smoker,member,ward,risk\n{ROWS}"
READ = (
    "clinic: 60 rows, 20 of them with missing values; 1 whole number, 1 truth value, 1 category of 2 levels; "
    "target risk: high (30), low (30); column 1 has no name, is another in each row, as an index is, and is left out; "
    "column 'ward' is '7' in every row and is left out"
)


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    path = tmp_path / "clinic.csv"
    path.write_text(CLINIC, encoding="utf-8")
    return path


def test_a_person_reads_a_sentence_and_a_table(run: Run, clinic: Path) -> None:
    done = run("inspect", clinic)
    assert (done.returncode, done.stderr) == (0, "")
    sentence, blank, *table = done.stdout.splitlines()
    assert (sentence, blank) == (READ, "")
    assert [line.split("\t") for line in table] == [
        ["column", "kind", "values", "missing"],
        ["age", "whole number", "20 to 59", ""],
        ["smoker", "category", "no, yes", "some"],
        ["member", "truth value", "false, true", ""],
    ]


def test_a_program_reads_one_object(run: Run, clinic: Path) -> None:
    about = json.loads(run("inspect", f"csv:path={clinic},positive=high", "--json").stdout)
    assert (about["name"], about["rows"], about["features"], about["task"]) == ("clinic", 60, 4, "binary")
    assert (about["target"], about["classes"]) == ("risk", ["low", "high"])
    assert about["columns"][1] == {
        "name": "smoker",
        "kind": "category",
        "range": None,
        "levels": ["no", "yes"],
        "missing": True,
    }
    assert about["columns"][0]["range"] == [20, 59]
    assert len(about["notes"]) == 2


def test_every_dataset_can_be_looked_at(run: Run) -> None:
    assert run("inspect", "adult").stdout.startswith("adult: 45222 rows; 6 whole numbers, 8 categories of 98 levels; ")
    assert "569 rows; 30 numbers; target: malignant (212), benign (357)" in run("inspect", "breast-cancer").stdout
    assert "442 rows; 6 numbers, 4 whole numbers; target: 25 to 346" in run("inspect", "diabetes").stdout
    assert "0 (178), 1 (182), 2 (177), 3 (183), 4 (181), … (10 classes)" in run("inspect", "digits").stdout


def test_a_mistake_is_one_sentence(run: Run, clinic: Path, tmp_path: Path) -> None:
    for data, sentence in {
        "adlt": "no dataset named 'adlt'; did you mean 'adult'?",
        str(tmp_path / "none.csv"): "cannot be read: no such file or directory",
        f"csv:path={clinic},target=rsk": "has no column 'rsk'; did you mean 'risk'?",
        f"csv:path={clinic},trget=risk": "dataset 'csv' has no parameter 'trget'; did you mean 'target'?",
    }.items():
        done = run("inspect", data)
        assert (done.returncode, done.stdout) == (2, "")
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("model", "more"), [("logistic", "; logistic takes complete rows only: 40 of 60"), ("random-forest:trees=3", "")]
)
def test_an_attack_says_first_what_was_read_and_what_the_model_takes_of_it(
    run: Run, clinic: Path, model: str, more: str
) -> None:
    done = run("attack", "passive", "-m", model, "--data", clinic, "--budget", "5", "--json")
    assert (done.returncode, done.stderr) == (0, f"mex: {READ}{more}\n")
    assert json.loads(done.stdout)["queries"] == 5
