"""Defenses of confidence: always probabilities, never at odds with the label, and nothing to an attack on labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex
from mex import FittedTarget
from mex.dataset import Rows
from mex.target import Target
from mex.testing import check_defense
from mex.testing.examples import example_dataset, example_target
from mex.toolkit.metrics import geometric_error
from mex.types import FloatArray
from mex_gaussian_output.defense import nearest_probabilities

NO_ROWS = Rows(np.empty((0, 4)), np.empty(0))
KEEPING = [
    "rounding:decimals=0",
    "rounding:decimals=1",
    "rounding:decimals=20",
    "top-k",
    "hide-low-confidence",
    "hide-low-confidence:threshold=1",
    "reverse-sigmoid",
    "reverse-sigmoid:beta=0.99,gamma=0.01",
]
"""Defenses of probabilities that keep every label."""
PROBABILITIES = [*KEEPING, "gaussian-output:scale=0.5,sticky=true", "rounding:decimals=1 + reverse-sigmoid + top-k"]
"""Defenses of probabilities whose answers to a row never change."""


def example(name: str) -> FittedTarget:
    """A logistic model, a tree of pure leaves, or a forest, of two or three classes."""
    model, _, task = name.partition(" ")
    if model == "logistic":
        return example_target(task)
    data = example_dataset(task)
    learner = DecisionTreeClassifier() if model == "tree" else RandomForestClassifier(7)
    fitted = learner.set_params(random_state=0).fit(data.X, data.y)
    return FittedTarget.wrap(fitted, domain=data.domain, answers=("label", "proba", "leaf"))


MODELS = [f"{model} {task}" for model in ("logistic", "tree", "forest") for task in ("binary", "multiclass")]
every_model = pytest.mark.parametrize("model", MODELS)
X = example_target().domain.sample(300, np.random.default_rng(0))


@pytest.fixture
def protect(registry: mex.Registry) -> Callable[..., Target]:
    def build(target: Target, spec: str, train: Rows = NO_ROWS, seed: int = 0) -> Target:
        defended: Target = registry.build("defense", spec).protect(target, train, np.random.default_rng(seed))
        return defended

    return build


@every_model
@pytest.mark.parametrize(
    "spec", ["label-only", *PROBABILITIES[:-1], "gaussian-output:scale=0.5", "gaussian-output:cell=0.1"]
)
def test_each_conforms(registry: mex.Registry, spec: str, model: str) -> None:
    pure = model.startswith("tree") and spec.split(":")[0] in ("rounding", "top-k", "hide-low-confidence")
    dull = pure or "20" in spec  # a 1 has no digits to lose, and 20 decimals are all there are
    check_defense(registry.build("defense", spec), example(model), expect_change=not dull)


@every_model
@pytest.mark.parametrize("spec", PROBABILITIES)
def test_rows_are_probabilities_and_the_label_is_their_largest(
    protect: Callable[..., Target], spec: str, model: str
) -> None:
    target = example(model)
    defended = protect(target, spec)
    P = defended.answer(X, "proba")
    assert defended.answers == ("label", "proba"), "leaves would reach round the defense"
    assert np.isfinite(P).all()
    assert (P >= 0).all()
    assert P.sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert target.classes is not None
    assert np.array_equal(defended.answer(X, "label"), target.classes[P.argmax(axis=1)])


@every_model
@pytest.mark.parametrize("spec", KEEPING)
def test_a_defense_that_says_so_keeps_every_label(protect: Callable[..., Target], spec: str, model: str) -> None:
    target = example(model)
    defended = protect(target, spec)
    assert np.array_equal(defended.answer(X, "label"), target.answer(X, "label"))
    assert defended.rho == 0


class Fixed(mex.Defended):
    """Answers given probabilities, whatever the rows."""

    def __init__(self, P: FloatArray) -> None:
        k = P.shape[1]
        super().__init__(FittedTarget.wrap(DecisionTreeClassifier().fit(np.eye(k), np.arange(k))))
        self.P = P

    answers = ("label", "proba")

    def answer(self, X: FloatArray, kind: str) -> Any:
        return self.P if kind == "proba" else self.P.argmax(axis=1)


def defended(registry: mex.Registry, spec: str, P: Any) -> FloatArray:
    """What a defense makes of the probabilities ``P``."""
    target = Fixed(np.atleast_2d(np.asarray(P, dtype=float)))
    shown = registry.build("defense", spec).protect(target, NO_ROWS, np.random.default_rng(0))
    return np.asarray(shown.answer(np.zeros((len(target.P), target.P.shape[1])), "proba"))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    weights=arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(2, 9)), elements=st.floats(0, 1)),
    spec=st.sampled_from(KEEPING),
)
def test_whatever_the_probabilities_the_top_stays_and_the_sum_is_1(
    registry: mex.Registry, weights: FloatArray, spec: str
) -> None:
    weights[:, 0] += weights.sum(axis=1) == 0
    P = weights / weights.sum(axis=1, keepdims=True)
    Q = defended(registry, spec, P)
    assert (Q >= 0).all()
    assert Q.sum(axis=1) == pytest.approx(1, abs=1e-9)
    assert np.take_along_axis(Q, P.argmax(axis=1)[:, None], axis=1)[:, 0] == pytest.approx(Q.max(axis=1), abs=1e-15)


@pytest.mark.parametrize(
    ("decimals", "given", "rounded"),
    [
        (2, [1 / 3, 1 / 3, 1 / 3], [0.34, 0.33, 0.33]),
        (1, [0.26, 0.26, 0.48], [0.3, 0.2, 0.5]),
        (0, [0.4, 0.35, 0.25], [1, 0, 0]),
        (0, [0.2, 0.2, 0.2, 0.2, 0.2], [1, 0, 0, 0, 0]),
        (2, [0.498, 0.502], [0.49, 0.51]),  # a tie would tell class 0
        (1, [0.449, 0.451, 0.1], [0.4, 0.5, 0.1]),
        (2, [0.29, 0.71], [0.29, 0.71]),  # 100 x 0.29 is below 29 in floats
        (2, [1e-9, 1 - 1e-9], [0, 1]),
    ],
)
def test_rounding_gives_out_what_is_missing_to_1(
    registry: mex.Registry, decimals: int, given: list[float], rounded: list[float]
) -> None:
    assert defended(registry, f"rounding:decimals={decimals}", given)[0].tolist() == rounded


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("top-k:k=2", [0.5 / 0.8, 0.3 / 0.8, 0, 0]),
        ("top-k:k=2,spread=true", [0.5, 0.3, 0.1, 0.1]),
        ("hide-low-confidence:threshold=0.2", [0.5 / 0.8, 0.3 / 0.8, 0, 0]),
        ("hide-low-confidence:threshold=0.9", [1, 0, 0, 0]),
        ("hide-low-confidence:threshold=0.4,spread=true", [0.5, 1 / 6, 1 / 6, 1 / 6]),
    ],
)
def test_what_is_hidden_is_dropped_or_spread(registry: mex.Registry, spec: str, shown: list[float]) -> None:
    assert defended(registry, spec, [0.5, 0.3, 0.15, 0.05])[0] == pytest.approx(shown)


def test_reverse_sigmoid_is_the_formula_of_its_paper(registry: mex.Registry) -> None:
    P = np.array([[0.9, 0.08, 0.02]])
    sigmoid = 1 / (1 + ((1 - P) / P) ** 0.2)
    perturbed = P - 0.7 * (sigmoid - 0.5)
    assert defended(registry, "reverse-sigmoid:beta=0.7,gamma=0.2", P) == pytest.approx(perturbed / perturbed.sum())


def test_reverse_sigmoid_answers_two_logits_alike(registry: mex.Registry) -> None:
    logits = np.linspace(0, 30, 400)
    p = 1 / (1 + np.exp(-logits))
    shown = defended(registry, "reverse-sigmoid", np.stack([1 - p, p], axis=1))[:, 1]
    top = shown.argmax()
    assert 0 < logits[top] < 5
    assert (np.diff(shown[top:]) < 0).all(), "the surer the model, the less sure the answer"


def test_reverse_sigmoid_keeps_the_label_where_its_formula_would_not(registry: mex.Registry) -> None:
    P = np.array([0.2, 0.2, 0.21, 0.2, 0.19, 0, 0, 0, 0, 0])
    assert defended(registry, "reverse-sigmoid", P).argmax() == 2


@pytest.mark.parametrize("scale", [0.1, 1, 10])
def test_gaussian_noise_ends_at_the_nearest_probabilities(scale: float) -> None:
    V = np.random.default_rng(0).normal(0.2, scale, (5000, 5))
    P = nearest_probabilities(V)
    assert (P >= 0).all()
    assert P.sum(axis=1) == pytest.approx(1, abs=1e-12)
    away, to_corners = (V - P)[:, None], np.eye(5) - P[:, None]
    assert (away * to_corners).sum(axis=2).max() < 1e-9, "no corner of the simplex lies on the side of V: P is nearest"


def test_fresh_noise_averages_away_and_sticky_noise_does_not(protect: Callable[..., Target]) -> None:
    target = example_target()
    row = X[np.abs(target.answer(X, "proba")[:, 0] - 0.5) < 0.2][:1]
    truth = target.answer(row, "proba")[0, 0]
    asked = np.repeat(row, 4000, axis=0)
    fresh = protect(target, "gaussian-output:scale=0.1").answer(asked, "proba")[:, 0]
    sticky = protect(target, "gaussian-output:scale=0.1,sticky=true").answer(asked, "proba")[:, 0]
    assert fresh.std() == pytest.approx(0.1 / np.sqrt(2), rel=0.1), "two noises share one degree of freedom"
    assert fresh.mean() == pytest.approx(truth, abs=0.01)
    assert len(set(sticky)) == 1


@pytest.mark.parametrize(("defense", "kind"), [("gaussian-output:", "proba"), ("value-noise:relative=false,", "value")])
def test_sticky_noise_averages_away_over_neighbours_but_not_within_a_cell(
    protect: Callable[..., Target], defense: str, kind: Any
) -> None:
    target = example_target("binary" if kind == "proba" else "regression")
    row = np.zeros((1, 4))
    truth = target.answer(row, kind)
    near = row + np.random.default_rng(0).normal(0, 1e-6, (4000, 4))

    def mean(spec: str) -> FloatArray:
        return np.asarray(protect(target, f"{defense}scale=0.1,{spec}").answer(near, kind).mean(axis=0))

    assert mean("sticky=true") == pytest.approx(truth.squeeze(), abs=0.01)
    assert abs(mean("cell=0.01") - truth).max() > 0.02


@pytest.mark.parametrize("spec", ["rounding", "top-k", "gaussian-output", "reverse-sigmoid", "hide-low-confidence"])
def test_a_model_without_probabilities_is_refused_and_not_silently_undefended(
    protect: Callable[..., Target], spec: str
) -> None:
    data = example_dataset()
    svc = FittedTarget.wrap(SVC().fit(data.X, data.y), domain=data.domain)
    with pytest.raises(mex.Incompatible, match="changes probabilities, and this interface gives label"):
        protect(svc, spec)
    with pytest.raises(mex.Incompatible, match="changes probabilities, and this interface gives label"):
        protect(svc, f"bounded-noise + {spec}")


def test_an_svc_is_defended_for_real(protect: Callable[..., Target]) -> None:
    data = example_dataset()
    svc = FittedTarget.wrap(SVC().fit(data.X, data.y), domain=data.domain)
    truth = svc.answer(X, "label")
    assert np.array_equal(protect(svc, "label-only").answer(X, "label"), truth)
    assert 0.1 < np.mean(protect(svc, "label-only + bounded-noise:rho=0.2").answer(X, "label") != truth) < 0.3


@pytest.mark.parametrize("spec", ["rounding:decimals=2", "top-k", "gaussian-output", "reverse-sigmoid"])
def test_behind_a_defense_that_gives_labels_there_is_nothing_left_to_change(
    protect: Callable[..., Target], spec: str
) -> None:
    target = example_target()
    noise = protect(target, "bounded-noise:rho=0.1 + none", seed=3)
    nested = protect(target, f"bounded-noise:rho=0.1 + {spec}", seed=3)
    assert nested.answers == ("label",)
    assert nested.rho == pytest.approx(0.1)
    assert np.array_equal(nested.answer(X, "label"), noise.answer(X, "label"))


def test_noise_over_a_defended_output_flips_the_defended_label(protect: Callable[..., Target]) -> None:
    target = example_target("multiclass")
    for spec in ("rounding:decimals=2 + bounded-noise:rho=0.1", "label-only + bounded-noise:rho=0.1"):
        nested = protect(target, spec)
        assert nested.answers == ("label",)
        assert nested.rho == pytest.approx(0.1)
        assert 0.04 < np.mean(nested.answer(X, "label") != target.answer(X, "label")) < 0.18
    drawn = protect(target, "gaussian-output:scale=0.3,sticky=true + label-only")
    assert drawn.answers == ("label",)
    assert drawn.rho is None
    assert np.mean(drawn.answer(X, "label") != target.answer(X, "label")) > 0.1


@pytest.mark.parametrize(
    ("spec", "task", "reason"),
    [
        ("top-k:k=2", "binary", "hides nothing of 2 classes"),
        ("top-k:k=1,spread=true", "binary", "hides nothing of 2 classes: the last"),
        ("top-k:k=2,spread=true", "multiclass", "hides nothing of 3 classes: the last"),
        ("hide-low-confidence:spread=true", "binary", "hides nothing of 2 classes"),
        ("rounding:digits=2", "binary", "is for values"),
        ("rounding:grid=0.1", "multiclass", "is for values"),
        ("value-noise", "binary", "changes values"),
        ("label-only", "regression", "a regressor has none"),
        ("gaussian-output", "regression", "a regressor has none"),
        ("top-k", "regression", "a regressor has none"),
        ("value-noise", "regression", "training rows, and none are given"),
        ("rounding:grid=0.1", "regression", "training rows, and none are given"),
    ],
)
def test_what_would_defend_nothing_says_so(protect: Callable[..., Target], spec: str, task: str, reason: str) -> None:
    with pytest.raises(mex.Incompatible, match=reason):
        protect(example_target(task), spec)


def test_two_ways_to_round_are_one_too_many(registry: mex.Registry) -> None:
    with pytest.raises(mex.UsageError, match="digits and grid are two ways"):
        registry.build("defense", "rounding:digits=2,grid=0.1")


# Values

REGRESSION = example_dataset("regression")
TRAIN = Rows(REGRESSION.X, REGRESSION.y)


@pytest.mark.parametrize(
    ("spec", "rounded"),
    [
        ("rounding:decimals=1", [0.0, 12.3, -12.3, 0.0]),
        ("rounding:digits=2", [0.0, 12.0, -12.0, 0.0045]),
        ("rounding:digits=1", [0.0, 10.0, -10.0, 0.004]),
        ("rounding:grid=1", [0.0, 10.0, -10.0, 0.0]),
    ],
)
def test_values_are_rounded_as_said(protect: Callable[..., Target], spec: str, rounded: list[float]) -> None:
    steps = DecisionTreeRegressor().fit([[-10.0], [10.0]], [-10.0, 10.0])  # its answers vary by 10
    target = FittedTarget.wrap(steps)
    shown = protect(target, spec, Rows(np.array([[-10.0], [10.0]]), np.zeros(2)))
    steps.tree_.value[1:, 0, 0] = [-12.345, 12.345]
    steps.tree_.value[0, 0, 0] = 0
    assert shown.answers == ("value",)
    assert shown.answer(np.array([[9.0], [-9.0]]), "value").tolist() == [rounded[1], rounded[2]]
    steps.tree_.value[1:, 0, 0] = [0.0, 0.00449]
    assert shown.answer(np.array([[-9.0], [9.0]]), "value").tolist() == [rounded[0], rounded[3]]


@pytest.mark.parametrize("sticky", ["true", "false"])
def test_value_noise_has_its_scale(protect: Callable[..., Target], sticky: str) -> None:
    target = example_target("regression")
    truth = target.answer(X, "value")
    for scale, train in (("0.5,relative=false", NO_ROWS), ("0.25", TRAIN)):
        unit = 1.0 if len(train.X) == 0 else target.answer(TRAIN.X, "value").std()
        shown = protect(target, f"value-noise:scale={scale},sticky={sticky}", train)
        noise = shown.answer(X, "value") - truth
        assert noise.std() == pytest.approx(float(scale.split(",")[0]) * unit, rel=0.15)
        assert abs(noise.mean()) < 4 * noise.std() / np.sqrt(len(X))
        assert np.array_equal(shown.answer(X, "value") - truth, noise) == (sticky == "true")
        assert shown.rho is None, "an attack must not take the values for exact"


@pytest.mark.parametrize("spec", ["rounding:decimals=1", "rounding:digits=1", "rounding:grid=0.2", "value-noise"])
def test_defenses_of_values_conform_and_nest(registry: mex.Registry, protect: Callable[..., Target], spec: str) -> None:
    check_defense(registry.build("defense", spec), example_target("regression"))
    nested = protect(example_target("regression"), f"{spec} + value-noise:sticky=true + rounding:digits=1", TRAIN)
    values = nested.answer(X, "value")
    assert all(float(f"{v:.0e}") == v for v in values)


def test_a_regressor_that_answers_one_value_has_nothing_to_hide(protect: Callable[..., Target]) -> None:
    constant = FittedTarget.wrap(LinearRegression().fit(np.eye(4), np.full(4, 3.0)))
    train = Rows(np.eye(4), np.full(4, 3.0))
    for spec in ("rounding:grid=0.1", "value-noise"):
        assert protect(constant, spec, train).answer(np.eye(4), "value") == pytest.approx(3.0)


# What they buy


def attacked(registry: mex.Registry, attack: str, target: Target, answers: Any) -> mex.Extraction:
    oracle = mex.Oracle(target, answers=answers, budget=400)
    learner = registry.build("attack", attack).learner(oracle.knowledge(), np.random.default_rng(0))
    return mex.extract(oracle, learner, snapshots=False)


@pytest.mark.parametrize("spec", ["rounding:decimals=1", "rounding:decimals=2", "top-k", "reverse-sigmoid"])
def test_an_attack_that_takes_labels_loses_nothing(
    registry: mex.Registry, protect: Callable[..., Target], spec: str
) -> None:
    target = example_target()
    bare = attacked(registry, "pivot", target, "label")
    shown = attacked(registry, "pivot", protect(target, spec), "label")
    assert np.array_equal(bare.transcript.X, shown.transcript.X), "the same questions, the same answers"
    assert geometric_error(shown.hypothesis, target.estimator, target.domain) == geometric_error(
        bare.hypothesis, target.estimator, target.domain
    )


@pytest.mark.parametrize(
    ("spec", "at_least"),
    [
        ("rounding:decimals=2", 1e-5),
        ("rounding:decimals=1", 1e-4),
        ("gaussian-output:scale=0.1", 1e-3),
        ("gaussian-output:scale=0.1,sticky=true", 1e-3),
        ("reverse-sigmoid", 1e-3),
    ],
)
def test_an_attack_that_reads_equations_off_probabilities_degrades(
    registry: mex.Registry, protect: Callable[..., Target], spec: str, at_least: float
) -> None:
    target = example_target()
    exact = attacked(registry, "equation-solving", target, "proba")
    worse = attacked(registry, "equation-solving", protect(target, spec), "proba")
    error, degraded = (geometric_error(e.hypothesis, target.estimator, target.domain) for e in (exact, worse))
    assert error is not None
    assert degraded is not None
    assert error < 1e-9 < at_least < degraded


def test_a_threshold_alone_stops_no_equation_of_two_classes(
    registry: mex.Registry, protect: Callable[..., Target]
) -> None:
    target = example_target()
    stolen = attacked(registry, "equation-solving", protect(target, "hide-low-confidence"), "proba")
    error = geometric_error(stolen.hypothesis, target.estimator, target.domain)
    assert error is not None
    assert error < 1e-9, "between the threshold and its complement every answer is exact"
