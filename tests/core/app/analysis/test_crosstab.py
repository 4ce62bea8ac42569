"""A comparison as a table of text."""

from __future__ import annotations

from records import measured, two_attacks

from mex.app.analysis.aggregate import compare
from mex.app.analysis.crosstab import crosstab, sparkline


def test_a_curve_that_falls_again_is_drawn_falling() -> None:
    (comparison,) = compare([measured("a", "none", 0, [(8, 0.5), (16, 1.0), (64, -2.5)])])
    assert sparkline(comparison.groups["a", "none"])[-1] == "▁"


def test_the_grid_says_who_is_best_and_what_a_defense_does() -> None:
    shown = crosstab(compare(two_attacks())[0], level=0.9)
    assert shown.header == ["attack", "none", "noise"]
    (a, b) = shown.rows
    assert a[0] == "a"
    assert a[1].startswith("1.000  63★")
    assert a[2].startswith("0.910±.010  ")
    assert a[2].endswith("★")
    assert b[2] == "skipped"
    footer = {row[0]: row[1:] for row in shown.footer}
    assert footer["honest accuracy"] == ["-10.0 pt", "-10.0 pt"]
    assert footer["answers changed"] == ["12.5 %", "12.5 %"]
    assert footer["multiplier"][0] == "1.0"
    assert footer["multiplier"][1].startswith("5.8 (5.")
    dearer = crosstab(compare(two_attacks())[0], level=0.99)
    assert {row[0]: row[2] for row in dearer.footer}["multiplier"] == "never in budget"
