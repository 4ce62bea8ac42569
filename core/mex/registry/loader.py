"""The loader: finds the installed plugins.

pluggy's own entry-point loader lets one broken plugin end the program, so this one loads each plugin
by itself, all or nothing, our own distribution first (or a third party could take a built-in's name).
"""

from __future__ import annotations

import functools
import os
from importlib import metadata

from mex.hooks import PROJECT
from mex.registry import Broken, Registry

DISTRIBUTION = "model-extraction"
DISABLE = "MEX_DISABLE_PLUGINS"
OURS_ALONE = "MEX_NO_THIRD_PARTY"
"""A variable of the environment that is not empty where only our own plugins are loaded."""

_latest: list[Registry] = []


def load_registry(disabled: str | None = None) -> Registry:
    """The registry of everything installed under the entry-point group ``mex``.

    ``disabled`` lists entry points to leave out, separated by commas; by default the environment
    variable ``MEX_DISABLE_PLUGINS`` does. With ``MEX_NO_THIRD_PARTY=1`` only our own plugins are.
    """
    disabled = os.environ.get(DISABLE, "") if disabled is None else disabled
    left_out = {name.strip() for name in disabled.split(",") if name.strip()}
    registry, ours_alone = Registry(), bool(os.environ.get(OURS_ALONE))
    found: dict[tuple[bool, str, str], tuple[metadata.EntryPoint, str]] = {}
    for distribution in metadata.distributions():
        try:
            if PROJECT not in (distribution.read_text("entry_points.txt") or ""):
                continue  # nearly all of them: what else tells of them takes long to parse
            entries = distribution.entry_points.select(group=PROJECT)
            provider, version = str(distribution.name), str(distribution.version)  # a half-deleted one has none
        except Exception as error:
            registry.broken.append(Broken("entry_points.txt", _name(distribution), f"cannot be read: {error}"))
            continue
        for entry in entries:
            if entry.name not in left_out and not (
                ours_alone and provider != DISTRIBUTION
            ):  # the first one on the path wins, as in an import
                place = (provider != DISTRIBUTION, provider, entry.name)
                found.setdefault(place, (entry, version))
    for (_, provider, name), (entry, version) in sorted(found.items(), key=lambda item: item[0]):
        registry.add(entry.load, name, provider, version)
    registry.installed = True
    _latest[:] = [registry]
    return registry


def _name(distribution: metadata.Distribution) -> str:
    try:
        return str(distribution.name)
    except Exception:
        return "?"


def latest() -> Registry:
    """The registry that was loaded last in this process; one is loaded where none was."""
    return _latest[0] if _latest else load_registry()


installed = functools.lru_cache(maxsize=1)(load_registry)
"""The same, loaded once in a worker process."""
