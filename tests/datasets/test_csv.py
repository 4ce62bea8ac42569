"""A user's own file: read as it is meant, or refused in one sentence."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

import mex_csv
from mex import UsageError
from mex.dataset import Source
from mex_csv.dataset import Csv

CLINIC = "age,smoker,risk\n41,no,low\n29,yes,high\n35,,high\n50,yes,low\n"


def write(folder: Path, content: str | bytes, name: str = "clinic.csv") -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def test_it_is_registered_and_builds_with_no_argument() -> None:
    (component,) = mex_csv.mex_components()
    assert (component.kind, component.name, component.target) == ("dataset", "csv", "mex_csv.dataset:Csv")
    assert isinstance(Csv(), Source)
    assert Csv.licence == "yours"


def test_the_last_column_is_the_target(tmp_path: Path) -> None:
    dataset = Csv(path=write(tmp_path, CLINIC)).load()
    assert dataset.name == "clinic"
    assert dataset.class_names == ("high", "low")
    assert dataset.y.tolist() == [1, 0, 1]
    assert dataset.domain.names == ("age", "smoker=no", "smoker=yes")
    assert dataset.X.tolist() == [[41, 1, 0], [29, 0, 1], [50, 0, 1]]


def test_target_positive_and_task_may_be_given(tmp_path: Path) -> None:
    path = write(tmp_path, CLINIC)
    assert Csv(path=path, target="smoker", positive="no").load().class_names == ("yes", "no")
    assert Csv(path=path, target="age").load().class_names == ("29", "41", "50")
    assert Csv(path=path, target="age", positive=41).load().class_names == ("not 41", "41")
    assert Csv(path=path, target="age", task="regression").load().y.tolist() == [41, 29, 50]


def test_a_target_of_many_numbers_is_a_regression(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i / 4}\n" for i in range(21))
    path = write(tmp_path, "x,y\n" + rows)
    assert Csv(path=path).load().task == "regression"
    assert len(Csv(path=path, task="classification").load().class_names) == 21


@pytest.mark.parametrize(
    "content",
    [
        CLINIC.replace("\n", "\r\n"),
        "\ufeff" + CLINIC,
        CLINIC.replace(",", " , "),
        CLINIC.replace("\n", "\n\n"),
        '"age","smoker","risk"\n41,"no",low\n29,yes,high\n35,NA,high\n50,yes,low',
    ],
    ids=["windows", "byte order mark", "blanks", "blank lines", "quotes"],
)
def test_files_as_people_write_them(tmp_path: Path, content: str) -> None:
    expected = Csv(path=write(tmp_path, CLINIC)).load()
    dataset = Csv(path=write(tmp_path, content, "other.csv")).load()
    assert dataset.X.tolist() == expected.X.tolist()
    assert dataset.domain.names == expected.domain.names
    assert dataset.class_names == expected.class_names


@pytest.mark.parametrize("name", ["clinic.csv.gz", "clinic.gz"])
def test_gzip(tmp_path: Path, name: str) -> None:
    dataset = Csv(path=write(tmp_path, gzip.compress(CLINIC.encode()), name)).load()
    assert (dataset.name, dataset.X.shape) == ("clinic", (3, 3))


def test_a_path_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path, CLINIC)
    assert Csv(path="~/clinic.csv").load().name == "clinic"


@pytest.mark.parametrize(
    ("content", "parameters", "sentence"),
    [
        ("", {}, "is empty"),
        ("\n\n", {}, "is empty"),
        ("a,b\n", {}, "has no rows below its header"),
        ("a;b\n1;2\n", {}, "must name two or more columns, with commas between them, and names 1"),
        ("a,,c\n1,2,3\n", {}, "gives column 2 no name"),
        ("a,b,a\n1,2,3\n", {}, "names two columns 'a'"),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", {}, "'5.1' is a number, not a name"),
        ("a,b\n1,2\n\n3\n", {}, "line 4 of {path} has 1 fields, and the header names 2 columns"),
        ("a,b\n1,2\n3,4,5\n", {}, "line 3 of {path} has 3 fields, and the header names 2 columns"),
        (CLINIC, {"target": "rsk"}, "has no column 'rsk'; did you mean 'risk'?"),
        (CLINIC, {"positive": "hgh"}, "has no class 'hgh'; did you mean 'high'?"),
        (CLINIC, {"task": "regression"}, "target 'risk' is not numbers only"),
        (CLINIC, {"target": "age", "task": "regression", "positive": "41"}, "is a regression"),
        ("a,b\n1,\n,2\n", {}, "no complete row"),
        ("a,b\n1,x\n2,x\n", {}, "has one class ('x')"),
        (CLINIC.encode("utf-16"), {}, "is not text in UTF-8"),
        ("a,b\nné,x\n".encode("latin-1"), {}, "is not text in UTF-8"),
        ("a,b\n" + "x" * 200_000 + ",1\n", {}, "cannot be read: field larger"),
    ],
)
def test_a_bad_file_is_one_sentence(
    tmp_path: Path, content: str | bytes, parameters: dict[str, Any], sentence: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UsageError) as error:
        Csv(path=path, **parameters).load()
    assert sentence.format(path=path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (CLINIC.encode(), "cannot be read: not a gzipped file"),
        (gzip.compress(CLINIC.encode())[:-12], "cannot be read: compressed file ended"),
        (gzip.compress(CLINIC.encode())[:12] + bytes(range(255, 215, -1)), "cannot be read: error -3"),
        (b"", "is empty"),
    ],
    ids=["plain", "cut short", "damaged", "nothing"],
)
def test_a_bad_gzip_file_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        Csv(path=write(tmp_path, content, "clinic.csv.gz")).load()
    assert sentence in str(error.value).replace("Error", "error")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="csv needs the path of a file: csv:path=FILE"):
        Csv().load()
    with pytest.raises(UsageError, match="cannot be read: no such file or directory"):
        Csv(path=str(tmp_path / "none.csv")).load()
    with pytest.raises(UsageError, match="cannot be read: is a directory"):
        Csv(path=str(tmp_path)).load()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"task": "regress"}, "task must be one of auto, classification, regression, not 'regress'"),
        ({"path": 3}, "path must be a string"),
        ({"target": ""}, "target must be a string"),
    ],
)
def test_bad_parameters(parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Csv(**parameters)
