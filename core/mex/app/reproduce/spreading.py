"""One table of an experiment's file that stands for a line for each of several labels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ABSENT = object()
"""A value that a line does not have."""


def spread(row: Mapping[str, Any], axes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A line for each combination of the labels that a table lists under ``axes``, the first list slowest.

    Of its other values, a table from such labels to values is the one of the line's label, or none if that is not in
    it; ``{dataset}`` in a text is the label of that axis.

    >>> row = {"dataset": ["wine", "adult"], "less": 1, "model": "of-{dataset}", "printed": {"wine": [3, 4]}}
    >>> for line in spread(row, ("dataset", "model")):
    ...     print(line)
    {'dataset': 'wine', 'less': 1, 'model': 'of-wine', 'printed': [3, 4]}
    {'dataset': 'adult', 'less': 1, 'model': 'of-adult'}
    """
    lists = {axis: labels for axis, labels in row.items() if axis in axes and isinstance(labels, list)}
    listed = {label for labels in lists.values() for label in labels}
    for combination in itertools.product(*lists.values()):
        labels = dict(zip(lists, combination, strict=True))
        line = {key: labels[key] if key in labels else _at(value, labels, listed) for key, value in row.items()}
        yield {key: value for key, value in line.items() if value is not ABSENT}


def _at(value: Any, labels: Mapping[str, str], listed: set[str]) -> Any:
    """What ``value`` is in the line of these ``labels``."""
    if isinstance(value, str):
        return value.format(**labels) if labels else value
    if isinstance(value, list):
        return [_at(item, labels, listed) for item in value]
    if not isinstance(value, dict):
        return value
    if value and set(value) <= listed:
        found = [value[label] for label in labels.values() if label in value]
        return _at(found[0], labels, listed) if found else ABSENT
    return {key: _at(item, labels, listed) for key, item in value.items()}
