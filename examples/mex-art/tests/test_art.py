"""What the kit says of ART's output defenses as they are, and that its attacks are learners like others."""

from __future__ import annotations

import numpy as np
import pytest
from mex_art.attack import KnockoffNets
from mex_art.defense import ClassLabels, GaussianNoise

import mex
from mex.dataset import Rows
from mex.testing import Check, checks
from mex.testing.examples import example_dataset, example_target

DEFENSES = ("art-class-labels", "art-gaussian-noise", "art-high-confidence", "art-reverse-sigmoid", "art-rounded")
ROWS = Rows(np.empty((0, 4)), np.empty(0))


@pytest.mark.parametrize("check", [c for name in DEFENSES for c in checks("defense", name)])
def test_the_mended_defenses_keep_the_promises_of_a_defense(check: Check) -> None:
    check()


BROKEN = {
    "art-class-labels": ["answers-what-an-interface-may", "answers-row-by-row", "nests"],
    "art-gaussian-noise": ["answers-row-by-row", "answers-as-its-copy", "nests"],
    "art-high-confidence": ["answers-what-an-interface-may"],
    "art-reverse-sigmoid": [],
    "art-rounded": ["answers-what-an-interface-may"],
}
"""What the kit finds in ART's own, in front of three classes: the table of the README."""


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")  # by a sum of 0, if ART draws such noise
@pytest.mark.parametrize("name", DEFENSES)
def test_the_kit_catches_what_is_wrong_with_the_original(name: str) -> None:
    np.random.seed(0)  # ART draws from the global generator
    broken = []
    for check in checks("defense", f"{name}:as_is=true", target=example_target("multiclass")):
        try:
            check()
        except (AssertionError, mex.MexError):
            broken.append(check.name)
    assert broken == BROKEN[name]


def test_the_mended_noise_is_repeatable_and_the_mended_labels_are_those_of_the_row() -> None:
    target, X = example_target("multiclass"), example_dataset().X[:20]
    noise = [
        GaussianNoise().protect(target, ROWS, np.random.default_rng(seed)).answer(X, "proba") for seed in (1, 1, 2)
    ]
    assert np.array_equal(noise[0], noise[1])
    assert not np.array_equal(noise[0], noise[2])
    shown = ClassLabels().protect(target, ROWS, np.random.default_rng(0)).answer(X, "proba")
    assert np.array_equal(shown.argmax(axis=1), target.answer(X, "label"))


ATTACKS = ("knockoff-nets", "knockoff-nets:strategy=random", "copycat-cnn:batch=20")


@pytest.mark.parametrize("check", [c for name in ATTACKS for c in checks("attack", name, least_agreement=0.85)])
def test_they_keep_the_promises_of_an_attack(check: Check) -> None:
    check()


def asked(attack: KnockoffNets, answers: str) -> mex.Extraction:
    oracle = mex.Oracle(example_target(), answers=answers, budget=40)
    learner = attack.learner(oracle.knowledge(pool=example_dataset().X), np.random.default_rng(0))
    return mex.extract(oracle, learner, snapshots=False)


def test_the_bandit_asks_one_row_at_a_time_and_each_call_of_random_rows_is_a_batch() -> None:
    bandit = asked(KnockoffNets(), "label")
    assert (bandit.queries, bandit.stopped) == (40, "budget")
    assert bandit.unique_queries < 40, "ART draws with replacement"
    at_once = asked(KnockoffNets(strategy="random", batch=25), "label")
    assert (at_once.queries, at_once.unique_queries) == (40, 40)


def test_a_reward_that_labels_do_not_give_is_refused_and_probabilities_give_it() -> None:
    with pytest.raises(mex.Incompatible, match="take reward=loss"):
        asked(KnockoffNets(reward="all"), "label")
    assert asked(KnockoffNets(reward="all"), "proba").queries == 40


def test_all_are_listed_as_those_of_this_package() -> None:
    provided = {p.component.name for p in mex.load_registry().provided() if p.provider == "mex-art"}
    assert provided == {*DEFENSES, "knockoff-nets", "copycat-cnn"}
