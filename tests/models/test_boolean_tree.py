"""boolean-tree: parities and juntas over bits, and the rows that they label."""

from __future__ import annotations

import numpy as np
import pytest

import mex
from mex.dataset import Rows
from mex.testing import check_model
from mex_boolean_tree.dataset import Boolean
from mex_boolean_tree.model import BooleanTree
from mex_boolean_tree.tree import ParityTree


def test_it_is_a_well_behaved_model() -> None:
    check_model(BooleanTree())
    check_model(BooleanTree(shape="junta", depth=3))


@pytest.mark.parametrize("oblivious", [False, True])
def test_a_random_tree_answers_as_its_tests_say(oblivious: bool) -> None:
    tree = ParityTree.random(8, 3, 1 if oblivious else 3, oblivious, np.random.default_rng(0))
    X = np.random.default_rng(1).integers(2, size=(50, 8))
    for row, label in zip(X, tree.predict(X), strict=True):
        v = 0
        while v < 7:
            v = 2 * v + 1 + row[tree.masks_[v]].sum() % 2
        assert label == tree.leaves_[v - 7]
    assert (tree.masks_.sum(axis=1) <= 3).all()
    assert not oblivious or len(np.unique(tree.masks_, axis=0)) == 3


def test_the_fit_finds_parities_that_no_single_bit_shows() -> None:
    X = np.random.default_rng(0).integers(2, size=(400, 10))
    y = np.array(["even", "odd"])[X[:, [2, 7]].sum(axis=1) % 2]
    assert ParityTree(1, 2).fit(X, y).score(X, y) == 1
    assert ParityTree(4, 1).fit(X, y).score(X, y) < 0.75


def test_a_junta_depends_on_its_bits_alone() -> None:
    data = Boolean(shape="junta", depth=3, n=12).load()
    tree = BooleanTree(shape="junta", depth=3).fit(data, Rows(data.X, data.y), np.random.default_rng(0)).estimator
    assert tree.masks_.any(axis=0).sum() == 3
    assert np.mean(tree.predict(data.X) == data.y) == 1


def test_any_dataset_of_two_classes_becomes_bits(breast_cancer: mex.Dataset) -> None:
    target = BooleanTree(depth=3).fit(breast_cancer, Rows(breast_cancer.X, breast_cancer.y), np.random.default_rng(0))
    X = target.encode(breast_cancer.X)
    assert set(np.unique(X)) == {0, 1}
    assert np.mean(target.answer(X, "label") == breast_cancer.y) > 0.9


def test_the_dataset_is_reproducible_and_says_what_cannot_be() -> None:
    assert np.array_equal(Boolean(seed=3).load().y, Boolean(seed=3).load().y)
    assert not np.array_equal(Boolean(seed=3).load().y, Boolean(seed=4).load().y)
    with pytest.raises(mex.UsageError, match="needs more than 3 bits"):
        Boolean(n=3, depth=4, shape="junta").load()
    with pytest.raises(mex.UsageError, match="depth must be a whole number from 1 to 12"):
        Boolean(depth=13)


def test_it_is_attacked_from_the_command_line(run) -> None:
    done = run(
        "attack", "kushilevitz-mansour", "-m", "boolean-tree", "--data", "boolean", "--budget", "50000", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert '"uniform_agreement": 1.0' in done.stdout
