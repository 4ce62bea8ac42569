"""Batch-mode active learning: what is asked when, from where, and for how long."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import mex
from mex.testing.examples import example_dataset, example_target
from mex.toolkit.active.batch_mode import BatchModeLearner
from mex.toolkit.active.schedule import Schedule

PLAN = Schedule(sampler="uniform", start=10, batch=4, growth=0.5, explore=0.0, candidates=50)


class First(BatchModeLearner):
    """Chooses the candidates with the least first feature, and remembers what it was offered."""

    fits = 0

    def fit(self):
        self.fits += 1
        if self.known.classes is None:
            return LinearRegression().fit(self.X, self.answers)
        return LogisticRegression().fit(self.X, self.labels)

    def choose(self, fitted, rows, n):
        self.offered, self.n = rows, n
        return np.argsort(rows[:, 0])[:n]


def started(plan=PLAN, budget=40, target=None, pool=None, answers=None):
    target = target or example_target()
    oracle = mex.Oracle(target, budget=budget, answers=answers)
    return oracle, First("first", oracle.knowledge(pool=pool), np.random.default_rng(0), plan)


def sizes(oracle, learner):
    asked = []
    while (X := learner.ask()) is not None and oracle.remaining != 0:
        assert np.array_equal(X, learner.ask())
        learner.tell(X, oracle.ask(X))
        asked.append(len(X))
    return asked


def test_rounds_grow_with_the_answers_and_end_on_the_budget() -> None:
    oracle, learner = started()
    assert sizes(oracle, learner) == [10, 5, 7, 11, 7]
    assert oracle.queries == 40
    assert learner.ask() is None, "nothing is left to ask"


def test_a_round_is_what_was_chosen_and_part_of_it_at_random() -> None:
    for explore, random in ((0.0, 0), (0.4, 2), (1.0, 5)):
        oracle, learner = started(attrs.evolve(PLAN, explore=explore))
        learner.tell(X := learner.ask(), oracle.ask(X))
        asked = learner.ask()
        assert learner.n == 5 - random
        assert len(asked) == len(np.unique(asked, axis=0)) == 5
        least = np.sort(learner.offered[:, 0])[: learner.n]
        assert np.array_equal(np.sort(asked[: learner.n, 0]), least)


def test_each_row_of_the_pool_is_asked_once_and_then_it_is_done() -> None:
    pool = example_dataset().X[:60]
    oracle, learner = started(attrs.evolve(PLAN, sampler="pool"), budget=None, pool=pool)
    assert sum(sizes(oracle, learner)) == 60
    assert oracle.unique_queries == 60
    assert learner.ask() is None


def test_there_is_one_fit_a_round_however_often_it_is_asked_for() -> None:
    oracle, learner = started()
    for _ in range(2):
        learner.tell(X := learner.ask(), oracle.ask(X))
        learner.hypothesis(), learner.ask(), learner.hypothesis()
    assert learner.fits == 2


def test_no_row_is_asked_twice_unless_its_answer_may_change() -> None:
    domain = mex.Domain([0, 0], [2, 3], integer=[True, True])
    target = mex.FittedTarget.wrap(mex.halfspace(np.array([1.0, 1.0]), -2.0), domain=domain)
    oracle, learner = started(target=target, budget=30)
    assert sum(sizes(oracle, learner)) == oracle.unique_queries == 12, "all that there are"
    assert learner.ask() is None
    oracle, learner = started(target=attrs.evolve(target, rho=0.1), budget=30)
    asked = sizes(oracle, learner)
    assert sum(asked) == 30
    assert max(asked) <= 12, "within one round they still differ"


def test_one_label_is_asked_at_random_until_there_are_two() -> None:
    target = mex.FittedTarget.wrap(mex.halfspace(np.zeros(2), 1.0), domain=mex.Domain([0, 0], [1, 1]))
    oracle, learner = started(target=target)
    assert sizes(oracle, learner) == [10, 10, 10, 10]
    assert learner.fits == 0
    assert learner.hypothesis().predict([[0.0, 0.0]]).tolist() == [1]


def test_probabilities_count_for_the_most_probable_label() -> None:
    oracle, learner = started(answers="proba")
    learner.tell(X := learner.ask(), oracle.ask(X))
    assert np.array_equal(learner.labels, example_target().answer(X, "label"))


def test_values_are_fitted_as_they_are() -> None:
    target = example_target("regression")
    oracle, learner = started(target=target)
    assert learner.hypothesis().predict(np.zeros((1, 4))).tolist() == [0.0]
    sizes(oracle, learner)
    X = example_dataset().X
    assert np.allclose(learner.hypothesis().predict(X), target.answer(X, "value"))


def test_without_a_pool_or_an_end_it_says_so() -> None:
    with pytest.raises(mex.Incompatible, match="first draws from the pool"):
        started(attrs.evolve(PLAN, sampler="near"))
    with pytest.raises(mex.Incompatible, match="first asks until a budget"):
        started(budget=None)


def test_a_refused_row_counts_as_asked_is_not_fitted_and_not_asked_again() -> None:
    pool = example_dataset().X[:60]
    oracle, learner = started(attrs.evolve(PLAN, sampler="pool"), pool=pool)
    sent = []
    while (X := learner.ask()) is not None and oracle.remaining:
        answers = np.ma.masked_array(oracle.ask(X), mask=np.arange(len(X)) % 3 == 0)
        learner.tell(X, answers)
        sent.append(X)
    assert len(np.unique(np.concatenate(sent), axis=0)) == learner.asked == 40
    answered = np.concatenate([X[np.arange(len(X)) % 3 != 0] for X in sent])
    assert np.array_equal(learner.X, answered)
    assert np.array_equal(learner.labels, example_target().answer(answered, "label"))


def test_a_batch_refused_as_a_whole_leaves_the_model_as_it_is() -> None:
    oracle, learner = started()
    learner.tell(X := learner.ask(), oracle.ask(X))
    before = learner.hypothesis()
    learner.tell(X := learner.ask(), np.ma.masked_all(len(X), dtype=np.int64))
    assert learner.hypothesis() is before
    assert not np.isin(learner.ask(), X).any(), "and its rows are not asked again"
