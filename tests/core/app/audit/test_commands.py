"""``mex recommend``, ``mex list-plugins --for`` and mistakes in ``mex audit``: a table or a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import skops.io
from audited import plane
from sklearn.linear_model import LogisticRegression

from mex.app.cli import main


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A model on disk, and rows for it."""
    folder = tmp_path_factory.mktemp("files")
    X, y = plane(60)
    skops.io.dump(LogisticRegression().fit(X, y), folder / "model.skops")
    rows = [",".join(map(str, row)) + f",{label}" for row, label in zip(X.tolist(), y, strict=True)]
    (folder / "rows.csv").write_text("x0,x1,x2,y\n" + "\n".join(rows), encoding="utf-8")
    (folder / "one.csv").write_text("x0,x1,x2,y\n" + "0.1,0.2,0.3,yes\n0.3,-0.2,0.1,yes\n" * 9, encoding="utf-8")
    (folder / "alike.csv").write_text("x0,x1,x2,y\n" + "-1,1,0,no\n-1,1,0.1,yes\n" * 9, encoding="utf-8")
    unlabelled = "x0,x1,x2\n" + "\n".join(row.rpartition(",")[0] for row in rows)
    (folder / "unlabelled.csv").write_text(unlabelled, encoding="utf-8")
    (folder / "foreign.csv").write_text("\n".join(["x0,x1,x2,y", *rows]).replace("yes", "1"), encoding="utf-8")
    (folder / "other.csv").write_text("p,q\n1,2\n3,4\n", encoding="utf-8")
    return str(folder / "model.skops"), str(folder / "rows.csv")


def test_recommend_and_the_column_of_list_plugins_say_the_same(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = files
    assert main(["recommend", model, data, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["components"]
    applies = {c["name"] for c in found if c["kind"] == "attack" and c["applies"]}
    assert {"pivot", "equation-solving", "passive"} <= applies
    assert all(c["why"] for c in found)
    assert main(["list-plugins", "--kind", "attack", "--for", model, "--data", data, "--json"]) == 0
    listed = {line["name"]: line["applies"] for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert listed["equation-solving"] == "proba"
    assert listed["pivot"] == "label"
    assert listed["tree-structure"].startswith("no: tree-structure works on tree models")
    assert {name for name, said in listed.items() if said and not said.startswith("no")} == {
        name.partition(":")[0] for name in applies
    }


@pytest.mark.parametrize("name", ["unlabelled", "foreign"])
def test_rows_without_true_labels_of_the_model_do_to_ask_it(
    name: str, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = files
    assert main(["recommend", model, data, "--json"]) == 0
    labelled = json.loads(capsys.readouterr().out)["components"]
    assert main(["recommend", model, str(Path(data).with_name(f"{name}.csv")), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["components"]
    assert {c["name"] for c in found if c["applies"]} == {c["name"] for c in labelled if c["applies"]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.skops", "DATA"], "nothing.skops"),
        (["no-such-model", "DATA"], "no model named"),
        (["MODEL", "OTHER"], "takes 3 columns"),
        (["MODEL", "nothing.csv"], "nothing.csv"),
        (["MODEL", "ONE"], "all 18 rows of the data are of one class, yes"),
        (["MODEL", "ALIKE"], "the model answers no to each of 18 rows of the data"),
        (["MODEL", "DATA", "--minutes", "0"], "minutes must be a number above 0"),
        (["MODEL", "DATA", "--depth", "deep"], "no depth named 'deep'"),
        (["MODEL", "DATA", "--require", "soon"], "a requirement is"),
        (["MODEL", "DATA", "--compare", "OTHER"], "is no JSON"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: list[str], sentence: str, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"MODEL": files[0], "DATA": files[1]}
    places |= {name.upper(): str(Path(files[1]).with_name(f"{name}.csv")) for name in ("other", "one", "alike")}
    assert main(["audit", *(places.get(a, a) for a in arguments)]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert sentence in said[-1]
    assert "Traceback" not in "".join(said)
