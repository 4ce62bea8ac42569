"""Who provides what, and what could not be loaded."""

from __future__ import annotations

import attrs

from mex.hooks import Component


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
