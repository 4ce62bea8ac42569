"""What every component declares, and what is said where it does not."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
import wrong

import mex
from mex.params import between, doc
from mex.testing import check_declarations
from mex.testing.declarations import DECLARATIONS

ANYTHING = attrs.validators.instance_of(object)


class Plain:
    """Not attrs."""


@attrs.frozen(kw_only=True)
class Undocumented:
    """No doc for a parameter."""

    rho: float = attrs.field(default=0.1, validator=between(0, 1))
    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"


@attrs.frozen(kw_only=True)
class Unchecked(Undocumented):
    """No validator."""

    rho: float = attrs.field(default=0.1, metadata=doc("share"))


@attrs.frozen(kw_only=True)
class Boundless(Undocumented):
    """A default that is no JSON."""

    rho: float = attrs.field(default=float("inf"), validator=ANYTHING, metadata=doc("share"))


@attrs.frozen(kw_only=True)
class Vector(Undocumented):
    """The same, made by a factory."""

    rho: Any = attrs.field(factory=lambda: np.array([0.1]), validator=ANYTHING, metadata=doc("shares"))


@attrs.frozen(kw_only=True)
class Demanding(Undocumented):
    """A parameter that has to be given."""

    rho: float = attrs.field(validator=between(0, 1), metadata=doc("share"))


@attrs.define(kw_only=True)
class Changing:
    """Its parameters can be changed later."""


@attrs.frozen(kw_only=True, eq=False)
class Unequal:
    """Two built alike are two."""


@attrs.frozen(kw_only=True)
class Silent:
    scope: ClassVar[mex.Scope] = mex.Scope()


@attrs.frozen(kw_only=True)
class Nameless(wrong.Innocent):
    """Says nothing of where it comes from."""

    paper: ClassVar[str] = " "


@attrs.frozen(kw_only=True)
class Unscoped(wrong.Innocent):
    """No scope."""

    scope: ClassVar[Any] = "binary"


WRONG: list[tuple[str, Any, str]] = [
    ("declares-its-parameters", Plain(), "Plain must be an attrs class, .*: write @attrs.frozen"),
    ("declares-its-parameters", Undocumented(), "parameter rho has no doc.*: give its field metadata=doc"),
    ("declares-its-parameters", Unchecked(), "parameter rho has no validator: give its field one of mex.params"),
    ("has-plain-defaults", Boundless(), "rho has the default inf, which no record, .* take a finite number"),
    ("has-plain-defaults", Vector(), r"rho has the default array\(\[0.1\]\), which no record"),
    ("is-a-value", Demanding(rho=0.5), "Demanding must build with no argument .*: give each field a default"),
    ("is-a-value", Changing(), "Changing can be changed after it was built: take @attrs.frozen"),
    ("is-a-value", Unequal(), "two Unequal built alike differ: take @attrs.frozen, without eq=False"),
    ("says-what-it-is", Silent(), "Silent has no docstring: say in its first line what it does"),
    ("says-what-it-is", Nameless(), r"Nameless must declare paper: ClassVar\[str\], a text; 'not stated' where"),
    ("declares-its-scope", Unscoped(), r"Unscoped must declare scope: ClassVar\[mex.Scope\]; mex.Scope\(\) is any"),
]


@pytest.mark.parametrize(("name", "component", "said"), WRONG)
def test_what_is_not_declared_is_said(name: str, component: Any, said: str) -> None:
    wrong.assert_first_broken("attack", component, name, said)
    with pytest.raises(AssertionError, match=said):
        check_declarations(component)


def test_there_is_a_wrong_component_for_each_check() -> None:
    assert {name for name, _, _ in WRONG} == {function.__name__.replace("_", "-") for function in DECLARATIONS}
