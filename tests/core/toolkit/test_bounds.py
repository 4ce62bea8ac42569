"""Bounds where floating-point numbers end, and how they are printed."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable

import pytest

from mex.toolkit.bounds import capacity, query_bound, repeats, sphere_bits


def test_the_bits_of_a_tiny_cap_follow_its_area() -> None:
    for d in (2, 30):
        # Near a point the sphere is flat: a cap of half the radius has 2^-(d - 1) of the area.
        assert sphere_bits(d, 1e-300) - sphere_bits(d, 2e-300) == pytest.approx(d - 1)


def test_the_capacity_near_one_half_is_that_of_the_series() -> None:
    for rho in (0.499, 0.49999, 0.499992, 0.4999999999):
        assert capacity(rho) == pytest.approx(2 / math.log(2) * (0.5 - rho) ** 2, rel=1e-5)
    assert math.isfinite(query_bound(10, 0.1, 0.4999999999999999))
    assert repeats(10**300, 1e-300, 0.1) > 0


@pytest.mark.parametrize(
    "line", ["--d 30 --eps 5e-324 --rho 0.3", "--d 1000000 --eps 1e-300 --delta 1e-300", "--d 1 --eps 1"]
)
def test_bounds_are_whole_queries_and_json_whatever_their_size(
    run: Callable[..., subprocess.CompletedProcess[str]], line: str
) -> None:
    done = run("bounds", *line.split())
    assert (done.returncode, done.stderr) == (0, "")
    for shown in [row.split("\t")[1] for row in done.stdout.splitlines()[1:]]:
        assert shown.replace(",", "").removeprefix("~ ").isdigit() or shown[:2] in ("~ ", "> ")
    json.loads(run("bounds", *line.split(), "--json").stdout, parse_constant=pytest.fail)
