"""What every component declares."""

from __future__ import annotations

from typing import Any

import attrs

from mex.knowledge import Scope
from mex.params import fields


def check_declarations(component: Any) -> None:
    """Check what every component declares: it builds with no argument, and its parameters are documented."""
    cls = type(component)
    assert attrs.has(cls), f"{cls.__name__} must be an attrs class, so that its parameters are known"
    cls()
    for field in fields(cls):
        assert field.metadata.get("doc"), f"parameter {field.name} has no doc(...)"
        assert field.validator or "component" in field.metadata, f"parameter {field.name} has no validator"
    assert cls.__doc__, f"{cls.__name__} has no docstring"
    assert isinstance(getattr(cls, "scope", None), Scope), f"{cls.__name__} must declare scope: ClassVar[mex.Scope]"
