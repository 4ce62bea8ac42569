"""boosted-surrogate and query-by-committee: what they ask, and what it buys."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.dataset import Rows
from mex.testing import check_attack
from mex.toolkit.active.samplers import between_rows
from mex_boosted_surrogate.attack import BoostedSurrogate
from mex_boosted_surrogate.students import LaplacianMachine, Remembering, ScoreSum, lead, scores
from mex_passive.attack import Passive
from mex_query_by_committee.attack import QueryByCommittee, _Committee, votes_of

SMALL = {"trees": 60, "candidates": 1000}
FEW = {"growth": 0.5, "candidates": 500}


def scenario(data=load_breast_cancer, learner=None, budget=300, answers="label", seed=0):
    """Rows of the pool, near-data rows to judge by, and an oracle."""
    X, y = data(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(X))
    X, y = X[order], y[order]
    learner = RandomForestClassifier(20, random_state=0) if learner is None else learner
    target = mex.FittedTarget.wrap(
        learner.fit(X[::2], y[::2]), domain=mex.Domain.of(X), family=mex.Family("forest", learner=learner)
    )
    rng = np.random.default_rng(seed)
    return X[1::4], between_rows(X[3::4], target.domain, 2000, rng, crossover=True), target, budget, answers


def steal(attack, scene, seed=0):
    pool, near, target, budget, answers = scene
    oracle = mex.Oracle(target, budget=budget, answers=answers)
    stolen = mex.extract(
        oracle, attack.learner(oracle.knowledge(pool=pool), np.random.default_rng(seed)), snapshots=False
    )
    return stolen, float(np.mean(stolen.hypothesis.predict(near) == target.answer(near, "label")))


def test_a_committee_is_well_behaved() -> None:
    check_attack(QueryByCommittee(**FEW, sampler="uniform", members=3), least_agreement=0.9)
    check_attack(QueryByCommittee(**FEW, sampler="pool", members=3), least_agreement=0.9)


def test_the_surrogate_steals_a_forest_better_than_passive_learning_of_a_forest() -> None:
    scene = scenario(budget=250, seed=1)
    ours, passive = (steal(attack, scene, 1)[1] for attack in (BoostedSurrogate(**SMALL), Passive(sampler="near")))
    assert ours > passive + 0.02


def test_probabilities_help_the_surrogate() -> None:
    attack = BoostedSurrogate(trees=100, candidates=300, several=False)
    by_label, by_proba = (
        np.mean([steal(attack, scenario(budget=150, answers=a, seed=s))[1] for s in range(3)])
        for a in ("label", "proba")
    )
    assert by_proba > by_label + 0.005


@pytest.mark.parametrize("answers", ["label", "proba"])
def test_several_classes(answers) -> None:
    attacks = [BoostedSurrogate(**SMALL), QueryByCommittee(**FEW)]
    for attack in attacks if answers == "label" else attacks[:1]:
        assert steal(attack, scenario(load_iris, budget=80, answers=answers))[1] > 0.9


def committee(learner, **parameters):
    pool, near, target, budget, answers = scenario(learner=learner, budget=60)
    oracle = mex.Oracle(target, budget=budget, answers=answers)
    learner = QueryByCommittee(**parameters).learner(oracle.knowledge(pool=pool), np.random.default_rng(0))
    learner.tell(X := learner.ask(), oracle.ask(X))
    return learner, near


def test_a_forest_votes_by_its_trees_and_another_model_by_resamples() -> None:
    learner, near = committee(RandomForestClassifier(7))
    votes = learner._votes(fitted := learner.fit(), near)
    assert np.array_equal(votes, fitted.predict_proba(near))
    learner, near = committee(DecisionTreeClassifier(), members=5)
    votes = learner._votes(learner.fit(), near)
    assert set(np.unique(votes)) <= set(np.arange(6) / 5)
    assert np.allclose(votes.sum(axis=1), 1)
    assert len(np.unique(votes[:, 0])) > 2


@pytest.mark.parametrize("measure", ["entropy", "minority"])
def test_the_most_disputed_rows_are_chosen(measure, monkeypatch) -> None:
    learner, near = committee(RandomForestClassifier(9), measure=measure)
    shares = np.array([[0.9, 0.1, 0], [0.4, 0.3, 0.3], [1, 0, 0], [0.5, 0.5, 0], [0.8, 0.1, 0.1]])
    monkeypatch.setattr(_Committee, "_votes", lambda *_: shares)
    assert learner.choose(None, near[:5], 2).tolist() == [1, 3]
    assert learner.choose(None, near[:5], 5)[-1] == 2


def test_the_surrogate_asks_where_its_classes_are_close() -> None:
    pool, near, target, budget, _ = scenario()
    oracle = mex.Oracle(target, budget=budget)
    learner = BoostedSurrogate(**SMALL).learner(oracle.knowledge(pool=pool), np.random.default_rng(0))
    learner.tell(X := learner.ask(), oracle.ask(X))
    fitted = learner.hypothesis()
    chosen = learner.choose(fitted, near, 50)
    margin = lead(scores(fitted, near))
    assert margin[chosen].max() <= np.delete(margin, chosen).min() + 1e-9


def test_the_model_that_is_right_on_random_rows_is_fitted() -> None:
    domain = mex.Domain([0.0] * 8, [1.0] * 8, integer=[True] * 8)
    parity = DecisionTreeClassifier().fit(X := domain.sample(2000, np.random.default_rng(0)), X[:, :3].sum(axis=1) % 2)
    family = mex.Family("tree", learner=DecisionTreeClassifier(max_depth=3))
    for learner_of, name in ((family, "public"), (mex.Family("forest", learner=DummyClassifier()), "deep")):
        oracle = mex.Oracle(mex.FittedTarget.wrap(parity, domain=domain, family=learner_of), budget=150)
        attack = BoostedSurrogate(trees=20, sampler="uniform")
        learner = attack.learner(oracle.knowledge(), np.random.default_rng(0))
        fits = learner._contest.fits  # whatever the others are worth, one that is always right is found out
        fits[name] = lambda X, y: parity
        stolen = mex.extract(oracle, learner, snapshots=False)
        assert learner.leader == name
        assert (stolen.hypothesis.predict(X) == parity.predict(X)).all()


@pytest.mark.parametrize("rho", [0.0, 0.2])
def test_of_a_few_whole_numbers_right_labels_are_remembered(rho: float, registry: mex.Registry) -> None:
    domain = mex.Domain([0.0] * 8, [1.0] * 8, integer=[True] * 8)
    rows = domain.sample(4000, rng := np.random.default_rng(0))
    chance = DecisionTreeClassifier().fit(X := np.unique(rows, axis=0), rng.integers(2, size=len(X)))
    target = mex.FittedTarget.wrap(chance, domain=domain, family=mex.Family("forest", learner=DummyClassifier()))
    noise = registry.build("defense", f"bounded-noise:rho={rho}")
    oracle = mex.Oracle(noise.protect(target, None, rng) if rho else target, budget=120)
    learner = BoostedSurrogate(trees=5, sampler="uniform").learner(oracle.knowledge(), np.random.default_rng(0))
    stolen = mex.extract(oracle, learner, snapshots=False)
    assert isinstance(stolen.hypothesis, Remembering) == (rho == 0)
    if rho == 0:
        assert (stolen.hypothesis.predict(stolen.transcript.X) == stolen.transcript.answers).all()


def test_scores_are_summed_in_units_of_their_margins_and_the_machine_weighs_what_matters() -> None:
    rng = np.random.default_rng(0)
    X = rng.random((300, 6)) * [1, 1e6, 1, 1, 1, 1]
    y = np.array(["no", "yes", "perhaps"])[(X[:, 0] > 0.3).astype(int) + (X[:, 1] > 6e5)]
    machine = LaplacianMachine(random_state=0).fit(X, y)
    assert machine.weights_[:2].min() > machine.weights_[2:].max()
    assert np.mean(machine.predict(X) == y) > 0.97
    both = ScoreSum([LaplacianMachine(random_state=0), DecisionTreeClassifier(max_depth=1)]).fit(X, y)
    parts = [scores(member, X) / unit for member, unit in zip(both.members_, both.units_, strict=True)]
    assert np.allclose([lead(part).mean() for part in parts], 1)
    assert np.array_equal(both.predict(X), both.classes_[np.argmax(parts[0] + parts[1], axis=1)])


@pytest.mark.parametrize("attack", [BoostedSurrogate(**SMALL), QueryByCommittee(**FEW)])
@pytest.mark.parametrize("budget", [1, 5, 23])
def test_a_tiny_budget_leaves_a_hypothesis(attack, budget: int) -> None:
    stolen, _ = steal(attack, scenario(budget=budget))
    assert stolen.queries == budget


@pytest.mark.parametrize("attack", [BoostedSurrogate(**SMALL), QueryByCommittee(**FEW)])
def test_noise_does_not_break_them(attack, registry: mex.Registry) -> None:
    pool, near, target, budget, answers = scenario(budget=200)
    noisy = registry.build("defense", "bounded-noise:rho=0.15").protect(
        target, Rows(pool, target.answer(pool, "label")), np.random.default_rng(0)
    )
    stolen, _ = steal(attack, (pool, near, noisy, budget, answers))
    assert np.mean(stolen.hypothesis.predict(near) == target.answer(near, "label")) > 0.8


@pytest.mark.parametrize(
    "attack", [BoostedSurrogate(**SMALL, sampler="mixed"), QueryByCommittee(**FEW, sampler="mixed")]
)
def test_labels_that_are_words_whole_numbers_and_categories(attack) -> None:
    rng = np.random.default_rng(0)
    domain = mex.Domain([0, 0, 0, 0], [1, 9, 1, 1], integer=[False, True, False, False], groups=[(2, 3)])
    X = domain.sample(200, rng)
    y = np.where(X[:, 1] + 5 * X[:, 2] + X[:, 0] > 7, "yes", "no")
    target = mex.FittedTarget.wrap(
        model := DecisionTreeClassifier(random_state=0).fit(X, y),
        domain=domain,
        family=mex.Family("tree", learner=model),
    )
    _, agreement = steal(attack, (X[:60], X, target, 150, "label"))
    assert agreement > 0.9


def test_where_they_cannot_work_they_say_why() -> None:
    for attack in (BoostedSurrogate(), QueryByCommittee()):
        target = mex.FittedTarget.wrap(mex.halfspace(np.ones(2)), family=mex.Family("linear", learner=SVC()))
        with pytest.raises(mex.Incompatible, match="grants none"):
            attack.learner(mex.Oracle(target, budget=9).knowledge(), np.random.default_rng(0))


@pytest.mark.parametrize(
    "forest",
    [
        RandomForestClassifier(15, min_samples_leaf=20, random_state=0),
        BaggingClassifier(DecisionTreeClassifier(min_samples_leaf=20), 15, max_features=0.5, random_state=0),
    ],
)
def test_the_votes_of_a_forest_are_votes_and_no_mean_of_probabilities(forest, breast_cancer):
    forest = forest.fit(breast_cancer.X[:300], np.array(["no", "yes"])[breast_cancer.y[:300]])
    rows = breast_cancer.X[300:]
    shares = votes_of(forest, rows)
    assert np.allclose(shares * 15, np.round(shares * 15)), "each of 15 members has one vote"
    assert np.allclose(shares.sum(axis=1), 1)
    assert (np.abs(shares - forest.predict_proba(rows)).max(axis=1) > 0.05).any()
    one, columns = forest.estimators_[0], getattr(forest, "estimators_features_", [np.arange(30)])[0]
    alone = one.predict(rows[:, columns]).astype(int)
    assert (shares[np.arange(len(rows)), alone] >= 1 / 15 - 1e-9).all()
