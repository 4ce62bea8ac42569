"""What a plugin changes by accident is the failure of its own cells, with a sentence, and no other cell notices."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import wrong
from sklearn.linear_model import LogisticRegression

import mex
from mex.app.matrix.evaluation import Yardstick
from mex.app.matrix.json_lines import dump
from mex.app.matrix.record import TIMINGS
from mex.dataset import Rows
from mex.testing.examples import example_dataset, example_target

PLAN: dict[str, Any] = {"models": ["logistic"], "datasets": ["haberman"], "seeds": 1, "budget": 60, "counters": False}
LENT = r"changes what it was lent \({}\): it has to work on a copy"
STRANGE = r"the hypothesis, a Believing, answered labels that are not among the classes \[0 1\]"
ATTACKS = {
    wrong.SortsThePool: "the attack " + LENT.format(".*read-only"),
    wrong.StandardisesThePool: "the attack " + LENT.format(".*read-only"),
    wrong.SwapsTheClasses: "the attack " + LENT.format(".*read-only"),
    wrong.WidensTheDomain: "the attack " + LENT.format(".*read-only"),
    wrong.RaisesTheBudget: "the attack " + LENT.format("can't set attribute"),
    wrong.CentresItsRows: "the hypothesis, a Believing, " + LENT.format(".*read-only"),
    wrong.PredictsTooFew: r"the hypothesis, a Believing, was asked \d+ rows and answered an array of shape \(\d+,\)",
    wrong.PredictsAnotherClass: rf"{STRANGE}, such as -1",
    wrong.PredictsNothing: rf"{STRANGE}, such as nan",
}
DEFENSES = {
    wrong.RoundsInPlace: "the defense " + LENT.format(".*read-only"),
    wrong.ClipsInPlace: "the defense " + LENT.format(".*read-only"),
    wrong.SortsItsRows: "the defense " + LENT.format(".*read-only"),
}


def untimed(records: list[Any]) -> list[str]:
    return [dump({k: v for k, v in record.items() if k not in TIMINGS}) for record in records]


@pytest.mark.parametrize(("guilty", "sentence"), ATTACKS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_an_attack_that_changes_what_is_not_its_own_fails_alone(
    guilty: type, sentence: str, given: Callable[..., mex.Registry]
) -> None:
    registry = given(attack={"innocent": wrong.Innocent, "guilty": guilty})
    plan = {**PLAN, "defenses": ["none", "bounded-noise:rho=0.1"]}
    alone = mex.matrix({**plan, "attacks": ["innocent"]}, registry=registry)
    both = mex.matrix({**plan, "attacks": ["guilty", "innocent"]}, registry=registry)
    assert {record["status"] for record in alone} == {"ok"}
    assert untimed([record for record in both if record["attack"] == "innocent"]) == untimed(alone)
    failed = [record for record in both if record["attack"] == "guilty"]
    assert [record["status"] for record in failed] == ["failed"] * 2
    for record in failed:
        assert record["reason"] is not None
        with pytest.raises(mex.MexError, match=f"^{sentence}$"):
            raise mex.MexError(record["reason"])


@pytest.mark.parametrize(("guilty", "sentence"), DEFENSES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_defense_that_changes_what_is_not_its_own_fails_alone(
    guilty: type, sentence: str, given: Callable[..., mex.Registry]
) -> None:
    registry = given(attack={"innocent": wrong.Innocent}, defense={"guilty": guilty, "careful": wrong.Careful})
    plan = {**PLAN, "attacks": ["innocent", "passive"]}
    alone = mex.matrix({**plan, "defenses": ["none", "careful"]}, registry=registry)
    both = mex.matrix({**plan, "defenses": ["guilty", "none", "careful"]}, registry=registry)
    assert {record["status"] for record in alone} == {"ok"}
    innocent = [record for record in both if record["defense"] != "guilty"]
    assert sorted(untimed(innocent)) == sorted(untimed(alone))
    failed = [record for record in both if record["defense"] == "guilty"]
    assert [record["status"] for record in failed] == ["failed"] * 2
    for record in failed:
        assert record["reason"] is not None
        with pytest.raises(mex.MexError, match=f"^{sentence}$"):
            raise mex.MexError(record["reason"])


def test_a_family_changed_by_one_attack_is_as_it_was_for_the_next(given: Callable[..., mex.Registry]) -> None:
    registry = given(attack={"guilty": wrong.ChangesTheFamily})
    plan = {**PLAN, "defenses": ["none"]}
    alone = mex.matrix({**plan, "attacks": ["passive"]}, registry=registry)
    both = mex.matrix({**plan, "attacks": ["guilty", "passive"]}, registry=registry)
    assert [record["status"] for record in both] == ["ok", "ok"]
    assert untimed(both[1:]) == untimed(alone)


@pytest.mark.parametrize("harmless", [wrong.PredictsAColumn, wrong.ChangesItsEstimator])
def test_a_column_of_predictions_and_a_changing_estimator_have_the_true_curve(
    harmless: type, given: Callable[..., mex.Registry]
) -> None:
    registry = given(attack={"innocent": wrong.Innocent, "harmless": harmless})
    records = mex.matrix({**PLAN, "attacks": ["innocent", "harmless"], "defenses": ["none"]}, registry=registry)
    curves = [record["curve"] for record in records]
    assert curves[0] == curves[1]
    assert len({point["agreement"] for point in curves[0]}) > 2


def test_snapshots_are_true_copies_outside_of_a_matrix(iris: mex.Dataset) -> None:
    from sklearn.tree import DecisionTreeClassifier

    target = mex.FittedTarget.wrap(DecisionTreeClassifier(random_state=0).fit(iris.X, iris.y), domain=iris.domain)

    def curve(attack: Any) -> list[tuple[int, list[int]]]:
        oracle = mex.Oracle(target, budget=60)
        learner = attack.learner(oracle.knowledge(pool=iris.X), np.random.default_rng(0))
        return [(n, kept.predict(iris.X).tolist()) for n, kept in mex.extract(oracle, learner).snapshots]

    assert curve(wrong.ChangesItsEstimator()) == curve(wrong.Innocent())


def test_what_is_read_only_stays_so_in_another_process() -> None:
    data, target = example_dataset(), example_target()
    rows = Rows(data.X, data.y)
    yardstick = Yardstick.of(target, rows, np.random.default_rng(0))
    data, rows, target, yardstick = pickle.loads(pickle.dumps((data, rows, target, yardstick)))
    for array in (data.X, data.y, rows.X, rows.y, data.domain.lower, data.domain.upper, data.domain.integer):
        assert not array.flags.writeable
    assert target.classes is not None
    for array in (target.classes, target.domain.half_width, target.domain.middle, *yardstick.points.values()):
        assert not array.flags.writeable


def test_a_model_that_works_in_place_is_asked_copies() -> None:
    class Centring(LogisticRegression):  # type: ignore[misc]
        def predict(self, X: Any) -> Any:
            X -= 1.0
            return super().predict(X + 1.0)

    data = example_dataset()
    target = mex.FittedTarget.wrap(Centring().fit(data.X, data.y), domain=data.domain)
    before = data.X.copy()
    stolen = mex.attack("passive", target, pool=data.X, budget=50)
    assert stolen.queries == 50
    assert np.array_equal(data.X, before)
    assert np.array_equal(
        stolen.transcript.answers, LogisticRegression().fit(data.X, data.y).predict(stolen.transcript.X)
    )
