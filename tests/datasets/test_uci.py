"""The shipped datasets are what their files and their README say."""

from __future__ import annotations

import csv
import functools
import gzip
import importlib
import pickle
import re
from importlib.resources import files

import numpy as np
import pytest

import mex_uci
from mex import Dataset, UsageError
from mex.dataset import Source

# Columns, positive class and its count in the whole file; shape once loaded.
FACTS = {
    "adult": ("income", ">50K", 11687, (45222, 104)),
    "australian": ("class", "1", 307, (690, 38)),
    "bank": ("y", "yes", 521, (4521, 50)),
    "blood-transfusion": ("class", "1", 178, (748, 4)),
    "breast-cancer-ljubljana": ("class", "recurrence-events", 85, (277, 39)),
    "breast-cancer-wisconsin": ("class", "4", 241, (683, 9)),
    "bupa": ("selector", "2", 200, (345, 6)),
    "credit-approval": ("class", "+", 307, (653, 46)),
    "german-credit": ("class", "2", 300, (1000, 61)),
    "gss-happiness": ("Happiness level", None, None, (16127, 101)),
    "haberman": ("class", "2", 81, (306, 3)),
    "heart": ("class", "present", 120, (270, 20)),
    "ionosphere": ("class", "g", 225, (351, 34)),
    "mammographic": ("severity", "1", 445, (831, 11)),
    "mushroom": ("class", "p", 3916, (8124, 112)),
    "pima-diabetes": ("class", "1", 268, (768, 8)),
    "spambase": ("class", "1", 1813, (4601, 57)),
    "steak-survey": ("How do you like your steak prepared?", None, None, (331, 40)),
    "tic-tac-toe": ("class", "positive", 626, (958, 27)),
    "vote": ("class", "republican", 168, (232, 32)),
}
LEFT_OUT = {
    "bank": {"duration"},
    "breast-cancer-wisconsin": {"sample_code_number"},
    "gss-happiness": {"year", "id"},
    "mammographic": {"bi_rads"},
    "mushroom": {"stalk-root"},
    "steak-survey": {"RespondentID"},
}
CODED = {
    "australian": {"A4", "A5", "A6", "A12"},
    "heart": {"chest_pain_type", "resting_ecg", "thal"},
    "mammographic": {"shape", "margin"},
}
COMPONENTS = {component.name: component for component in mex_uci.mex_components()}
every_dataset = pytest.mark.parametrize("name", FACTS)


def build(name: str, **parameters: object) -> Source:
    module, _, class_name = COMPONENTS[name].target.partition(":")
    source = getattr(importlib.import_module(module), class_name)(**parameters)
    assert isinstance(source, Source)
    return source


@functools.cache
def load(name: str) -> Dataset:
    return build(name).load()


@functools.cache
def table(name: str) -> list[dict[str, str]]:
    packed = files("mex_uci").joinpath("data", name.replace("-", "_") + ".csv.gz").read_bytes()
    return list(csv.DictReader(gzip.decompress(packed).decode().splitlines()))


def complete(name: str) -> list[dict[str, str]]:
    left_out = LEFT_OUT.get(name, set())
    return [row for row in table(name) if all(value for column, value in row.items() if column not in left_out)]


def test_every_dataset_is_registered() -> None:
    assert COMPONENTS.keys() == FACTS.keys()


@every_dataset
def test_shape_and_positive_class(name: str) -> None:
    target, positive, count, shape = FACTS[name]
    dataset = load(name)
    assert dataset.name == name
    assert dataset.X.shape == shape
    if positive is None:
        assert dataset.task == "multiclass"
        assert list(dataset.class_names) == sorted({row[target] for row in complete(name)})
    else:
        assert dataset.class_names[1] == positive
        assert sum(row[target] == positive for row in table(name)) == count
        assert int(dataset.y.sum()) == sum(row[target] == positive for row in complete(name))


@every_dataset
def test_rows_read_back_as_in_the_file(name: str) -> None:
    """Every column of the complete rows, in order, is a number or the one-hot category it was."""
    dataset, rows, target = load(name), complete(name), FACTS[name][0]
    assert [dataset.class_names[i] for i in dataset.y] == [row[target] for row in rows]
    groups = iter(dataset.domain.groups)
    start = 0
    for column in rows[0]:
        if column in LEFT_OUT.get(name, set()) | {target}:
            continue
        texts = [row[column] for row in rows]
        if column in CODED.get(name, set()) or not all(re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) for text in texts):
            group = next(groups)
            assert group == tuple(range(start, start + len(set(texts))))
            categories = [dataset.domain.names[i].removeprefix(f"{column}=") for i in group]
            assert np.array(categories)[dataset.X[:, group].argmax(axis=1)].tolist() == texts
            start += len(group)
        else:
            assert dataset.domain.names[start] == column
            assert dataset.X[:, start].tolist() == list(map(float, texts))
            start += 1
    assert start == dataset.X.shape[1]
    assert next(groups, None) is None


@every_dataset
def test_the_domain_is_that_of_the_rows(name: str) -> None:
    dataset = load(name)
    domain = dataset.domain
    assert domain.objection(dataset.X) is None
    assert domain.bounded
    assert np.array_equal(domain.lower, dataset.X.min(axis=0))
    assert np.array_equal(domain.upper, dataset.X.max(axis=0))
    for group in domain.groups:
        assert set(np.unique(dataset.X[:, group])) <= {0, 1}
        assert (dataset.X[:, group].sum(axis=1) == 1).all()
        assert dataset.X[:, group].any(axis=0).all()
    single = np.setdiff1d(np.arange(domain.n_features), [i for group in domain.groups for i in group])
    assert np.array_equal(domain.integer[single], (dataset.X[:, single] % 1 == 0).all(axis=0))
    assert domain.objection(domain.sample(20, np.random.default_rng(0))) is None


def test_the_readme_and_the_summaries_give_the_shapes() -> None:
    readme = files("mex_uci").joinpath("data", "README.md").read_text("utf-8").partition("## As loaded")[2]
    documented = dict(re.findall(r"^\| ([\w-]+) \| (\d+ \| \d+ \| \d*) *\|", readme, re.MULTILINE))
    for name in FACTS:
        rows, features = load(name).X.shape
        positives = int(load(name).y.sum()) if load(name).task == "binary" else ""
        assert documented[name] == f"{rows} | {features} | {positives}"
        assert COMPONENTS[name].summary.endswith(f"; {rows} x {features}")


def test_positive_tells_one_class_from_all_others() -> None:
    dataset = build("steak-survey", positive="Rare").load()
    assert dataset.class_names == ("not Rare", "Rare")
    answers = [row["How do you like your steak prepared?"] for row in complete("steak-survey")]
    assert dataset.y.tolist() == [int(answer == "Rare") for answer in answers]


def test_positive_may_turn_a_binary_dataset_round() -> None:
    dataset = build("breast-cancer-wisconsin", positive=2).load()  # a number, as TOML reads positive=2
    assert dataset.class_names == ("4", "2")
    assert np.array_equal(dataset.y, 1 - load("breast-cancer-wisconsin").y)


def test_an_unknown_positive_class_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="no class 'poor'; there are: b, g"):
        build("ionosphere", positive="poor").load()
    with pytest.raises(UsageError, match="did you mean 'Medium'"):
        build("steak-survey", positive="Medum").load()


def test_components_say_what_they_are() -> None:
    adult = build("adult", positive="<=50K")
    assert repr(adult) == "Adult(positive='<=50K', coding='one-hot')"
    assert pickle.loads(pickle.dumps(adult)) == adult
    assert adult.licence == "CC BY 4.0"
    assert "10.24432/C5XW20" in adult.source
    assert build("pima-diabetes").licence == "not stated"


@pytest.mark.parametrize(("name", "columns"), [("adult", 14), ("mushroom", 21), ("steak-survey", 13), ("heart", 13)])
def test_categories_may_be_numbered_as_the_paper_counts_its_features(name: str, columns: int) -> None:
    plain, dataset = load(name), build(name, coding="numbered").load()
    assert dataset.X.shape == (len(plain.X), dataset.domain.n_features)
    assert dataset.domain.groups == ()
    assert dataset.domain.objection(dataset.X) is None
    assert np.array_equal(dataset.y, plain.y)
    wide = plain.domain.n_features - sum(len(group) - 1 for group in plain.domain.groups)
    assert dataset.X.shape[1] == wide == columns
    group = plain.domain.groups[0]
    at = dataset.domain.names.index(plain.domain.names[group[0]].partition("=")[0])
    assert np.array_equal(dataset.X[:, at], plain.X[:, list(group)].argmax(axis=1))
