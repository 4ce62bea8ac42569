"""Who provides what, and what could not be loaded."""

from __future__ import annotations

import contextlib
import re

import attrs

from mex.errors import UsageError
from mex.hooks import Component, extension, extensions


@attrs.frozen
class Provided:
    """A component and who provides it."""

    component: Component
    provider: str
    version: str


@attrs.frozen
class Broken:
    """A plugin that could not be loaded, and why."""

    plugin: str
    provider: str
    reason: str


def is_of_a_format(path: str) -> bool:
    """Whether a name ends as those of files that a plugin reads; not those that do not load."""
    ends: list[str] = []
    for name in extensions("format") if re.fullmatch(r".+\.\w+", path) else ():
        with contextlib.suppress(UsageError):
            ends.extend(extension("format", name).ENDINGS)
    return path.lower().endswith(tuple(ends))
