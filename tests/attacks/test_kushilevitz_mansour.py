"""kushilevitz-mansour: large coefficients are found, exactly where that is possible, and noise scales them."""

from __future__ import annotations

import numpy as np
import pytest

import mex
from mex.testing import check_attack
from mex_boolean_tree.tree import ParityTree
from mex_bounded_noise.defense import BoundedNoise
from mex_kushilevitz_mansour.attack import KushilevitzMansour
from mex_kushilevitz_mansour.fourier import BitChart, characters, transform


def bits(n: int) -> mex.Domain:
    return mex.Domain(np.zeros(n), np.ones(n), integer=[True] * n)


def parity_tree(n: int = 16, depth: int = 4, width: int = 2, *, junta: bool = False, seed: int = 0) -> mex.FittedTarget:
    tree = ParityTree.random(n, depth, width, junta, np.random.default_rng([seed, n]))
    return mex.FittedTarget.wrap(tree, domain=bits(n))


def steal(
    attack: KushilevitzMansour, target: mex.Target, *, budget: int | None = None, seed: int = 0
) -> mex.Extraction:
    oracle = mex.Oracle(target, budget=budget)
    return mex.extract(oracle, attack.learner(oracle.knowledge(), np.random.default_rng(seed)), snapshots=False)


def noisy(target: mex.Target, rho: float) -> mex.Target:
    return BoundedNoise(rho=rho).protect(target, None, np.random.default_rng(7))


def uniform_error(stolen: mex.Extraction, target: mex.FittedTarget) -> float:
    X = target.domain.sample(5000, np.random.default_rng(8))
    return float(np.mean(stolen.hypothesis.predict(X) != target.answer(X, "label")))


def test_with_prefixes_it_is_a_well_behaved_attack_under_noise() -> None:
    check_attack(KushilevitzMansour(search="prefix"), noisy(parity_tree(6, 2), 0.1))


@pytest.mark.parametrize("seed", range(4))
def test_a_tree_of_depth_4_over_16_bits_is_found_whole(seed: int) -> None:
    target = parity_tree(seed=seed)
    stolen = steal(KushilevitzMansour(), target)
    assert stolen.stopped == "done"
    assert stolen.queries < 2**16 / 3
    assert uniform_error(stolen, target) == 0


def test_a_junta_among_many_bits_costs_little_and_is_exact() -> None:
    target = parity_tree(100, 5, 1, junta=True)
    stolen = steal(KushilevitzMansour(), target)
    assert stolen.queries < 6_000
    assert uniform_error(stolen, target) == 0
    everything = stolen.hypothesis.subsets_.any(axis=0)
    assert set(np.flatnonzero(everything)) == set(np.flatnonzero(target.estimator.masks_.any(axis=0)))


@pytest.mark.parametrize(
    ("attack", "rho"),
    [
        (KushilevitzMansour(theta=0.2), 0.0),
        (KushilevitzMansour(theta=0.2), 0.2),
        (KushilevitzMansour(theta=0.24, search="prefix"), 0.05),
    ],
    ids=repr,
)
def test_the_coefficients_are_those_of_the_target_whatever_the_noise(attack: KushilevitzMansour, rho: float) -> None:
    target = parity_tree(18, 3, seed=3)
    stolen = steal(attack, noisy(target, rho) if rho else target, budget=400_000)
    assert uniform_error(stolen, target) == 0
    X = target.domain.sample(200_000, np.random.default_rng(9))
    truth = np.where(target.answer(X, "label") == 0, 1.0, -1.0) @ characters(X > 0.5, stolen.hypothesis.subsets_)
    np.testing.assert_allclose(stolen.hypothesis.coefficients_, truth / len(X), atol=0.03)


def test_where_the_budget_is_too_small_it_says_so_and_still_answers() -> None:
    target = parity_tree(seed=1)
    for budget in (1, 5, 300):
        stolen = steal(KushilevitzMansour(), noisy(target, 0.1), budget=budget)
        assert stolen.queries <= budget
        assert "too small" in stolen.note
        assert 0 <= uniform_error(stolen, target) <= 0.6
    assert uniform_error(steal(KushilevitzMansour(), noisy(target, 0.1), budget=20_000), target) < 0.2
    for budget in (1, 2, 5, 10):  # without noise bits are looked for first, and few rows show few of them
        stolen = steal(KushilevitzMansour(), target, budget=budget)
        assert stolen.queries <= budget
        assert stolen.stopped == "budget" or "too small for eps" in stolen.note


@pytest.mark.parametrize("rho", [0.0, 0.1])
def test_one_label_only_is_answered_by_that_label(rho: float) -> None:
    tree = ParityTree.random(12, 2, 1, False, np.random.default_rng(0))
    tree.leaves_[:] = 1
    target = mex.FittedTarget.wrap(tree, domain=bits(12))
    for budget in (None,) if rho else (1, None):
        stolen = steal(KushilevitzMansour(theta=0.5), noisy(target, rho) if rho else target, budget=budget)
        assert uniform_error(stolen, target) == 0


def test_pairs_of_columns_and_other_values_are_bits_as_well() -> None:
    domain = mex.Domain([0, 3, 0, 0, 5], [1, 4, 1, 1, 5], integer=[True] * 5, groups=[(2, 3)])

    class Rule:
        classes_ = np.array(["no", "yes"])
        n_features_in_ = 5

        def predict(self, X):
            return self.classes_[((X[:, 0] == 1) ^ (X[:, 1] == 4) ^ (X[:, 2] == 1)).astype(int)]

    target = mex.FittedTarget.wrap(Rule(), domain=domain)
    assert uniform_error(steal(KushilevitzMansour(), target), target) == 0


@pytest.mark.parametrize(
    "domain", [mex.Domain([0], [1]), mex.Domain([0, 0, 0], [1, 1, 1], groups=[(0, 1, 2)]), mex.Domain.reals(2)]
)
def test_features_of_more_values_are_refused(domain: mex.Domain) -> None:
    with pytest.raises(mex.Incompatible, match="asks about bits"):
        BitChart.of(domain)


def test_the_transform_is_the_definition() -> None:
    rng = np.random.default_rng(0)
    rows = (np.arange(16)[:, None] >> np.arange(4)) & 1 == 1
    values = rng.standard_normal(16)
    np.testing.assert_allclose(transform(values), values @ characters(rows, rows) / 16)
