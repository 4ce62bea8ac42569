"""Every attack on kernel machines, trees, forests and regressors, where there is next to nothing to learn from.

It ends with a right answer or one clear sentence, on any budget; what was paid for is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.kernel_ridge import KernelRidge
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from toys import built

import mex
from mex.dataset import Rows
from mex.types import Array, FloatArray

pytestmark = pytest.mark.usefixtures("few_trees")

SVM, TREE, FOREST = SVC(C=10.0, gamma=0.5), DecisionTreeClassifier(random_state=0), RandomForestClassifier(5)
STUMPS, RIDGE = GradientBoostingRegressor(max_depth=1, n_estimators=9), KernelRidge(kernel="rbf", gamma=0.5)
FAMILIES: dict[str, tuple[Any, mex.Family, tuple[Any, ...]]] = {  # f*, its public class, its answers
    "kernel": (SVM, mex.Family("kernel", SVM.get_params(), SVM), ("label",)),
    "leaf": (TREE, mex.Family("tree", learner=TREE), ("leaf", "label")),
    "tree": (TREE, mex.Family("tree", learner=TREE), ("label",)),
    "forest": (FOREST, mex.Family("forest", learner=FOREST), ("label", "proba")),
    "boosted": (STUMPS, mex.Family("boosted", {"max_depth": 1}), ("value",)),
    "smooth": (RIDGE, mex.Family("kernel", learner=RIDGE), ("value",)),
}
ATTACKS = {
    **dict.fromkeys(
        ("adaptive-retraining", "extended-adaptive-training", "margin-points", "boundary-search"), "kernel"
    ),
    **{f"dual-space:margin={margin},finalists=2": "kernel" for margin in ("simple", "ratio")},
    **dict.fromkeys(("path-finding", "tree-structure"), "leaf"),
    **dict.fromkeys(("iwal-tree", "tree-labels", "kushilevitz-mansour"), "tree"),
    "threshold-cart:candidates=200,committee=3": "tree",
    **dict.fromkeys(("flip-search", "query-by-committee", "boosted-surrogate:trees=5"), "forest"),
    **dict.fromkeys(("stump-scan", "boosted-exact:trees=5"), "boosted"),
    **{f"active-regression:criterion={by},tune=10,candidates=100": "smooth" for by in ("average", "leverage")},
}
CONSTANT = 0.1
"""A number that is not a float32 number: a feature that is always this one has none between its bounds."""

Scene = tuple[mex.Target, FloatArray]


def bits() -> FloatArray:
    """Rows of six bits: what every attack takes."""
    return (np.random.default_rng(0).random((80, 6)) < 0.5).astype(float)


def scene(family: str, X: FloatArray, y: Array, shown: FloatArray | None = None) -> Scene:
    """The model of a family, fitted to ``X`` and shown rows as wide as ``shown``; half of those are the pool."""
    estimator, public, answers = FAMILIES[family]
    shown = X if shown is None else shown
    fitted = clone(estimator).fit(X, np.unique(y, return_inverse=True)[1] if answers == ("value",) else y)
    return mex.FittedTarget.wrap(fitted, domain=mex.Domain.of(shown), family=public, answers=answers), shown[::2]


def halves(X: FloatArray) -> Array:
    """Labels that the first two bits give."""
    return np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")


@cache
def plain(family: str) -> Scene:
    return scene(family, bits(), halves(bits()))


@cache
def one_class(family: str) -> Scene:
    return scene(family, np.zeros((80, 6)), halves(bits()), bits())  # a fit that sees no difference answers one label


@cache
def constant_features(family: str) -> Scene:
    X = np.column_stack([bits()[:, :2], np.full((80, 4), CONSTANT)])
    return scene(family, X, halves(X))


@cache
def nothing_but_constants(family: str) -> Scene:
    X = np.full((80, 3), CONSTANT)
    return scene(family, X, halves(bits()))


@cache
def duplicate_rows(family: str) -> Scene:
    target, pool = plain(family)
    return target, np.repeat(pool[:1], 40, axis=0)


@cache
def no_rows(family: str) -> Scene:
    target, pool = plain(family)
    return target, pool[:0]


@cache
def a_stump(family: str) -> Scene:
    return scene(family, bits(), bits()[:, 0] > 0)


@cache
def three_classes(family: str) -> Scene:
    return scene(family, bits(), np.array(["a", "b", "c"])[(bits()[:, 0] + bits()[:, 1]).astype(int)])


@cache
def a_single_class(family: str) -> Scene:
    if family == "kernel":  # a machine needs two; what stands behind the interface is no matter
        return scene("tree", bits(), np.zeros(80, dtype=int))
    return scene(family, bits(), np.zeros(80, dtype=int))


def defended(family: str, spec: str) -> Scene:
    target, pool = plain(family)
    train = Rows(pool, np.zeros(len(pool)) if target.classes is None else target.answer(pool, "label"))
    return built("defense", spec).protect(target, train, np.random.default_rng(0)), pool


class Silent(mex.Defended):
    """A defense that promises right labels."""

    rho = 0.0

    def answer(self, X: FloatArray, kind: Any) -> Array:
        return self._target.answer(X, kind)


def noise(family: str) -> Scene:
    return defended(family, "value-noise" if family in ("boosted", "smooth") else "bounded-noise:rho=0.2")


def noise_denied(family: str) -> Scene:
    target, pool = noise(family)
    return Silent(target), pool


def shut_out(family: str) -> Scene:
    return defended(family, "query-budget:limit=15")


def watched(family: str) -> Scene:
    return defended(family, "query-detector:action=refuse,window=10")


RIGHT = (one_class, nothing_but_constants, a_single_class)
"""Where one answer is all there is to know."""
SCENES: tuple[Callable[[str], Scene], ...] = (
    *(*RIGHT, constant_features, duplicate_rows, no_rows, a_stump, three_classes),
    *(noise, noise_denied, shut_out, watched),
)


def steal(
    registry: mex.Registry, attack: str, target: mex.Target, pool: FloatArray, budget: int
) -> mex.Extraction | str:
    """One run as ``mex attack`` makes it, or why there is none."""
    oracle = mex.Oracle(target, answers=target.answers[0], budget=budget)
    built, known = registry.build("attack", attack), oracle.knowledge(pool=pool)
    try:
        built.scope.check(attack, known)
        return mex.extract(oracle, built.learner(known, np.random.default_rng(1)), snapshots=False)
    except mex.Incompatible as reason:
        return str(reason)


@pytest.mark.parametrize("make", SCENES, ids=lambda make: make.__name__)
@pytest.mark.parametrize("attack", ATTACKS)
def test_it_ends_with_an_answer_or_a_sentence(
    registry: mex.Registry, attack: str, make: Callable[[str], Scene]
) -> None:
    for budget in (1, 2, 5, 30):
        target, pool = make(ATTACKS[attack])
        stolen = steal(registry, attack, target, pool, budget)
        if isinstance(stolen, str):
            assert attack in stolen or "this" in stolen
            assert "\n" not in stolen
            return
        assert stolen.queries <= budget
        X = bits() if target.domain.n_features == 6 else pool
        answers = stolen.hypothesis.predict(X)
        if target.classes is None:
            assert np.isfinite(answers).all()
            if make in RIGHT and ATTACKS[attack] != "smooth":
                np.testing.assert_allclose(answers, target.answer(X, "value"))
        else:
            assert set(answers) <= set(target.classes)
            assert make not in RIGHT or np.array_equal(answers, target.answer(X, "label"))


class Interrupted(mex.Defended):
    """A target that is interrupted before its third batch of answers."""

    rho, asked = 0.0, 0

    def answer(self, X: FloatArray, kind: Any) -> Array:
        self.asked += kind == self.answers[0]  # beside leaf ids the oracle asks for labels as well
        if self.asked == 3:
            raise KeyboardInterrupt
        return self._target.answer(X, kind)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_answered_is_kept_when_it_is_interrupted(registry: mex.Registry, attack: str) -> None:
    target, pool = plain(ATTACKS[attack])
    oracle = mex.Oracle(Interrupted(target), answers=target.answers[0], budget=60)
    learner = registry.build("attack", attack).learner(oracle.knowledge(pool=pool), np.random.default_rng(1))
    with suppress(KeyboardInterrupt):
        mex.extract(oracle, learner, snapshots=False)
    told = oracle.transcript
    assert 0 < len(told) <= oracle.queries <= 60, "what was sent is charged, answered or not"
    assert len(told.X) == len(told.answers)
    truth = target.answer(told.X, target.answers[0])
    answers = told.answers["leaf"] if target.answers[0] == "leaf" else told.answers
    assert np.allclose(answers, truth) if target.classes is None else np.array_equal(answers, truth)
    assert len(learner.hypothesis().predict(pool)) == len(pool)
