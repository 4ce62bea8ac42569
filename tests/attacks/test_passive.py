"""The passive baseline: random points, then empirical risk minimisation."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex
from mex import Extraction, Family, FittedTarget
from mex.oracle import Oracle
from mex.testing import check_attack
from mex.toolkit.active.samplers import SAMPLERS
from mex.types import Answer


def tree_of(data: mex.Dataset, **params: Any) -> FittedTarget:
    regression = data.task == "regression"
    learner = (DecisionTreeRegressor if regression else DecisionTreeClassifier)(**params)
    fitted = (DecisionTreeRegressor if regression else DecisionTreeClassifier)(random_state=0, **params)
    fitted.fit(data.X[::2], data.y[::2])
    answers: tuple[Answer, ...] = ("value",) if regression else ("label", "proba", "leaf")
    return FittedTarget.wrap(fitted, domain=data.domain, family=Family("tree", learner=learner), answers=answers)


def steal(
    registry: mex.Registry,
    target: FittedTarget,
    spec: str,
    pool: Any = None,
    seed: int = 0,
    *,
    snapshots: bool = False,
    **oracle: Any,
) -> Extraction:
    door = Oracle(target, **oracle)
    attack = registry.build("attack", spec)
    learner = attack.learner(door.knowledge(pool=pool), np.random.default_rng(seed))
    return mex.extract(door, learner, snapshots=snapshots)


def test_the_pool_is_asked_row_by_row_in_random_order_and_then_it_is_done(
    registry: mex.Registry, breast_cancer: mex.Dataset
) -> None:
    pool = breast_cancer.X[1::4]
    extraction = steal(registry, tree_of(breast_cancer), "passive", pool, budget=1000)
    assert (extraction.stopped, extraction.queries) == ("done", len(pool))
    asked = extraction.transcript.X
    assert not np.array_equal(asked, pool)
    assert np.array_equal(asked[np.lexsort(asked.T)], pool[np.lexsort(pool.T)])


@pytest.mark.parametrize("kind", [name for name in SAMPLERS if name != "pool"])
def test_from_elsewhere_it_goes_on_until_the_budget_is_spent(
    registry: mex.Registry, breast_cancer: mex.Dataset, kind: str
) -> None:
    pool = breast_cancer.X[1::4]
    extraction = steal(registry, tree_of(breast_cancer), f"passive:sampler={kind},batch=7", pool, budget=100)
    assert extraction.queries == 100
    assert breast_cancer.domain.objection(extraction.transcript.X) is None


def test_more_labels_make_a_better_model(registry: mex.Registry, breast_cancer: mex.Dataset) -> None:
    X = breast_cancer.X[3::4]
    target = tree_of(breast_cancer, max_depth=4)

    def agreement(budget: int) -> float:
        stolen = [
            steal(registry, target, "passive", breast_cancer.X[1::4], seed, budget=budget).hypothesis
            for seed in range(8)
        ]
        return float(np.mean([s.predict(X) == target.answer(X, "label") for s in stolen]))

    few, some, many = agreement(5), agreement(25), agreement(142)
    assert few < some < many
    assert many > 0.9


def test_the_class_of_the_target_is_learned_unless_a_model_is_given(
    registry: mex.Registry, breast_cancer: mex.Dataset
) -> None:
    pool = breast_cancer.X[1::4]
    target = tree_of(breast_cancer, max_depth=2)
    own = steal(registry, target, "passive", pool, budget=100).hypothesis
    assert isinstance(own, DecisionTreeClassifier)
    assert own.get_depth() <= 2, "with the public hyper-parameters"
    given = steal(registry, target, "passive:model=logistic", pool, budget=100).hypothesis
    assert isinstance(given[-1], LogisticRegression)
    deep = steal(registry, target, "passive:model={use='decision-tree', max_depth=1}", pool, budget=100).hypothesis
    assert deep.get_depth() == 1


def test_values_are_regressed(registry: mex.Registry, diabetes: mex.Dataset) -> None:
    target = tree_of(diabetes, max_depth=3)
    extraction = steal(registry, target, "passive", diabetes.X, budget=400)
    truth = target.answer(diabetes.X, "value")
    errors = extraction.hypothesis.predict(diabetes.X) - truth
    assert np.mean(errors**2) < 0.2 * truth.var()


def test_several_classes_are_learned(registry: mex.Registry, digits: mex.Dataset) -> None:
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(digits.X[::2], digits.y[::2])
    family = Family("linear", learner=make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)))
    target = FittedTarget.wrap(fitted, domain=digits.domain, family=family)
    stolen = steal(registry, target, "passive", digits.X[1::4], budget=400).hypothesis
    assert np.mean(stolen.predict(digits.X[3::4]) == target.answer(digits.X[3::4], "label")) > 0.85


def test_there_is_a_hypothesis_before_any_answer_and_after_answers_of_one_class(
    registry: mex.Registry, breast_cancer: mex.Dataset, diabetes: mex.Dataset
) -> None:
    attack = registry.build("attack", "passive:batch=1")
    for data in (breast_cancer, diabetes):
        known = Oracle(tree_of(data), budget=5).knowledge(pool=data.X)
        before = attack.learner(known, np.random.default_rng(0)).hypothesis()
        assert len(np.unique(before.predict(data.X))) == 1
    extraction = steal(registry, tree_of(breast_cancer), "passive", breast_cancer.X, budget=1)
    assert (extraction.hypothesis.predict(breast_cancer.X) == extraction.transcript.answers[0]).all()


def test_its_hypotheses_along_the_way_stay_as_they_were(registry: mex.Registry, breast_cancer: mex.Dataset) -> None:
    extraction = steal(registry, tree_of(breast_cancer), "passive", breast_cancer.X, budget=200, snapshots=True)
    first, last = extraction.snapshots[0][1], extraction.snapshots[-1][1]
    assert first is not last
    assert first.get_n_leaves() < last.get_n_leaves()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_asks_and_learns_the_same(
    registry: mex.Registry, breast_cancer: mex.Dataset, sampler: str
) -> None:
    def run(seed: int) -> Extraction:
        spec = f"passive:sampler={sampler}"
        return steal(registry, tree_of(breast_cancer), spec, breast_cancer.X[1::4], seed, budget=60)

    one, same, other = run(0), run(0), run(1)
    assert np.array_equal(one.transcript.X, same.transcript.X)
    assert np.array_equal(one.hypothesis.predict(breast_cancer.X), same.hypothesis.predict(breast_cancer.X))
    assert not np.array_equal(one.transcript.X, other.transcript.X)


@pytest.mark.parametrize(
    ("spec", "oracle", "reason"),
    [
        (
            "passive",
            {"budget": 10},
            "passive draws from the pool, and this scenario grants none; give it sampler=uniform",
        ),
        ("passive:sampler=uniform", {}, "passive asks until a budget is spent, and this scenario sets none"),
        ("passive:sampler=near", {"budget": 10}, "draws from the pool, and this scenario grants none"),
    ],
)
def test_where_it_cannot_work_it_says_why(
    registry: mex.Registry, breast_cancer: mex.Dataset, spec: str, oracle: dict[str, Any], reason: str
) -> None:
    with pytest.raises(mex.Incompatible, match=reason):
        steal(registry, tree_of(breast_cancer), spec, **oracle)


@pytest.mark.parametrize(
    ("kind", "trained"),
    [
        ("linear", "LogisticRegression"),
        ("kernel", "SVC"),
        ("tree", "DecisionTreeClassifier"),
        ("boosted", "GradientBoostingClassifier"),
        ("secret", "RandomForestClassifier"),
    ],
)
def test_of_a_class_that_names_no_learner_it_trains_what_is_usual(
    registry: mex.Registry, breast_cancer: mex.Dataset, kind: str, trained: str
) -> None:
    target = attrs.evolve(tree_of(breast_cancer), family=mex.Family(kind))
    stolen = steal(registry, target, "passive", budget=200, pool=breast_cancer.X).hypothesis
    assert type(stolen.steps[-1][1] if hasattr(stolen, "steps") else stolen).__name__ == trained
    assert np.mean(stolen.predict(breast_cancer.X) == target.answer(breast_cancer.X, "label")) > 0.9


def test_leaves_are_out_of_its_scope(registry: mex.Registry, iris: mex.Dataset) -> None:
    known = Oracle(tree_of(iris), answers="leaf").knowledge(pool=iris.X)
    with pytest.raises(mex.Incompatible, match="passive takes label or value answers; this interface gives leaf"):
        registry.build("attack", "passive").scope.check("passive", known)


def test_it_conforms(registry: mex.Registry) -> None:
    for sampler in SAMPLERS:
        check_attack(registry.build("attack", f"passive:sampler={sampler}"), least_agreement=0.8)
