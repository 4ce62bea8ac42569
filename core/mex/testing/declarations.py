"""What every component declares."""

from __future__ import annotations

import json
from typing import Any

import attrs

from mex.knowledge import Scope
from mex.params import default, fields


def check_declarations(component: Any) -> None:
    """Check what every component declares: it builds with no argument, its parameters are documented, and its scope.

    Raises:
        AssertionError: with the promise that is broken.
    """
    check_parameters(component)
    cls = type(component)
    assert isinstance(getattr(cls, "scope", None), Scope), f"{cls.__name__} must declare scope: ClassVar[mex.Scope]"


def check_parameters(component: Any) -> None:
    """The same without a scope, as datasets have it."""
    cls = type(component)
    assert attrs.has(cls), f"{cls.__name__} must be an attrs class, so that its parameters are known"
    for field in fields(cls):
        assert field.metadata.get("doc"), f"parameter {field.name} has no doc(...)"
        assert field.validator or "component" in field.metadata, f"parameter {field.name} has no validator"
        given = default(field)
        assert _is_json(given), (
            f"parameter {field.name} has the default {given!r}, which no record, table or command line can write:"
            " take a finite number, a text, true, false, or None for what is left out"
        )
    cls()
    assert cls.__doc__, f"{cls.__name__} has no docstring"


def _is_json(value: Any) -> bool:
    try:
        back = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return False
    return bool(back == (list(value) if isinstance(value, tuple) else value))
