"""``check_dataset`` passes every dataset that is installed, and finds what is wrong with one that is not well made."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest

import mex
from mex.testing import check_dataset

DATASETS = [p.component.name for p in mex.load_registry().provided() if p.component.kind == "dataset"]


@pytest.mark.parametrize("name", DATASETS)
def test_every_installed_dataset_is_well_made(registry: mex.Registry, tmp_path: Path, name: str) -> None:
    params = {}
    if name in ("csv", "recorded"):
        table = tmp_path / "table.csv"
        table.write_text("age,smoker,label\n41,no,low\n29,yes,high\n35,no,high\n", encoding="utf-8")
        params["path"] = str(table)
    data = check_dataset(registry.build("dataset", {"use": name, **params}))
    assert data.X.shape[1] == data.domain.n_features


X = np.random.default_rng(0).normal(size=(60, 3)).round(3)
Y = (X[:, 0] > 0).astype(np.int64)


def good(**changes: Any) -> mex.Dataset:
    """A dataset that is well made, but for ``changes`` that its own constructor does not look at."""
    data = mex.Dataset("good", X.copy(), Y.copy(), mex.Domain.of(X), ("no", "yes"))
    for name, value in changes.items():
        object.__setattr__(data, name, value)
    return data


@attrs.frozen(kw_only=True)
class Good:
    """A dataset component."""

    source: ClassVar[str] = "drawn here"
    licence: ClassVar[str] = "CC0"
    made: ClassVar[Callable[[], Any]] = good

    def load(self) -> mex.Dataset:
        """Return the dataset."""
        return type(self).made()  # type: ignore[no-any-return]


def component(made: Callable[[], Any] = good, **declared: Any) -> Any:
    return type("Made", (Good,), {"__doc__": "A dataset.", "made": staticmethod(made), **declared})()


def test_a_dataset_that_keeps_its_promises_passes() -> None:
    assert check_dataset(component()).task == "binary"
    values = check_dataset(component(lambda: good(y=X[:, 1].copy(), class_names=())))
    assert values.task == "regression"


def holes() -> mex.Dataset:
    X_ = X.copy()
    X_[3, 1] = np.nan
    return good(X=X_)


def test_missing_values_are_for_a_domain_that_says_so() -> None:
    with pytest.raises(AssertionError, match=r"X has missing values: leave .* or give a domain with incomplete=True"):
        check_dataset(component(holes))
    domain = attrs.evolve(mex.Domain.of(X), incomplete=True)
    check_dataset(component(lambda: good(X=holes().X, domain=domain)))


WIDE = mex.Domain(np.full(3, -0.5), np.full(3, 0.5))


@pytest.mark.parametrize(
    ("made", "broken"),
    [
        (lambda: good(X=np.where(X > 2, np.inf, X)), "X has infinite values: leave such rows out"),
        (lambda: good(X=X.astype(np.float32)), "X must be an array of float64, not float32"),
        (lambda: good(X=X.tolist()), "X must be an array, not list"),
        (lambda: good(X=X[:, :2].copy()), "X has 2 columns and its domain 3 features"),
        (lambda: good(domain=WIDE), r"the domain must accept every row: row \d+: feature \d is .*; take mex.Domain.of"),
        (
            lambda: good(domain=attrs.evolve(mex.Domain.of(X), names=("a", "b", "a"))),
            "names of their own: 'a' is there",
        ),
        (lambda: good(domain=attrs.evolve(mex.Domain.of(X), names=("a", "b", " "))), "a column has an empty name"),
        (lambda: good(class_names=("yes", "yes")), "classes must have names of their own: 'yes' is there twice"),
        (lambda: good(y=Y.astype(float)), "y must hold the index of each row's class, as whole numbers, not float64"),
        (lambda: good(y=Y + 1), r"indices 0 to 1 of the 2 class names, each at least once; it holds \[1, 2\]"),
        (lambda: good(class_names=("a", "b", "c")), r"indices 0 to 2 of the 3 class names, .* it holds \[0, 1\]"),
        (lambda: good(y=Y[:, None]), r"y must have the shape \(60,\), not \(60, 1\)"),
        (lambda: good(y=np.ones(60), class_names=()), "all values are the same: there is nothing to learn"),
        (lambda: good(y=np.full(60, np.nan), class_names=()), "the values of a regression must be finite"),
        (lambda: good(name=""), "a dataset needs a name"),
        (lambda: X, "load must return a mex.Dataset, not ndarray"),
        (
            lambda: good(X=np.random.default_rng().normal(size=(60, 3)).clip(X.min(0), X.max(0))),
            "X must be the same when",
        ),
        (lambda: good(name=f"loaded {np.random.default_rng().random()}"), "names, classes and domain must be the same"),
    ],
)
def test_what_is_wrong_with_a_dataset_is_said(made: Callable[[], Any], broken: str) -> None:
    with pytest.raises(AssertionError, match=broken):
        check_dataset(component(made))


def test_source_and_licence_are_declared() -> None:
    with pytest.raises(AssertionError, match=r"Made must declare licence: ClassVar\[str\]"):
        check_dataset(component(licence=None))
    with pytest.raises(AssertionError, match="Made must say its source; 'not stated' where nobody knows"):
        check_dataset(component(source=" "))


def connected() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bare:
        bare.connect(("192.0.2.1", 80))


@pytest.mark.parametrize(
    "call",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.01),
        lambda: socket.getaddrinfo("example.invalid", 80),
        connected,
    ],
)
def test_a_dataset_that_is_fetched_is_found(call: Callable[[], Any]) -> None:
    def fetched() -> mex.Dataset:
        call()
        return good()

    with pytest.raises(AssertionError, match=r"Made.load must not use a network: ship the data with the plugin"):
        check_dataset(component(fetched))
    assert "refused" not in repr(socket.socket.connect), "the network is as before"
