"""Parameters: plain attrs fields with validators that read as nouns.

The same field serves the constructor, the error for a bad value, ``mex show`` and the docs::

    @attrs.frozen(kw_only=True)
    class BoundedNoise:
        rho: float = attrs.field(default=0.1, validator=between(0, 1), metadata=doc("flip probability"))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from mex.errors import UsageError, suggest

__all__ = [
    "Check",
    "above",
    "between",
    "boolean",
    "check_names",
    "component",
    "default",
    "doc",
    "either",
    "fields",
    "one_of",
    "optional",
    "text",
    "whole",
]


@attrs.frozen(repr=False)
class Check:
    """A validator with a readable name; calls itself so in errors.

    Attributes:
        noun: what it accepts, in words.
        accepts: whether it accepts a value.
        schema: the same as JSON Schema has it, as far as it can; editors check plan files by it.

    >>> between(0, 1)
    a number between 0 and 1
    """

    noun: str
    accepts: Callable[[Any], bool]
    schema: Mapping[str, Any] = attrs.field(factory=dict, eq=False)

    def __repr__(self) -> str:
        return self.noun

    def __call__(self, _: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not self.accepts(value):
            raise UsageError(f"{attribute.name} must be {self.noun}, not {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def between(low: float, high: float) -> Check:
    """A number from ``low`` to ``high``, both allowed."""
    return Check(
        f"a number between {low:g} and {high:g}",
        lambda v: _is_number(v) and low <= v <= high,
        {"type": "number"} | {key: end for key, end in (("minimum", low), ("maximum", high)) if math.isfinite(end)},
    )


def above(low: float) -> Check:
    """A number greater than ``low``."""
    return Check(
        f"a number above {low:g}", lambda v: _is_number(v) and v > low, {"type": "number", "exclusiveMinimum": low}
    )


def whole(at_least: int) -> Check:
    """A whole number of ``at_least`` or more."""
    return Check(
        f"a whole number of at least {at_least}",
        lambda v: _is_whole(v) and v >= at_least,
        {"type": "integer", "minimum": at_least},
    )


def boolean() -> Check:
    """True or false."""
    return Check("true or false", lambda v: isinstance(v, bool), {"type": "boolean"})


def text() -> Check:
    """A string that is not empty."""
    return Check("a string", lambda v: isinstance(v, str) and v != "", {"type": "string", "minLength": 1})


def one_of(*allowed: str) -> Check:
    """One of a few words."""
    return Check("one of " + ", ".join(allowed), lambda v: isinstance(v, str) and v in allowed, {"enum": [*allowed]})


def either(first: Check, second: Check) -> Check:
    """What one of two validators accepts."""
    return Check(
        f"{first} or {second}",
        lambda v: first.accepts(v) or second.accepts(v),
        {"anyOf": [first.schema, second.schema]},
    )


def optional(check: Check) -> Check:
    """What ``check`` accepts, or nothing at all."""
    return Check(f"{check} (or left out)", lambda v: v is None or check.accepts(v), check.schema)


def doc(text: str) -> dict[str, Any]:
    """Metadata of a parameter: the one place that documents it."""
    return {"doc": text}


def component(kind: str, text: str) -> dict[str, Any]:
    """Metadata of a parameter that is itself a component, written ``name`` or ``{use="name", key=value}``.

    Its default is None or so written as well: a registry builds the component that it names.
    """
    return {"doc": text, "component": kind}


def fields(cls: type) -> tuple[attrs.Attribute[Any], ...]:
    """The parameters of a component class."""
    return tuple(f for f in attrs.fields(cls) if f.init) if attrs.has(cls) else ()


def check_names(label: str, cls: type, params: Mapping[str, Any]) -> None:
    """Raise :class:`UsageError` if ``params`` names a parameter that ``cls`` does not have."""
    known = [f.name for f in fields(cls)]
    for key in params:
        if key not in known:
            raise UsageError(f"{label} has no parameter {key!r}{suggest(key, known)}")


def default(field: attrs.Attribute[Any]) -> Any:
    """The default of a parameter; a factory without arguments is asked for one."""
    given: Any = field.default
    make = getattr(given, "factory", None)  # attrs.Factory is a function to type checkers
    return make() if make is not None and not given.takes_self else given
