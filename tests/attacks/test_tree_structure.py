"""tree-structure: exact recovery from leaf ids."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex
from mex.testing import check_attack
from mex.toolkit.trees.comparison import disagreement, equal, leaves, refines
from mex_tree_structure.attack import TreeStructure
from mex_tree_structure.hulls import Hulls


def target_of(data: mex.Dataset, domain: mex.Domain | None = None, **params: Any) -> mex.FittedTarget:
    """A tree on the even rows."""
    regression = data.task == "regression"
    learner = (DecisionTreeRegressor if regression else DecisionTreeClassifier)(random_state=0, **params)
    fitted = learner.fit(data.X[::2], data.y[::2])
    answers = ("value", "leaf") if regression else ("label", "leaf")
    return mex.FittedTarget.wrap(fitted, domain=domain or data.domain, family=mex.Family("tree"), answers=answers)


def steal(target: mex.FittedTarget, answers: str = "leaf", budget: int = 20_000, **params: Any) -> mex.Extraction:
    oracle = mex.Oracle(target, answers=answers, budget=budget)
    learner = TreeStructure(**params).learner(oracle.knowledge(), np.random.default_rng(1))
    return mex.extract(oracle, learner, snapshots=False)


def boolean_data(seed: int = 0) -> mex.Dataset:
    """Two groups of 4 and 3 categories, a whole number and a real one; the label takes all of them."""
    rng = np.random.default_rng(seed)
    domain = mex.Domain(
        [0] * 7 + [0, -1],
        [1] * 7 + [6, 1],
        integer=[False] * 7 + [True, False],
        groups=[(0, 1, 2, 3), (4, 5, 6)],
    )
    X = domain.sample(400, rng)
    y = (3 * X[:, 1] + X[:, 7] > 3).astype(int) + (X[:, 5] + X[:, 8] > 0.6)
    return mex.Dataset("boolean", X, y, domain, ("a", "b", "c"))


def test_it_is_a_well_behaved_attack(iris: mex.Dataset) -> None:
    target = target_of(iris, max_depth=3)
    check_attack(TreeStructure(), attrs.evolve(target, answers=("leaf",)))


@pytest.mark.parametrize(("name", "queries"), [("iris", 200), ("breast_cancer", 600), ("digits", 1400)])
def test_a_real_tree_is_found_exactly(request: pytest.FixtureRequest, name: str, queries: int) -> None:
    data: mex.Dataset = request.getfixturevalue(name)
    target = target_of(data)
    stolen = steal(target)
    tree = target.estimator
    assert equal(stolen.hypothesis, tree, data.domain)
    assert stolen.hypothesis.get_n_leaves() == tree.get_n_leaves()
    assert stolen.queries <= queries
    assert stolen.queries == stolen.unique_queries
    assert stolen.note.startswith("certified")
    assert np.array_equal(stolen.hypothesis.predict(data.X), tree.predict(data.X))


def test_it_agrees_one_float32_number_either_side_of_each_threshold(breast_cancer: mex.Dataset) -> None:
    target = target_of(breast_cancer)
    stolen, tree, rng = steal(target), target.estimator, np.random.default_rng(2)
    branches = tree.tree_.feature >= 0
    for j, threshold in zip(tree.tree_.feature[branches], tree.tree_.threshold[branches], strict=True):
        near = np.float32(threshold)
        X = np.repeat(breast_cancer.domain.sample(50, rng), 3, axis=0)
        X[:50] = breast_cancer.X[rng.integers(len(breast_cancer.X), size=50)]
        X[:, j] = np.tile([np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf))], 50)
        assert np.array_equal(stolen.hypothesis.predict(X), tree.predict(X))


def test_whole_numbers_and_one_hot_groups_are_asked_as_the_interface_takes_them() -> None:
    data = boolean_data()
    target = target_of(data)
    stolen = steal(target)
    assert refines(stolen.hypothesis, target.estimator, data.domain)
    assert stolen.note.startswith("certified")
    assert stolen.queries < 40 * target.estimator.get_n_leaves()


def any_domain(rng: np.random.Generator) -> mex.Domain:
    """One to four features: real, whole, constant, or a group of one to five categories."""
    lower: list[float] = []
    upper: list[float] = []
    integer: list[bool] = []
    groups: list[range] = []
    for kind in rng.integers(4, size=rng.integers(1, 5)):
        k = int(rng.integers(1, 6)) if kind == 3 else 1
        start, width = float(rng.integers(-3, 3)), float(rng.integers(0, 9))
        bounds = {0: (-rng.random(), rng.random()), 1: (start, start + width), 2: (1.5, 1.5), 3: (0, 1)}[int(kind)]
        groups += [range(len(lower), len(lower) + k)] if kind == 3 else []
        lower, upper, integer = lower + [bounds[0]] * k, upper + [bounds[1]] * k, integer + [kind == 1] * k
    return mex.Domain(lower, upper, integer=integer, groups=groups)


@pytest.mark.parametrize("seed", range(25))
def test_any_tree_on_any_domain_is_found_with_no_leaf_too_many(seed: int) -> None:
    rng = np.random.default_rng(seed)
    domain = any_domain(rng)
    X, y = domain.sample(60, rng), rng.integers(4, size=60)
    tree = DecisionTreeClassifier(max_leaf_nodes=int(rng.integers(2, 20)), random_state=0).fit(X, y)
    target = mex.FittedTarget.wrap(tree, domain=domain, family=mex.Family("tree"), answers=("leaf",))
    stolen = steal(target)
    assert refines(stolen.hypothesis, tree, domain)
    assert stolen.hypothesis.get_n_leaves() == len(leaves(tree, domain).node)
    assert stolen.note.startswith("certified")


def test_a_real_slice_with_many_categories(registry: mex.Registry) -> None:
    data = registry.build("dataset", "german-credit").load()
    target = target_of(data, max_leaf_nodes=25)
    stolen = steal(target)
    assert equal(stolen.hypothesis, target.estimator, data.domain)
    assert stolen.hypothesis.get_n_leaves() <= 25


@pytest.mark.parametrize("answers", ["value", "leaf"])
def test_a_regression_tree_is_found_from_its_values_or_its_leaves(diabetes: mex.Dataset, answers: str) -> None:
    target = target_of(diabetes, min_samples_leaf=8)
    stolen = steal(target, answers)
    assert equal(stolen.hypothesis, target.estimator, diabetes.domain)
    assert np.array_equal(stolen.hypothesis.predict(diabetes.X), target.estimator.predict(diabetes.X))


def test_leaves_with_one_value_are_told_apart_and_the_note_says_so(diabetes: mex.Dataset) -> None:
    target = target_of(diabetes, max_leaf_nodes=30)
    values = target.estimator.tree_.value[target.estimator.tree_.children_left < 0, 0, 0]
    assert len(np.unique(values)) < len(values)
    stolen = steal(target, "value")
    assert equal(stolen.hypothesis, target.estimator, diabetes.domain)
    assert "not certified" in stolen.note


def test_two_leaves_at_the_ends_with_one_value_are_not_taken_for_one() -> None:
    domain = mex.Domain([0.0, 0.0], [1.0, 1.0])
    X = np.linspace(0, 1, 90)
    tree = DecisionTreeRegressor().fit(np.column_stack([X, np.zeros(90)]), np.repeat([1.0, 2.0, 1.0], 30))
    target = mex.FittedTarget.wrap(tree, domain=domain, family=mex.Family("tree"), answers=("value",))
    unchecked, checked = steal(target, "value", checks=0), steal(target, "value")
    assert unchecked.queries == 2 + 2, "and two rows to be sure"
    assert unchecked.note.startswith("certified, if no two leaves answer alike: each box of the tree lies in one leaf")
    assert "all 4 answers were the same" in unchecked.note
    assert disagreement(checked.hypothesis, tree, domain) < 1e-6
    assert checked.note.startswith("not certified: some leaves answer alike")


def test_a_feature_without_bounds_is_searched_as_far_as_float32_goes() -> None:
    X, y = make_moons(200, noise=0.2, random_state=0)
    data = mex.Dataset("moons", 1000 * X, y, mex.Domain.reals(2), ("a", "b"))
    target = target_of(data)
    stolen = steal(target)
    far = np.random.default_rng(0).standard_normal((1000, 2)) * 10.0 ** np.random.default_rng(1).uniform(
        -6, 28, (1000, 2)
    )
    assert equal(stolen.hypothesis, target.estimator, data.domain)
    assert np.array_equal(stolen.hypothesis.predict(far), target.estimator.predict(far))


def test_a_coarse_resolution_costs_less_and_misses_slivers_only(breast_cancer: mex.Dataset) -> None:
    target = target_of(breast_cancer)
    exact, coarse = steal(target), steal(target, resolution=1e-3)
    assert coarse.queries < 0.75 * exact.queries
    assert 0 < disagreement(coarse.hypothesis, target.estimator, breast_cancer.domain) < 0.02


def test_a_single_leaf_costs_its_two_corners(iris: mex.Dataset) -> None:
    data = attrs.evolve(iris, y=np.where(np.arange(150) == 149, 1, 0))  # an odd row: the tree never sees it
    stolen = steal(target_of(data))
    assert stolen.queries == 2 + 2, "and two rows to be sure"
    assert stolen.hypothesis.predict(iris.X[:3]).tolist() == [0, 0, 0]


def test_string_labels_and_constant_features(iris: mex.Dataset) -> None:
    X = np.column_stack([iris.X, np.full(150, 7.0)])
    tree = DecisionTreeClassifier(random_state=0).fit(X, np.array(iris.class_names)[iris.y])
    target = mex.FittedTarget.wrap(tree, domain=mex.Domain.of(X), family=mex.Family("tree"), answers=("label", "leaf"))
    stolen = steal(target)
    assert equal(stolen.hypothesis, tree, target.domain)
    assert stolen.hypothesis.classes_.tolist() == sorted(iris.class_names)


def test_what_a_cut_budget_leaves_is_better_the_more_it_was(digits: mex.Dataset) -> None:
    target = target_of(digits)
    shares = []
    for budget in (1, 5, 200, 800):
        stolen = steal(target, budget=budget)
        assert (stolen.queries, stolen.stopped) == (budget, "budget")
        assert stolen.note.startswith("not certified")
        shares.append(float(np.mean(stolen.hypothesis.predict(digits.X) == target.estimator.predict(digits.X))))
    assert max(shares[:3]) < shares[3]
    assert shares[3] > 0.6


def test_ids_alone_give_a_tree_that_tells_ids(iris: mex.Dataset) -> None:
    target = attrs.evolve(target_of(iris), answers=("leaf",))
    stolen = steal(target)
    assert np.array_equal(stolen.hypothesis.predict(iris.X), target.estimator.apply(iris.X))


def test_open_boxes_are_asked_about_side_by_side(digits: mex.Dataset) -> None:
    oracle = mex.Oracle(target_of(digits), answers="leaf")
    learner, asks = TreeStructure().learner(oracle.knowledge(), np.random.default_rng(0)), 0
    while (X := learner.ask()) is not None:
        learner.tell(X, oracle.ask(X))
        asks += 1
    assert asks < oracle.queries / 3


def test_noise_is_refused_with_a_reason(iris: mex.Dataset) -> None:
    known = attrs.evolve(mex.Oracle(target_of(iris), answers="leaf").knowledge(), rho=0.1)
    with pytest.raises(mex.Incompatible, match="without noise"):
        TreeStructure().learner(known, np.random.default_rng(0))
    learner = TreeStructure().learner(attrs.evolve(known, rho=None), np.random.default_rng(0))
    assert "unknown share" in getattr(learner, "note", ""), "nothing is declared: it may work, and says what it assumes"


def test_two_rows_with_another_between_them_part_their_hull() -> None:
    from mex.toolkit.trees.grid import Grid

    hulls = Hulls(Grid(mex.Domain([0], [9])))
    hulls.add(np.array([[1.0], [5.0]]), [7, 7], [-1, 0])
    assert not hulls.split_shared()
    hulls.add(np.array([[3.0]]), [8], [-1])
    assert hulls.split_shared()
    assert hulls.shared == {7}
    alive = np.isfinite(hulls.lower[: len(hulls.ids), 0])
    assert sorted(hulls.lower[: len(hulls.ids), 0][alive]) == [1, 3, 5]
    assert hulls.add(np.array([[2.0], [6.0]]), [7, 7], [2, 3]) == [2, 3]
    assert hulls.merge(2, 3) is False
