"""The race: which attacks stay to be judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mex.app.analysis.statistics import LEVELS, queries_to
from mex.app.audit.choosing import Choice
from mex.app.audit.depth import Depth
from mex.app.matrix.record import Record

RULE = (
    "Of the attacks on each kind of answer those stay that got to 0.999, 0.99 and 0.95 with the fewest queries, or"
    " agree most at the end of the race: {keep} of all, {keep} of those made for the model's class, and the baselines"
)
"""What decides the race, for the page; the race has a seed of its own, and no verdict rests on it."""


def stayers(
    choices: Sequence[Choice], records: Mapping[Choice, Record], depth: Depth
) -> tuple[list[Choice], list[str]]:
    """Which attacks stay, best first, and a sentence on each that leaves.

    Args:
        choices: all that ran.
        records: of those that finished, by choice.
        depth: how many stay.
    """
    ranked = sorted((c for c in choices if c in records), key=lambda c: _score(records[c]), reverse=True)
    stay: list[Choice] = []
    for kind in dict.fromkeys(choice.reads for choice in ranked):
        of_kind = [choice for choice in ranked if choice.reads == kind]
        made_for = [choice for choice in of_kind if choice.made_for]
        kept = {*of_kind[: depth.keep], *made_for[: depth.keep], *(c for c in of_kind if c.baseline)}
        stay += [choice for choice in of_kind if choice in kept]
    stay += [choice for choice in choices if choice.baseline and choice not in stay]  # whatever came of their race
    said = [
        f"{choice.label} on {choice.reads} answers left the race: {_standing(records[choice])}"
        for choice in ranked
        if choice not in stay
    ]
    return stay, said


def _score(record: Record) -> tuple[float, ...]:
    """How well an attack did: how few queries to each level, the highest first, then its agreement in the end."""
    quickness = [-queries_to(record["curve"] or [], level) for level in reversed(LEVELS)]
    return (*quickness, (record["agreement"] or 0.0) + (record["near_agreement"] or 0.0))


def _standing(record: Record) -> str:
    return f"agreement {record['agreement']:.3f} after {record['queries']:,} queries"
