"""Parameters: validators that say what they allow, and refuse everything else in one sentence."""

from __future__ import annotations

import math
from typing import Any

import attrs
import pytest

import mex
from mex.params import (
    Check,
    above,
    between,
    boolean,
    check_names,
    component,
    default,
    doc,
    either,
    fields,
    one_of,
    optional,
    text,
    whole,
)

CHECKS: list[tuple[Check, str, list[Any], list[Any]]] = [
    (
        between(0, 0.5),
        "a number between 0 and 0.5",
        [0, 0.5, 0.25],
        [-0.001, 0.51, math.nan, math.inf, "0.1", True, None, [0.1]],
    ),
    (above(0), "a number above 0", [1e-9, 7], [0, -1, math.nan, math.inf, True, "1", None]),
    (whole(1), "a whole number of at least 1", [1, 10**20], [0, -1, 1.0, 1.5, True, "1", None, math.nan]),
    (boolean(), "true or false", [True, False], [0, 1, "true", None]),
    (text(), "a string", ["x"], ["", 1, None, ["x"]]),
    (one_of("rbf", "poly"), "one of rbf, poly", ["rbf", "poly"], ["linear", "", 1, None, ["rbf"]]),
    (
        either(above(0), one_of("scale")),
        "a number above 0 or one of scale",
        [2, "scale"],
        [0, "auto", None, True],
    ),
    (optional(whole(1)), "a whole number of at least 1 (or left out)", [None, 3], [0, 1.5, "none", False]),
]


@pytest.mark.parametrize(("check", "noun", "accepted", "refused"), CHECKS, ids=[noun for _, noun, *_ in CHECKS])
def test_a_validator_reads_as_a_noun_and_says_so_when_it_refuses(
    check: Check, noun: str, accepted: list[Any], refused: list[Any]
) -> None:
    cls = attrs.make_class("Thing", {"size": attrs.field(validator=check)})
    assert repr(check) == noun
    for value in accepted:
        assert cls(value).size == value
    for value in refused:
        with pytest.raises(mex.UsageError) as error:
            cls(value)
        assert str(error.value) == f"size must be {noun}, not {value!r}"


@attrs.frozen(kw_only=True)
class Example:
    rho: float = attrs.field(default=0.1, validator=between(0, 1), metadata=doc("share"))
    inner: Any = attrs.field(default=None, metadata=component("model", "what to fit"))
    _state: int = attrs.field(default=3, init=False)


def test_the_parameters_of_a_component_are_what_its_constructor_takes() -> None:
    assert [f.name for f in fields(Example)] == ["rho", "inner"]
    assert fields(Example)[1].metadata == {"doc": "what to fit", "component": "model"}
    assert fields(int) == ()


def test_an_unknown_parameter_is_named_with_the_nearest() -> None:
    check_names("defense 'x'", Example, {"rho": 1})
    with pytest.raises(mex.UsageError, match="defense 'x' has no parameter 'roh'; did you mean 'rho'"):
        check_names("defense 'x'", Example, {"roh": 1})
    with pytest.raises(mex.UsageError, match="model 'y' has no parameter 'z'; there are none"):
        check_names("model 'y'", int, {"z": 1})


def test_a_factory_gives_its_default_value_not_itself() -> None:
    @attrs.frozen(kw_only=True)
    class Several:
        columns: list[str] = attrs.field(factory=lambda: ["a"], metadata=doc("columns"))
        size: int = attrs.field(default=3, metadata=doc("size"))

    assert [default(field) for field in fields(Several)] == [["a"], 3]
