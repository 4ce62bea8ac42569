"""The report without a browser: what it says of regressions, of many attacks, and of labels that are awkward."""

from __future__ import annotations

import re
import resource
from pathlib import Path
from typing import Any

import pytest
from records import record

from mex.app.analysis.aggregate import compare
from mex.app.report import write
from mex.app.report.page import ACROSS
from mex.app.report.plots import MANY, curves, errors, legend, trade_off
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
    shown = [errors(compare([record(answers=answers)])[0], "none") for answers in ("label", "proba", "value")]
    assert ["bound" in plot.svg for plot in shown if plot] == [True, False, False]


@pytest.mark.parametrize("count", [MANY, MANY + 1])
def test_many_attacks_share_one_key_and_few_have_theirs_in_the_plot(count: int) -> None:
    (comparison,) = compare([record(attack=f"attack {i}") for i in range(count)])
    shared, plot = legend(comparison), curves(comparison, "none")
    assert plot
    assert ("attack 0" in plot.svg) == (shared is None) == (count <= MANY)
    assert shared is None or all(f"attack {i}" in shared.svg for i in range(count))


def test_many_defenses_are_numbered_and_named_below() -> None:
    (few,) = compare([record(defense=d) for d in ("none", "b")])
    (many,) = compare([record(defense=f"defense {i}" if i else "none") for i in range(MANY + 1)])
    plots = trade_off(few, 0.99), trade_off(many, 0.99)
    assert [plot.caption for plot in plots if plot] == [
        "",
        "1 none; " + "; ".join(f"{i} defense {i - 1}" for i in range(2, 8)),
    ]


def test_a_curve_from_no_queries_at_all_is_drawn_from_the_first_one_on() -> None:
    curve = [(0, 0.5), (8, 0.9), (16, 0.95)]
    assert curves(compare([record(curve=curve)])[0], "none")
    assert curves(compare([record(curve=curve[:1])])[0], "none") is None


def test_awkward_labels_harm_neither_the_plots_nor_the_page(tmp_path: Path) -> None:
    labels = ["$x^{$", "a b", "a-b", "a:b", "<i>&amp;\"'", "caf\udce9", "a\0\nb", "模型"]
    page = tmp_path / "r.html"
    write(page, [record(attack=attack, defense=defense) for attack in labels for defense in ("none", *labels)])
    text = page.read_text(encoding="utf-8")
    assert "<i>" not in text
    ids = re.findall(r'\sid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(#|xlink:href="#)([^")]+)', text)) <= set(ids)


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
    assert "2 cells:" in (tmp_path / "r.html").read_text(encoding="utf-8")


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
