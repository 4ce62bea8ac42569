"""What tells records apart: the labels of their components, and the settings of their plans."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mex.app.matrix.plan import Plan
from mex.app.matrix.record import IDENTITY, Record
from mex.hooks import KINDS
from mex.registry.spec import Spec

SETTINGS = tuple(n for n in IDENTITY if n not in ("cell", "seed", *KINDS, *(f"{kind}_params" for kind in KINDS)))
_ENCODER = json.JSONEncoder(sort_keys=True)


class Part(NamedTuple):
    """A component of a record with its parameters as JSON: components that are the same are equal."""

    kind: str
    name: str
    params: str


def parts_of(record: Record) -> tuple[Part, ...]:
    """The components of a record, in the order of :data:`mex.hooks.KINDS`."""
    known: Mapping[str, Any] = record
    return tuple(Part(kind, known[kind], _ENCODER.encode(known[f"{kind}_params"])) for kind in KINDS)


def labels(parts: Iterable[Part], plan: Plan | None = None) -> dict[Part, str]:
    """What to call components: as ``plan`` does, else by name with the parameters that differ among them.

    >>> two = [Part("attack", "pivot", f'{{"eps": {eps}, "batch": 1}}') for eps in (0.1, 0.2)]
    >>> list(labels(two).values())
    ['pivot:eps=0.1', 'pivot:eps=0.2']
    """
    params: dict[Part, dict[str, Any]] = {part: json.loads(part.params) for part in parts}
    values: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for part, given in params.items():
        for key, value in given.items():
            values[part.kind, part.name, key].add(_ENCODER.encode(value))

    def label(part: Part) -> str:
        given = params[part]
        planned = plan and plan.label(part.kind, {part.kind: part.name, f"{part.kind}_params": given})
        differing = {key: value for key, value in given.items() if len(values[part.kind, part.name, key]) > 1}
        return planned or str(Spec(part.name, differing))

    return {part: label(part) for part in params}


def settings_apart(records: Sequence[Record], parts: Sequence[tuple[Part, ...]]) -> list[str]:
    """The settings that differ between records of the same components and seed, as of two plans in one directory."""
    first: dict[tuple[tuple[Part, ...], int], Mapping[str, Any]] = {}
    differing: set[str] = set()
    for record, components in zip(records, parts, strict=True):
        known: Mapping[str, Any] = record
        other = first.setdefault((components, record["seed"]), known)
        if other is not known:
            differing.update(field for field in SETTINGS if known[field] != other[field])
    return [field for field in SETTINGS if field in differing]
