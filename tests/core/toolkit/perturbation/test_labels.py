"""What all label noise has in common: rho declared is rho measured, row by row, alone and in a nest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import mex
from mex.dataset import Rows
from mex.defense import twin, undefended
from mex.fitted import FittedTarget
from mex.oracle import Oracle
from mex.target import Target
from mex.testing import check_defense
from mex.testing.examples import example_target
from mex.toolkit.perturbation.labels import LabelNoise, rho_at
from mex.toolkit.perturbation.margins import Margins
from mex.types import Answer, Array, BoolArray, FloatArray

DEFENSES = [
    "bounded-noise:rho=0.3",
    "boundary-noise:share=0.3",
    "boundary-noise:share=0.3,rho=0.7",
    "boundary-noise:share=0.3,epsilon=0.5",
    "margin-noise:relative=true",
    "margin-noise:relative=true,noise='gaussian'",
]
UNLIKELY = 1e-7
"""Of a right defense, by one row; the seeds are fixed."""

KEYS = 25
"""Secrets of sticky noise."""

Protect = Callable[..., LabelNoise]


def with_option(spec: str, option: str) -> str:
    return f"{spec}{',' if ':' in spec else ':'}{option}"


@pytest.fixture(scope="module")
def scenes(iris: mex.Dataset, breast_cancer: mex.Dataset) -> dict[str, tuple[FittedTarget, Rows]]:
    scaled = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    named = np.array(iris.class_names)[iris.y]
    scenes = {
        "logistic": (scaled, breast_cancer.X, breast_cancer.y, breast_cancer.domain),
        "kernel-svm, 3 names": (make_pipeline(StandardScaler(), SVC(C=0.1)), iris.X, named, iris.domain),
        "forest": (RandomForestClassifier(15, max_depth=3, random_state=0), iris.X, iris.y, iris.domain),
    }
    return {
        name: (FittedTarget.wrap(model.fit(X, y), domain=domain), Rows(X, y))
        for name, (model, X, y, domain) in scenes.items()
    }


@pytest.fixture
def protect(registry: mex.Registry, scenes: dict[str, tuple[FittedTarget, Rows]]) -> Protect:
    def build(spec: str, scene: str = "logistic", seed: int = 0) -> LabelNoise:
        target, train = scenes[scene]
        defended = registry.build("defense", spec).protect(target, train, np.random.default_rng(seed))
        assert isinstance(defended, LabelNoise)
        return defended

    return build


def wrong_shares(defended: LabelNoise, X: FloatArray, n: int) -> FloatArray:
    """How often each row of ``X`` is answered wrongly in ``n`` times, shape (rows,)."""
    answers = defended.answer(np.repeat(X, n, axis=0), "label").reshape(len(X), n)
    return np.asarray(np.mean(answers != undefended(defended).answer(X, "label")[:, None], axis=1))


def assert_right(shares: FloatArray, rho: FloatArray, n: int) -> None:
    """The shares of wrong answers are what ``n`` draws with probability ``rho`` give."""
    wrong = np.round(shares * n)
    assert (binom.cdf(wrong, n, rho) > UNLIKELY).all()
    assert (binom.sf(wrong - 1, n, rho) > UNLIKELY).all()


@pytest.mark.parametrize("spec", DEFENSES)
@pytest.mark.parametrize("scene", ["logistic", "kernel-svm, 3 names", "forest"])
def test_each_row_is_answered_wrongly_as_often_as_declared(
    protect: Protect, scenes: dict[str, tuple[FittedTarget, Rows]], spec: str, scene: str
) -> None:
    defended, X = protect(spec, scene), scenes[scene][1].X[::4]
    rho = defended.rho_at(X)
    assert_right(wrong_shares(defended, X, 400), rho, 400)
    assert defended.rho is not None
    assert rho.mean() > 0.01
    assert rho.max() <= defended.rho + 1e-12


@pytest.mark.parametrize("spec", DEFENSES)
def test_sticky_noise_is_wrong_as_often_over_the_secrets(
    protect: Protect, scenes: dict[str, tuple[FittedTarget, Rows]], spec: str
) -> None:
    X = scenes["logistic"][1].X
    keys = [protect(with_option(spec, "sticky=true"), seed=seed) for seed in range(KEYS)]
    shares = np.mean([wrong_shares(defended, X, 1) for defended in keys], axis=0)
    rho = keys[0].rho_at(X)
    assert_right(shares, rho, KEYS)
    for low in (0.0, rho.max() / 2):  # all rows with few wrong labels together, and those with many
        rows = (rho > low) & ((rho <= rho.max() / 2) | (low > 0))
        off = (shares[rows] - rho[rows]).sum() * KEYS
        assert abs(off) <= 5 * np.sqrt((KEYS * rho[rows] * (1 - rho[rows])).sum())


@pytest.mark.parametrize("spec", DEFENSES)
def test_fresh_noise_differs_and_sticky_noise_repeats_itself(
    protect: Protect, scenes: dict[str, tuple[FittedTarget, Rows]], spec: str
) -> None:
    X = scenes["logistic"][1].X
    fresh, sticky = protect(spec), protect(with_option(spec, "sticky=true"))
    assert not np.array_equal(fresh.answer(X, "label"), fresh.answer(X, "label"))
    order = np.random.default_rng(0).permutation(len(X))
    assert np.array_equal(sticky.answer(X, "label")[order], sticky.answer(X[order], "label"))
    assert np.isin(wrong_shares(sticky, X[:50], 20), (0, 1)).all()


@pytest.mark.parametrize("spec", DEFENSES)
def test_the_rows_of_a_cell_share_their_fate(
    protect: Protect, scenes: dict[str, tuple[FittedTarget, Rows]], spec: str
) -> None:
    target, train = scenes["logistic"]
    X = target.domain.sample(3000, np.random.default_rng(0))
    X = 0.9 * train.X[np.arange(3000) % len(train.X)] + 0.1 * X  # near the data, or the zone would be missed
    near = np.clip(X + 1e-7 * target.domain.half_width, target.domain.lower, target.domain.upper)
    for option, low, high in (("cell=0.5", 0.0, 0.002), ("sticky=true", 0.02, 1.0)):
        defended = protect(with_option(spec, option))
        apart = np.mean(defended.answer(X, "label") != defended.answer(near, "label"))
        assert low <= apart <= high, option


@pytest.mark.parametrize("spec", DEFENSES[1:])
def test_the_wrong_label_is_the_runner_up(
    protect: Protect, scenes: dict[str, tuple[FittedTarget, Rows]], spec: str
) -> None:
    target, train = scenes["kernel-svm, 3 names"]
    X = np.repeat(train.X, 20, axis=0)
    answers, labels = protect(spec, "kernel-svm, 3 names").answer(X, "label"), target.answer(X, "label")
    second = Margins.of(target)(X).second
    wrong = answers != labels
    assert wrong.sum() > 50
    assert np.array_equal(answers[wrong], target.estimator.classes_[second[wrong]])


@pytest.mark.parametrize("outer", DEFENSES)
@pytest.mark.parametrize("inner", ["bounded-noise:rho=0.2", "boundary-noise"])
def test_two_noises_of_two_classes_are_declared_exactly(
    registry: mex.Registry, scenes: dict[str, tuple[FittedTarget, Rows]], inner: str, outer: str
) -> None:
    target, train = scenes["logistic"]
    X = train.X[::8]
    nest = registry.build("defense", f"{inner} + {outer}")
    defended = nest.protect(target, train, np.random.default_rng(0))
    assert_right(wrong_shares(defended, X, 400), defended.rho_at(X), 400)
    assert (defended.rho_at(X) <= defended.rho + 1e-12).all()


def test_two_sticky_noises_have_a_secret_each(
    registry: mex.Registry, scenes: dict[str, tuple[FittedTarget, Rows]]
) -> None:
    target, train = scenes["logistic"]
    nest = registry.build("defense", "bounded-noise:rho=0.4,sticky=true + bounded-noise:rho=0.4,sticky=true")
    shares = wrong_shares(nest.protect(target, train, np.random.default_rng(0)), train.X, 1)
    assert binomtest(int(shares.sum()), len(shares), 0.48).pvalue > 1e-4


def test_of_several_classes_a_nest_declares_a_bound(
    registry: mex.Registry, scenes: dict[str, tuple[FittedTarget, Rows]]
) -> None:
    target, train = scenes["kernel-svm, 3 names"]
    nest = registry.build("defense", "bounded-noise:rho=0.2 + boundary-noise:share=0.4,rho=0.4")
    defended = nest.protect(target, train, np.random.default_rng(0))
    shares, rho = wrong_shares(defended, train.X[::4], 400), defended.rho_at(train.X[::4])
    assert (binom.sf(np.round(shares * 400) - 1, 400, rho) > UNLIKELY).all()
    assert shares.max() > 0.4
    assert defended.rho == pytest.approx(1 - 0.8 * 0.6)


def test_rho_at_of_any_target(scenes: dict[str, tuple[FittedTarget, Rows]], protect: Protect) -> None:
    class Undeclared(mex.Defended):
        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return self._target.answer(X, kind)

    target, train = scenes["logistic"]
    assert (rho_at(target, train.X) == 0).all()
    assert np.isnan(rho_at(Undeclared(target), train.X)).all()
    defended = protect("boundary-noise")
    assert np.array_equal(rho_at(defended, train.X), defended.rho_at(train.X))


@pytest.mark.parametrize("option", ["", "cell=0.2"])
@pytest.mark.parametrize("spec", DEFENSES)
def test_it_conforms(registry: mex.Registry, spec: str, option: str) -> None:
    defense = registry.build("defense", with_option(spec, option) if option else spec)
    check_defense(defense, None if option else example_target("multiclass"), untouched=())


@pytest.mark.parametrize("spec", DEFENSES)
def test_refused_rows_stay_refused_and_the_others_are_protected(
    registry: mex.Registry, scenes: dict[str, tuple[FittedTarget, Rows]], spec: str
) -> None:
    class Gate(mex.Defended):
        rho = 0.0

        def admit(self, X: FloatArray) -> BoolArray:
            return np.asarray(X[:, 0] < np.median(X[:, 0]))

        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return self._target.answer(X, kind)

    target, train = scenes["logistic"]
    defended = registry.build("defense", spec).protect(Gate(target), train, np.random.default_rng(0))
    answers = Oracle(defended).ask(train.X)
    admitted = Gate(target).admit(train.X)
    assert np.array_equal(np.ma.getmaskarray(answers), ~admitted)
    wrong = np.asarray(answers[admitted]) != target.answer(train.X[admitted], "label")
    expected = binomtest(int(wrong.sum()), len(wrong), float(defended.rho_at(train.X[admitted]).mean()))
    assert expected.pvalue > 1e-4


@pytest.mark.parametrize("spec", DEFENSES)
def test_labels_only_and_honest_users_do_not_disturb_the_attacker(
    protect: Protect, scenes: dict[str, tuple[FittedTarget, Rows]], spec: str
) -> None:
    target, train = scenes["logistic"]
    defended = protect(spec)
    assert target.answers == ("label", "proba")
    assert defended.answers == ("label",)
    first = twin(defended).answer(train.X, "label")
    assert np.array_equal(defended.answer(train.X, "label"), first)


@pytest.mark.parametrize("name", ["bounded-noise", "boundary-noise", "margin-noise"])
def test_what_has_no_labels_is_refused(registry: mex.Registry, name: str) -> None:
    class Probabilities(mex.Defended):
        answers: tuple[Answer, ...] = ("proba",)

        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return self._target.answer(X, kind)

    defense, train = registry.build("defense", name), Rows(np.eye(4), np.arange(4) % 2)
    regressor: Target = FittedTarget.wrap(LinearRegression().fit(np.eye(4), np.arange(4)))
    for target, sentence in (
        (regressor, f"{name} changes labels, and a regressor has none"),
        (Probabilities(example_target()), f"{name} changes labels, and this interface gives proba"),
    ):
        with pytest.raises(mex.Incompatible, match=sentence):
            defense.protect(target, train, np.random.default_rng(0))
