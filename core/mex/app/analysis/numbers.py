"""Numbers for people: never more digits than the rows behind them allow, and intervals as intervals."""

from __future__ import annotations

import math

from mex.app.analysis.statistics import Estimate
from mex.app.matrix.record import FIELDS, POINTS

NEVER = "–"
MOST_DIGITS = 4
BELOW = "↓"
"""Mark of an agreement below what one constant answer gets."""


def digits(rows: int) -> int:
    """The fewest decimals that tell a share of ``rows`` rows from the next one, at most :data:`MOST_DIGITS`.

    >>> digits(10), digits(143), digits(10**6)
    (1, 3, 4)
    """
    return min(MOST_DIGITS, len(str(rows - 1))) if rows > 1 else 0


def share(value: float, rows: int) -> str:
    """A share of ``rows`` rows, or an R² over them, rounded down: it is 1 only where it is all of them.

    >>> share(142 / 143, 143), share(94 / 95, 95), share(1.0, 40), share(19_999 / 20_000, 20_000)
    ('0.993', '0.98', '1.00', '0.9999')
    """
    scale = 10 ** digits(rows)
    whole = math.floor(value * scale + 1e-9) if abs(value) < 1e9 else value * scale
    return f"{whole / scale + 0.0:,.{digits(rows)}f}"


def worse_than_constant(majority: float | None, rows: int) -> str:
    """What :data:`BELOW` means where so large a share of the rows has the most common label; None for values.

    >>> worse_than_constant(0.625, 40)
    '↓ worse than always answering the most common label, which agrees on 0.62 of the held-out rows'
    """
    if majority is None:
        return f"{BELOW} worse than always answering the mean, whose R² is 0"
    constant = f"which agrees on {share(majority, rows)} of the held-out rows"
    return f"{BELOW} worse than always answering the most common label, {constant}"


def interval(estimate: Estimate | None, rows: int) -> str:
    """A median share and the ends of its interval.

    >>> interval(Estimate(0.98, 0.9701, 1.0), 143), interval(Estimate(1, 1, 1), 143), interval(None, 1)
    ('0.980 (.970–1.000)', '1.000', '–')
    """
    if estimate is None:
        return NEVER
    low, high = share(estimate.low, rows), share(estimate.high, rows)
    ends = f" ({low.replace('0.', '.', 1)}–{high.replace('0.', '.', 1)})" if low != high else ""
    return share(estimate.value, rows) + ends


def percent(value: float, rows: int) -> str:
    """A share of ``rows`` rows as per cent.

    >>> percent(0.125, 143), percent(0.125, 40)
    ('12.5 %', '12 %')
    """
    return f"{100 * value:.{max(0, digits(rows) - 2)}f} %"


def accuracy_change(lost: float, rows: int) -> str:
    """Accuracy lost, as the points that are gained.

    >>> accuracy_change(0.05, 143), accuracy_change(-0.05, 20), accuracy_change(0.0, 143)
    ('-5.0 pt', '+5 pt', '+0.0 pt')
    """
    places = max(0, digits(rows) - 2)
    return f"{round(-100 * lost, places) + 0.0:+.{places}f} pt"


def shown(field: str, value: float, rows: int, points: int = POINTS) -> str:
    """A number of a record, or ``queries_to_LEVEL`` or ``usd_to_LEVEL``, where agreement is over ``rows`` rows.

    Near the rows and on uniform ones it is over ``points``.

    >>> shown("agreement", 142 / 143, 143), shown("near_agreement", 0.98765, 143), shown("queries_to_0.99", 66.8, 143)
    ('0.993', '0.9876', '67')
    """
    unit = FIELDS[field].kind.unit if field in FIELDS else ""
    if field.startswith("queries"):
        return "infinite" if math.isinf(value) else number(value)
    if not unit.startswith("share") or field == "rho":
        return f"{value:.6g}"
    of = points if field.startswith(("near_", "uniform_")) else rows
    return (
        share(value, of) if field.endswith(("agreement", "accuracy", "majority")) else f"{value + 0.0:.{digits(of)}f}"
    )


def number(value: float) -> str:
    """A count for people.

    >>> number(1234.5), number(float("inf"))
    ('1,234', '–')
    """
    return f"{value:,.0f}" if math.isfinite(value) else NEVER


def count(estimate: Estimate | None) -> str:
    """A median count and the ends of its interval, without a high end where some never get there.

    >>> count(Estimate(347, 290, float("inf"))), count(Estimate(31, 31, 31)), count(None)
    ('347 (290–)', '31', '–')
    """
    if estimate is None or not estimate.finite:
        return NEVER
    low, middle, high = (
        number(end) if math.isfinite(end) else "" for end in (estimate.low, estimate.value, estimate.high)
    )
    return middle if low == high else f"{middle} ({low}–{high})"


def usd(value: float) -> str:
    """A price.

    >>> usd(0.0187), usd(12.5)
    ('$0.0187', '$12.50')
    """
    return f"${value:.4f}" if value < 1 else f"${value:,.2f}"


def times(factor: Estimate | None, at_least: float | None = None) -> str:
    """A multiplier with its interval; where it is infinite, what it is more than.

    >>> times(Estimate(3.2, 2.9, float("inf"))), times(Estimate(float("inf"), 8, float("inf")), 10.4), times(None)
    ('3.2 (2.9–)', '> 10.4', '–')
    """
    if factor is None:
        return NEVER
    if not factor.finite:
        return NEVER if at_least is None else f"> {at_least:.1f}"
    if factor.low == factor.high:
        return f"{factor.value:.1f}"
    high = f"{factor.high:.1f}" if math.isfinite(factor.high) else ""
    return f"{factor.value:.1f} ({factor.low:.1f}–{high})"
