"""The datasets inside scikit-learn, in their own units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import numpy as np
from sklearn import datasets

from mex import Dataset, Schema
from mex.params import doc, optional, text
from mex.toolkit.tabular.datasets import class_name


def _dataset(name: str, bunch: Any, class_names: tuple[str, ...] = ()) -> Dataset:
    found = Schema.of(np.asarray(bunch.data, dtype=np.float64))
    columns = [attrs.evolve(c, name=str(name)) for c, name in zip(found.columns, bunch.feature_names, strict=True)]
    schema = attrs.evolve(found, columns=columns)
    return Dataset(name, schema.encode(bunch.data), bunch.target, schema.domain, class_names, schema=schema)


@attrs.frozen(kw_only=True)
class Classification:
    """A classification dataset with the classes and the coding of scikit-learn.

    >>> Iris(positive="virginica").load()
    Dataset(name='iris', X=<150 x 4>, class_names=('not virginica', 'virginica'))
    """

    positive: str | None = attrs.field(
        default=None,
        converter=class_name,
        validator=optional(text()),
        metadata=doc("the class to tell from all others; none leaves the classes as they are"),
    )

    name: ClassVar[str]
    source: ClassVar[str]
    licence: ClassVar[str] = "CC BY 4.0"
    loader: ClassVar[Callable[[], Any]]

    def load(self) -> Dataset:
        """Return the dataset; an unknown positive class is a :class:`mex.UsageError`."""
        bunch = type(self).loader()
        dataset = _dataset(self.name, bunch, tuple(map(str, bunch.target_names)))
        return dataset.one_versus_rest(self.positive) if self.positive else dataset


class BreastCancer(Classification):
    """Breast Cancer Wisconsin (Diagnostic); the positive class is ``benign``, as scikit-learn codes it."""

    name = "breast-cancer"
    source = "Wolberg, Mangasarian, Street, Street 1993, UCI, doi:10.24432/C5DW2B, in scikit-learn"
    loader = staticmethod(datasets.load_breast_cancer)


class Wine(Classification):
    """Wine recognition, three cultivars."""

    name = "wine"
    source = "Aeberhard, Forina 1992, UCI, doi:10.24432/C5PC7J, in scikit-learn"
    loader = staticmethod(datasets.load_wine)


class Digits(Classification):
    """The test set of Optical Recognition of Handwritten Digits; a pixel is 0 to 16."""

    name = "digits"
    source = "Alpaydin, Kaynak 1998, UCI, doi:10.24432/C50P49, in scikit-learn"
    loader = staticmethod(datasets.load_digits)


class Iris(Classification):
    """Fisher's iris."""

    name = "iris"
    source = "Fisher 1936, UCI, doi:10.24432/C56C76, in scikit-learn"
    loader = staticmethod(datasets.load_iris)


@attrs.frozen(kw_only=True)
class Diabetes:
    """The diabetes data of least angle regression, not scaled: age in years, bmi in kg/m².

    >>> dataset = Diabetes().load()
    >>> dataset.task, dataset.domain.names[:3], dataset.domain.upper[:3]
    ('regression', ('age', 'sex', 'bmi'), array([79. ,  2. , 42.2]))
    """

    source: ClassVar[str] = "Efron, Hastie, Johnstone, Tibshirani 2004, Least Angle Regression, in scikit-learn"
    licence: ClassVar[str] = "not stated"

    def load(self) -> Dataset:
        """Return the dataset."""
        return _dataset("diabetes", datasets.load_diabetes(scaled=False))
