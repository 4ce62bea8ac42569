"""Parameters that the datasets in files of a user's share."""

from __future__ import annotations

from typing import Any

import attrs

from mex.params import Check, doc, one_of, optional, text
from mex.toolkit.tabular.datasets import class_name


def listed(value: Any) -> Any:
    """One text as a list of one, a list as a tuple."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def texts() -> Check:
    """One text, or a list of them."""
    return Check(
        "a text or a list of texts", lambda v: isinstance(v, tuple) and all(isinstance(part, str) for part in v)
    )


def columns(description: str) -> Any:
    """A parameter that names columns."""
    return attrs.field(default=(), converter=listed, validator=texts(), metadata=doc(description))


def path() -> Any:
    """The parameter ``path``."""
    return attrs.field(default=None, validator=optional(text()), metadata=doc("the file"))


def target() -> Any:
    """The parameter ``target``."""
    return attrs.field(
        default=None, validator=optional(text()), metadata=doc("the column to predict; none takes the last one")
    )


def positive() -> Any:
    """The parameter ``positive``."""
    return attrs.field(
        default=None,
        converter=class_name,
        validator=optional(text()),
        metadata=doc("the class to tell from all others; none leaves the classes as they are, sorted"),
    )


def task() -> Any:
    """The parameter ``task``."""
    return attrs.field(
        default="auto",
        validator=one_of("auto", "classification", "regression"),
        metadata=doc("auto takes a target of numbers with more than 20 distinct values for a regression"),
    )
