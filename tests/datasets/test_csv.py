"""A user's own file: read as it is meant, or refused in one sentence."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mex
import mex_csv
from mex import UsageError
from mex.dataset import Source
from mex.registry.spec import Spec
from mex.toolkit.tabular.parsing import MISSING
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
    assert (dataset.target, dataset.class_names) == ("risk", ("high", "low"))
    assert dataset.y.tolist() == [1, 0, 0, 1]
    assert dataset.domain.names == ("age", "smoker=no", "smoker=yes")
    assert np.array_equal(dataset.X, [[41, 1, 0], [29, 0, 1], [35, np.nan, np.nan], [50, 0, 1]], equal_nan=True)
    assert dataset.complete().X.tolist() == [[41, 1, 0], [29, 0, 1], [50, 0, 1]]


def test_target_positive_and_task_may_be_given(tmp_path: Path) -> None:
    path = write(tmp_path, CLINIC)
    assert Csv(path=path, target="smoker", positive="no").load().class_names == ("yes", "no")
    assert Csv(path=path, target="age").load().class_names == ("29", "35", "41", "50")
    assert Csv(path=path, target="age", positive=41).load().class_names == ("not 41", "41")
    assert Csv(path=path, target="age", task="regression").load().y.tolist() == [41, 29, 35, 50]


def test_a_target_of_many_numbers_is_a_regression(tmp_path: Path) -> None:
    rows = "".join(f"{i % 7},{i / 4}\n" for i in range(21))
    path = write(tmp_path, "x,y\n" + rows)
    assert Csv(path=path).load().task == "regression"
    assert len(Csv(path=path, task="classification").load().class_names) == 21


@pytest.mark.parametrize(
    "content",
    [
        CLINIC.replace("\n", "\r\n"),
        CLINIC.replace("\n", "\r"),
        "\ufeff" + CLINIC,
        CLINIC.replace(",", " , "),
        CLINIC.replace("\n", "\n\n"),
        CLINIC.replace(",", ";"),
        CLINIC.replace(",", "\t"),
        CLINIC.replace(",", "|"),
        "sep=;\n" + CLINIC.replace(",", ";"),
        CLINIC.encode("utf-16"),
        CLINIC.replace("age", "\u00e4ge").encode("utf-16-le").join([b"\xff\xfe", b""]),
        gzip.compress(CLINIC.encode(), mtime=0),
        bz2.compress(CLINIC.encode()),
        lzma.compress(CLINIC.encode()),
        CLINIC.replace("\n", ",\n"),
        "".join(f"{i},{line}\n" for i, line in enumerate(CLINIC.splitlines(), -1)).replace("-1,", ",", 1),
        '"age","smoker","risk"\n41,"no",low\n29,yes,high\n35,NA,high\n50,yes,low',
        *(CLINIC.replace("35,,", f"35,{text},") for text in MISSING),
    ],
)
def test_files_as_people_write_them(tmp_path: Path, content: str | bytes) -> None:
    expected = Csv(path=write(tmp_path, CLINIC)).load()
    dataset = Csv(path=write(tmp_path, content, "other.csv")).load()
    assert np.array_equal(dataset.X, expected.X, equal_nan=True)
    assert [name.replace("\u00e4", "a") for name in dataset.domain.names] == list(expected.domain.names)
    assert dataset.class_names == expected.class_names
    assert dataset.y.tolist() == expected.y.tolist()


ROWS = range(30)


def table(header: str, row: Callable[[int], str]) -> str:
    """A table of thirty rows; x is i * 7 % 10 and y is i % 2 in those below."""
    return "".join(f"{line}\n" for line in [header, *(row(i) for i in ROWS)])


def x(i: int) -> int:
    return i * 7 % 10


RIGHT: dict[str, tuple[str | bytes, dict[str, Any], tuple[str, ...], Callable[[int], list[Any]]]] = {
    "decimal commas": (
        table("x;c;y", lambda i: f"{x(i)},5;{'ab'[i % 2]};{i % 2}"),
        {},
        ("x", "c=a", "c=b"),
        lambda i: [x(i) + 0.5, i % 2 == 0, i % 2],
    ),
    "decimal commas given": (
        table("x;y", lambda i: f"{x(i)},125;{i % 2}"),
        {"decimal": ",", "sep": ";"},
        ("x",),
        lambda i: [x(i) + 0.125],
    ),
    "an index": (table(",x,y", lambda i: f"{i},{x(i)},{i % 2}"), {}, ("x",), lambda i: [x(i)]),
    "plus and minus": (
        table("x,s,y", lambda i: f"{'-' if i % 5 == 0 else x(i)},{'+-'[i % 2]},{i % 2}"),
        {},
        ("x", "s=+", "s=-"),
        lambda i: [None if i % 5 == 0 else x(i), i % 2 == 0, i % 2],
    ),
    "texts among numbers": (
        table("x,y", lambda i: f"{'n.b.' if i % 9 == 0 else x(i)},{i % 2}"),
        {"numeric": "x"},
        ("x",),
        lambda i: [None if i % 9 == 0 else x(i)],
    ),
    "a text of one's own for missing": (
        table("x,y", lambda i: f"{'n.b.' if i % 9 == 0 else x(i)},{i % 2}"),
        {"missing": ["n.b."]},
        ("x",),
        lambda i: [None if i % 9 == 0 else x(i)],
    ),
    "an identifier dropped": (
        table("id,x,y", lambda i: f"{i + 1},{x(i)},{i % 2}"),
        {"drop": "id"},
        ("x",),
        lambda i: [x(i)],
    ),
    "an identifier kept": (
        table("id,x,y", lambda i: f"{i + 1},{x(i)},{i % 2}"),
        {"numeric": "id"},
        ("id", "x"),
        lambda i: [i + 1, x(i)],
    ),
    "money": (
        table("pay,x,y", lambda i: f'"$1,{i + 100}.50",{x(i)},{i % 2}'),
        {"numeric": ["pay"]},
        ("pay", "x"),
        lambda i: [1100.5 + i, x(i)],
    ),
    "per cents": (
        table("share,y", lambda i: f"{x(i)}.5%,{i % 2}"),
        {"numeric": ["share"]},
        ("share",),
        lambda i: [x(i) + 0.5],
    ),
    "German thousands": (
        table("pay;x;y", lambda i: f"1.{i + 100},50 EUR;{x(i)},5;{i % 2}"),
        {"numeric": ["pay"]},
        ("pay", "x"),
        lambda i: [1100.5 + i, x(i) + 0.5],
    ),
    "a constant": (table("k,x,y", lambda i: f"7,{x(i)},{i % 2}"), {}, ("x",), lambda i: [x(i)]),
    "a constant kept": (
        table("k,x,y", lambda i: f"7,{x(i)},{i % 2}"),
        {"numeric": "k"},
        ("k", "x"),
        lambda i: [7, x(i)],
    ),
    "1_1 is no number": (
        table("z,x,y", lambda i: f"{i % 2}_1,{x(i)},{i % 2}"),
        {},
        ("z=0_1", "z=1_1", "x"),
        lambda i: [i % 2 == 0, i % 2, x(i)],
    ),
    "hexadecimal is no number": (
        table("z,x,y", lambda i: f"0x0{i % 2},{x(i)},{i % 2}"),
        {},
        ("z=0x00", "z=0x01", "x"),
        lambda i: [i % 2 == 0, i % 2, x(i)],
    ),
    "codes": (
        table("zip,x,y", lambda i: f"0{i % 2 + 1}067,{x(i)},{i % 2}"),
        {"categorical": ["zip"]},
        ("zip=01067", "zip=02067", "x"),
        lambda i: [i % 2 == 0, i % 2, x(i)],
    ),
    "numbers for categories": (
        table("k,x,y", lambda i: f"{[10, 9][i % 2]},{x(i)},{i % 2}"),
        {"categorical": ["k"]},
        ("k=9", "k=10", "x"),
        lambda i: [i % 2, i % 2 == 0, x(i)],
    ),
    "truth values": (
        table("b,x,y", lambda i: f"{['TRUE', 'false', ''][i % 3]},{x(i)},{i % 2}"),
        {},
        ("b", "x"),
        lambda i: [[1, 0, None][i % 3], x(i)],
    ),
    "Western European": (
        table("größe,y", lambda i: f"{'äö'[i % 2]},{i % 2}").encode("cp1252"),
        {"encoding": "cp1252"},
        ("größe=ä", "größe=ö"),
        lambda i: [i % 2 == 0, i % 2],
    ),
    "lines in quotes": (
        table("c,x,y", lambda i: f'"{"ab"[i % 2]}\nz",{x(i)},{i % 2}'),
        {},
        ("c=a\nz", "c=b\nz", "x"),
        lambda i: [i % 2 == 0, i % 2, x(i)],
    ),
    "all in quotes": (table('"x","y"', lambda i: f'"{x(i)}","{i % 2}"'), {}, ("x",), lambda i: [x(i)]),
    "quotes in quotes": (
        table("c,x,y", lambda i: f'"{"ab"[i % 2]}""z""",{x(i)},{i % 2}'),
        {},
        ('c=a"z"', 'c=b"z"', "x"),
        lambda i: [i % 2 == 0, i % 2, x(i)],
    ),
    "an empty column": (table("x,e,y", lambda i: f"{x(i)},,{i % 2}"), {}, ("x",), lambda i: [x(i)]),
    "exponents and signs": (table("x,y", lambda i: f"+{x(i)}E-2,{i % 2}"), {}, ("x",), lambda i: [x(i) / 100]),
    "numbered columns": (table("0,1,2", lambda i: f"{x(i)},{i % 3},{i % 2}"), {}, ("0", "1"), lambda i: [x(i), i % 3]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_an_awkward_file_is_read_right(tmp_path: Path, name: str) -> None:
    content, parameters, names, row = RIGHT[name]
    dataset = Csv(path=write(tmp_path, content), **parameters).load()
    assert dataset.domain.names == names
    expected = np.array([row(i) for i in ROWS], dtype=float)
    assert np.allclose(dataset.X, expected, rtol=1e-15, atol=0, equal_nan=True)
    assert dataset.class_names == ("0", "1")
    assert dataset.y.tolist() == [i % 2 for i in ROWS]
    assert dataset.domain.objection(dataset.X) is None


def test_labels_that_are_one_number_are_one_class(tmp_path: Path) -> None:
    path = write(tmp_path, table("x,y", lambda i: f"{x(i)},{['1', '1.0', '2', '2.00'][i % 4]}"))
    dataset = Csv(path=path).load()
    assert dataset.class_names == ("1", "2")
    assert dataset.y.tolist() == [i % 4 // 2 for i in ROWS]
    assert Csv(path=path, positive=1).load().class_names == ("2", "1")


def test_what_was_done_is_told(tmp_path: Path) -> None:
    content = table(
        ",k,e,n,x,y",
        lambda i: f"{i};7;;{'n.b.' if i == 3 else 5 + i % 7};{x(i)},5;{i % 2 if i else ''}".replace(",", "#"),
    )
    content = content.replace(",", ";").replace("#", ",")
    assert Csv(path=write(tmp_path, content), numeric="n").load().notes == (
        "the decimal mark is ','",
        "column 1 has no name, is another in each row, as an index is, and is left out",
        "column 'k' is '7' in every row and is left out",
        "column 'e' has no value in any row and is left out",
        "column 'n' counts 1 texts that are no numbers as missing ('n.b.')",
        "1 of 30 rows have no 'y' and are left out",
    )


CURES: dict[str, tuple[str | bytes, str, str]] = {
    "texts among numbers": (
        table("x,y", lambda i: f"{'n.b.' if i % 9 == 0 else x(i)},{i % 2}"),
        "column 'x' holds numbers, but texts in 4 of 30 rows ('n.b.')",
        "numeric=['x']",
    ),
    "a number and more": (
        table("doors,y", lambda i: f"{['2', '3', '4', '5more'][i % 4]},{i % 2}"),
        "column 'doors' holds numbers, but texts in 7 of 30 rows ('5more')",
        "categorical=['doors']",
    ),
    "infinite": (
        table("x,y", lambda i: f"{'inf' if i == 3 else x(i)},{i % 2}"),
        "column 'x' holds numbers, but texts in 1 of 30 rows ('inf')",
        "numeric=['x']",
    ),
    "an identifier": (
        table("nr,x,y", lambda i: f"{i + 1},{x(i)},{i % 2}"),
        "column 'nr' has another number in each row (1 to 30), as an identifier has",
        "drop=['nr']",
    ),
    "an identifier by its name": (
        table("customerID,x,y", lambda i: f"{i * i + 1000},{x(i)},{i % 2}"),
        "column 'customerID' has another number in each row (1000 to 1841), as an identifier has",
        "drop=['customerID']",
    ),
    "a large identifier": (
        table("x,z,y", lambda i: f"{2**60 + i % 3},{x(i)},{i % 2}"),
        "column 'x' holds whole numbers beyond 2**53",
        "drop=['x']",
    ),
    "an identifier of letters": (
        table("key,x,y", lambda i: f"C{i:05d},{x(i)},{i % 2}"),
        "column 'key' holds 30 different texts in 30 rows ('C00000'), names or remarks rather than categories",
        "drop=['key']",
    ),
    "free text": (
        table("name,x,y", lambda i: f'"Braund, Mr. {i}",{x(i)},{i % 2}'),
        "column 'name' holds 30 different texts in 30 rows ('Braund, Mr. 0')",
        "drop=['name']",
    ),
    "dates": (
        table("when,x,y", lambda i: f"2024-01-{i % 28 + 1:02d},{x(i)},{i % 2}"),
        "column 'when' holds dates or times ('2024-01-01')",
        "drop=['when']",
    ),
    "American dates": (
        table("when,x,y", lambda i: f"1/{i % 28 + 1}/24 10:30,{x(i)},{i % 2}"),
        "column 'when' holds dates or times ('1/1/24 10:30')",
        "drop=['when']",
    ),
    "dates as numbers": (
        table("day,x,y", lambda i: f"202401{i % 28 + 1:02d},{x(i)},{i % 2}"),
        "column 'day' holds dates (20240101)",
        "drop=['day']",
    ),
    "money": (
        table("pay,x,y", lambda i: f'"$1,{i + 100}.50",{x(i)},{i % 2}'),
        "column 'pay' holds money ('$1,100.50')",
        "numeric=['pay']",
    ),
    "per cents": (
        table("share,x,y", lambda i: f"{x(i)}%,{x(i)},{i % 2}"),
        "column 'share' holds per cents ('0%')",
        "numeric=['share']",
    ),
    "thousands": (
        table("pay,x,y", lambda i: f'"1,{i + 100}",{x(i)},{i % 2}'),
        "column 'pay' holds numbers written in another way ('1,100')",
        "numeric=['pay']",
    ),
    "two decimal marks": (
        table("a;b;y", lambda i: f"{x(i)},5;{x(i)}.5;{i % 2}"),
        "column 'a' holds numbers written in another way ('0,5')",
        "numeric=['a']",
    ),
    "codes": (
        table("zip,x,y", lambda i: f"{x(i):05d},{x(i)},{i % 2}"),
        "column 'zip' holds codes that start with 0 ('00000')",
        "categorical=['zip']",
    ),
    "one value or none": (
        table("dead,x,y", lambda i: f"{'yes' * (i % 2)},{x(i)},{i % 2}"),
        "column 'dead' is 'yes' or missing",
        "drop=['dead']",
    ),
    "several": (
        table("id,pay,x,y", lambda i: f"{i},${i % 7},{x(i)},{i % 2}"),
        "column 'id' has another number in each row (0 to 29), as an identifier has; column 'pay' holds money ('$0')",
        "drop=['id'],numeric=['pay']",
    ),
}


@pytest.mark.parametrize("name", CURES)
def test_a_column_in_doubt_is_one_sentence_whose_cure_works(tmp_path: Path, name: str) -> None:
    content, doubt, cure = CURES[name]
    path = write(tmp_path, content)
    with pytest.raises(UsageError) as error:
        Csv(path=path).load()
    say = "say what to do with drop=, numeric= or categorical=, such as"
    assert str(error.value).startswith(f"{path}: {doubt}")
    assert str(error.value).endswith(f": {say} {cure}")
    if ",x," in str(content) or "drop" not in cure:
        spec = Spec.parse(f"csv:{cure}")
        assert Csv(path=path, **spec.params).load().y.tolist() == [i % 2 for i in ROWS]


@pytest.mark.parametrize("name", ["clinic.csv.gz", "clinic.gz", "clinic.csv.xz"])
def test_the_name_of_a_dataset_is_that_of_the_file(tmp_path: Path, name: str) -> None:
    dataset = Csv(path=write(tmp_path, gzip.compress(CLINIC.encode(), mtime=0), name)).load()
    assert (dataset.name, dataset.X.shape) == ("clinic", (4, 3))


@pytest.mark.parametrize("name", ["2024 Umsätze (neu).csv", "k=v+w.csv", "1.csv", "a b.tsv"])
def test_a_file_of_any_name_is_read_by_its_name(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, registry: mex.Registry
) -> None:
    write(tmp_path, CLINIC, name)
    monkeypatch.chdir(tmp_path)
    for text in (name, f"csv:path={name}", str(tmp_path / name)):
        assert registry.build("dataset", text).load().X.shape == (4, 3)


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
        ("a b\n1 2\n", {}, "must name the columns, and names one, 'a b': what stands above them must go; if they are"),
        ("# made by hand\na,b\n1,2\n", {}, "and names one, '# made by hand': what stands above them must go"),
        ("a,b;c\n1,2;3\n", {}, "{path} may be separated in several ways: give sep=',' or sep=';'"),
        ("a,,c\n1,2,3\n3,2,1\n", {}, "gives column 2 no name: write one, or give drop='Unnamed: 1'"),
        ("a,b,a\n1,2,3\n", {}, "names two columns 'a'"),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", {}, "'5.1' is a number: write the names above it"),
        ("a,b\n1,2\n\n3\n", {}, "line 4 of {path} has 1 fields, and the header names 2 columns"),
        ("a,b\n1,2\n3,4,5\n", {}, "line 3 of {path} has 3 fields, and the header names 2 columns; if the first column"),
        (
            'a,b\n1,2\n3,"4\n5,6\n7,8\n',
            {},
            "{path} has a quotation mark that nothing closes, in or above its last line",
        ),
        ('a,b\n1,2\n"3,4\n5,6\n7,8\n', {}, "line 3 of {path} or one below opens a quotation mark that nothing closes"),
        (CLINIC, {"target": "rsk"}, "has no column 'rsk'; did you mean 'risk'?"),
        (CLINIC, {"positive": "hgh"}, "has no class 'hgh'; did you mean 'high'?"),
        (CLINIC, {"task": "regression"}, "target 'risk' is not numbers only"),
        (CLINIC, {"target": "age", "task": "regression", "positive": "41"}, "is a regression"),
        ("a,b\n1,\n,2\n", {}, "column 'a' is '1' or missing"),
        ("a,b\n1,\n2,\n", {}, "column 'b' has no value in any row"),
        ("a,b\n1,x\n2,x\n", {}, "has one class ('x')"),
        ("a,b\n1,x\n1,y\n", {}, "no column beside its target 'b'; column 'a' is '1' in every row and is left out"),
        ("a,b\n1,2\nné,x\n".encode("latin-1"), {}, "{path} is not text in UTF-8 (line 3): give its encoding, perhaps"),
        (
            "a,b\nné,x\n".encode("latin-1"),
            {"encoding": "ascii"},
            "is not text in ASCII (line 2): give another encoding",
        ),
        (CLINIC, {"encoding": "utf-88"}, "encoding is the name of one, such as utf-8 or cp1252, not 'utf-88'"),
        ("a,b\n" + "x" * 20_000_000 + ",1\n", {}, "line 2 of {path} is longer than 8388608 bytes"),
        (b"PK\x03\x04...", {}, "{path} is a zip archive or an Excel workbook: unpack it, or save the sheet as CSV"),
        (b"ARROW1..", {}, "{path} is a Feather or Arrow file: give it a name that ends so, or parquet:path=FILE"),
        (b"PAR1...", {}, "{path} is a Parquet file: give it a name that ends so, or parquet:path=FILE"),
        (CLINIC, {"drop": ["aeg"]}, "{path} has no column 'aeg'; did you mean 'age'?"),
        (CLINIC, {"numeric": "smok"}, "{path} has no column 'smok'; did you mean 'smoker'?"),
        (CLINIC, {"categorical": ["smoker", "x"]}, "{path} has no column 'x'; there are: age, risk, smoker"),
        (CLINIC, {"drop": ["age", "smoker", "risk"]}, "{path} has no column left to predict"),
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
        (gzip.compress(CLINIC.encode(), mtime=0)[:-12], "cannot be read: compressed file ended"),
        (gzip.compress(CLINIC.encode(), mtime=0)[:12] + bytes(range(255, 215, -1)), "cannot be read: error -3"),
        (b"", "is empty"),
    ],
    ids=["cut short", "damaged", "nothing"],
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
        ({"sep": ", "}, "sep must be one character (or left out), not ', '"),
        ({"decimal": "'"}, "decimal must be a point or a comma (or left out), not"),
        ({"drop": 3}, "drop must be a text or a list of texts, not 3"),
        ({"missing": [3]}, "missing must be a text or a list of texts, not (3,)"),
        ({"target": ""}, "target must be a string"),
    ],
)
def test_bad_parameters(parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        Csv(**parameters)
    assert sentence in str(error.value)


@pytest.mark.parametrize("held", [("False", "False"), ("TRUE", "true"), ("true", "False"), ("", "false")])
def test_truth_values_are_read_as_such_where_only_one_of_both_occurs(held: tuple[str, str], tmp_path: Path) -> None:
    """A model fitted on truth values takes no texts for them, and few rows may hold one of both only."""
    rows = "".join(f"{i},{value},{'ab'[i % 2]}\n" for i, value in enumerate(held * 3))
    table = Csv(path=write(tmp_path, "n,flag,y\n" + rows)).table()
    (flag,) = (column for column in mex.Schema.of(table.columns).columns if column.name == "flag")
    assert flag.kind == "boolean"
