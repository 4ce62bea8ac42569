"""restricted: what was taken away does not reach the inner attack, and nothing else changes."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.testing import check_attack
from mex_passive.attack import Passive
from mex_pivot.attack import Pivot
from mex_restricted.attack import Restricted


@attrs.frozen
class Watching:
    """Notes what it is handed, and asks nothing."""

    handed: list[mex.Knowledge] = attrs.field(factory=list)
    scope = mex.Scope(answers="label")
    paper = ""

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> Any:
        self.handed.append(knowledge)
        return Passive(sampler="uniform").learner(knowledge, rng)


def known(**changes: Any) -> mex.Knowledge:
    given = {
        "domain": mex.Domain([0, 0], [1, 1]),
        "classes": np.array([0, 1]),
        "answers": "label",
        "family": mex.Family("tree", {"max_depth": 3}),
        "pool": np.zeros((3, 2)),
        "budget": 20,
    }
    return mex.Knowledge(**{**given, **changes})


def test_it_is_a_well_behaved_attack() -> None:
    check_attack(Restricted(inner=Passive(sampler="uniform")))


def test_a_guess_at_the_class_is_all_that_the_inner_attack_is_told_of_it() -> None:
    inner = Watching()
    attack = Restricted(inner=inner, pool=True, guess="kernel")
    attack.learner(known(), np.random.default_rng(0))
    (handed,) = inner.handed
    assert (handed.family.kind, dict(handed.family.public), handed.family.learner) == ("kernel", {}, None)
    assert Restricted(inner=Pivot(), guess="linear").scope.families == ()
    assert Restricted(inner=Pivot()).scope.families == ("linear",)


def test_a_wrong_guess_is_measured_and_not_believed() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 2))
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, X[:, 0] * X[:, 1] > 0)
    guess = "restricted:inner={use='pivot'},pool=true,guess=linear"
    stolen = mex.attack(guess, model, domain=mex.Domain.of(X), pool=X[:200], held_out=X[200:], budget=300)
    assert stolen.agreement < 0.99
    assert stolen.note


@pytest.mark.parametrize(("pool", "family"), [(False, True), (True, False), (True, True)])
def test_the_inner_attack_is_handed_exactly_what_is_granted(pool: bool, family: bool) -> None:
    inner = Watching()
    try:
        Restricted(inner=inner, pool=pool, family=family).learner(known(), np.random.default_rng(0))
    except mex.Incompatible:  # a passive learner of no class needs a model
        assert not family
    (handed,) = inner.handed
    assert (handed.pool is not None) == pool
    assert (handed.family.kind == "tree") == family
    assert (dict(handed.family.public) == {"max_depth": 3}) == family
    assert handed.budget == 20


def test_it_works_on_what_its_inner_attack_works_on() -> None:
    assert Restricted(inner=Pivot()).scope == Pivot.scope
    assert Restricted.scope == mex.Scope()


def test_an_attack_on_one_class_cannot_do_without_knowing_it() -> None:
    with pytest.raises(mex.Incompatible, match="does not know the class"):
        Restricted(inner=Pivot(), family=False).learner(known(), np.random.default_rng(0))


def test_an_attack_that_draws_from_the_pool_says_what_it_lacks() -> None:
    with pytest.raises(mex.Incompatible, match="sampler=uniform"):
        Restricted(inner=Passive(), pool=False).learner(known(), np.random.default_rng(0))
