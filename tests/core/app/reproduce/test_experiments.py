"""The experiments of the paper: every file can be run, and its lines say what they are."""

from __future__ import annotations

from typing import Any

import pytest

import mex
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import FIELDS
from mex.app.reproduce import experiment as experiments
from mex.app.reproduce.experiment import KINDS, Experiment, load, names
from mex.app.reproduce.measures import AFTER, TO_ERROR
from mex.app.reproduce.running import prepare
from mex.errors import UsageError

COMPUTED = ("error_slope", "wrong_answers", "near_share", "t_squared", "log10_p")
ASKED_FOR = {
    *("table-1", "table-2", "table-3", "table-4", "table-5", "tables-6-7"),
    *("figure-3", "figure-4", "figure-5", "figure-6", "figure-7", "example-6", "claims"),
}
every_experiment = pytest.mark.parametrize("name", names())


def test_every_table_and_figure_of_the_evaluation_is_there() -> None:
    assert set(names()) == ASKED_FOR


@every_experiment
def test_each_line_names_numbers_that_a_record_has(name: str) -> None:
    for row in load(name).rows:
        assert len(row.printed) <= len(row.measure)
        for measure in row.measure:
            known = measure in FIELDS or TO_ERROR.fullmatch(measure) or AFTER.fullmatch(measure)
            assert known or measure.startswith(("queries_to_", "usd_to_")) or measure in COMPUTED, measure


@every_experiment
@pytest.mark.parametrize("quick", [False, True])
def test_each_can_be_run_whole_and_reduced(registry: mex.Registry, name: str, quick: bool) -> None:
    run = prepare(load(name), registry, quick=quick)
    whole = prepare(load(name), registry)
    assert 0 < len(run.cells) <= len(whole.cells)
    assert not run.plan.added  # no attack of which no line is


@every_experiment
def test_the_file_is_a_plan_for_the_matrix(name: str) -> None:
    assert Plan.of(experiments.read(experiments.HERE / f"{name}.toml")).attacks


@every_experiment
def test_what_the_paper_leaves_open_is_declared(name: str) -> None:
    assert load(name).declared


def test_only_cells_that_a_line_reads_are_run(registry: mex.Registry) -> None:
    run = prepare(load("figure-6"), registry)
    attacks = {cell.attack.name for cell in run.cells}
    assert attacks == {"averaging", "probit"}
    claims = prepare(load("claims"), registry)
    assert len(claims.cells) < len(claims.plan.cells())


def test_a_line_that_names_what_is_not_in_the_plan_is_a_mistake() -> None:
    tables: dict[str, Any] = {
        **{"attacks": {"pivot": {}}, "defenses": {"none": {}}, "models": {"logistic": {}}, "datasets": {"wine": {}}},
        "paper": {"title": "t", "section": "s", "rows": [{"attack": "pivto", "measure": "queries"}]},
    }
    with pytest.raises(UsageError, match="a line names 'pivto', and attacks are pivot"):
        Experiment.of("mine", tables)


def test_a_table_stands_for_a_line_of_each_label() -> None:
    rows = [
        {"dataset": ["wine", "iris"], "attack": ["pivot", "passive"], "measure": "queries", "printed": {"wine": 3}},
        {"dataset": ["wine", "iris"], "attack": "pivot", "measure": "agreement", "what": "of {dataset}"},
    ]
    tables: dict[str, Any] = {
        **{"attacks": ["pivot", "passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["wine", "iris"]},
        "paper": {"title": "t", "section": "s", "by": "dataset", "rows": rows},
    }
    lines = [(r.where["dataset"], r.where["attack"], r.printed, r.what) for r in Experiment.of("mine", tables).rows]
    assert lines == [
        ("wine", "pivot", (3,), ""),
        ("wine", "passive", (3,), ""),
        ("wine", "pivot", (), "of wine"),
        ("iris", "pivot", (), ""),
        ("iris", "passive", (), ""),
        ("iris", "pivot", (), "of iris"),
    ]


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'figure-3'"):
        load("figure3")


def test_a_reduced_plan_keeps_the_labels_it_names(registry: mex.Registry) -> None:
    reduced = load("figure-4").tables(quick=True)
    assert list(reduced["datasets"]) == ["breast-cancer", "digits"]
    assert set(Plan.of(reduced).resolve(registry).defenses) == {"none", "rho 0.1"}
    assert list(KINDS) == ["attack", "defense", "model", "dataset"]
