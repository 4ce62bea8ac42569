"""Print how many queries each attack of ``margin.toml`` needs to a geometric error of 1e-2: ``compare.py [SEEDS]``."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import mex

LEVEL = 1e-2
PLAN = Path(__file__).with_name("margin.toml")


def main(seeds: int = 3) -> None:
    """Run the plan, and print a row an attack."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for record in mex.matrix(PLAN, seeds=seeds, jobs=1):
        found.setdefault(_name(record), []).append(record)
    print("| attack | queries to a geometric error of 1e-2 | error at the end | after queries |")
    print("| --- | ---: | ---: | ---: |")
    for name, records in found.items():
        errors = [record["geometric_error"] for record in records]
        asked = [record["queries"] for record in records]
        print(
            f"| {name} | {_told([_reached(record) for record in records])} | {median(errors):.4f} | {median(asked)} |"
        )


def _name(record: Mapping[str, Any]) -> str:
    model = record["attack_params"].get("model")
    return str(record["attack"]) + (" with C = 10,000" if model else "")


def _reached(record: Mapping[str, Any]) -> float:
    """The first point of the learning curve, whose points are 41 % apart, from which on the error is as small."""
    reached = math.inf
    for point in reversed(record["curve"]):
        error = point["geometric_error"]
        if error is None or error > LEVEL:
            break
        reached = point["queries"]
    return reached


def _told(queries: list[float]) -> str:
    """The median, and the range of the seeds."""
    shown = ["more" if math.isinf(n) else f"{n:,.0f}" for n in sorted(queries)]
    middle = shown[len(shown) // 2]
    return middle if shown[0] == shown[-1] else f"{middle} ({shown[0]} to {shown[-1]})"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
