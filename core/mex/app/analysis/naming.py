"""What tells records apart: the labels of their components, and the settings of their plans."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from mex.registry.spec import Spec

Record = Mapping[str, Any]
KINDS = ("model", "dataset", "attack", "defense")
SETTINGS = ("budget", "answers", "price_per_query", "mex_version")


def labels(records: Sequence[Record]) -> Any:
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

    def label(kind: str, record: Record) -> str:
        differing = seen[kind, record[kind]]
        params = {k: v for k, v in record[f"{kind}_params"].items() if len(differing[k]) > 1}
        return str(Spec(record[kind], params))

    return label


def settings_apart(records: Sequence[Record]) -> list[str]:
    """The settings that differ between records of the same components and seed, as of two plans in one directory."""
    first: dict[str, Record] = {}
    differing: set[str] = set()
    for record in records:
        parts = [(record[kind], record[f"{kind}_params"]) for kind in KINDS]
        other = first.setdefault(json.dumps([*parts, record["seed"]], sort_keys=True), record)
        differing.update(field for field in SETTINGS if record.get(field) != other.get(field))
    return [field for field in SETTINGS if field in differing]
