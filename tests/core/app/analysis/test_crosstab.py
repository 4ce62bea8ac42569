"""A comparison as a table of text."""

from __future__ import annotations

import pytest
from records import measured, two_attacks

from mex.app.analysis.aggregate import compare
from mex.app.analysis.crosstab import crosstab, sparkline
from mex.app.analysis.numbers import BELOW
from mex.app.report.words import sentences


def test_a_curve_that_falls_again_is_drawn_falling() -> None:
    (comparison,) = compare([measured("a", "none", 0, [(8, 0.5), (16, 1.0), (64, -2.5)])])
    assert sparkline(comparison.groups["a", "none"])[-1] == "▁"


def test_the_grid_says_who_is_best_and_what_a_defense_does() -> None:
    shown = crosstab(compare(two_attacks())[0], level=0.9)
    assert shown.header == ["attack", "none", "noise"]
    (a, b) = shown.rows
    assert a[0] == "a"
    assert a[1].startswith("1.00  63★")
    assert a[2].startswith("0.91 (.90–.92)  ")
    assert a[2].endswith("★")
    assert b[2] == "skipped"
    footer = {row[0]: row[1:] for row in shown.footer}
    assert footer["honest accuracy"] == ["-10 pt", "-10 pt"]
    assert footer["answers changed"] == ["12 %", "12 %"]
    assert footer["multiplier"][0] == "1.0"
    assert footer["multiplier"][1].startswith("5.8 (5.")
    dearer = crosstab(compare(two_attacks())[0], level=0.99)
    assert {row[0]: row[2] for row in dearer.footer}["multiplier"] == "> 4.2"


def test_below_the_table_stands_what_its_intervals_are() -> None:
    shown = crosstab(compare(two_attacks())[0], level=0.9)
    assert shown.notes == [
        "(lo–hi) after an agreement: the range of the 3 seeds (covers the median with 75 %); after a multiplier: "
        "95 % bootstrap over seeds"
    ]


def test_two_seeds_of_which_one_never_got_there_say_one_thing() -> None:
    never, soon = [(10, 0.5), (67, 0.9)], [(10, 0.5), (50, 1.0)]
    (comparison,) = compare([measured("a", "none", seed, curve) for seed, curve in enumerate([never, soon])])
    (row,) = crosstab(comparison).rows
    assert row[1] == "1.00 (.90–1.00)  48 1/2"
    assert sentences(comparison, 0.99) == [
        "Without a defense a reaches an agreement of 0.99 in 48 queries ($0.0048) in 1 of 2 seeds."
    ]
    (comparison,) = compare([measured("a", "none", seed, curve) for seed, curve in enumerate([never, soon, never])])
    (row,) = crosstab(comparison).rows
    assert row[1] == "0.90 (.90–1.00)  – 1/3"
    assert sentences(comparison, 0.99) == [
        "Without a defense no attack here reaches 0.99 within 400 queries in half of the seeds: a does in 1 of 3 "
        "seeds, in 48 queries at best."
    ]


@pytest.mark.parametrize(
    ("agreement", "majority", "marked"), [(0.59, 0.6, True), (0.6, 0.6, False), (-0.1, None, True), (0.1, None, False)]
)
def test_an_agreement_below_a_constants_is_marked_and_the_mark_explained(
    agreement: float, majority: float | None, marked: bool
) -> None:
    (comparison,) = compare([measured("a", "none", 0, [(8, agreement)], majority=majority)])
    shown = crosstab(comparison)
    assert (BELOW in shown.rows[0][1]) == marked
    assert any(note.startswith(BELOW) for note in shown.notes) == marked
    assert (BELOW in sentences(comparison, 0.99)[0]) == marked
