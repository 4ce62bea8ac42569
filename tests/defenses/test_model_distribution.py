"""The distribution of halfspaces: its program, what its draws do, and what it promises honest users."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mex
from mex.dataset import Rows
from mex.testing import check_defense
from mex.testing.examples import example_dataset, example_target
from mex_model_distribution.program import widest

X, Y = load_breast_cancer(return_X_y=True)
TRAIN, HELD_OUT = Rows(X[::2], Y[::2]), Rows(X[1::2], Y[1::2])
MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(TRAIN.X, TRAIN.y)


def target(intercept: bool = True, **options: Any) -> mex.FittedTarget:
    """Logistic regression of breast cancer on raw rows, or homogeneous on standardised ones."""
    if intercept:
        return mex.FittedTarget.wrap(MODEL, domain=mex.Domain.of(X), family=mex.Family("linear"), **options)
    rows = MODEL[0].transform(TRAIN.X)
    model = LogisticRegression(fit_intercept=False).fit(rows, TRAIN.y)
    return mex.FittedTarget.wrap(model, family=mex.Family("linear", {"intercept": False}), **options)


@pytest.fixture
def protect(registry: mex.Registry) -> Callable[..., Any]:
    def build(behind: mex.Target | None = None, train: Rows = TRAIN, seed: int = 0, **params: Any) -> Any:
        defense = registry.build("defense", {"use": "model-distribution", **params})
        return defense.protect(behind or target(), train, np.random.default_rng(seed))

    return build


def constraints(defended: Any, behind: mex.FittedTarget, rows: Rows = TRAIN) -> Any:
    """What each training row is answered rightly with, and which rows are promised it."""
    return 1 - defended.rho_at(rows.X), defended.distribution.reliable


@pytest.mark.parametrize("drift", [0.0, 0.2])
@pytest.mark.parametrize("reliable", [0.8, 1.0])
@pytest.mark.parametrize("C", [0.0, 3.0])
def test_every_reliable_row_is_answered_rightly_with_probability_nu(
    protect: Callable[..., Any], drift: float, reliable: float, C: float
) -> None:
    defended = protect(drift=drift, reliable=reliable, C=C)
    right, promised = constraints(defended, target())
    assert right[promised].min() >= defended.distribution.nu - 1e-6
    assert promised.mean() == pytest.approx(reliable, abs=0.01)
    assert defended.distribution.nu >= 0.9 - 1e-9


def test_the_program_binds_where_nu_was_not_raised(protect: Callable[..., Any]) -> None:
    defended = protect(loss=1.0, nu=0.8)
    right, promised = constraints(defended, target())
    assert defended.distribution.nu == pytest.approx(0.8)
    assert right[promised].min() == pytest.approx(0.8, abs=1e-6), "a wider distribution would break a promise"


@pytest.mark.parametrize("C", [0.0, 8.0])
@pytest.mark.parametrize("drift", [0.0, 0.3])
def test_the_program_finds_what_a_general_solver_finds(C: float, drift: float) -> None:
    rng = np.random.default_rng(3)
    Z, mean = rng.standard_normal((400, 3)), np.array([0.6, 0.0, 0.8])
    signs = np.where(Z @ mean > 0, 1.0, -1.0)
    reliable = np.abs(Z @ mean) > 0.3
    ours = widest(Z, signs, reliable, mean, C, drift)

    def objective(v: Any) -> float:
        return float(C / 2 * v[:3] @ v[:3] - v[:3].sum())

    def room(v: Any) -> Any:
        cone = signs * (Z @ (mean + v[3:])) - np.linalg.norm(Z * v[:3], axis=1)
        edge = signs * (Z @ (mean / 2 + v[3:]))
        return np.where(reliable, cone, edge)

    found = minimize(
        objective,
        np.concatenate([np.full(3, 0.05), np.zeros(3)]),
        method="SLSQP",
        bounds=[(1e-9, 1)] * 3 + [(-drift, drift)] * 3,
        constraints=[
            {"type": "ineq", "fun": room},
            {"type": "eq", "fun": lambda v: v[3:] @ mean},
            {"type": "ineq", "fun": lambda v: drift**2 - v[3:] @ v[3:]},
        ][: 3 if drift else 1],
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert objective(np.append(ours.width, ours.mean - mean)) == pytest.approx(found.fun, abs=1e-5)


def test_rows_that_join_later_leave_no_row_behind() -> None:
    rng = np.random.default_rng(0)
    Z, mean = rng.standard_normal((20_000, 30)), np.eye(30)[0]
    reliable = np.abs(Z[:, 0]) > 0.2
    solution = widest(Z, np.sign(Z[:, 0]), reliable, mean, 0.0, 0.0)
    assert solution.active < 2000
    assert solution.excess(Z, np.sign(Z[:, 0]))[reliable].max() <= 1e-9


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("params", [{}, {"sticky": True}, {"refresh": 3}, {"drift": 0.2}], ids=str)
def test_a_row_is_answered_wrongly_as_often_as_rho_at_says(
    protect: Callable[..., Any], intercept: bool, params: dict[str, Any]
) -> None:
    behind = target(intercept)
    rows = TRAIN.X if intercept else MODEL[0].transform(TRAIN.X)
    defended = protect(behind, Rows(rows, TRAIN.y), loss=1.0, **params)
    near = rows[np.argsort(-defended.rho_at(rows))[:8]]
    asked = np.repeat(near, 4000, axis=0)
    if params.get("sticky"):  # the same row twice has one answer, a row a hair beside it another draw
        asked = asked + 1e-9 * np.random.default_rng(0).standard_normal(asked.shape)
    wrong = (defended.answer(asked, "label") != behind.answer(asked, "label")).reshape(8, 4000).mean(axis=1)
    assert defended.rho_at(near).max() > 0.1
    assert wrong == pytest.approx(defended.rho_at(near), abs=0.06 if "refresh" in params else 0.035)


def test_where_mu_has_drifted_from_the_model_most_draws_are_wrong(protect: Callable[..., Any]) -> None:
    defended = protect(drift=0.5, loss=1.0)
    points = np.random.default_rng(0).normal(X.mean(axis=0), X.std(axis=0), (5000, 30))
    between = points[defended.rho_at(points) > 0.6][:8]
    assert len(between) == 8
    wrong = defended.answer(np.repeat(between, 2000, axis=0), "label") != np.repeat(MODEL.predict(between), 2000)
    assert wrong.reshape(8, 2000).mean(axis=1) == pytest.approx(defended.rho_at(between), abs=0.05)


def test_draws_are_halfspaces(protect: Callable[..., Any]) -> None:
    defended = protect(loss=1.0, refresh=10_000)
    answers = defended.answer(np.repeat(HELD_OUT.X, 3, axis=0), "label")
    fitted = LogisticRegression(C=1e6, max_iter=10_000).fit(MODEL[0].transform(np.repeat(HELD_OUT.X, 3, 0)), answers)
    assert fitted.score(MODEL[0].transform(HELD_OUT.X), answers[::3]) > 0.99


def test_mu_classifies_as_the_model_does(protect: Callable[..., Any]) -> None:
    for drift in (0.0, 0.5):
        assert protect(drift=drift).rho_at(TRAIN.X).max() <= 0.5, "every training row is answered rightly by most draws"
    points = mex.Domain.of(X).sample(2000, np.random.default_rng(0))
    assert protect().rho_at(points).max() <= 0.5
    moved = protect(drift=0.5).distribution.mean @ protect().distribution.mean
    assert 0.85 < moved < 0.999


def test_near_the_boundary_every_answer_is_a_coin(protect: Callable[..., Any]) -> None:
    low, high = X[np.argmin(MODEL.decision_function(X))], X[np.argmax(MODEL.decision_function(X))]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if MODEL.predict(middle[None])[0] == 0 else (low, middle)
    assert protect().rho_at(low[None])[0] == pytest.approx(0.5, abs=1e-6)


def test_the_larger_C_the_closer_the_draws(protect: Callable[..., Any]) -> None:
    sums = [float(protect(C=C, loss=1.0).distribution.spread.sum()) for C in (0.0, 0.1, 1.0, 10.0, 1e4, 1e10)]
    assert all(wide > narrow for wide, narrow in itertools.pairwise(sums)), sums
    assert sums[-1] < 1e-7


def test_honest_users_lose_no_more_than_they_are_promised(protect: Callable[..., Any]) -> None:
    for loss in (0.001, 0.005, 0.02):
        defended = protect(loss=loss, reliable=0.8)
        fair = MODEL.predict(TRAIN.X) == TRAIN.y
        wrong = defended.rho_at(TRAIN.X)
        assert np.mean(np.where(fair, wrong, -wrong)) <= loss + 1e-9
    assert protect(loss=0.001).distribution.nu > protect(loss=0.02).distribution.nu


def test_the_queries_of_an_informed_attacker_follow_the_formula(protect: Callable[..., Any]) -> None:
    distribution = protect(target(False), Rows(MODEL[0].transform(TRAIN.X), TRAIN.y)).distribution
    assert distribution.queries(0.01) == pytest.approx(100 * distribution.queries(0.1))
    P = np.eye(30) - np.outer(distribution.mean, distribution.mean)
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(P @ np.diag(distribution.spread**2) @ P), 0))
    assert distribution.queries(0.1) == pytest.approx(np.pi / 2 * roots.sum() ** 2 / 0.01)


def test_the_units_of_features_do_not_matter(protect: Callable[..., Any]) -> None:
    units = 10.0 ** np.arange(-10, 20)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(TRAIN.X * units, TRAIN.y)
    behind = mex.FittedTarget.wrap(model, domain=mex.Domain.of(X * units), family=mex.Family("linear"))
    scaled = protect(behind, Rows(TRAIN.X * units, TRAIN.y))
    assert scaled.rho_at(HELD_OUT.X * units) == pytest.approx(protect().rho_at(HELD_OUT.X), abs=1e-3)


def test_a_sticky_row_has_one_answer_and_a_shared_draw_serves_its_rows(protect: Callable[..., Any]) -> None:
    sticky = protect(loss=1.0, sticky=True)
    assert np.array_equal(sticky.answer(X, "label"), sticky.answer(X, "label"))
    fresh = protect(loss=1.0)
    assert not np.array_equal(fresh.answer(X, "label"), fresh.answer(X, "label"))
    shared = protect(loss=1.0, refresh=2 * len(X))
    first, second, third = (shared.answer(X, "label") for _ in range(3))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)
    with pytest.raises(mex.UsageError, match="refresh has no meaning beside it"):
        protect(sticky=True, refresh=2)


@pytest.mark.parametrize("spec", ["loss=0.05", "loss=0.05,sticky=true", "loss=0.05,refresh=7", "loss=0.05,drift=0.2"])
def test_it_conforms(registry: mex.Registry, spec: str) -> None:
    defense = registry.build("defense", f"model-distribution:{spec}")
    check_defense(defense, example_target(homogeneous="sticky" in spec or "refresh" in spec))


def test_only_labels_are_offered_and_rho_is_declared(protect: Callable[..., Any]) -> None:
    defended = protect()
    assert (defended.answers, defended.rho) == (("label",), 0.5)
    assert protect(drift=0.1).rho is None
    with pytest.raises(mex.Incompatible, match="gives label answers, not proba"):
        mex.Oracle(defended, answers="proba")


def test_it_turns_around_the_answers_of_a_defense_behind_it(registry: mex.Registry) -> None:
    behind = registry.build("defense", "bounded-noise:rho=1").protect(target(), TRAIN, np.random.default_rng(1))
    defense = registry.build("defense", "model-distribution:C=1e10")
    far = np.abs(MODEL.decision_function(TRAIN.X)) > 1
    defended = defense.protect(behind, TRAIN, np.random.default_rng(0))
    assert (defended.answer(TRAIN.X[far], "label") != MODEL.predict(TRAIN.X[far])).all()
    assert defended.rho == 1


def test_labels_may_be_words(protect: Callable[..., Any]) -> None:
    words = np.array(["bad", "good"])[TRAIN.y]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(TRAIN.X, words)
    defended = protect(mex.FittedTarget.wrap(model, family=mex.Family("linear")), Rows(TRAIN.X, words))
    assert set(defended.answer(X, "label")) == {"bad", "good"}
    assert np.mean(defended.answer(TRAIN.X, "label") == words) > 0.97


def test_constant_features_and_repeated_rows_do_no_harm(protect: Callable[..., Any]) -> None:
    data = example_dataset()
    rows = np.column_stack([np.repeat(data.X, 2, axis=0), np.full(2 * len(data.X), 7.0)])
    y = np.repeat(data.y, 2)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, y)
    behind = mex.FittedTarget.wrap(model, domain=mex.Domain.of(rows), family=mex.Family("linear"))
    right, promised = constraints(protect(behind, Rows(rows, y)), behind, Rows(rows, y))
    assert right[promised].min() >= 0.9 - 1e-6


def test_what_it_cannot_do_is_one_sentence(protect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    none = Rows(np.empty((0, 30)), np.empty(0))
    with pytest.raises(mex.Incompatible, match="learns from the operator's rows, and there are none"):
        protect(train=none)
    one = MODEL.predict(TRAIN.X) == 1
    with pytest.raises(mex.Incompatible, match="answers every training row with 1, so any draw would do"):
        protect(train=Rows(TRAIN.X[one], TRAIN.y[one]))
    with pytest.raises(mex.Incompatible, match="this interface gives value"):
        protect(example_target("regression"))
    with pytest.raises(mex.Incompatible, match="draws halfspaces, and this model is not one"):
        protect(example_target("multiclass"))
    monkeypatch.setitem(sys.modules, "clarabel", None)
    with pytest.raises(mex.Incompatible, match=r"with Clarabel: pip install 'model-extraction\[defenses\]'"):
        protect()
