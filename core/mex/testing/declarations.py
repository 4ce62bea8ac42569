"""What every component declares."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import attrs

from mex.knowledge import Scope
from mex.params import default, fields
from mex.testing.kit import Trial, attempt

SAID = {"dataset": ("source", "licence")}
"""What a class says of itself beside its docstring, by its kind; all others name their paper."""


def declares_its_parameters(trial: Trial) -> None:
    """Its class is an attrs class, and each parameter has a doc(...) and a validator."""
    cls = type(trial.component)
    assert attrs.has(cls), (
        f"{cls.__name__} must be an attrs class, so that its parameters are known: write @attrs.frozen(kw_only=True)"
    )
    for field in fields(cls):
        assert field.metadata.get("doc"), (
            f"parameter {field.name} has no doc(...): give its field metadata=doc('what it is, in which unit')"
        )
        assert field.validator or "component" in field.metadata, (
            f"parameter {field.name} has no validator: give its field one of mex.params, such as between(0, 1)"
        )


def has_plain_defaults(trial: Trial) -> None:
    """Each default is one that a record, a table and a command line can write."""
    for field in fields(type(trial.component)):
        given = default(field)
        assert given is attrs.NOTHING or _is_json(given), (
            f"parameter {field.name} has the default {given!r}, which no record, table or command line can write:"
            " take a finite number, a text, true, false, or None for what is left out"
        )


def is_a_value(trial: Trial) -> None:
    """It is built with no argument, never changes, and equals another that was built alike."""
    cls = type(trial.component)
    try:
        first, second = cls(), cls()
    except TypeError as error:
        raise AssertionError(
            f"{cls.__name__} must build with no argument ({error}): give each field a default"
        ) from None
    assert first == second, f"two {cls.__name__} built alike differ: take @attrs.frozen, without eq=False"
    try:
        first.changed = True
    except attrs.exceptions.FrozenInstanceError:
        return
    except AttributeError:
        pass
    raise AssertionError(f"{cls.__name__} can be changed after it was built: take @attrs.frozen instead of define")


def says_what_it_is(trial: Trial) -> None:
    """Its class has a docstring, and names its paper; a dataset its source and licence."""
    cls = type(trial.component)
    assert cls.__doc__, f"{cls.__name__} has no docstring: say in its first line what it does"
    for name in SAID.get(trial.kind, ("paper",)):
        said = getattr(cls, name, None)
        assert isinstance(said, str) and said.strip(), (  # noqa: PT018 - one promise
            f"{cls.__name__} must declare {name}: ClassVar[str], a text; 'not stated' where nobody knows"
        )


def declares_its_scope(trial: Trial) -> None:
    """It says what it works on, so that a matrix skips what it does not."""
    cls = type(trial.component)
    assert isinstance(getattr(cls, "scope", None), Scope), (
        f"{cls.__name__} must declare scope: ClassVar[mex.Scope]; mex.Scope() is any target"
    )


VALUE = (declares_its_parameters, has_plain_defaults, is_a_value, says_what_it_is)
"""The checks of a component without a scope, as datasets are."""
DECLARATIONS = (*VALUE, declares_its_scope)


def check_declarations(component: Any) -> None:
    """Check what every component declares: it builds with no argument, its parameters are documented, and its scope.

    Raises:
        AssertionError: with the promise that is broken.
    """
    for function in DECLARATIONS:
        attempt(_Declared(component), function)


@attrs.frozen(eq=False)
class _Declared:
    component: Any
    kind: ClassVar[str] = "component"
    checks: ClassVar[Sequence[Callable[[Any], None]]] = DECLARATIONS


def _is_json(value: Any) -> bool:
    try:
        back = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return False
    return bool(back == (list(value) if isinstance(value, tuple) else value))
