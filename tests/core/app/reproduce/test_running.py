"""What was printed beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import mex
from mex.app.analysis.statistics import Estimate
from mex.app.cli import main
from mex.app.matrix.cells import Cell
from mex.app.reproduce import experiment as experiments
from mex.app.reproduce import transcripts
from mex.app.reproduce.experiment import Experiment
from mex.app.reproduce.lines import outcome
from mex.app.reproduce.pages import markdown, table, write_html
from mex.app.reproduce.running import prepare, records_of
from mex.app.reproduce.transcripts import FILE, with_transcript

Run: TypeAlias = Callable[..., Any]

PLAN: dict[str, Any] = {
    "budget": 120,
    "seeds": 2,
    "counters": False,
    "attacks": {"version-space": {}, "pivot": {"eps": 1e-3}},
    "defenses": {"none": {}},
    "models": {"logistic": {"fit_intercept": False}},
    "datasets": {"wine": {"positive": "class_0"}},
}


def of(*rows: dict[str, Any], **paper: Any) -> Experiment:
    return Experiment.of("mine", {**PLAN, "paper": {"title": "Mine <1>", "section": "Table 0", "rows": rows, **paper}})


@pytest.fixture(scope="module")
def run(registry: mex.Registry, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run an experiment; cells that another test had run as well are kept."""
    kept = tmp_path_factory.mktemp("kept")

    def call(experiment: Experiment, **options: Any) -> Any:
        ready = prepare(experiment, registry, **{"out": kept, **options})
        return outcome(experiment, ready.plan, list(records_of(experiment, ready)), options.get("quick", False))

    return call


def test_a_line_has_the_printed_number_ours_and_the_best(run: Run) -> None:
    row = {"attack": "version-space", "ours": "pivot", "measure": ["queries_to_error_1e-1", "queries"]}
    first, second = run(of({**row, "printed": [50, 240], "less": 20})).lines
    assert (first.printed, first.by, first.measure) == (50, "pivot", "queries_to_error_1e-1")
    assert first.here is not None
    assert first.best is not None
    assert 0 < first.here.low <= first.here.value <= first.here.high < 100
    assert second.here == Estimate(100, 100, 100)  # 20 are left out
    assert second.ratio == pytest.approx(100 / 240)


def test_a_ratio_is_that_of_the_same_seed(run: Run) -> None:
    row = {"attack": "version-space", "over": "pivot", "measure": "queries"}
    experiment = of(row, {**row, "over": "version-space"})
    ratio, one = run(experiment).lines
    assert ratio.measure == "ratio of queries"
    assert ratio.what == "version-space, over pivot"
    assert one.here == Estimate(1, 1, 1)


@pytest.mark.parametrize(("holds", "verdict"), [("<= 120", True), ("< 120", False), ("> 119", True), (">= 121", False)])
def test_a_claim_holds_or_does_not(run: Run, holds: str, verdict: bool) -> None:
    experiment = of({"attack": "version-space", "measure": "queries", "holds": holds})
    found = run(experiment, seeds=1)
    assert found.lines[0].verdict == ("holds" if verdict else "does not hold")
    assert table(found).rows[0][4] == found.lines[0].verdict


@pytest.mark.parametrize(
    ("holds", "over", "verdict"),
    [
        ("<= 5", None, "does not hold"),
        (">= 119", None, "holds"),
        (">= 121", None, "not settled within the budget"),
        ("<= 121", None, "not settled within the budget"),
        (">= 1", "version-space", "holds"),
        (">= 50", "version-space", "not settled within the budget"),
    ],
)
def test_never_is_only_more_than_the_budget(run: Run, holds: str, over: str | None, verdict: str) -> None:
    tables = {**PLAN, "attacks": {"coarse": {"use": "pivot", "eps": 0.2}, "version-space": {}}}
    row = {"attack": "coarse", "measure": "queries_to_error_1e-2", "holds": holds} | ({"over": over} if over else {})
    experiment = Experiment.of("mine", {**tables, "paper": {"title": "t", "section": "s", "rows": [row]}})
    (line,) = run(experiment, seeds=1).lines
    assert line.here is not None
    assert math.isinf(line.here.value)
    assert line.verdict == verdict


def test_proposition_1_is_what_is_printed_of_a_vote(run: Run) -> None:
    row = {"attack": "version-space", "over": "pivot", "measure": "queries"}
    (line,) = run(of({**row, "proposition": {"rho": 0.1, "delta": 0.05, "q": 250}}), seeds=1).lines
    assert line.printed == pytest.approx(8 / 0.64 * math.log(5000))


def test_numbers_of_transcripts(run: Run) -> None:
    row = {"attack": "version-space", "measure": ["near_share", "log10_p"]}
    near, log10_p = run(of(row, transcripts=True)).lines
    assert near.here is not None
    assert 0.5 < near.here.value <= 1  # most are beside the boundary
    assert log10_p.here is not None
    assert log10_p.here.value <= 0


def test_a_cell_that_is_skipped_says_why(run: Run) -> None:
    tables = {**PLAN, "attacks": {"tree-structure": {}}}
    rows = [{"measure": "queries", "printed": 7}]
    experiment = Experiment.of("mine", {**tables, "paper": {"title": "t", "section": "s", "rows": rows}})
    found = run(experiment, seeds=1)
    assert found.lines[0].here is None
    assert "tree-structure works on tree models" in found.lines[0].note
    shown = table(found)
    assert shown.rows[0][:5] == ["tree-structure [1]", "queries", "7", "–", "–"]
    assert shown.notes[-1].startswith("[1] ")


def test_it_goes_on_where_it_stopped(run: Run, registry: mex.Registry, tmp_path: Path) -> None:
    experiment = of({"attack": "pivot", "measure": "queries"})
    first = run(experiment, out=tmp_path / "mine")
    ready = prepare(experiment, registry, out=tmp_path / "mine")
    assert ready.kept == len(ready.cells) == 2
    again = outcome(experiment, ready.plan, list(records_of(experiment, ready)), False)
    assert again.lines == first.lines


def test_numbers_of_transcripts_are_kept(
    run: Run, registry: mex.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = of({"attack": "version-space", "measure": ["near_share", "log10_p"]}, transcripts=True)
    first = run(experiment, out=tmp_path)
    numbers = tmp_path / FILE
    numbers.write_text(numbers.read_text(encoding="utf-8")[:-10], encoding="utf-8")  # killed while the last was written
    asked = []

    def counted(registry: mex.Registry, cell: Cell) -> Any:
        asked.append(cell.seed)
        return with_transcript(registry, cell)

    monkeypatch.setattr(transcripts, "with_transcript", counted)
    assert run(experiment, out=tmp_path).lines == first.lines
    assert asked == [1]
    assert run(experiment, out=tmp_path).lines == first.lines
    assert asked == [1]


def test_the_document_and_the_page_are_well_formed(run: Run, tmp_path: Path) -> None:
    found = run(of({"attack": "pivot", "measure": "queries"}, declared=["a < b & c | d"]), seeds=1)
    text = markdown([found])
    assert "| where | number | paper | here | here / paper | best here |" in text
    assert "`mex reproduce mine --seeds 1`" in text
    write_html(tmp_path / "page.html", [found])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "a &lt; b &amp; c | d" in page
    assert "Mine &lt;1&gt;" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_on_the_command_line(
    registry: mex.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "figure-0.toml").write_text(
        "budget = 60\nseeds = 1\n[attacks.pivot]\n[defenses.none]\n[models.logistic]\n"
        '[datasets.iris]\npositive = "setosa"\n'
        '[paper]\ntitle = "T"\nsection = "Figure 0"\n[[paper.rows]]\nmeasure = "queries"\nprinted = 42\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(experiments, "HERE", tmp_path)
    experiments.load.cache_clear()
    assert main(["reproduce"]) == 0
    assert "figure-0\tT\tFigure 0" in capsys.readouterr().out
    assert main(["reproduce", "all", "--jobs", "1", "--out", str(tmp_path / "out")]) == 0
    assert "pivot\tqueries\t42\t" in capsys.readouterr().out
    assert (tmp_path / "out" / "reproduction.html").exists()
    assert "| pivot | queries | 42 |" in (tmp_path / "out" / "reproduction.md").read_text(encoding="utf-8")
    assert main(["reproduce", "figure-0", "--jobs", "1", "--out", str(tmp_path / "out"), "--format", "json"]) == 0
    printed = capsys.readouterr()
    assert '"printed": 42' in printed.out
    assert "1 of 1 cells are in" in printed.err
    assert main(["reproduce", "all", "figure-0"]) == 2
    assert "all stands alone" in capsys.readouterr().err
    experiments.load.cache_clear()


def test_the_file_is_printed_to_be_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "figure-3", "--plan"]) == 0
    assert "[attacks.version-space]" in capsys.readouterr().out


def test_an_interruption_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("mex.app.reproduce.running.records_of", interrupted)
    assert main(["reproduce", "table-2", "--jobs", "1", "--out", str(tmp_path)]) == 130
    assert f"interrupted in table-2; run the same command again to go on from {tmp_path}" in capsys.readouterr().err
