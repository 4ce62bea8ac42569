"""path-finding: Algorithm 1 of Tramèr et al."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex
from mex.app.matrix.split import split
from mex.testing import check_attack
from mex.toolkit.trees.builder import tree_around_boxes
from mex.toolkit.trees.comparison import disagreement, equal, refines
from mex_decision_tree.incomplete import StoppingTree
from mex_path_finding.attack import PathFinding
from mex_tree_structure.attack import TreeStructure


def target_of(data: mex.Dataset, **params: Any) -> mex.FittedTarget:
    regression = data.task == "regression"
    learner = (DecisionTreeRegressor if regression else DecisionTreeClassifier)(random_state=0, **params)
    answers = ("value", "leaf") if regression else ("label", "leaf")
    return mex.FittedTarget.wrap(
        learner.fit(data.X[::2], data.y[::2]), domain=data.domain, family=mex.Family("tree"), answers=answers
    )


def steal(target: mex.FittedTarget, attack: mex.Attack, answers: str = "leaf", budget: int = 50_000) -> mex.Extraction:
    oracle = mex.Oracle(target, answers=answers, budget=budget)
    return mex.extract(oracle, attack.learner(oracle.knowledge(), np.random.default_rng(1)), snapshots=False)


def incomplete(target: mex.FittedTarget) -> mex.FittedTarget:
    domain = attrs.evolve(target.domain, incomplete=True)
    return attrs.evolve(target, estimator=StoppingTree(target.estimator), domain=domain)


def test_it_is_a_well_behaved_attack(iris: mex.Dataset) -> None:
    check_attack(PathFinding(), attrs.evolve(target_of(iris, max_depth=2), answers=("leaf",)))


def test_every_leaf_is_found_up_to_epsilon(iris: mex.Dataset) -> None:
    target = target_of(iris)
    for epsilon in (0.01, 1e-4):
        stolen = steal(target, PathFinding(epsilon=epsilon))
        assert stolen.hypothesis.get_n_leaves() == target.estimator.get_n_leaves()
        assert 0 < disagreement(stolen.hypothesis, target.estimator, iris.domain) < 5 * epsilon
        assert stolen.queries == stolen.unique_queries


def test_without_epsilon_it_is_exact(iris: mex.Dataset) -> None:
    target = target_of(iris)
    assert equal(steal(target, PathFinding(epsilon=0)).hypothesis, target.estimator, iris.domain)


def test_whole_numbers_and_categories_are_exact_anyway(registry: mex.Registry) -> None:
    data = registry.build("dataset", "german-credit").load()
    target = target_of(data, max_leaf_nodes=12)
    stolen = steal(target, PathFinding())
    assert refines(stolen.hypothesis, target.estimator, data.domain)
    assert stolen.stopped == "done"


def test_the_structure_costs_far_fewer_queries_when_the_hulls_are_kept(digits: mex.Dataset) -> None:
    target = target_of(digits, max_depth=6)
    paths, structure = steal(target, PathFinding()), steal(target, TreeStructure())
    assert equal(paths.hypothesis, structure.hypothesis, digits.domain)
    assert paths.queries > 8 * structure.queries


def test_an_id_of_two_leaves_is_searched_twice() -> None:
    class Twice(DecisionTreeClassifier):
        def apply(self, X: Any, check_input: bool = True) -> Any:
            ids = super().apply(X)
            return np.where(ids == self.shared[0], self.shared[1], ids)

    X = mex.Domain([0, 0], [1, 1]).sample(500, np.random.default_rng(0))
    tree = Twice(random_state=0).fit(X, 2 * (X[:, 0] > 0.4) + (X[:, 1] > 0.6))
    tree.shared = tuple(DecisionTreeClassifier.apply(tree, [[0, 0], [1, 1]]))  # leaves that meet in a point only
    domain = mex.Domain([0, 0], [1, 1])
    target = mex.FittedTarget.wrap(tree, domain=domain, family=mex.Family("tree"), answers=("leaf",))
    stolen = steal(target, PathFinding(epsilon=0))
    X = domain.sample(1000, np.random.default_rng(1))
    assert stolen.hypothesis.get_n_leaves() == 4
    assert np.array_equal(stolen.hypothesis.predict(X), tree.apply(X))


def test_a_regression_tree_is_found_from_its_values(diabetes: mex.Dataset) -> None:
    target = target_of(diabetes, max_leaf_nodes=8)
    stolen = steal(target, PathFinding(epsilon=0), "value")
    assert equal(stolen.hypothesis, target.estimator, diabetes.domain)


@pytest.mark.parametrize("budget", [1, 5, 60])
def test_a_cut_budget_leaves_what_was_found(iris: mex.Dataset, budget: int) -> None:
    stolen = steal(target_of(iris), PathFinding(), budget=budget)
    assert (stolen.queries, stolen.stopped) == (budget, "budget")
    assert set(stolen.hypothesis.predict(iris.X)) <= {0, 1, 2}


def test_a_single_leaf(iris: mex.Dataset) -> None:
    data = attrs.evolve(iris, y=np.where(np.arange(150) == 149, 1, 0))
    stolen = steal(target_of(data), PathFinding())
    assert stolen.queries == 1 + 2 * 4 + 2, "two rows to be sure"
    assert stolen.hypothesis.get_n_leaves() == 1


@pytest.mark.parametrize("scan", ["halves", "in-turn"])
@pytest.mark.parametrize("name", ["iris", "diabetes", "digits", "german-credit"])
def test_top_down_is_exact_without_epsilon(name: str, scan: str, registry: mex.Registry) -> None:
    data = registry.build("dataset", name).load()
    target = target_of(data, max_leaf_nodes=30)
    stolen = steal(incomplete(target), PathFinding(direction="top-down", scan=scan, epsilon=0))
    assert refines(stolen.hypothesis, target.estimator, data.domain)
    assert equal(stolen.hypothesis, target.estimator, data.domain)  # the label shown beside each id
    assert stolen.note.startswith("certified")
    assert stolen.queries == stolen.unique_queries


def test_top_down_from_incomplete_rows_beats_bottom_up_and_halving_beats_trying_each(digits: mex.Dataset) -> None:
    target = incomplete(target_of(digits, max_depth=6))
    halves, in_turn, bottom_up = (
        steal(target, attack)
        for attack in (
            PathFinding(direction="top-down"),
            PathFinding(direction="top-down", scan="in-turn"),
            PathFinding(),
        )
    )
    assert 4 * halves.queries < in_turn.queries
    assert in_turn.queries < bottom_up.queries


def test_top_down_sees_a_node_passed_on_the_way() -> None:
    X = mex.Domain([0, 0], [1, 1]).sample(500, np.random.default_rng(0))
    inside, beyond = X[:, 0] > 0.5, X[:, 1] > 0.5
    y = np.select([~inside, ~beyond & (X[:, 0] > 0.7), beyond & (X[:, 0] > 0.9)], [0, 1, 2], default=3)
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    used = tree.tree_.feature[tree.tree_.feature >= 0]
    assert sorted(used) == [0, 0, 0, 1], "the first feature comes back below the second"
    target = mex.FittedTarget.wrap(
        tree, domain=mex.Domain([0, 0], [1, 1]), family=mex.Family("tree"), answers=("label", "leaf")
    )
    stolen = steal(incomplete(target), PathFinding(direction="top-down", epsilon=0))
    assert equal(stolen.hypothesis, tree, target.domain)


@pytest.mark.parametrize("budget", [1, 5, 40])
def test_top_down_answers_as_the_nodes_seen_when_the_budget_ends(iris: mex.Dataset, budget: int) -> None:
    stolen = steal(incomplete(target_of(iris)), PathFinding(direction="top-down"), budget=budget)
    assert (stolen.queries, stolen.stopped) == (budget, "budget")
    assert stolen.note.startswith("not certified")
    assert set(stolen.hypothesis.predict(iris.X)) <= {0, 1, 2}


def test_top_down_on_a_single_leaf_asks_the_empty_row_and_a_full_one(iris: mex.Dataset) -> None:
    data = attrs.evolve(iris, y=np.where(np.arange(150) == 149, 1, 0))
    stolen = steal(incomplete(target_of(data)), PathFinding(direction="top-down"))
    assert stolen.queries == stolen.unique_queries == 2 + 2, "and two rows to be sure"


@pytest.mark.parametrize("defense", ["query-budget", "query-detector"])
def test_top_down_gets_past_defenses_that_watch_or_stops(defense: str, registry: mex.Registry) -> None:
    data = registry.build("dataset", "german-credit").load()
    parts = split(data, np.random.default_rng(0))
    target = incomplete(target_of(data, max_leaf_nodes=8))
    defended = registry.build("defense", defense).protect(target, parts.train, np.random.default_rng(0))
    stolen = steal(defended, PathFinding(direction="top-down"))
    assert stolen.stopped in ("done", "refused")
    assert 0 < stolen.queries < 1000


def test_where_it_cannot_work_it_says_why(iris: mex.Dataset) -> None:
    known = mex.Oracle(target_of(iris), answers="leaf").knowledge()
    with pytest.raises(mex.Incompatible, match="incomplete rows"):
        PathFinding(direction="top-down").learner(known, np.random.default_rng(0))
    known = mex.Oracle(incomplete(target_of(iris)), answers="leaf").knowledge()
    with pytest.raises(mex.Incompatible, match="ids of nodes; this interface gives value"):
        PathFinding(direction="top-down").learner(attrs.evolve(known, answers="value"), np.random.default_rng(0))
    with pytest.raises(mex.Incompatible, match="without noise"):
        PathFinding().learner(attrs.evolve(known, rho=0.2), np.random.default_rng(0))
    for direction in ("bottom-up", "top-down"):  # nothing is declared: it may work, and says what it assumes
        learner = PathFinding(direction=direction).learner(attrs.evolve(known, rho=None), np.random.default_rng(0))
        assert "unknown share" in getattr(learner, "note", "")


def test_boxes_that_no_plane_parts_are_answered_by_the_largest() -> None:
    lower = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 2.0], [0.0, 1.0], [1.0, 1.0]])  # a pinwheel
    upper = np.array([[1.9, 0.9], [3.0, 1.9], [3.0, 3.0], [0.9, 3.0], [1.9, 1.9]])
    tree, box_of = tree_around_boxes(lower, upper)
    assert tree.leaves() == [0]
    assert box_of == {0: 2}
