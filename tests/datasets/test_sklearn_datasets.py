"""scikit-learn's datasets, in its coding and in their own units."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from sklearn import datasets

import mex_sklearn_datasets
from mex import UsageError
from mex.dataset import Source

COMPONENTS = {component.name: component for component in mex_sklearn_datasets.mex_components()}
FACTS = {
    "breast-cancer": (datasets.load_breast_cancer, (569, 30), ("malignant", "benign")),
    "wine": (datasets.load_wine, (178, 13), ("class_0", "class_1", "class_2")),
    "digits": (datasets.load_digits, (1797, 64), tuple("0123456789")),
    "iris": (datasets.load_iris, (150, 4), ("setosa", "versicolor", "virginica")),
    "diabetes": (lambda: datasets.load_diabetes(scaled=False), (442, 10), ()),
}


def build(name: str, **parameters: object) -> Source:
    module, _, class_name = COMPONENTS[name].target.partition(":")
    source = getattr(importlib.import_module(module), class_name)(**parameters)
    assert isinstance(source, Source)
    return source


def test_every_dataset_is_registered() -> None:
    assert COMPONENTS.keys() == FACTS.keys()


@pytest.mark.parametrize("name", FACTS)
def test_rows_and_classes_are_those_of_scikit_learn(name: str) -> None:
    loader, shape, class_names = FACTS[name]
    dataset, bunch = build(name).load(), loader()
    assert dataset.name == name
    assert dataset.X.shape == shape
    assert dataset.class_names == class_names
    assert dataset.domain.names == tuple(bunch.feature_names)
    assert np.array_equal(dataset.X, bunch.data)
    assert np.array_equal(dataset.y, bunch.target)
    assert dataset.domain.objection(dataset.X) is None
    assert np.array_equal(dataset.domain.integer, (dataset.X % 1 == 0).all(axis=0))
    assert COMPONENTS[name].summary.endswith(f"; {shape[0]} x {shape[1]}")


def test_whole_numbers_are_integer_features() -> None:
    assert build("digits").load().domain.integer.all()
    assert not build("iris").load().domain.integer.any()
    diabetes = build("diabetes").load().domain
    assert diabetes.integer[diabetes.names.index("age")]
    assert not diabetes.integer[diabetes.names.index("bmi")]


def test_diabetes_is_a_regression_in_its_own_units() -> None:
    dataset = build("diabetes").load()
    age = dataset.domain.names.index("age")
    assert dataset.task == "regression"
    assert (dataset.domain.lower[age], dataset.domain.upper[age]) == (19, 79)


def test_positive_tells_one_class_from_all_others() -> None:
    dataset = build("digits", positive=3).load()  # a number, as TOML reads positive=3
    assert dataset.class_names == ("not 3", "3")
    assert np.array_equal(dataset.y, datasets.load_digits().target == 3)
    cancer = build("breast-cancer", positive="malignant").load()
    assert cancer.class_names == ("benign", "malignant")
    assert int(cancer.y.sum()) == 212


def test_an_unknown_positive_class_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'virginica'"):
        build("iris", positive="virginia").load()
