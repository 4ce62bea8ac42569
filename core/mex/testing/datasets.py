"""What a dataset component promises."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any, NoReturn
from unittest import mock

import attrs
import numpy as np

from mex.dataset import Dataset, Source
from mex.testing.declarations import check_parameters
from mex.types import Array

ARRAYS = ("X", "y")


def check_dataset(source: Source) -> Dataset:
    """Check that a dataset component loads what every model and attack counts on; return the dataset.

    It loads without a network, twice the same, whatever was done to what it gave the first time. Its values are finite,
    or missing where the domain allows that; the domain accepts every row; columns have names of their own or none;
    every class has a name and a row; source and licence are declared.

    Raises:
        AssertionError: with the promise that is broken.
    """
    check_parameters(source)
    cls = type(source)
    for declared in ("source", "licence"):
        said = getattr(source, declared, None)
        assert isinstance(said, str), f"{cls.__name__} must declare {declared}: ClassVar[str]"
        assert said.strip(), f"{cls.__name__} must say its {declared}; 'not stated' where nobody knows"
    with _no_network(cls.__name__):
        data = source.load()
        assert isinstance(data, Dataset), f"load must return a mex.Dataset, not {type(data).__name__}"
        _check_rows(data)
        _check_targets(data)
        kept = {name: np.array(getattr(data, name)) for name in ARRAYS}
        _spoil(data.X)
        _spoil(data.y)
        again = source.load()
    for name, before in kept.items():
        assert _same(before, getattr(again, name)), (
            f"{name} must be the same whenever it is loaded: draw nothing, and keep no array that was handed out"
        )
    assert _same_description(data, again), "names, classes and domain must be the same whenever it is loaded"
    return again


def _check_rows(data: Dataset) -> None:
    X, domain = data.X, data.domain
    assert isinstance(X, np.ndarray), f"X must be an array, not {type(X).__name__}"
    assert X.dtype == np.float64, f"X must be an array of float64, not {X.dtype}"
    assert X.ndim == 2, f"X must have the shape (n, d), not {X.shape}"
    assert X.shape[1] == domain.n_features, f"X has {X.shape[1]} columns and its domain {domain.n_features} features"
    assert not np.isinf(X).any(), "X has infinite values: leave such rows out"
    assert domain.incomplete or not np.isnan(X).any(), (
        "X has missing values: leave such rows out, or give a domain with incomplete=True"
    )
    objection = domain.objection(X)
    assert objection is None, (
        f"the domain must accept every row: {objection}; take mex.Domain.of(X), or mend the bounds"
    )
    names = domain.names
    assert len(set(names)) == len(names), f"columns must have names of their own: {_repeated(names)!r} is there twice"
    assert all(isinstance(name, str) and name.strip() for name in names), "a column has an empty name"


def _check_targets(data: Dataset) -> None:
    assert isinstance(data.name, str), "a dataset needs a name"
    assert data.name.strip(), "a dataset needs a name"
    y = np.asarray(data.y)
    assert y.shape == (len(data.X),), f"y must have the shape ({len(data.X)},), not {y.shape}"
    if not data.class_names:
        assert y.dtype.kind in "fiu", f"the values of a regression must be numbers, not {y.dtype}"
        assert np.isfinite(y.astype(np.float64)).all(), "the values of a regression must be finite"
        assert len(np.unique(y)) > 1, "all values are the same: there is nothing to learn"
        return
    names = data.class_names
    assert len(set(names)) == len(names), f"classes must have names of their own: {_repeated(names)!r} is there twice"
    assert y.dtype.kind in "iu", f"y must hold the index of each row's class, as whole numbers, not {y.dtype}"
    present = np.unique(y)
    assert np.array_equal(present, np.arange(len(names))), (
        f"y must hold the indices 0 to {len(names) - 1} of the {len(names)} class names, each at least once; "
        f"it holds {present[:8].tolist()}"
    )


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


@contextlib.contextmanager
def _no_network(name: str) -> Iterator[None]:
    """No connection is opened and no host looked up in this process."""

    def refused(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError(f"{name}.load must not use a network: ship the data with the plugin, or take a path")

    with contextlib.ExitStack() as stack:
        for owner, attribute in (
            (socket.socket, "connect"),
            (socket.socket, "connect_ex"),
            (socket.socket, "sendto"),
            (socket, "getaddrinfo"),
            (socket, "gethostbyname"),
            (socket, "create_connection"),
        ):
            stack.enter_context(mock.patch.object(owner, attribute, refused))
        yield
