"""A plan says which cells there are: from a file, from tables, from flags."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import mex
from mex.app.matrix.plan import Plan, read
from mex.registry.spec import Spec

SMALL: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "counters": False,
}


def write(tmp_path: Path, toml: str) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(dedent(toml), encoding="utf-8")
    return path


def test_a_file_has_a_table_per_row_and_column(tmp_path: Path, registry: mex.Registry) -> None:
    path = write(
        tmp_path,
        """
        budget = 50
        seeds = 2
        answers = "label"
        counters = false
        price_per_query = 0.5
        [attacks.passive]
        [attacks.trees]
        use = "passive"
        model = "decision-tree"
        [defenses.none]
        [defenses.bounded-noise]
        sweep.rho = [0.1, 0.3]
        [defenses.both]
        nest = ["bounded-noise:rho=0.2", {use = "bounded-noise", sticky = true}]
        [models.logistic]
        fit_intercept = false
        [datasets.haberman]
        """,
    )
    plan = Plan.of(read(path)).resolve(registry)
    cells = plan.cells()
    assert len(cells) == 2 * 4 * 2
    assert {(c.budget, c.answers, c.price_per_query) for c in cells} == {(50, "label", 0.5)}
    assert {c.seed for c in cells} == {0, 1}
    assert list(plan.attacks) == ["passive", "trees"]
    assert plan.attacks["trees"].name == "passive"
    assert plan.attacks["trees"].params["model"]["use"] == "decision-tree"
    assert list(plan.defenses) == ["none", "bounded-noise:rho=0.1", "bounded-noise:rho=0.3", "both"]
    assert [layer.params["sticky"] for layer in plan.defenses["both"].layers] == [False, True]
    assert plan.models["logistic"].params == {"C": 1.0, "fit_intercept": False, "publish": False}


def test_defaults_are_filled_in_so_that_writing_them_changes_no_cell(registry: mex.Registry) -> None:
    def cell(model: str) -> str:
        return str(Plan.of({**SMALL, "models": [model], "seeds": 1}).resolve(registry).cells()[0].identity()["cell"])

    assert cell("logistic") == cell("logistic:C=1.0") != cell("logistic:C=2.0")


def test_a_sweep_over_two_parameters_is_every_combination() -> None:
    sweep = {"rho": [0, 1], "sticky": [True, False]}
    plan = Plan.of({**SMALL, "defenses": {"mine": {"use": "bounded-noise", "sweep": sweep}}})
    assert list(plan.defenses) == [f"mine:rho={rho},sticky={sticky}" for rho in (0, 1) for sticky in ("true", "false")]
    assert plan.defenses["mine:rho=1,sticky=true"] == Spec("bounded-noise", {"rho": 1, "sticky": True})


def test_a_sweep_may_be_typed_as_a_flag() -> None:
    plan = Plan.of({**SMALL, "defenses": ["bounded-noise:sweep.rho=[0.1, 0.2]"]})
    assert list(plan.defenses) == ["bounded-noise:rho=0.1", "bounded-noise:rho=0.2"]


def test_cells_that_share_a_fitted_model_stand_together(registry: mex.Registry) -> None:
    tables = {**SMALL, "defenses": ["none", "bounded-noise"], "models": ["logistic", "linear-svm"], "seeds": [4, 2]}
    scenes = [(c.model.name, c.seed) for c in Plan.of(tables).resolve(registry).cells()]
    assert scenes == [(model, seed) for model in ("logistic", "linear-svm") for seed in (4, 2) for _ in range(2)]


def test_a_cell_named_twice_runs_once(registry: mex.Registry) -> None:
    tables = {**SMALL, "attacks": ["passive", "passive:batch=10"], "seeds": [1, 1]}
    assert len(Plan.of(tables).resolve(registry).cells()) == 1


def test_a_record_is_called_by_its_label(registry: mex.Registry) -> None:
    tables = {**SMALL, "attacks": {"trees": {"use": "passive", "model": "decision-tree"}, "passive": {}}, "seeds": 1}
    plan = Plan.of(tables).resolve(registry)
    assert [plan.label("attack", cell.identity()) for cell in plan.cells()] == ["trees", "passive"]


def test_the_default_plan_is_as_large_as_promised(registry: mex.Registry) -> None:
    from mex.app.matrix.run import DEFAULT, tables_beside

    plan = Plan.of(DEFAULT)
    assert list(plan.models) == ["logistic", "decision-tree", "boosted-trees"]
    assert len([name for name in plan.defenses if name != "none"]) == 5
    assert plan.settings["answers"] == ["label", "proba", "leaf"]
    assert plan.seeds == 3
    assert tables_beside({"seeds": 2}) == DEFAULT
    assert "answers" not in tables_beside({"models": ["linear-regression"]}), "other models have other kinds"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"attaks": []}, "no setting named 'attaks'; did you mean 'attacks'"),
        ({"jobs": 2}, "no setting named 'jobs'"),
        ({"attacks": []}, "needs at least one of its attacks"),
        ({"models": {}}, "needs at least one of its models"),
        ({"attacks": "passive"}, "attacks must be a table of components, not 'passive'"),
        ({"attacks": 3}, "attacks must be a table of components, not 3"),
        ({"attacks": [3]}, "3 is not a component"),
        ({"attacks": {"passive": 3}}, r"\[attacks.passive\] must be a table of parameters, not 3"),
        ({"attacks": {"mine": {"use": 3}}}, r"\[attacks.mine\]: use must be the name of a component, not 3"),
        ({"attacks": {"passive": {"sweep": 3}}}, "passive: sweep must be a table of lists, not 3"),
        ({"attacks": {"passive": {"sweep": {"batch": 3}}}}, "sweep.batch must be a list of values, not 3"),
        ({"attacks": {"passive": {"sweep": {"batch": []}}}}, r"sweep.batch must be a list of values, not \[\]"),
        ({"defenses": {"both": {"nest": 3}}}, "nest must be a list of defenses, not 3"),
        ({"defenses": {"both": {"nest": []}}}, "nest must be a list of defenses"),
        ({"defenses": {"both": {"nest": ["none"], "sweep": {"rho": [0.1]}}}}, "nest stands alone"),
        ({"seeds": 0}, "seeds must be a whole number of at least 1 or a list of whole numbers, not 0"),
        ({"seeds": -1}, "seeds must be .* not -1"),
        ({"seeds": True}, "seeds must be .* not True"),
        ({"seeds": []}, r"seeds must be .* not \[\]"),
        ({"seeds": [0, -1]}, "seeds must be"),
        ({"seeds": "3"}, "seeds must be .* not '3'"),
        ({"budget": 0}, "budget must be a whole number of at least 1, not 0"),
        ({"budget": "10"}, "budget must be a whole number of at least 1, not '10'"),
        ({"answers": "labels"}, "answers must be one of label, proba, leaf, value, not 'labels'"),
        ({"price_per_query": -1}, "price_per_query must be a number of at least 0, not -1"),
        ({"price_per_query": "free"}, "price_per_query must be a number of at least 0, not 'free'"),
        ({"attacks": ["pasive"]}, "no attack named 'pasive'; did you mean 'passive'"),
        ({"attacks": ["none"]}, "no attack named 'none'"),
        ({"attacks": ["passive + none"]}, "no attack named 'passive"),
        ({"attacks": ["passive:btch=3"]}, "attack 'passive' has no parameter 'btch'; did you mean 'batch'"),
        ({"attacks": ["passive:batch=0"]}, "attack 'passive': batch must be a whole number of at least 1, not 0"),
        ({"attacks": ["passive:sampler=2020-01-01"]}, "attack 'passive': sampler must be one of"),
        ({"attacks": ["passive:model=logistic2"]}, "no model named 'logistic2'; did you mean 'logistic'"),
        ({"attacks": ["passive:model={use='logistic', C=0}"]}, "model 'logistic': C must be a number above 0, not 0"),
        ({"attacks": ["passive:model=3"]}, "3 is not a component"),
        ({"defenses": ["bounded-noise:rho=2"]}, "defense 'bounded-noise': rho must be a number between 0 and 1, not 2"),
        ({"defenses": ["none + bounded-noise:rho=x"]}, "rho must be a number between 0 and 1, not 'x'"),
        ({"defenses": ["bounded-noise:nest=3"]}, "nest must be a list of defenses, not 3"),
        ({"datasets": ["habermann"]}, "no dataset named 'habermann'; did you mean 'haberman'"),
    ],
)
def test_a_plan_that_cannot_run_is_one_sentence(registry: mex.Registry, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(mex.UsageError, match=sentence) as error:
        Plan.of({**SMALL, **change}).resolve(registry).cells()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"budget = ", r"plan.toml: Invalid value \(at end of document\)"),
        (b"seeds = 3\nbudget = 1 2\n", r"plan.toml: .*\(at line 2, column 12\)"),
        (b"[attacks.passive]\n[attacks.passive]\n", r"plan.toml: .*\(at line 2"),
        (b"# caf\xe9\n", "plan.toml: not UTF-8 text: .* at byte 5"),
    ],
)
def test_a_file_that_is_not_toml_is_told_with_the_place(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(content)
    with pytest.raises(mex.UsageError, match=sentence):
        read(path)


def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(mex.UsageError, match=r"cannot read .*missing.toml: No such file or directory"):
        read(tmp_path / "missing.toml")
    with pytest.raises(mex.UsageError, match=r"cannot read .*: Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("answers", "kinds"),
    [
        ("all", ["label", "proba"]),
        (["proba", "label", "proba"], ["proba", "label"]),
        (["leaf", "proba"], ["proba"]),
        ("proba", ["proba"]),
        (["leaf", "value"], ["leaf", "value"]),
        (None, [None]),
    ],
)
def test_an_attack_is_shown_the_kinds_of_answers_that_it_takes_and_all_if_it_takes_none(
    registry: mex.Registry, answers: Any, kinds: list[Any]
) -> None:
    tables = {
        "attacks": ["boosted-surrogate"],
        "defenses": ["none"],
        "models": ["logistic"],
        "datasets": ["heart"],
        "seeds": 1,
    }
    plan = Plan.of({**tables, **({} if answers is None else {"answers": answers})}).resolve(registry)
    assert [cell.answers for cell in plan.cells()] == kinds


@pytest.mark.parametrize("answers", ["labels", [], ["label", "x"], [None], 5, {"a": 1}, [["label"]]])
def test_kinds_of_answers_that_are_none_are_one_sentence(answers: Any) -> None:
    tables = {"attacks": ["passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["heart"]}
    with pytest.raises(mex.UsageError, match="answers must be one of label, proba, leaf, value"):
        Plan.of({**tables, "answers": answers})
