"""``mex bounds``: how many queries any attack needs, and how many known ones suffice."""

from __future__ import annotations

import argparse
import math
from typing import Any

from mex.app.cli.flags import number
from mex.app.cli.output import print_json
from mex.app.cli.tables import print_table
from mex.registry import Registry

ORDERS = ("passive_samples", "active_samples")
"""The bounds that leave out constants."""


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser(
        "bounds",
        help="the fewest queries that can steal a halfspace, and how many suffice",
        description="Formulas, not measurements: see mex.toolkit.bounds for each one's source.",
    )
    command.add_argument("--d", type=number, required=True, help="dimension; count an intercept as one more")
    command.add_argument("--eps", type=float, required=True, help="geometric error ||w^ - w*||_2 of unit normals")
    command.add_argument("--rho", type=float, default=0.0, help="probability that a label is wrong (default 0)")
    command.add_argument("--delta", type=float, default=0.05, help="probability of failure (default 0.05)")
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    command.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Print the bounds."""
    found = table(args.d, args.eps, args.rho, args.delta)
    if args.json:
        given = {key: getattr(args, key) for key in ("d", "eps", "rho", "delta")}
        print_json(given | {name: value if math.isfinite(value) else None for name, value, _ in found})
    else:
        rows = [[name.replace("_", " "), _shown(name, value), meaning] for name, value, meaning in found]
        print_table(["bound", "queries", "meaning"], rows, right=[1])
    return 0


def _shown(name: str, value: float) -> str:
    """Whole queries, rounded up; of what is an order of magnitude only the first digit.

    >>> _shown("bit_bound", 292.8), _shown("passive_samples", 3_030_000.0), _shown("active_samples", 0.2)
    ('293', '~ 3,000,000', '~ 1')
    """
    if value >= 1e15:
        return f"~ {value:.0e}" if math.isfinite(value) else "> 1e308"
    whole = math.ceil(value)
    return f"~ {max(1, float(f'{whole:.0e}')):,.0f}" if name in ORDERS else f"{whole:,}"


def table(d: int, eps: float, rho: float, delta: float) -> list[tuple[str, float, str]]:
    """(name, queries, meaning) of every bound."""
    from mex.errors import UsageError
    from mex.toolkit import bounds

    if not 0 < delta < 1:
        raise UsageError(f"delta must be between 0 and 1, not {delta!r}")
    if not 0 <= rho < 0.5:
        raise UsageError(f"rho must be at least 0 and below 1/2, where answers tell nothing, not {rho!r}")
    bits = bounds.sphere_bits(d, eps)
    rows = [
        ("bit_bound", bits, "no attack on right labels needs fewer, for a success probability near 1"),
        ("capacity_bound", bounds.query_bound(d, eps, rho), "the same where labels are wrong with probability rho"),
    ]
    if rho > 0:
        vote = bounds.proposition_1(math.ceil(bits), delta, rho)
        rows.append(("proposition_1", vote, "enough for repeat-and-vote around an attack at the bit bound"))
    rows.append(("passive_samples", bounds.passive_samples(d, eps, rho), "order of random labels (Remark 3)"))
    if rho > 0:
        active = bounds.active_samples(d, eps, rho)
        rows.append(("active_samples", active, "order of labels for disagreement-based learning, theta = 1 (Remark 4)"))
    return rows
