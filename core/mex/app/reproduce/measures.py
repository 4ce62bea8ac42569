"""Numbers that the paper prints, read off the records of cells.

A measure is the name of a field of a record, ``queries_to_LEVEL`` and ``usd_to_LEVEL`` as :func:`.group.value_of` has
them, or one of these, where EPS is a geometric error and N a number of queries:

=========================  ==========================================================================================
``queries_to_error_EPS``   queries after which the geometric error is at most EPS and stays so; infinite if never
``usd_to_error_EPS``       price of these queries
``error_after_N``          the geometric error after N queries
``agreement_after_N``      the agreement on held-out rows after N queries
``error_slope``            of the logarithm of the geometric error, in that of the queries from :data:`SETTLED` on
=========================  ==========================================================================================

and, of experiments that look at transcripts (:mod:`.transcripts`), what these add to a record.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from mex.app.analysis.group import value_of
from mex.app.matrix.record import Record
from mex.app.matrix.units import Point

TO_ERROR = re.compile(r"(queries|usd)_to_error_(.+)")
AFTER = re.compile(r"(error|agreement)_after_(\d+)")

SETTLED = 1000
"""Queries from which on a slope is fitted."""


def read_off(record: Record, measure: str) -> float | None:
    """One number of a record; None if it has none."""
    if match := TO_ERROR.fullmatch(measure):
        queries = queries_to_error(record["curve"] or [], float(match[2]))
        return queries * record["price_per_query"] if match[1] == "usd" else queries
    if match := AFTER.fullmatch(measure):
        read = error_after if match[1] == "error" else agreement_after
        return read(record["curve"] or [], int(match[2]))
    if measure == "error_slope":
        return error_slope(record["curve"] or [])
    extra = cast("Mapping[str, Any]", record)
    return extra[measure] if measure in extra else value_of(record, measure)


def less_is_better(measure: str) -> bool:
    """Whether an attacker is better off with less of it."""
    return measure.startswith(("queries", "usd", "error_after", "geometric_error"))


def queries_to_error(curve: Sequence[Point], eps: float) -> float:
    """Queries after which the geometric error is at most ``eps`` and stays so; infinite if never, or no halfspaces.

    Between two points of a curve its logarithm is taken to be linear in the queries, as it is where each query
    halves what is possible.

    >>> curve = [{"queries": 8, "geometric_error": 0.1}, {"queries": 16, "geometric_error": 0.001}]
    >>> round(queries_to_error(curve, 0.01), 6)
    12.0
    """
    errors = [math.inf if point["geometric_error"] is None else point["geometric_error"] for point in curve]
    above = [i for i, error in enumerate(errors) if error > eps]
    first = above[-1] + 1 if above else 0
    if first == len(curve):
        return math.inf
    if first == 0 or math.isinf(errors[first - 1]):
        return float(curve[first]["queries"])
    before, there = errors[first - 1], max(errors[first], eps * 1e-6)
    share = math.log(before / eps) / math.log(before / there)
    start, end = curve[first - 1]["queries"], curve[first]["queries"]
    return start + (end - start) * share


def error_after(curve: Sequence[Point], queries: int) -> float | None:
    """The geometric error after so many queries; None where the attack asked fewer, or these are no halfspaces.

    Between two points of a curve its logarithm is taken to be linear in that of the queries.

    >>> curve = [{"queries": 100, "geometric_error": 0.1}, {"queries": 10000, "geometric_error": 0.01}]
    >>> round(error_after(curve, 1000), 6)
    0.031623
    """
    known = [(p["queries"], p["geometric_error"]) for p in curve if p["geometric_error"] and p["queries"]]
    for (start, before), (end, there) in itertools.pairwise(known):
        if before and there and start <= queries <= end:
            share = math.log(queries / start) / math.log(end / start) if end > start else 1.0
            return math.exp(math.log(before) + share * (math.log(there) - math.log(before)))
    return None


def agreement_after(curve: Sequence[Point], queries: int) -> float | None:
    """The agreement after so many queries, that of the point before; None where the attack asked fewer.

    >>> agreement_after([{"queries": 8, "agreement": 0.8}, {"queries": 16, "agreement": 0.9}], 12)
    0.8
    """
    if not curve or curve[-1]["queries"] < queries:
        return None
    return next((point["agreement"] for point in reversed(curve) if point["queries"] <= queries), None)


def error_slope(curve: Sequence[Point]) -> float | None:
    """The least-squares slope of the logarithm of the error in that of the queries; None with fewer than three points.

    >>> round(error_slope([{"queries": n, "geometric_error": n**-0.5} for n in (1000, 4000, 16000)]), 6)
    -0.5
    """
    known = [(p["queries"], p["geometric_error"]) for p in curve]
    logs = [(math.log(n), math.log(error)) for n, error in known if n >= SETTLED and error]
    if len(logs) < 3:
        return None
    x, y = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    return float(sum((a - x) * (b - y) for a, b in logs) / sum((a - x) ** 2 for a, _ in logs))
