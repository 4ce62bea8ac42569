"""A user's mistake is one sentence on stderr and exit code 2: nothing on stdout, no traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

ATTACK = "attack passive -m logistic --data haberman --budget 20"
MATRIX = "matrix -a passive -d none -m logistic --data haberman --budget 20 --seeds 1 --jobs 1"

MISTAKES = {
    "": "the following arguments are required: COMMAND",
    "atack": "argument COMMAND: invalid choice: 'atack'",
    "attack": "the following arguments are required: ATTACK, -m/--model, --data",
    "attack passive -m logistic": "the following arguments are required: --data",
    f"{ATTACK} --bugdet 3": "unrecognized arguments: --bugdet 3",
    "attack pasive -m logistic --data haberman": "no attack named 'pasive'; did you mean 'passive'?",
    "attack passive -m logistics --data haberman": "no model named 'logistics'; did you mean 'logistic'?",
    "attack passive -m logistic --data habermann": "no dataset named 'habermann'; did you mean 'haberman'?",
    f"{ATTACK} -d bounded-nose": "no defense named 'bounded-nose'; did you mean 'bounded-noise'?",
    f"{ATTACK} -d bounded-noise:rho=1.5": "defense 'bounded-noise': rho must be a number between 0 and 1, not 1.5",
    f"{ATTACK} -d bounded-noise:rho=nan": "rho must be a number between 0 and 1, not nan",
    f"{ATTACK} -d bounded-noise:rho=": "'rho=' is not of the form key=value",
    f"{ATTACK} -d bounded-noise:roh=0.1": "defense 'bounded-noise' has no parameter 'roh'; did you mean 'rho'?",
    f"{ATTACK} -d bounded-noise:rho=1,rho=0": "rho is given twice",
    f"{ATTACK} -d bounded-noise:sticky=yes": "sticky must be true or false, not 'yes'",
    f"{ATTACK} -d bounded-noise:nest=3": "nest must be a list of defenses, not 3",
    f"{ATTACK} --budget 0": "budget must be a whole number of at least 1, not 0",
    f"{ATTACK} --budget -1": "budget must be a whole number of at least 1, not -1",
    f"{ATTACK} --budget 1.5": "argument --budget: must be a whole number, not '1.5'",
    f"{ATTACK} --budget many": "argument --budget: must be a whole number, not 'many'",
    f"{ATTACK} --seed -1": "seed must be a whole number of at least 0, not -1",
    f"{ATTACK} --price-per-query -1": "price_per_query must be a number of at least 0, not -1.0",
    f"{ATTACK} --price-per-query nan": "price_per_query must be a number of at least 0, not nan",
    f"{ATTACK} --answers labels": "answers must be one of label, proba, leaf, value, not 'labels'",
    f"{ATTACK} --answers leaf": "this interface gives label and proba answers, not leaf",
    "attack passive -m linear-regression --data haberman": "linear-regression learns regression data",
    "attack passive:model=nothing -m logistic --data haberman": "no model named 'nothing'",
    "attack passive -m decision-tree:max_depth=0 --data heart": "max_depth must be a whole number of at least 1",
    "attack passive -m logistic --data haberman:positive=7": "dataset 'haberman' has no class '7'",
    "matrix missing.toml": "cannot read missing.toml: No such file or directory",
    f"{MATRIX} --budget 0": "budget must be a whole number of at least 1, not 0",
    f"{MATRIX} --budget -1": "budget must be a whole number of at least 1, not -1",
    f"{MATRIX} --seeds 0": "seeds must be a whole number of at least 1 or a list of whole numbers, not 0",
    f"{MATRIX} --seeds -3": "seeds must be a whole number of at least 1",
    f"{MATRIX} --jobs 0": "jobs must be a whole number of at least 1, not 0",
    f"{MATRIX} --jobs -1": "jobs must be a whole number of at least 1, not -1",
    f"{MATRIX} --answers x": "answers must be one of label, proba, leaf, value, not 'x'",
    f"{MATRIX} -a passive:sampler=2020-01-01": "attack 'passive': sampler must be one of",
    f"{MATRIX} -a passive:batch=0": "attack 'passive': batch must be a whole number of at least 1, not 0",
    f"{MATRIX} --data iris:positive=rose": "dataset 'iris' has no class 'rose'",
    "list-plugins --kind model --bogus": "unrecognized arguments: --bogus",
    "list-plugins --kind modle": "argument --kind: invalid choice: 'modle'",
    "show model": "the following arguments are required: NAME",
    "show model logistc": "no model named 'logistc'; did you mean 'logistic'?",
    "show modl logistic": "argument KIND: invalid choice: 'modl'",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_sentence(run: Run, line: str) -> None:
    done = run(*line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert MISTAKES[line] in done.stderr
    assert done.stderr.startswith("mex: ")
    assert done.stderr.count("\n") == 1, "one line"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"budget = \n", "plan.toml: Invalid value (at line 1, column 10)"),
        (b"[attacks.passive\n", "plan.toml: "),
        (b"\xff\xfe", "plan.toml: not UTF-8 text"),
        (b"budgt = 3\n", "no setting named 'budgt'; did you mean 'budget'?"),
        (b"attacks = 3\n", "attacks must be a table of components, not 3"),
        (b"", "a matrix needs at least one of its attacks"),
        (b"[attacks.passive]\nsampler = 2020-01-01\n[defenses.none]\n[models.logistic]\n[datasets.heart]\n", "sampler"),
        (b"[attacks.a]\nuse = 'a'\n[defenses.none]\n[models.logistic]\n[datasets.heart]\n", "no attack named 'a'"),
    ],
)
def test_a_bad_file_is_one_sentence_with_the_place(run: Run, tmp_path: Path, content: bytes, sentence: str) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_bytes(content)
    done = run("matrix", plan, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_dataset_with_one_class_is_one_sentence(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "one.csv"
    table.write_text("x,y\n1,a\n2,a\n3,a\n", encoding="utf-8")
    for command in (["attack", "passive"], ["matrix", "-a", "passive", "-d", "none", "--jobs", "1"]):
        done = run(*command, "-m", "logistic", "--data", f"csv:path='{table}'")
        if "no dataset named" in done.stderr:
            pytest.skip("the csv plugin is not here")
        assert (done.returncode, done.stdout) == (2, "")
        assert "one class ('a')" in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_results_that_cannot_be_written_are_told_before_anything_runs(run: Run, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    done = run(*MATRIX.split(), "--out", tmp_path / place, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mex: cannot write results to ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("line", ["", "list-plugins --kind modle", "show model logistc"])
def test_the_process_ends_as_the_function_does(line: str) -> None:
    done = subprocess.run([sys.executable, "-m", "mex", *line.split()], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mex: ")
    assert done.stderr.count("\n") == 1
