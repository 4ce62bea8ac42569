"""What people type for a component is read as written, and written as it can be read."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mex
from mex.registry.spec import Spec

names = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+){0,2}", fullmatch=True)
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda key: key not in ("use", "nest"))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        *(
            "true",
            "false",
            "inf",
            "nan",
            "null",
            "1",
            "0.5",
            'a",b',
            "a' + 'b",
            "{x=1}",
            "[",
            "]",
            "\\",
            "a b ",
            "~/x.csv",
        ),
        *(
            "2024-01-01",
            "1x",
            "1 # x",
            "a#b",
            "(a",
            "a)b(",
            "a + b",
            "C:\\x y",
            "=",
            "ü=1",
            "0x1F",
            "inf x",
            "+x",
            "1.2.3",
        ),
    ]
)
scalars = st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
specs = st.builds(Spec, names, st.dictionaries(keys, values, max_size=4))


@settings(max_examples=100)
@given(spec=specs)
def test_what_a_spec_writes_it_reads_back(spec: Spec) -> None:
    assert Spec.parse(str(spec)) == spec


@settings(max_examples=30)
@given(layers=st.lists(specs, min_size=2, max_size=3))
def test_nested_defenses_are_written_and_read_from_the_inside_out(layers: list[Spec]) -> None:
    nested = Spec.nested(layers)
    assert Spec.parse(str(nested)) == nested
    assert nested.layers == layers


def test_a_value_left_out_is_not_written() -> None:
    spec = Spec("decision-tree", {"max_depth": None, "min_samples_leaf": 2})
    assert str(spec) == "decision-tree:min_samples_leaf=2"
    assert str(Spec("decision-tree", {"max_depth": None})) == "decision-tree"


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("x", {}),
        ("x:", {}),
        ("x:a=1", {"a": 1}),
        ("x:a=1.0,b=1e-3", {"a": 1.0, "b": 0.001}),
        (" x:a = 1 , b = true ", {"a": 1, "b": True}),
        ("x:a=rbf,b=one-two", {"a": "rbf", "b": "one-two"}),
        ("x:a=~/data/my file.csv", {"a": "~/data/my file.csv"}),
        ("x:a=../b.csv", {"a": "../b.csv"}),
        ("x:a=2024/01-data.csv", {"a": "2024/01-data.csv"}),
        ("x:a=/daten/Umsätze 2024 (neu).csv,b=1", {"a": "/daten/Umsätze 2024 (neu).csv", "b": 1}),
        ("x:a=über/k=v+w.csv", {"a": "über/k=v+w.csv"}),
        (r"x:a=C:\data\x.csv,b=2", {"a": r"C:\data\x.csv", "b": 2}),
        ("x:a=D:/data/x.csv", {"a": "D:/data/x.csv"}),
        ("x:a='b,c=d'", {"a": "b,c=d"}),
        ('x:a="b + c"', {"a": "b + c"}),
        ("x:a=[1, 2],b={use='y', c=3}", {"a": [1, 2], "b": {"use": "y", "c": 3}}),
        ("x:a='1'", {"a": "1"}),
        ("x:a=inf", {"a": math.inf}),
    ],
)
def test_values_are_toml_and_words_need_no_quotes(text: str, params: dict[str, Any]) -> None:
    assert Spec.parse(text) == Spec("x", params)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'' names no component"),
        (":a=1", "':a=1' names no component"),
        ("a +  + b", "names no component"),
        ("x:a", "'x:a': 'a' is not of the form key=value"),
        ("x:a=", "'a=' is not of the form key=value"),
        ("x:=1", "'=1' is not of the form key=value"),
        ("x:a=1,,b=2", "'' is not of the form key=value"),
        ("x:a=1,a=2", "a is given twice"),
        ("x:a=1.2.3", "'1.2.3' is not a value; write it as in TOML"),
        ("x:a=[1", r"'\[1' is not a value"),
        ("x:a='b", '"\'b" is not a value'),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(mex.UsageError, match=sentence) as error:
        Spec.parse(text)
    assert "\n" not in str(error.value)


@given(text=st.text(max_size=30) | st.text("x:=,+ '\"[]{}1a.", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        spec = Spec.parse(text)
    except mex.UsageError:
        return
    assert Spec.parse(str(spec)) == spec or any(v != v for v in spec.params.values()), "unless it holds a NaN"


@pytest.mark.parametrize(
    "path",
    [
        *(
            "plain.csv",
            "2024.csv.gz",
            "a b.tsv",
            "über/Größe (1).csv",
            "k=v + w,x.csv",
            r"C:\data\x.CSV",
            "./O'Brien.csv",
        ),
        *("http:data.csv", "data.txt.xz", " x.csv "),
    ],
)
def test_the_name_of_a_csv_file_is_that_file(path: str) -> None:
    spec = Spec.parse(path)
    assert spec == Spec("csv", {"path": path.strip()}) == Spec.of(path)
    assert Spec.parse(str(spec)) == spec


def test_a_component_with_a_parameter_that_ends_like_a_file_is_no_file() -> None:
    assert Spec.parse("csv:path=plain.csv") == Spec("csv", {"path": "plain.csv"})
    assert Spec.parse("csv:sep=';',path=plain.csv").params == {"sep": ";", "path": "plain.csv"}
    assert Spec.parse("x + y:a=b.csv").params["nest"] == [{"use": "x"}, {"use": "y", "a": "b.csv"}]


def test_a_spec_is_made_of_itself_of_text_or_of_a_table() -> None:
    spec = Spec("x", {"a": 1})
    assert Spec.of(spec) is spec
    assert Spec.of("x:a=1") == Spec.of({"use": "x", "a": 1}) == spec


@pytest.mark.parametrize("value", [3, None, ["x"], {"a": 1}, {"use": 3}])
def test_what_is_no_component_is_refused(value: Any) -> None:
    with pytest.raises(mex.UsageError, match="is not a component; write name, name:key=value or"):
        Spec.of(value)


@pytest.mark.parametrize("nest", [3, "none", [], None, {"use": "none"}])
def test_a_nest_is_a_list_of_defenses(nest: Any) -> None:
    with pytest.raises(mex.UsageError, match="nest must be a list of defenses, not"):
        Spec("x", {"nest": nest}).layers  # noqa: B018


def test_the_name_of_a_file_is_the_component_of_its_kind_that_reads_it() -> None:
    assert Spec.parse("a/model.skops", "model") == Spec("file", {"path": "a/model.skops"})
    assert Spec.parse("model.txt", "model").name == "file"
    assert Spec.parse("rows.txt", "dataset").name == Spec.parse("rows.txt").name == "csv"
    assert Spec.parse("file:path=model.json,classes=['no','yes']", "model").params["classes"] == ["no", "yes"]


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (
            "model",
            "rows.csv",
            "no model named 'rows.csv', and a file of a dataset is none: files of a model end in .skops, ",
        ),
        (
            "dataset",
            "m.skops",
            "no dataset named 'm.skops', and a file of a model is none: files of a dataset end in .csv, ",
        ),
        ("model", "m.h5", "no model named 'm.h5': files of a model end in .skops, "),
        ("dataset", "adlut", "no dataset named 'adlut'; did you mean 'adult'"),
        ("defense", "x.csv", "no defense named 'x.csv'; there are: "),
    ],
)
def test_a_file_of_another_kind_is_told_from_a_mistyped_name(kind: str, name: str, said: str) -> None:
    with pytest.raises(mex.UsageError, match=re.escape(said)):
        mex.load_registry().resolve(kind, Spec.parse(name, kind))
