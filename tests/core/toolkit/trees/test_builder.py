"""Trees built by hand, and the exact comparison of two trees."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, export_text

import mex
from mex.toolkit.trees.builder import TreeBuilder, threshold_between
from mex.toolkit.trees.comparison import disagreement, equal, leaves, refines

UNIT = mex.Domain([0, 0], [1, 1])


def copy_of(fitted, answers, **options):
    """The same tree, built branch by branch."""
    tree, t = TreeBuilder(), fitted.tree_
    node_of, waiting = {}, [(0, 0)]
    while waiting:
        theirs, ours = waiting.pop()
        if t.children_left[theirs] < 0:
            node_of[ours] = answers(theirs)
            continue
        left, right = tree.split(ours, int(t.feature[theirs]), float(t.threshold[theirs]))
        waiting += [(t.children_left[theirs], left), (t.children_right[theirs], right)]
    return tree.build(node_of, fitted.n_features_in_, **options)


def stump(threshold: float, labels: str = "ab", feature: int = 0, n_features: int = 2):
    tree = TreeBuilder()
    return tree.build(dict(zip(tree.split(0, feature, threshold), labels, strict=True)), n_features)


def test_a_tree_built_branch_by_branch_is_the_fitted_one(iris) -> None:
    fitted = DecisionTreeClassifier(random_state=0).fit(iris.X, iris.y)
    built = copy_of(fitted, lambda n: fitted.classes_[fitted.tree_.value[n, 0].argmax()], classes=fitted.classes_)
    X = iris.domain.sample(2000, np.random.default_rng(0))
    assert np.array_equal(built.predict(X), fitted.predict(X))
    assert built.get_n_leaves() == fitted.get_n_leaves()
    assert built.get_depth() == fitted.get_depth()
    assert export_text(built).count("class:") == fitted.get_n_leaves()
    assert equal(built, fitted, iris.domain)
    assert disagreement(built, fitted, iris.domain) == 0
    assert refines(built, fitted, iris.domain)


def test_values_stay_as_they_are(diabetes) -> None:
    fitted = DecisionTreeRegressor(max_depth=4, random_state=0).fit(diabetes.X, diabetes.y)
    built = copy_of(fitted, lambda n: fitted.tree_.value[n, 0, 0], regression=True)
    assert np.array_equal(built.predict(diabetes.X), fitted.predict(diabetes.X))
    assert equal(built, fitted, diabetes.domain)


def test_a_single_leaf_is_a_tree() -> None:
    built = TreeBuilder().build({0: "yes"}, 3)
    assert built.predict([[1.0, 2.0, 3.0]]).tolist() == ["yes"]
    assert built.get_n_leaves() == 1


def test_the_share_is_that_of_many_uniform_points(iris) -> None:
    rng = np.random.default_rng(1)
    one, other = (DecisionTreeClassifier(max_features=1, random_state=seed).fit(iris.X, iris.y) for seed in range(2))
    share = disagreement(one, other, iris.domain)
    X = iris.domain.sample(40_000, rng)
    assert share == pytest.approx(float(np.mean(one.predict(X) != other.predict(X))), abs=0.01)
    assert not equal(one, other, iris.domain)


def test_the_share_counts_the_rows_of_a_discrete_domain() -> None:
    domain = mex.Domain([0, 0, 0, 0], [3, 1, 1, 1], integer=[True, False, False, False], groups=[(1, 2, 3)])
    assert disagreement(stump(0.5, n_features=4), stump(1.5, n_features=4), domain) == pytest.approx(1 / 4)
    assert disagreement(stump(0.5, "ab", 1, 4), stump(0.5, "aa", 1, 4), domain) == pytest.approx(1 / 3)
    assert equal(stump(1.2, n_features=4), stump(1.9, n_features=4), domain)
    tree = TreeBuilder()  # both columns on: no such row
    left, right = tree.split(0, 1, 0.5)
    under, over = tree.split(right, 2, 0.5)
    assert len(leaves(tree.build({left: 0, under: 1, over: 2}, 4), domain).node) == 2


def test_thresholds_are_equal_exactly_when_no_float32_lies_between() -> None:
    below = np.float32(0.3)
    above = np.nextafter(below, np.float32(1))
    middle = threshold_between(float(below), float(above))
    assert equal(stump(float(below)), stump(middle), UNIT)
    assert not equal(stump(middle), stump(float(above)), UNIT)
    assert not equal(stump(middle), stump(float(np.nextafter(below, np.float32(0)))), UNIT)


def test_unequal_leaves_with_equal_answers_are_told_apart_by_refinement() -> None:
    assert equal(stump(0.2, "aa"), stump(0.7, "aa"), UNIT)
    assert not refines(stump(0.2, "aa"), stump(0.7, "aa"), UNIT)
    tree = TreeBuilder()
    left, right = tree.split(0, 0, 0.7)
    fine = tree.build({**dict.fromkeys(tree.split(left, 1, 0.5), "a"), right: "a"}, 2)
    assert refines(fine, stump(0.7, "aa"), UNIT)
    assert not refines(stump(0.7, "aa"), fine, UNIT)
