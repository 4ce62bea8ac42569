"""What tells records apart: the labels of their components, and the settings of their plans."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mex.app.matrix.record import IDENTITY, Record
from mex.hooks import KINDS
from mex.registry.spec import Spec

COMPONENTS = tuple(name for kind in KINDS for name in (kind, f"{kind}_params"))
SETTINGS = tuple(name for name in IDENTITY if name not in ("cell", "seed", *COMPONENTS))


def labels(records: Sequence[Mapping[str, Any]]) -> Callable[[str, Mapping[str, Any]], str]:
    """A function that names the component of a kind in a record, with the parameters that differ among records.

    >>> two = [{"attack": "pivot", "attack_params": {"eps": eps, "batch": 1}} for eps in (0.1, 0.2)]
    >>> labels(two)("attack", two[1])
    'pivot:eps=0.2'
    """
    seen: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in records:
        for kind in KINDS:
            for key, value in record.get(f"{kind}_params", {}).items():
                seen[kind, record[kind]][key].add(json.dumps(value, sort_keys=True))

    def label(kind: str, record: Mapping[str, Any]) -> str:
        differing = seen[kind, record[kind]]
        params = {k: v for k, v in record[f"{kind}_params"].items() if len(differing[k]) > 1}
        return str(Spec(record[kind], params))

    return label


def settings_apart(records: Sequence[Record]) -> list[str]:
    """The settings that differ between records of the same components and seed, as of two plans in one directory."""
    first: dict[str, Record] = {}
    differing: set[str] = set()
    for record in records:
        known: Mapping[str, Any] = record
        same = json.dumps([known[name] for name in (*COMPONENTS, "seed")], sort_keys=True)
        other: Mapping[str, Any] = first.setdefault(same, record)
        differing.update(field for field in SETTINGS if known[field] != other[field])
    return [field for field in SETTINGS if field in differing]
