"""The attack ``bayes-point``: linear models on interfaces of real numbers, whole numbers and categories."""

from __future__ import annotations

import itertools
import re
from typing import Any

import attrs
import numpy as np
import pytest
from toys import built, planes

import mex
from mex.app.matrix.scenarios import set_scene
from mex.registry.spec import Spec
from mex.toolkit.active.samplers import between_rows
from mex.toolkit.bayes_point.all_rows import count, listed
from mex.toolkit.bayes_point.changes import SingleChanges
from mex.toolkit.bayes_point.climb import Belief
from mex.toolkit.bayes_point.encoding import Encoding
from mex.toolkit.bayes_point.population import told_of_others
from mex.toolkit.bayes_point.scores import Scores
from mex.toolkit.bayes_point.search import RowSearch
from mex.toolkit.bounds import query_bound
from mex.toolkit.metrics import geometric_error
from mex.types import FloatArray

MIXED = mex.Domain(
    [0, 0, 5, -1, 0, 0, 0, 0, 0, 3],
    [10, 1, 5, 1, 1, 1, 1, 1, 1, 9],
    integer=[1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    groups=[(4, 5, 6), (7, 8)],
)
BITS = mex.Domain(np.zeros(10), np.ones(10), integer=np.ones(10, dtype=bool))


def plane(domain: mex.Domain, seed: int, k: int = 2) -> Any:
    """A random linear model of k classes whose boundaries go through the middle part of the domain."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((k if k > 2 else 1, domain.n_features)) / domain.half_width
    b = -np.median(domain.sample(2001, rng) @ W.T, axis=0) + 0.3 * rng.standard_normal(len(W))
    return planes(W, b, np.array(["a", "b", "c", "d"])[:k])


def steal(model: Any, domain: mex.Domain, seed: int = 0, attack: str = "bayes-point", **options: Any) -> mex.Extraction:
    defense = options.pop("defense", None)
    target = mex.FittedTarget.wrap(model, domain=domain, family=mex.Family("linear"), answers=("label",))
    if defense:
        target = built("defense", defense).protect(target, None, np.random.default_rng([seed, 1]))
    oracle = mex.Oracle(target, budget=options.pop("budget", 2000))
    knowledge = attrs.evolve(oracle.knowledge(pool=options.get("pool")), **options)
    return mex.extract(oracle, built("attack", attack).learner(knowledge, np.random.default_rng(seed)), snapshots=False)


def agreement(stolen: mex.Extraction, model: Any, X: FloatArray) -> float:
    return float(np.mean(stolen.hypothesis.predict(X) == model.predict(X)))


# Rows as vectors


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("intercept", [True, False])
def test_weights_of_encoded_rows_are_those_of_a_linear_classifier(intercept: bool, pool: bool) -> None:
    rng = np.random.default_rng(0)
    encoding = Encoding(MIXED, intercept, MIXED.sample(20, rng) if pool else None)
    X, w = MIXED.sample(50, rng), rng.standard_normal((2, encoding.d))
    coef, offset = encoding.weights(w)
    assert np.allclose(encoding.encode(X) @ w.T, X @ coef.T + offset)
    assert np.allclose(encoding.rows(encoding.wide(X), X), X, atol=1e-12)


@pytest.mark.parametrize("pool", [False, True])
def test_the_metric_is_that_of_the_geometric_error(pool: bool) -> None:
    rng = np.random.default_rng(1)
    encoding = Encoding(MIXED, pool=MIXED.sample(20, rng) if pool else None)
    w = rng.standard_normal((2, encoding.d))
    one, other = (mex.halfspace(c, float(b)) for c, b in zip(*encoding.weights(w), strict=True))
    u = w / np.sqrt(np.einsum("ij,jk,ik->i", w, encoding.metric, w))[:, None]
    expected = float(np.sqrt((u[0] - u[1]) @ encoding.metric @ (u[0] - u[1])))
    assert geometric_error(one, other, MIXED) == pytest.approx(expected)


def test_boundaries_go_through_the_data_beforehand_and_rare_categories_weigh_more() -> None:
    rng = np.random.default_rng(2)
    domain = mex.Domain([0, 0, 0, 0], [100, 1, 1, 1], groups=[(1, 2, 3)])
    pool = np.column_stack([rng.normal(5, 1, 500), np.eye(3)[rng.choice(3, 500, p=[0.45, 0.45, 0.1])]])
    encoding = Encoding(domain, pool=pool)
    coef, intercept = encoding.weights(rng.standard_normal((2000, encoding.d)))
    shares = np.mean(pool @ coef.T + intercept > 0, axis=0)
    assert np.mean((shares > 0.05) & (shares < 0.95)) > 0.5  # about the middle of the domain a tenth
    assert coef[:, 3].std() > 1.15 * coef[:, 1].std()


@pytest.mark.parametrize("pool", [False, True])
def test_changes_do_to_scores_what_they_say(pool: bool) -> None:
    rng = np.random.default_rng(3)
    encoding = Encoding(MIXED, pool=MIXED.sample(20, rng) if pool else None)
    w, root = rng.standard_normal(encoding.d), rng.standard_normal((encoding.d, encoding.d))
    belief = Belief.of(encoding, w, root @ root.T)
    P = encoding.wide(MIXED.sample(4, rng))
    changes = SingleChanges(encoding).of(P, P @ belief.mean, belief.mean)
    added, along, spread = changes.along(belief.mean), changes.along(P @ belief.cov), changes.spread(belief.cov)
    for row, wide in enumerate(P):
        for change in range(len(changes.on)):
            after = wide.copy()
            changes.make(row, change, after)
            X = encoding.rows(after[None], MIXED.sample(1, rng))
            assert MIXED.objection(X) is None
            score, variance, _ = belief.score(after[None])
            assert score[0] == pytest.approx(wide @ belief.mean + added[row, change])
            before = wide @ belief.cov @ wide
            assert variance[0] == pytest.approx(before + 2 * along[row, change] + spread[row, change])


def test_an_answer_tells_most_of_rows_like_its_own_and_nothing_where_labels_are_known() -> None:
    scores = Scores(2, Encoding(mex.Domain(-np.ones(3), np.ones(3)), intercept=False))
    others = np.array([[1.0, 0.1, 0.0], [1.0, -0.1, 0.0], [0.0, 1.0, 0.0]])
    told = told_of_others(scores, np.eye(3), others, np.zeros(3), np.eye(3))
    assert told[0] > told[1] > told[2] == 0
    known = told_of_others(scores, np.eye(3), others, np.array([9.0, 0.0, 0.0]), np.eye(3))
    assert known[0] < 1e-6 < known[1]


def test_all_rows_of_a_domain_are_listed_once() -> None:
    domain = mex.Domain([0, 0, 0, 0, 2, 0], [2, 1, 1, 1, 2, 0], integer=[1, 0, 0, 0, 1, 0], groups=[(1, 2, 3)])
    X = listed(domain)
    assert len(X) == count(domain) == 9
    assert len(np.unique(X, axis=0)) == 9
    assert domain.objection(X) is None
    assert count(MIXED) == np.inf


# What it steals, and with how many queries


@pytest.mark.parametrize("seed", range(2))
def test_where_all_rows_are_at_hand_its_end_is_a_proof(seed: int) -> None:
    model = plane(BITS, seed)
    stolen = steal(model, BITS, seed)
    X = np.array(list(itertools.product([0.0, 1.0], repeat=10)))
    assert (stolen.stopped, stolen.note) == ("done", "the label of every row of the domain follows from the answers")
    assert agreement(stolen, model, X) == 1
    assert stolen.queries < 130
    assert len(np.unique(stolen.transcript.X, axis=0)) > 0.95 * stolen.queries


@pytest.mark.parametrize("seed", range(2))
def test_on_mixed_features_it_asks_little_more_than_the_bound(seed: int) -> None:
    model = plane(MIXED, seed)
    stolen = steal(model, MIXED, seed)
    assert stolen.stopped == "done"
    assert agreement(stolen, model, MIXED.sample(5000, np.random.default_rng(9))) >= 0.9996
    assert stolen.queries < 1.3 * query_bound(9, 1e-4)  # the self-check is 4 of about 120
    assert MIXED.objection(stolen.transcript.X) is None


def test_whole_numbers_of_many_values_are_as_good_as_real_ones() -> None:
    domain = mex.Domain(np.zeros(9), [20_000] * 3 + [1] * 6, integer=np.ones(9, dtype=bool))
    model = plane(domain, 1)
    stolen = steal(model, domain, 1)
    assert agreement(stolen, model, domain.sample(5000, np.random.default_rng(9))) >= 0.9996
    assert stolen.queries < 1.15 * query_bound(10, 1e-4)


def scene_of(model: str, data: str, seed: int) -> Any:
    return set_scene(mex.load_registry(), Spec.parse(model), Spec.parse(data), seed)


def stolen_of(scene: Any, attack: str, budget: int, seed: int, X: FloatArray | None = None) -> float:
    """The agreement on rows, if none are given on uniform ones of real data's domain."""
    oracle = mex.Oracle(scene.target, answers="label", budget=budget)
    knowledge = oracle.knowledge(pool=scene.pool.X)
    stolen = mex.extract(
        oracle, built("attack", attack).learner(knowledge, np.random.default_rng(seed)), snapshots=False
    )
    X = scene.target.domain.sample(5000, np.random.default_rng([seed, 1])) if X is None else X
    return float(np.mean(stolen.hypothesis.predict(X) == scene.target.answer(X, "label")))


def test_on_real_categories_it_is_ahead_of_uncertainty_sampling() -> None:
    scene = scene_of("logistic", "tic-tac-toe", 0)
    ours = stolen_of(scene, "bayes-point", 80, 0)
    assert ours > 0.975
    assert ours > stolen_of(scene, "margin:batch=5,sampler=uniform", 80, 0)


def test_cut_short_it_is_worth_more_than_the_commonest_label() -> None:
    scene = scene_of("logistic", "german-credit", 1)
    X = scene.target.domain.sample(5000, np.random.default_rng([1, 1]))
    majority = np.unique(scene.target.answer(X, "label"), return_counts=True)[1].max() / len(X)
    assert stolen_of(scene, "bayes-point", 98, 1) > majority + 0.02


def test_several_classes_are_one_posterior() -> None:
    domain = mex.Domain([0, 0, 0, 0, 0], [10, 1, 1, 1, 3], integer=[1, 0, 0, 0, 0], groups=[(2, 3)])
    model = plane(domain, 4, 4)
    stolen = steal(model, domain, attack="bayes-point:eps=3e-3")
    assert stolen.stopped == "done"
    assert agreement(stolen, model, domain.sample(5000, np.random.default_rng(9))) > 0.994
    assert stolen.queries < 1.2 * query_bound(5 * 3, 3e-3)


def test_several_classes_of_real_data() -> None:
    assert stolen_of(scene_of("logistic", "iris", 1), "bayes-point:eps=1e-3", 140, 1) > 0.998


def test_several_classes_of_few_rows_are_proved_too() -> None:
    domain = mex.Domain([0] * 5, [2] * 5, integer=[True] * 5)
    model = plane(domain, 3, 3)
    stolen = steal(model, domain)
    assert stolen.note == "the label of every row of the domain follows from the answers"
    assert agreement(stolen, model, listed(domain)) == 1


# Wrong labels


def test_wrong_labels_are_part_of_the_model() -> None:
    found = []
    for seed in range(2):
        model = plane(BITS, seed)
        stolen = steal(model, BITS, seed, defense="bounded-noise:rho=0.1", budget=200)
        found.append(agreement(stolen, model, listed(BITS)))
    assert np.mean(found) > 0.98


def test_where_labels_are_wrong_it_says_how_many_rows_may_be_so_at_its_end() -> None:
    said, found = [], []
    for seed in range(2):
        model = plane(BITS, seed)
        stolen = steal(model, BITS, seed, defense="bounded-noise:rho=0.2", rho=None)
        assert stolen.stopped == "done"
        told = re.fullmatch(
            r"with ([\d.]+) of the answers wrong, about (\S+) of all rows may be mislabelled", stolen.note
        )
        assert told is not None, stolen.note
        assert 0.1 < float(told[1]) < 0.3
        said.append(float(told[2]))
        found.append(1 - agreement(stolen, model, listed(BITS)))
    assert np.mean(found) < 1.5 * np.mean(said)
    assert np.mean(said) < 0.05


def test_an_unknown_share_that_is_large_is_not_taken_for_a_small_one() -> None:
    domain, found = mex.Domain(-np.ones(4), np.ones(4)), []
    for seed in (51, 53, 56):
        model = plane(domain, seed)
        stolen = steal(
            model, domain, seed, "bayes-point:eps=1e-2", defense="bounded-noise:rho=0.3", rho=None, budget=1200
        )
        found.append(agreement(stolen, model, domain.sample(3000, np.random.default_rng(9))))
    assert np.mean(found) > 0.93  # with random rows alone at the end 0.83


def test_rows_just_beyond_doubt_are_the_least_sure_of_those_that_are_known() -> None:
    rng, scores = np.random.default_rng(0), Scores(2, Encoding(mex.Domain(-np.ones(3), np.ones(3))))
    mean, cov = np.array([1.0, -2.0, 0.5, 0.2]), 0.01 * np.eye(4)
    X = RowSearch(scores.encoding.domain, scores, None, 8, rng).just_sure(mean, cov, 30)
    z = scores.odds_of(X, mean, cov).z
    assert len(X) == 30
    assert z.min() > 2.5
    assert z.max() < 3.5


def test_an_unknown_share_that_is_none_is_found_out_and_the_end_is_a_proof() -> None:
    model = plane(BITS, 0)
    told, untold = steal(model, BITS, rho=0.0), steal(model, BITS, rho=None)
    assert untold.note == "the label of every row of the domain follows from the answers"
    assert agreement(untold, model, listed(BITS)) == 1
    assert untold.queries < 1.9 * told.queries  # most of it after all rows are right


def test_answers_that_no_linear_model_gives_are_said_to_be_so() -> None:
    domain = mex.Domain([0] * 6, [1] * 6, integer=[True] * 6)

    class Parity:
        classes_ = np.array(["a", "b"])
        n_features_in_ = 6

        def predict(self, X: FloatArray) -> Any:
            return self.classes_[(X.sum(axis=1) % 2).astype(int)]

    stolen = steal(Parity(), domain, budget=200)
    assert "no linear model gives all of these answers" in stolen.note or "of its own check" in stolen.note


# Domains and parameters


@pytest.mark.parametrize("pool", [False, True])
def test_without_an_upper_bound_it_finds_a_box_with_a_boundary(pool: bool) -> None:
    for seed in range(2):
        rng = np.random.default_rng(seed)
        d, scale = 3 + seed, 10.0 ** rng.integers(-1, 4)
        domain = mex.Domain(np.zeros(d), np.full(d, np.inf))
        w = rng.standard_normal(d) / scale
        model = mex.halfspace(w, -float(w @ (scale * np.abs(rng.standard_normal(d)))))
        X = scale * np.abs(rng.standard_normal((5000, d)))
        stolen = steal(model, domain, seed, pool=X[:100] if pool else None)
        assert agreement(stolen, model, X) > 0.998
        assert stolen.queries < 2 * query_bound(d + 1, 1e-4)


def test_a_batch_costs_few_more_queries() -> None:
    model = plane(MIXED, 5)
    one, ten = (steal(model, MIXED, attack=f"bayes-point:batch={b},eps=1e-3") for b in (1, 10))
    assert agreement(ten, model, MIXED.sample(3000, np.random.default_rng(0))) > 0.998
    assert ten.queries < 1.4 * one.queries + 10


def test_without_a_certificate_it_ends_when_it_is_sure() -> None:
    model = plane(BITS, 0)
    stolen = steal(model, BITS, attack="bayes-point:certify=false")
    assert (stolen.stopped, stolen.note) == ("done", "")
    assert agreement(stolen, model, listed(BITS)) > 0.995


@pytest.mark.parametrize(
    ("spec", "reason"),
    [("bayes-point:rho=0.45", ""), ("bayes-point", "works up to 1500 weights")],
)
def test_what_it_cannot_do_is_refused_with_the_reason(spec: str, reason: str) -> None:
    d = 2000 if reason else 4
    domain = mex.Domain(np.zeros(d), np.ones(d))
    if not reason:
        assert steal(plane(domain, 0), domain, attack=spec, budget=20).queries == 20
        return
    with pytest.raises(mex.Incompatible, match=reason):
        steal(plane(domain, 0), domain, attack=spec)


def test_a_domain_of_one_row_is_that_label() -> None:
    domain = mex.Domain([1.0, 2.0], [1.0, 2.0])
    assert steal(mex.halfspace(np.array([1.0, 1.0]), -1.0), domain).hypothesis.predict([[1.0, 2.0]]).tolist() == [1]


def test_pivot_cut_short_is_near_the_data_what_uncertainty_sampling_is() -> None:
    scene = scene_of("logistic", "breast-cancer", 20)
    X = between_rows(scene.yardstick.points["agreement"], scene.target.domain, 5000, np.random.default_rng(0))
    ours, theirs = (stolen_of(scene, attack, 62, 0, X) for attack in ("pivot", "margin:batch=10"))
    commonest = np.unique(scene.target.answer(X, "label"), return_counts=True)[1].max() / len(X)
    assert ours > theirs - 0.03
    assert ours > commonest + 0.2


def test_pivot_hands_over_where_features_are_discrete_and_others_name_who_takes_them() -> None:
    model = plane(BITS, 1)
    stolen = steal(model, BITS, attack="pivot")
    assert stolen.note == "the label of every row of the domain follows from the answers"
    assert agreement(stolen, model, listed(BITS)) == 1
    with pytest.raises(mex.Incompatible, match="whole numbers and categories"):
        steal(model, BITS, attack="pivot:stop=certified")
    for attack in ("version-space", "lowd-meek"):
        with pytest.raises(mex.Incompatible, match="use bayes-point"):
            steal(model, BITS, attack=attack)
