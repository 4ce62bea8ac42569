"""What a dataset component promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import attrs
import numpy as np

from mex.dataset import Dataset, Source
from mex.testing.declarations import VALUE
from mex.testing.kit import check_all, once
from mex.testing.network import NetworkUsed, no_network
from mex.types import Array

ARRAYS = ("X", "y")


@attrs.frozen(eq=False, slots=False)
class DatasetTrial:
    """A dataset component, what it loads, and what it loads once that was spoilt."""

    component: Source
    kind: ClassVar[str] = "dataset"
    checks: ClassVar[Sequence[Callable[[Any], None]]]

    def load(self) -> Dataset:
        """What it loads without a network."""
        with no_network(type(self.component).__name__):
            return self.component.load()

    @once
    def data(self) -> Dataset:
        """What it loads at first."""
        return self.load()

    @once
    def kept(self) -> dict[str, Array]:
        """Copies of the arrays that it loaded at first."""
        return {name: np.array(getattr(self.data, name)) for name in ARRAYS}

    @once
    def again(self) -> Dataset:
        """What it loads after a careless user has changed what it loaded at first."""
        assert self.kept
        for name in ARRAYS:
            _spoil(getattr(self.data, name))
        return self.load()


def loads_without_a_network(trial: DatasetTrial) -> None:
    """It opens no connection and looks up no host."""
    try:
        assert trial.data is not None
    except NetworkUsed:
        raise
    except Exception:
        return  # which the next check tells


def loads_a_dataset(trial: DatasetTrial) -> None:
    """It loads a mex.Dataset that has a name."""
    data = trial.data
    assert isinstance(data, Dataset), f"load must return a mex.Dataset, not {type(data).__name__}"
    assert isinstance(data.name, str) and data.name.strip(), (  # noqa: PT018 - one promise
        "a dataset needs a name: give mex.Dataset the name that people know it by"
    )


def has_rows_of_numbers(trial: DatasetTrial) -> None:
    """X is an array of float64, shape (n, d), finite, or missing where the domain allows that."""
    X, domain = trial.data.X, trial.data.domain
    assert isinstance(X, np.ndarray), f"X must be an array, not {type(X).__name__}"
    assert X.dtype == np.float64, f"X must be an array of float64, not {X.dtype}"
    assert X.ndim == 2, f"X must have the shape (n, d), not {X.shape}"
    assert X.shape[1] == domain.n_features, (
        f"X has {X.shape[1]} columns and its domain {domain.n_features} features: take mex.Domain.of(X)"
    )
    assert not np.isinf(X).any(), "X has infinite values: leave such rows out"
    assert domain.incomplete or not np.isnan(X).any(), (
        "X has missing values: leave such rows out, or give a domain with incomplete=True"
    )


def has_a_domain_of_its_rows(trial: DatasetTrial) -> None:
    """The domain accepts every row."""
    objection = trial.data.domain.objection(trial.data.X)
    assert objection is None, (
        f"the domain must accept every row: {objection}; take mex.Domain.of(X), or mend the bounds"
    )


def names_columns_and_classes(trial: DatasetTrial) -> None:
    """Columns have names of their own or none; so have classes."""
    names, classes = trial.data.domain.names, trial.data.class_names
    assert len(set(names)) == len(names), (
        f"columns must have names of their own: {_repeated(names)!r} is there twice; rename one"
    )
    assert all(isinstance(name, str) and name.strip() for name in names), (
        "a column has an empty name: name all columns, or none"
    )
    assert len(set(classes)) == len(classes), (
        f"classes must have names of their own: {_repeated(classes)!r} is there twice; rename one"
    )


def has_a_label_or_value_a_row(trial: DatasetTrial) -> None:
    """y holds the index of each row's class, all classes among them; or finite numbers, which differ."""
    y, names = np.asarray(trial.data.y), trial.data.class_names
    n = len(trial.data.X)
    assert y.shape == (n,), f"y must have the shape ({n},), not {y.shape}"
    if not names:
        assert y.dtype.kind in "fiu", f"the values of a regression must be numbers, not {y.dtype}"
        assert np.isfinite(y.astype(np.float64)).all(), (
            "the values of a regression must be finite: leave the other rows out"
        )
        assert len(np.unique(y)) > 1, "all values are the same: there is nothing to learn; take another column"
        return
    assert y.dtype.kind in "iu", f"y must hold the index of each row's class, as whole numbers, not {y.dtype}"
    present = np.unique(y)
    assert np.array_equal(present, np.arange(len(names))), (
        f"y must hold the indices 0 to {len(names) - 1} of the {len(names)} class names, each at least once; "
        f"it holds {present[:8].tolist()}"
    )


def loads_the_same_again(trial: DatasetTrial) -> None:
    """It loads the same whenever it is asked, whatever was done to what it gave before."""
    data, again = trial.data, trial.again
    for name in ARRAYS:
        assert _same(trial.kept[name], getattr(again, name)), (
            f"{name} must be the same whenever it is loaded: draw nothing, and keep no array that was handed out"
        )
    assert _same_description(data, again), (
        "names, classes and domain must be the same whenever it is loaded: derive them from the data alone"
    )


DATASET = (
    *VALUE,
    loads_without_a_network,
    loads_a_dataset,
    has_rows_of_numbers,
    has_a_domain_of_its_rows,
    names_columns_and_classes,
    has_a_label_or_value_a_row,
    loads_the_same_again,
)
DatasetTrial.checks = DATASET


def check_dataset(source: Source) -> Dataset:
    """Check that a dataset component loads what every model and attack counts on; return the dataset.

    It loads without a network, twice the same, whatever was done to what it gave the first time. Its values are finite,
    or missing where the domain allows that; the domain accepts every row; columns have names of their own or none;
    every class has a name and a row; source and licence are declared.

    Raises:
        AssertionError: with the promise that is broken.
    """
    trial = DatasetTrial(source)
    check_all(trial)
    return trial.again


def _repeated(names: tuple[str, ...]) -> str:
    return next(name for name in names if names.count(name) > 1)


def _spoil(values: Array) -> None:
    """What a careless user does to what was loaded."""
    if values.flags.writeable:
        values[...] = values[::-1] if values.dtype.kind != "f" else 0.5


def _same(a: Array, b: Array) -> bool:
    return bool(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def _same_description(a: Dataset, b: Dataset) -> bool:
    plain = attrs.filters.exclude(*ARRAYS)
    first, second = (attrs.asdict(data, filter=plain) for data in (a, b))
    return bool(_flat(first) == _flat(second))


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _flat(part) for key, part in value.items()}
    return (value.dtype.str, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value
