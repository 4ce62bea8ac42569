"""The report without a browser: what it says of regressions, of many attacks, and of labels that are awkward."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from records import record

from mex.app.analysis.aggregate import compare
from mex.app.analysis.overview import worth
from mex.app.report import write
from mex.app.report.chart import Line, looks
from mex.app.report.curves import agreement_scale, curves, error_curves, learning_curves, queries_scale
from mex.app.report.sections import ACROSS, tables
from mex.app.report.tradeoff import bargains, trade_off
from mex.app.report.words import accuracy_of, sentences
from mex.errors import UsageError

REGRESSION = {"answers": "value", "majority": None, "uniform_majority": None}


def test_of_a_regression_it_speaks_of_variance_and_never_of_rows_that_are_right() -> None:
    (comparison,) = compare([record(**REGRESSION), record(defense="noise", **REGRESSION)])
    assert accuracy_of(comparison).startswith("The model explains 0.90 of the variance")
    assert sentences(comparison, 0.99)[1].endswith("honest users lose 0.05 of R².")
    (comparison,) = compare([record(), record(defense="noise")])
    assert accuracy_of(comparison) == "The model is right on 0.90 of the held-out rows."
    assert sentences(comparison, 0.99)[1].endswith("honest users lose 5 points of accuracy.")


def test_the_bound_of_a_halfspace_is_drawn_only_where_the_answers_are_labels() -> None:
    def drawn(answers: str) -> bool:
        (comparison,) = compare([record(answers=answers)])
        (chart,) = error_curves(comparison, looks(comparison.attacks), queries_scale([comparison]))
        return 'class="bound"' in chart.svg

    assert [drawn(answers) for answers in ("label", "proba", "value")] == [True, False, False]


def test_twenty_eight_attacks_differ_without_their_colours() -> None:
    drawn = looks([str(i) for i in range(28)]).values()
    assert len({(look.colour, look.dash, look.mark) for look in drawn}) == 28
    assert len({(look.dash, look.mark) for look in drawn}) == 16


@pytest.mark.parametrize("defenses", [2, 7, 40])
def test_the_labels_of_a_trade_off_never_overlap(defenses: int) -> None:
    records = [record(defense=f"d{i}" if i else "none", accuracy_lost=0.0) for i in range(defenses)]
    (comparison,) = compare(records)
    chart = trade_off(comparison.title, bargains([worth(comparison, defense) for defense in comparison.defenses]))
    assert chart
    text = r'<text x="[\d.]+" y="([\d.]+)">'
    heights = sorted(float(y) for y in re.findall(text, chart.svg))
    assert len(heights) == defenses
    assert min(np.diff(heights)) >= 11


def test_charts_share_their_axes_and_carry_the_values_that_are_read_out() -> None:
    far = [(8, 0.5), (64, 0.995), (512, 1.0)]
    found = compare([record(), record("b", curve=far), record(model="other", curve=far)])
    x, y = queries_scale(found), agreement_scale(found)
    charts = [chart for c in found for chart in learning_curves(c, looks(c.attacks), x, y)]
    values = [json.loads(chart.values) for chart in charts]
    assert values[0]["x"] == values[1]["x"]
    assert [line[0] for line in values[0]["lines"]] == ["a", "b"]
    assert values[0]["lines"][1][2] == [[queries, score, score, score] for queries, score in far]


def test_a_curve_from_no_queries_at_all_is_drawn_from_the_first_one_on() -> None:
    def drawn(curve: Sequence[tuple[int, float]]) -> list[Line]:
        (comparison,) = compare([record(curve=curve)])
        return curves(comparison, "none", "agreement", looks(comparison.attacks))

    curve = [(0, 0.5), (8, 0.9), (16, 0.95)]
    assert [point[0] for line in drawn(curve) for point in line.points] == [8, 16]
    assert drawn(curve[:1]) == []


def test_a_level_that_is_never_reached_has_no_star_and_the_reader_chooses_the_level(tmp_path: Path) -> None:
    records = [record(curve=[(8, 0.5), (64, 0.96)]), record("b", curve=[(8, 0.5), (64, 0.9)])]
    (comparison,) = compare(records)
    (part,) = tables(comparison, [comparison.defenses])
    needed = part["rows"][0][1][0].queries
    assert [("★" in text, "not in 64" in text) for text in needed.values()] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    write(tmp_path / "r.html", records)
    assert (tmp_path / "r.html").read_text(encoding="utf-8").count('type="radio"') == 3


@pytest.mark.parametrize("seeds", [1, 2, 3, 4])
def test_the_page_says_what_the_median_of_an_even_number_of_seeds_is(tmp_path: Path, seeds: int) -> None:
    write(tmp_path / "r.html", [record(seed=seed) for seed in range(seeds)])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert ("one of the two in the middle that is better for the attacker" in text) == (seeds % 2 == 0)


def test_awkward_labels_harm_neither_the_plots_nor_the_page(tmp_path: Path) -> None:
    labels = ["$x^{$", "a b", "a-b", "a:b", "<i>&amp;\"'", "caf\udce9", "a\0\nb", "模型"]
    page = tmp_path / "r.html"
    write(page, [record(attack=attack, defense=defense) for attack in labels for defense in ("none", *labels)])
    text = page.read_text(encoding="utf-8")
    assert "<i>" not in text
    ids = re.findall(r'\sid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)


@pytest.mark.parametrize(
    "fields",
    [
        {"curve": ((8, -1e9), (10**30, 1))},
        {"features": 10**9, "rho": 0.5 + 1e-12},
        {"price_usd": 10**200, "accuracy_lost": -1e9, "seconds": 10**30},
        {"reason": "no file caf\udce9", "mex_version": "\udce9"},
        {"asked": [[1e30, -1e30]]},
        {"asked": []},
    ],
)
def test_numbers_and_texts_that_nobody_expects_are_shown_as_they_are(tmp_path: Path, fields: dict[str, Any]) -> None:
    write(tmp_path / "r.html", [record(**fields), record("b")])
    assert "2 of 2 cells" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_more_defenses_than_a_sheet_holds_go_below(tmp_path: Path) -> None:
    write(tmp_path / "r.html", [record(defense=f"d{i}") for i in range(ACROSS + 1)])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert [table.count('<th scope="col">d') for table in text.split('<table class="heat"')[1:]] == [ACROSS, 1]


def test_a_page_for_which_there_is_no_room_leaves_nothing_behind(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
    try:
        with pytest.raises(UsageError, match=r"cannot write .*: File too large"):
            write(tmp_path / "r.html", [record()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_a_page_where_nothing_ran_says_why(tmp_path: Path) -> None:
    write(
        tmp_path / "r.html", [record(status="skipped", reason="not today"), record("b", status="failed", reason="no")]
    )
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "not today" in text
    assert "No attack came to a result" not in text or "without a defense" in text
