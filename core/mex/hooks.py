"""The hooks of mex, and the record by which a plugin names its components.

A plugin is a module with an entry point in the group ``mex`` and at least one function marked
``@mex.hookimpl``. Hooks return values; the core loads what they name only when it is used.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import pluggy

if TYPE_CHECKING:
    import argparse

__all__ = [
    "EXTENSIONS",
    "KINDS",
    "PROJECT",
    "Component",
    "extension",
    "extensions",
    "hookimpl",
    "hookspec",
    "mex_cell_finished",
    "mex_cell_started",
    "mex_commands",
    "mex_components",
]

PROJECT = "mex"
KINDS = ("attack", "defense", "model", "dataset")
EXTENSIONS = ("answer", "sampler", "format", "preset", "schema", "price", "section")
"""What plugins add to components of others, and to the commands: CONTRIBUTING says what each is."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


def _kind(_: Any, attribute: Any, value: Any) -> None:
    if value not in (*KINDS, *EXTENSIONS):
        raise ValueError(f"a component's kind must be one of {', '.join((*KINDS, *EXTENSIONS))}, not {value!r}")


def _matches(pattern: str, wanted: str) -> Any:
    def check(_: Any, attribute: Any, value: Any) -> None:
        if not (isinstance(value, str) and re.fullmatch(pattern, value)):
            raise ValueError(f"a component's {attribute.name} must be {wanted}, not {value!r}")

    return check


def _pairs(counters: Any) -> Any:
    if not isinstance(counters, Mapping):
        return counters
    return tuple(
        (to, text) for to, texts in counters.items() for text in ([texts] if isinstance(texts, str) else texts)
    )


def _counters(_: Any, attribute: Any, value: Any) -> None:
    if not (isinstance(value, tuple) and all(isinstance(text, str) and text for pair in value for text in pair)):
        raise ValueError(f"a component's counters must map names of defenses to attacks as texts, not {value!r}")


@attrs.frozen
class Component:
    """One attack, defense, model or dataset that a plugin provides, or one of :data:`EXTENSIONS`.

    Attributes:
        counters: attacks that know a defense, as pairs of its name and the attack as on the command line; given as a
            mapping from the first to the second, or to several. Both the plugin of an attack and that of a defense may
            say it. A matrix with the defense adds the attack by itself. A parameter of the attack that takes a defense,
            and is not set, is given the one that it counters, with all its parameters.

    >>> Component("defense", "coarse", "my_package.defense:Coarse", "answers on a coarser grid").name
    'coarse'
    >>> attack = ("attack", "margin", "my_package.attack:Margin", "ask where it is unsure")
    >>> Component(*attack, counters={"coarse": "margin:sampler=near,batch=50"}).counters
    (('coarse', 'margin:sampler=near,batch=50'),)
    """

    kind: str = attrs.field(validator=_kind)
    name: str = attrs.field(validator=_matches(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "in kebab-case"))
    target: str = attrs.field(validator=_matches(r"[\w.]+:\w+", "'package.module:Class'"))
    summary: str = attrs.field(validator=_matches(r".*\S.*", "one line that says what it does"))
    counters: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_pairs, validator=_counters, kw_only=True)


@hookspec
def mex_components() -> Sequence[Component]:  # type: ignore[empty-body]
    """Return the components this plugin provides. Called once, when the plugin is loaded."""


@hookspec
def mex_commands(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add commands to ``mex``: ``subparsers.add_parser("name").set_defaults(run=function)``.

    ``function(args, registry)`` returns the exit code. Import what is heavy inside it.
    """


@hookspec
def mex_cell_started(cell: Mapping[str, Any]) -> None:
    """A cell of a matrix was handed to a worker. Called in the parent process.

    ``cell`` is what its record starts with: its digest, its components with their parameters, its settings.
    """


@hookspec
def mex_cell_finished(cell: Mapping[str, Any], outcome: dict[str, Any]) -> None:
    """A cell is over: ``outcome`` is its record, as in the JSON line. Called in the parent process."""


def extensions(kind: str) -> list[str]:
    """The names of what installed plugins add of one of :data:`EXTENSIONS`; nothing of it is imported."""
    return [provided.component.name for provided in _loader().latest().provided(kind)]


def extension(kind: str, name: str) -> Any:
    """What a plugin adds by that name, imported now.

    Raises:
        UsageError: if there is no such extension, or it does not load.
    """
    return _loader().latest().target(kind, name)


def _loader() -> Any:
    """The module that finds plugins, by its name: components and workers have no registry at hand."""
    return importlib.import_module("mex.registry.loader")
