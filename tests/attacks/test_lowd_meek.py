"""The attack ``lowd-meek``: every weight to its share of precision, in few queries."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from toys import plane

import mex
from mex import Domain, Family, FittedTarget, Oracle, UsageError, extract
from mex.toolkit.halfspaces import boundary
from mex.toolkit.metrics import geometric_error
from mex.types import Array, FloatArray
from mex_lowd_meek.attack import LineSearchLearner, LowdMeek


def uniform(d: int, rng: np.random.Generator) -> FloatArray:
    w = rng.standard_normal(d)
    return np.asarray(w / np.linalg.norm(w))


def search(w: FloatArray, eps: float, rng: np.random.Generator) -> tuple[LineSearchLearner, int, int]:
    """A search that is done, its queries and its rounds."""
    learner, queries, rounds = LineSearchLearner(len(w), eps, 1e-6, rng), 0, 0
    while (V := learner.ask()) is not None:
        learner.tell(V, np.where(V @ w > 0, 1.0, -1.0))
        queries, rounds = queries + len(V), rounds + 1
    return learner, queries, rounds


def target_of(w: FloatArray, domain: str, estimator: Any = None) -> FittedTarget:
    """A halfspace through the origin of R^d, beside it, or in a box that is not centred."""
    d = len(w)
    box = Domain(np.full(d, -3.0), np.full(d, 2.0)) if domain == "box" else Domain.reals(d)
    intercept = 0.0 if domain == "homogeneous" else 0.3 * float(np.abs(w).max())
    family = Family("linear", {"intercept": domain != "homogeneous"})
    return FittedTarget.wrap(estimator or plane(w, intercept), domain=box, family=family)


def steal(attack: LowdMeek, target: FittedTarget, budget: int | None = None, seed: int = 0) -> mex.Extraction:
    oracle = Oracle(target, budget=budget)
    return extract(oracle, attack.learner(oracle.knowledge(), np.random.default_rng(seed)), snapshots=False)


class Contrary:
    """Answers as it is told, whatever the rows."""

    def __init__(self, draw: Any) -> None:
        self.classes_, self._draw = np.array([-1, 1]), draw

    def predict(self, X: FloatArray) -> Array:
        return np.asarray(self._draw(len(X)))


# Precision and price


@pytest.mark.parametrize("eps", [0.3, 1e-2, 1e-5])
def test_each_weight_is_known_to_a_share_of_itself(eps: float) -> None:
    rng = np.random.default_rng(0)
    for d in (2, 5, 20):
        for _ in range(5):
            w = uniform(d, rng)
            found = search(w, eps, rng)[0].estimate()
            ratios = (found / found[0]) / (w / w[0])
            assert np.all(np.abs(np.log(ratios)) <= 2 * np.log1p(eps / (1 - eps)))
            assert np.linalg.norm(found - w) <= eps
            assert found @ w > 0.9


def test_weights_of_zero_are_found_to_be_zero() -> None:
    w = np.array([0.0, 3.0, 0.0, -4.0, 0.0])
    for seed in range(10):
        learner, queries, _ = search(w, 1e-3, np.random.default_rng(seed))
        assert np.array_equal(learner.estimate() == 0, w == 0)
        assert queries < 2 + 3 + 2 * 4 + 13


@pytest.mark.parametrize(("d", "paper", "reached"), [(13, 189, 0.071), (30, 940, 0.162), (64, 1879, 0.665)])
def test_it_takes_fewer_queries_than_the_papers_table_2(d: int, paper: int, reached: float) -> None:
    rng, asked = np.random.default_rng(d), []
    for _ in range(5):
        w = uniform(d, rng)
        learner, queries, _ = search(w, reached, rng)
        assert np.linalg.norm(learner.estimate() - w) <= reached
        asked.append(queries)
    assert 0.15 * paper < np.mean(asked) < 0.6 * paper


def test_queries_grow_with_the_log_of_the_precision() -> None:
    rng = np.random.default_rng(1)
    w = uniform(30, rng)
    asked = [search(w, 2.0**-bits, np.random.default_rng(2))[1] for bits in (6, 12, 18)]
    assert asked[2] - asked[1] == asked[1] - asked[0] == 6 * 29


def test_all_features_are_searched_at_once() -> None:
    rng = np.random.default_rng(3)
    _, queries, rounds = search(uniform(64, rng), 1e-4, rng)
    assert rounds < 45 < queries / 20


# Targets as they come

WEIGHTS = {
    "one": [2.0],
    "one, negative": [-2.0],
    "two": [1.0, -2.0],
    "zeros": [0.0, 0.0, 1.0, 0.0, -2.0, 0.0, 0.0],
    "scales": [1e-8, -1e-6, 1e-4, 1e-2, -1.0, 1e2, -1e4, 1e6, 1e8],
    "duplicates": [1.0] * 6,
    "tiny": [3e-8, -1e-8, 2e-8],
    "huge": [3e8, -1e8, 2e8],
}


@pytest.mark.parametrize("domain", ["homogeneous", "affine", "box"])
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_it_steals_any_halfspace(weights: list[float], domain: str) -> None:
    target = target_of(np.array(weights), domain)
    for seed in range(3):
        stolen = steal(LowdMeek(eps=1e-4), target, seed=seed)
        error = geometric_error(stolen.hypothesis, target.estimator, target.domain)
        assert error is not None
        assert error <= 1e-4
        assert stolen.note == ""


@pytest.mark.parametrize("light", [1e-3, 1e-9, 1e-15])
def test_a_witness_of_little_weight_will_do(light: float) -> None:
    class OfTheFirst(LineSearchLearner):
        def _find_witness(self) -> Generator[FloatArray, Array, FloatArray | None]:
            yield np.eye(3)
            return np.array([-1.0, 0.0, 0.0])

    w = np.array([-light, 0.6, 0.8])
    learner = OfTheFirst(3, 1e-4, 1e-6, np.random.default_rng(0))
    while (V := learner.ask()) is not None:
        learner.tell(V, np.where(V @ w > 0, 1.0, -1.0))
    assert np.linalg.norm(learner.estimate() - w) <= 1e-4


def test_it_steals_a_fitted_model_with_its_intercept(breast_cancer: mex.Dataset) -> None:
    X = breast_cancer.X / breast_cancer.X.std(axis=0)
    model = LogisticRegression(C=0.1).fit(X[::2], breast_cancer.y[::2])
    target = FittedTarget.wrap(model, domain=Domain(X.min(axis=0), X.max(axis=0)), family=Family("linear"))
    stolen = steal(LowdMeek(eps=1e-4), target)
    assert np.array_equal(stolen.hypothesis.predict(X), model.predict(X))
    assert stolen.queries < 700


@pytest.mark.parametrize("domain", ["homogeneous", "affine", "box"])
def test_random_labels_come_to_an_end(domain: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        random = Contrary(lambda n, rng=rng: 2 * rng.integers(2, size=n) - 1)
        stolen = steal(LowdMeek(eps=1e-3), target_of(np.ones(5), domain, random), budget=5000, seed=seed)
        assert stolen.stopped == "done"


@pytest.mark.parametrize("label", [-1, 1])
def test_a_single_label_gets_a_note(label: int) -> None:
    stolen = steal(LowdMeek(), target_of(np.ones(5), "homogeneous", Contrary(lambda n: np.full(n, label))))
    assert "one label" in stolen.note
    assert "of its own check" not in stolen.note
    assert stolen.queries == 4, "a direction and its opposite, and two rows to be sure"
    assert stolen.hypothesis.predict(np.eye(5)).tolist() == [label] * 5


def test_a_single_label_in_a_box_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "PATIENCE", 100)
    constant = target_of(np.ones(2), "box", Contrary(lambda n: np.ones(n, dtype=int)))
    stolen = steal(LowdMeek(), constant)
    assert "no other label was seen" in stolen.note
    assert stolen.hypothesis.predict(np.zeros((1, 2))).tolist() == [1]


@pytest.mark.parametrize("eps", [1e-300, 1e-13, 5.0])
def test_any_eps_comes_to_an_end(eps: float) -> None:
    stolen = steal(LowdMeek(eps=eps), target_of(np.array([1.0, 2.0, -0.5]), "box"), budget=1000)
    assert stolen.stopped == "done"


# The contract


def test_the_estimate_is_zero_before_the_first_answer() -> None:
    assert not LineSearchLearner(4, 1e-2, 1e-6, np.random.default_rng(0)).estimate().any()


@pytest.mark.parametrize(("rho", "says"), [(0.0, ""), (0.1, "10%"), (None, "unknown share")])
def test_labels_that_may_be_wrong_get_a_note(rho: float | None, says: str) -> None:
    stolen = steal(LowdMeek(), attrs.evolve(target_of(np.ones(3), "affine"), rho=rho))
    assert (says in stolen.note) if says else stolen.note == ""


@pytest.mark.parametrize("bad", [{"eps": 0}, {"eps": "x"}, {"zero": 0}, {"zero": 1}])
def test_bad_parameters_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(bad))):
        LowdMeek(**bad)
