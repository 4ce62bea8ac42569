"""The checks of a dataset find what they are there to find, and say what to do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
import wrong

import mex
from mex.testing import check_dataset, checks
from mex.testing.declarations import VALUE

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


def named(*names: str) -> mex.Domain:
    return attrs.evolve(mex.Domain.of(X), names=names)


WIDE = mex.Domain(np.full(3, -0.5), np.full(3, 0.5))


@attrs.frozen(kw_only=True)
class Failing(Good):
    """Raises an error of its own."""

    def load(self) -> mex.Dataset:
        raise RuntimeError("there is nothing here")


def drawn() -> mex.Dataset:
    return good(X=np.random.default_rng().normal(size=(60, 3)).clip(X.min(0), X.max(0)))


def lasting() -> Callable[[], Any]:
    one = good()
    return lambda: one


NAMED = "names-columns-and-classes"
NUMBERS = "has-rows-of-numbers"
LABELS = "has-a-label-or-value-a-row"
AGAIN = "loads-the-same-again"
WRONG: list[tuple[str, Callable[[], Any], str]] = [
    ("loads-a-dataset", lambda: X, "load must return a mex.Dataset, not ndarray"),
    ("loads-a-dataset", lambda: good(name=""), "a dataset needs a name: give mex.Dataset"),
    (NUMBERS, lambda: good(X=np.where(X > 2, np.inf, X)), "X has infinite values: leave such rows out"),
    (NUMBERS, lambda: good(X=X.astype(np.float32)), "X must be an array of float64, not float32"),
    (NUMBERS, lambda: good(X=X.tolist()), "X must be an array, not list"),
    (NUMBERS, lambda: good(X=X[:, :2].copy()), "X has 2 columns and its domain 3 features: take mex.Domain.of"),
    ("has-a-domain-of-its-rows", lambda: good(domain=WIDE), r"every row: row \d+: .*; take mex.Domain.of"),
    (NAMED, lambda: good(domain=named("a", "b", "a")), "names of their own: 'a' is there twice; rename one"),
    (NAMED, lambda: good(domain=named("a", "b", " ")), "a column has an empty name: name all columns, or none"),
    (NAMED, lambda: good(class_names=("yes", "yes")), "classes must have names of their own: 'yes' is there twice"),
    (LABELS, lambda: good(y=Y.astype(float)), "y must hold the index of each row's class, .* not float64"),
    (LABELS, lambda: good(y=Y + 1), r"indices 0 to 1 of the 2 class names, each at least once; it holds \[1, 2\]"),
    (LABELS, lambda: good(class_names=("a", "b", "c")), r"indices 0 to 2 of the 3 class names, .* it holds \[0, 1\]"),
    (LABELS, lambda: good(y=Y[:, None]), r"y must have the shape \(60,\), not \(60, 1\)"),
    (LABELS, lambda: good(y=np.ones(60), class_names=()), "all values are the same: there is nothing to learn; take"),
    (LABELS, lambda: good(y=np.full(60, np.nan), class_names=()), "must be finite: leave the other rows out"),
    (AGAIN, drawn, "X must be the same whenever it is loaded: draw nothing, and keep no array"),
    (AGAIN, lambda: good(name=f"loaded {np.random.default_rng().random()}"), "must be the same whenever .*: derive"),
]


@pytest.mark.parametrize(("name", "made", "said"), WRONG)
def test_what_is_wrong_with_a_dataset_is_said(name: str, made: Callable[[], Any], said: str) -> None:
    wrong.assert_first_broken("dataset", component(made), name, said)


def test_a_dataset_that_hands_out_one_array_for_ever_is_found() -> None:
    assert check_dataset(component(lasting())).task == "binary"  # its arrays are copies
    one = good(X=X.copy())
    one.X.flags.writeable = True
    wrong.assert_first_broken(
        "dataset", component(lambda: one), AGAIN, "X must be the same .* no array that was handed"
    )


def test_an_error_of_its_own_is_told_as_it_is() -> None:
    *_, network, loads = checks("dataset", Failing())[:6]
    assert (network.name, loads.name) == ("loads-without-a-network", "loads-a-dataset")
    network()
    with pytest.raises(RuntimeError, match="there is nothing here"):
        loads()


def test_there_is_a_wrong_dataset_for_each_check() -> None:
    own = {check.name for check in checks("dataset", Good())[len(VALUE) :]}
    assert own == {name for name, _, _ in WRONG} | {"loads-without-a-network"}


def test_source_and_licence_are_declared() -> None:
    for declared, value in (("licence", None), ("source", " ")):
        said = rf"Made must declare {declared}: ClassVar\[str\], a text; 'not stated' where nobody knows"
        wrong.assert_first_broken("dataset", component(**{declared: value}), "says-what-it-is", said)


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

    said = "Made.load must not use a network: ship the data with the plugin"
    wrong.assert_first_broken("dataset", component(fetched), "loads-without-a-network", said)
    assert "refused" not in repr(socket.socket.connect), "the network is as before"
