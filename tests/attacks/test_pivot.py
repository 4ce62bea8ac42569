"""The attack ``pivot``: near the information bound, honest about its error, and hard to confuse."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest
from scipy.stats import norm
from toys import plane

from mex import Domain, Extraction, Family, FittedTarget, Incompatible, Oracle, UsageError, extract, halfspace
from mex.target import knowledge
from mex.toolkit.bounds import capacity, proposition_1, query_bound, repeats, sphere_bits
from mex.types import Array, BoolArray, FloatArray
from mex_pivot.answer_model import AnswerModel
from mex_pivot.around import Around
from mex_pivot.attack import Pivot
from mex_pivot.box import Box
from mex_pivot.exact import ExactSearch
from mex_pivot.frame import Frame, basis
from mex_pivot.gross import GrossError
from mex_pivot.groups import Groups, Ratios
from mex_pivot.joint import JointSearch
from mex_pivot.noisy import UNTESTED, NoisySearch
from mex_pivot.posteriors import GRID, Posteriors
from mex_pivot.search import Goal, Search


def unit(w: FloatArray) -> FloatArray:
    return np.asarray(w / np.linalg.norm(w))


def run(
    attack: Pivot,
    w: FloatArray,
    *,
    rho: float = 0.0,
    known: float | None = 0.0,
    sticky: bool = False,
    seed: int = 0,
) -> tuple[Search, FloatArray, int]:
    """Let a search ask sign(<w, x>) with flips: the search, the directions asked, and how often it asked."""
    rng, noise = np.random.default_rng(seed).spawn(2)
    search, asked = attack.search(len(w), known, rng), []
    memory: dict[bytes, bool] = {}
    while (V := search.ask()) is not None:
        flipped: BoolArray = noise.random(len(V)) < rho
        if sticky:
            flipped = np.array([memory.setdefault(v.tobytes(), f) for v, f in zip(V, flipped, strict=True)])
        search.tell(V, np.where((V @ w >= 0) != flipped, 1.0, -1.0))
        asked.append(V)
    return search, np.concatenate(asked), len(asked)


def campaign(attack: Pivot, d: int, targets: int, **how: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Errors in units of eps, queries and asks over uniform targets; no two queries of a run are alike."""
    results = []
    for seed in range(targets):
        w = unit(np.random.default_rng(1000 + seed).standard_normal(d))
        search, asked, asks = run(attack, w, seed=seed, **how)
        assert search.note in ("", UNTESTED)
        assert len(np.unique(asked, axis=0)) == len(asked)
        results.append((np.linalg.norm(search.estimate() - w) / attack.eps, len(asked), asks))
    errors, queries, asks = np.array(results, dtype=np.float64).T
    return errors, queries, asks


# How many queries, and how honest


@pytest.mark.parametrize(
    ("d", "eps", "mode", "most"),
    [
        (10, 1e-1, "sequential", 1.15),
        (10, 1e-4, "sequential", 1.04),
        (50, 1e-1, "sequential", 1.13),
        (50, 1e-4, "sequential", 1.035),
        (50, 1e-4, "batch", 1.04),
        (200, 1e-4, "sequential", 1.03),
    ],
)
def test_without_noise_it_asks_little_more_than_the_bound_and_keeps_its_confidence(
    d: int, eps: float, mode: str, most: float
) -> None:
    errors, queries, asks = campaign(Pivot(eps=eps, mode=mode), d, 50 if d < 200 else 5)
    assert queries.mean() <= most * sphere_bits(d, eps)
    assert np.mean(errors <= 1) >= 0.85
    # A stop that looks at w* would never be wrong, and one that does not know its error would be far too strict.
    assert errors.max() > 1 or d == 200
    assert np.median(errors) > 0.6
    if mode == "batch":
        assert np.quantile(asks, 0.9) <= 25


def test_the_confidence_is_what_is_asked_for() -> None:
    success = [np.mean(campaign(Pivot(eps=0.01, confidence=c), 8, 60)[0] <= 1) for c in (0.5, 0.75, 0.9, 0.99)]
    assert np.all(np.array(success) > np.array([0.5, 0.75, 0.9, 0.99]) - 0.06)
    assert success[0] < 0.75
    assert success[0] < success[1] < success[3]


def test_the_root_mean_square_is_eps() -> None:
    errors, queries, _ = campaign(Pivot(eps=1e-3, stop="rms"), 30, 40)
    assert 0.9 <= np.sqrt(np.mean(errors**2)) <= 1.05
    assert queries.mean() <= 1.04 * sphere_bits(30, 1e-3)


@pytest.mark.parametrize("d", [2, 3, 10, 50])
@pytest.mark.parametrize("eps", [0.5, 0.1, 1e-4])
def test_a_certificate_holds_for_every_target(d: int, eps: float) -> None:
    errors, queries, _ = campaign(Pivot(eps=eps, stop="certified"), d, 15)
    assert errors.max() <= 1
    if (d, eps) == (50, 1e-4):
        assert queries.mean() <= 1.09 * sphere_bits(d, eps)


def test_a_certificate_bounds_the_farthest_corner_of_the_box() -> None:
    attack, farthest = Pivot(eps=0.2, stop="certified"), []
    low_or_high = np.array(list(itertools.product([False, True], repeat=5)))
    for seed in range(40):
        search, _, _ = run(attack, unit(np.random.default_rng(seed).standard_normal(6)), seed=seed)
        assert isinstance(search, ExactSearch)
        box, frame = search._box, search._frame
        assert box is not None
        assert frame is not None
        corners = box.side * np.where(low_or_high, box.low, box.high)
        farthest.append(max(np.linalg.norm(frame.normal(corner) - search.estimate()) for corner in corners))
    assert 0.85 * attack.eps < max(farthest) <= attack.eps


@pytest.mark.parametrize(
    ("d", "eps", "rho", "targets", "most"),
    [(50, 1e-1, 0.1, 2, 1.34), (30, 1e-4, 0.1, 1, 1.14), (10, 1e-2, 0.3, 3, 1.6)],
)
def test_with_noise_it_stays_near_the_capacity_bound(d: int, eps: float, rho: float, targets: int, most: float) -> None:
    errors, queries, _ = campaign(Pivot(eps=eps), d, targets, rho=rho, known=rho)
    assert queries.mean() <= most * query_bound(d, eps, rho)
    assert errors.max() <= 2


def test_with_noise_the_confidence_is_what_is_asked_for() -> None:
    half, sure = (campaign(Pivot(eps=0.1, confidence=c), 6, 10, rho=0.15, known=0.15) for c in (0.5, 0.99))
    assert np.mean(half[0] <= 1) >= 0.5
    assert np.mean(sure[0] <= 1) >= 0.9
    assert sure[0].max() <= 2
    assert np.median(half[0]) > 1.3 * np.median(sure[0])
    assert half[1].mean() < 0.9 * sure[1].mean()


def test_an_error_far_from_what_is_found_shows_in_tests_off_the_mean() -> None:
    # After so few answers, of which so many are wrong, what is found first is more than 3 eps off in one of eight runs.
    errors, _, _ = campaign(Pivot(eps=1e-2), 5, 16, rho=0.1, known=0.1)
    assert np.mean(errors <= 1) >= 0.85
    assert errors.max() <= 3


@pytest.mark.parametrize("flat", [1.0, 1e2, 1e6, 1e9])
def test_directions_at_even_odds_are_told_apart_however_long_the_axes_are(flat: float) -> None:
    d, rng = 6, np.random.default_rng(0)
    normal = unit(rng.standard_normal(d))
    root = np.linalg.qr(rng.standard_normal((d, d)))[0] * np.geomspace(1, 1 / flat, d)
    around = Around(normal, root - np.multiply.outer(normal, normal @ root))
    X = around.even(d - 1, rng)
    spread = X @ around.root
    spread /= np.linalg.norm(spread, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1)
    np.testing.assert_allclose(X @ normal, 0, atol=1e-12)
    if flat < 1e7:  # beyond it rounding leaves nothing of the short axes
        np.testing.assert_allclose(spread @ spread.T, np.eye(d - 1), atol=1e-3)


@pytest.mark.parametrize(("d", "eps", "rho", "targets", "most"), [(30, 1e-2, 0.1, 2, 1.3), (12, 1e-1, 0.3, 4, 1.9)])
def test_batches_of_noisy_answers_take_few_asks_and_keep_the_confidence(
    d: int, eps: float, rho: float, targets: int, most: float
) -> None:
    errors, queries, asks = campaign(Pivot(eps=eps, mode="batch"), d, targets, rho=rho, known=rho)
    assert np.mean(errors <= 1) >= 0.75
    assert errors.max() <= 2
    assert queries.mean() <= most * query_bound(d, eps, rho)
    assert asks.mean() <= 40


def test_an_end_in_so_many_dimensions_that_no_joint_posterior_tells_it_says_so() -> None:
    w = unit(np.random.default_rng(0).standard_normal(300))
    search, _, _ = run(Pivot(eps=0.3, mode="batch"), w, rho=0.05, known=0.05)
    assert "of each ratio of weights alone" in search.note


def test_noise_that_sticks_to_rows_is_no_harder() -> None:
    errors, queries, _ = campaign(Pivot(eps=1e-2), 8, 5, rho=0.2, known=0.2, sticky=True)
    assert np.mean(errors <= 1) >= 0.8
    assert queries.mean() <= 1.6 * query_bound(8, 1e-2, 0.2)


@pytest.mark.parametrize(("rho", "most"), [(0.0, 2.0), (0.1, 2.5), (0.3, 3.0)])
def test_an_unknown_rate_is_found_out_without_losing_the_confidence(rho: float, most: float) -> None:
    errors, queries, _ = campaign(Pivot(eps=1e-2), 4, 3, rho=rho, known=None)
    assert np.mean(errors <= 1) >= 0.7
    assert errors.max() <= 3
    assert queries.mean() <= most * query_bound(4, 1e-2, rho)


def lost(w: FloatArray, rho: float, known: float | None) -> JointSearch:
    """A search whose posterior lies at the opposite of w, though most of its answers are for w."""
    rng = np.random.default_rng(3)
    scores = np.geomspace(1.0, 1e-3, 400) * rng.choice([-1.0, 1.0], 400)
    X = rng.standard_normal((400, len(w)))
    X += np.multiply.outer(scores - X @ w, w)
    search = Pivot(eps=1e-2).search(len(w), known, rng)
    assert isinstance(search, JointSearch)
    search._asked = len(X)
    search._posterior.add(X * np.where((scores > 0) != (rng.random(400) < rho), 1.0, -1.0)[:, None], at_once=True)
    search._posterior.mean = -w
    return search


@pytest.mark.parametrize("known", [0.3, None])
def test_a_posterior_that_most_answers_contradict_is_computed_afresh(known: float | None) -> None:
    w = unit(np.random.default_rng(0).standard_normal(6))
    search = lost(w, 0.3, known)
    before = search._lost
    search._compute_afresh()
    assert (before, search._lost) == (True, False)
    assert search.estimate() @ w > 0.99
    assert search._posterior.model.rho == pytest.approx(0.3, abs=0.06)


def test_no_normal_is_handed_over_that_most_answers_contradict() -> None:
    w = unit(np.random.default_rng(0).standard_normal(6))
    search = lost(w, 0.3, 0.05)
    search._check_fit()
    assert search.estimate() == pytest.approx(w)
    assert re.match(r"\d+% of the answers disagree with the best halfspace, more than rho = 0.05", search.note)


def test_a_rate_taken_for_too_small_is_noticed() -> None:
    search, _, _ = run(Pivot(eps=1e-2), unit(np.ones(8)), rho=0.35, known=0.05)
    assert "than rho = 0.05 explains" in search.note


def test_the_mean_square_is_wanted_with_noise_too() -> None:
    errors, _, _ = campaign(Pivot(eps=1e-2, stop="rms"), 5, 8, rho=0.1, known=0.1)
    assert np.sqrt(np.mean(errors**2)) <= 1


# Weights that are not like a uniform draw

D = 8
WEIGHTS = {
    "zeros": np.where(np.arange(D) < 5, 0.0, np.linspace(-1, 2, D)),
    "one feature": -np.eye(D)[4],
    "equal": np.ones(D),
    "duplicates": np.repeat([1.0, -3.0], 4),
    "tiny and huge": 10.0 ** np.linspace(-8, 8, D),
    "huge and tiny": -(10.0 ** np.linspace(8, -8, D)),
    "dimension 1": np.array([-3.0]),
    "dimension 2": np.array([1.0, -1e-3]),
    "dimension 2, axis": np.array([0.0, -2.0]),
    "dimension 3": np.array([0.0, 1.0, 1.0]),
}


@pytest.mark.parametrize(
    ("rho", "known", "kind"),
    [(0.0, 0.0, "random"), (0.0, 0.0, "canonical"), (0.1, 0.1, "canonical"), (0.1, None, "random")],
)
@pytest.mark.parametrize("name", WEIGHTS)
def test_any_weights_are_found(name: str, rho: float, known: float | None, kind: str) -> None:
    w, eps = unit(WEIGHTS[name]), 1e-3 if rho else 1e-4
    search, asked, _ = run(Pivot(eps=eps, basis=kind, confidence=0.99), w, rho=rho, known=known, seed=2)
    assert np.linalg.norm(search.estimate() - w) <= 2 * eps
    assert len(asked) < 7000
    assert search.note == ""


@pytest.mark.parametrize("known", [0.0, 0.1])
def test_the_canonical_basis_asks_few_features_at_a_time(known: float) -> None:
    _, asked, _ = run(Pivot(eps=1e-3, basis="canonical"), unit(np.arange(1.0, 31)))
    assert np.count_nonzero(asked, axis=1).max() <= 3


def test_a_pivot_that_is_no_part_of_the_weights_is_left() -> None:
    w = np.zeros(10)
    w[7:] = unit(np.array([1.0, -2.0, 2.0]))
    search, asked, _ = run(Pivot(eps=1e-3, basis="canonical"), w)
    assert np.linalg.norm(search.estimate() - w) <= 1e-3
    assert np.count_nonzero(asked[0]) == 1
    assert np.count_nonzero(asked[-1]) == 10


@pytest.mark.parametrize(
    ("d", "eps", "stop", "known"),
    [
        *((20, eps, stop, 0.0) for eps in (1e-14, 1e-17, 1e-300) for stop in ("confidence", "certified")),
        (6, 1e-300, "confidence", 0.1),
    ],
)
def test_below_the_resolution_of_float64_it_ends_and_says_so(d: int, eps: float, stop: str, known: float) -> None:
    w = unit(np.random.default_rng(5).standard_normal(d))
    search, asked, _ = run(Pivot(eps=eps, stop=stop), w, rho=known, known=known)
    assert np.linalg.norm(search.estimate() - w) < 1e-12
    assert len(asked) < 3000
    if eps < 1e-15:
        assert "float64" in search.note


# Oracles that are no halfspace


def constant(V: FloatArray) -> FloatArray:
    return np.ones(len(V))


def other_constant(V: FloatArray) -> FloatArray:
    return -np.ones(len(V))


def even(V: FloatArray) -> FloatArray:
    return np.where(np.abs(V).sum(axis=1) > 2, 1.0, -1.0)


def coin(V: FloatArray) -> FloatArray:
    return np.where(np.random.default_rng(len(V)).random(len(V)) < 0.5, 1.0, -1.0)


@pytest.mark.parametrize(
    ("d", "known", "kind"),
    [
        *((d, known, "random") for d in (1, 3) for known in (0.1, 0.4, None)),
        *((d, 0.0, kind) for d in (1, 8) for kind in ("random", "canonical")),
    ],
)
@pytest.mark.parametrize("answer", [constant, other_constant, even, coin])
def test_answers_of_no_halfspace_come_to_an_end(
    answer: Callable[[FloatArray], FloatArray], d: int, known: float | None, kind: str
) -> None:
    eps = 0.3 if known == 0.4 else 1e-3
    search, n = Pivot(eps=eps, basis=kind).search(d, known, np.random.default_rng(0)), 0
    while (V := search.ask()) is not None:
        n += len(V)
        assert n < 400_000
        search.tell(V, answer(V))
    assert np.isfinite(search.estimate()).all()
    if answer in (constant, other_constant):
        assert "every answer was the same" in search.note


@pytest.mark.parametrize(("d", "eps"), [(4, 1e-1), (6, 1e-4), (30, 1e-2)])
def test_coin_flips_are_recognised_in_a_few_hundred_queries_if_the_rate_is_to_be_found_out(d: int, eps: float) -> None:
    asked = []
    for seed in range(3):
        search, rng = Pivot(eps=eps).search(d, None, np.random.default_rng(seed)), np.random.default_rng([seed, 1])
        while (V := search.ask()) is not None:
            search.tell(V, np.where(rng.random(len(V)) < 0.5, 1.0, -1.0))
        assert "tell nothing" in search.note
        asked.append(search._asked)
    assert np.median(asked) <= 700


def test_a_large_unknown_rate_is_not_taken_for_a_coin() -> None:
    campaign(Pivot(eps=0.2), 3, 2, rho=0.38, known=None)


def test_where_the_rate_is_not_known_no_narrow_posterior_is_believed_without_tests() -> None:
    # Bisection asks at even odds: no answer contradicts what it finds, and a rate of nothing seems to explain them all.
    goal, few = Goal(eps=1e-2, stop="confidence", confidence=0.9), {}
    for known in (False, True):
        gross, tests = GrossError(6, goal, 1e-2, known_rho=known), 0
        gross.begin(rho=1e-3)
        while not gross.unlikely:
            gross.tell(0, 1, rho=1e-3)
            tests += 1
        few[known] = tests
    assert few[True] == 0
    assert 9 <= few[False] <= 12  # half of the answers are surprises at random: so many in a row are not


# The posteriors


def test_a_box_is_cut_where_half_of_the_prior_is() -> None:
    rng = np.random.default_rng(0)
    w = np.abs(rng.standard_normal((400_000, 4)))
    v = w[:, 1:] / w[:, :1]
    v = v[v[:, 0] <= 1]
    box = Box(np.array([0.0, 1.0, 1.0]), np.array([1.0, np.inf, np.inf]))
    box.cut(np.array([0]), np.zeros(1), np.ones(1))
    for row in (1, 2, 0, 1, 2):
        t = box.medians(np.array([row]))
        above = v[:, row] > t[0]
        assert np.mean(above) == pytest.approx(0.5, abs=0.02)
        keep = above if row == 1 else ~above
        v = v[keep]
        box.cut(np.array([row]), t, np.where(keep[:1] == above[:1], *(1.0, -1.0)) if row == 1 else -np.ones(1))
    assert len(v) > 1000


def brute_force(steps: list[AnswerModel], yes: list[bool], rho: float) -> tuple[FloatArray, FloatArray]:
    """Points of the grid's cells, finely, and their posterior under a prior that is flat in each cell."""
    fresh = Posteriors(1, rho)
    edges = np.concatenate([np.linspace(a, b, 400, endpoint=False) for a, b in itertools.pairwise(GRID)])
    points = edges + np.repeat(np.diff(GRID), 400) / 800
    mass = np.repeat(fresh._prior[0, : len(GRID) - 1], 400) / 400
    for step, answer in zip(steps, yes, strict=True):
        right = step.probability(points[None])[0]
        mass = mass * (rho + (1 - 2 * rho) * (right if answer else 1 - right))
    return points, mass / mass.sum()


@pytest.mark.parametrize("rho", [0.1, 0.2, 0.4])
def test_the_posterior_is_that_of_bayes_whatever_is_asked(rho: float) -> None:
    rng, row = np.random.default_rng(3), np.array([0])
    posterior, steps, answers = Posteriors(1, rho), [], []
    for _ in range(14):
        t = posterior.quantile(row, float(rng.uniform(0.1, 0.9)))
        step, yes = AnswerModel(t), bool((t[0] < 0.35) != (rng.random() < rho))
        posterior.tell(row, step, np.array([yes]))
        steps.append(step)
        answers.append(yes)
    points, mass = brute_force(steps, answers, rho)
    at = posterior.quantile(row, 0.3)[0], posterior.quantile(row, 0.8)[0]
    assert mass[points < at[0]].sum() == pytest.approx(0.3, abs=0.02)
    assert mass[points < at[1]].sum() == pytest.approx(0.8, abs=0.02)
    window = posterior.window(row, np.array([0.35]), np.array([0.1]))
    inside = np.abs(points - 0.35) < 0.1
    assert window.inside[0] == pytest.approx(mass[inside].sum(), abs=0.01)
    assert window.second[0] == pytest.approx((mass * (points - 0.35) ** 2)[inside].sum(), rel=0.1)
    assert window.left[0] + window.inside[0] + window.right[0] == pytest.approx(1)


def test_a_blurred_step_weighs_cells_by_the_chance_of_the_answer() -> None:
    row, one = np.array([0]), np.ones(1)
    posterior = Posteriors(1, 0.1)
    step = AnswerModel(np.array([0.5]), -one, 0.4 * one, 0.1 * one, 0.05 * one)
    chance = step.probability(np.array([[0.5, 0.9]]))[0]
    assert chance == pytest.approx([0.1 + 0.85 / 2, 0.1 + 0.85 * norm.cdf(-1)])
    posterior.tell(row, step, np.array([True]))
    points, mass = brute_force([step], [True], 0.1)
    assert mass[points < posterior.quantile(row, 0.5)[0]].sum() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("yes", "answers", "rho"), [(True, 14, 0.2), (False, 14, 0.2), (True, 8, 0.1)])
def test_a_group_answer_updates_each_of_its_ratios_as_the_joint_posterior_would(
    yes: bool, answers: int, rho: float
) -> None:
    rng, rows = np.random.default_rng(4), np.arange(3)
    posteriors, v = Posteriors(3, rho), np.array([0.2, -0.4, 0.6])
    for _ in range(answers):
        t = posteriors.quantile(rows, 0.5)
        posteriors.tell(rows, AnswerModel(t), (t < v) != (rng.random(3) < rho))
    view = Ratios.unknown(3)
    view.update(posteriors, rows, 0.4)
    assert (view.left + view.right).max() > 0.02  # there is something to rule out
    groups = Groups(rows, np.zeros(3, dtype=int), np.array([1.0, -1.0, 1.0]), np.array([0.4]), view)

    # Draws from the three posteriors, weighed by the answer to the direction that is asked.
    shares = (np.arange(600) + 0.5) / 600
    draws = np.array([posteriors.quantile(rows, share) for share in shares])
    joint = np.column_stack([rng.choice(draws[:, j], 200_000) for j in rows])
    frame = Frame(np.eye(4)[0], np.eye(4)[1:])
    above = np.column_stack([np.ones(len(joint)), joint]) @ groups.directions(frame)[0] > 0
    weight = np.where(above == yes, 1 - rho, rho)
    groups.tell(posteriors, np.array([yes]))
    for j, point in itertools.product(rows, np.linspace(0.05, 0.95, 19)):
        at = posteriors.quantile(rows, point)[j]
        assert weight[joint[:, j] < at].sum() / weight.sum() == pytest.approx(point, abs=0.025)


def test_groups_change_from_one_round_to_the_next() -> None:
    rng, rows = np.random.default_rng(0), np.arange(9)
    posteriors, view, frame = Posteriors(9, 0.2), Ratios.unknown(9), Frame(np.eye(10)[0], np.eye(10)[1:])
    for _ in range(60):
        t = posteriors.quantile(rows, 0.5)
        posteriors.tell(rows, AnswerModel(t), (t < 0.3) != (rng.random(9) < 0.2))
    view.update(posteriors, rows, 1e-2)
    first, second = (Groups.of(view, rows, rng).directions(frame) for _ in range(2))
    assert len(np.intersect1d(first[:, 0], second[:, 0])) == 0
    assert len(first) < 9
    assert np.count_nonzero(first[:, 1:]) == 9


@pytest.mark.parametrize("settled", [True, False])
def test_making_room_changes_no_posterior(settled: bool) -> None:
    rng, rows = np.random.default_rng(0), np.arange(6)
    posteriors = Posteriors(6, 0.15)
    for _ in range(80):
        t = posteriors.quantile(rows, 0.5)
        posteriors.tell(rows, AnswerModel(t), (t < rows / 3) != (rng.random(6) < 0.15))

    def shape() -> FloatArray:
        return np.concatenate([posteriors.quantile(rows, q) for q in (0.01, 0.5, 0.99)])

    before, cells = shape(), posteriors._used.max()
    if settled:
        posteriors.stop_learning()
        assert posteriors._used.max() < cells / 2
    else:
        posteriors._merge_cells()
    np.testing.assert_allclose(shape(), before, rtol=1e-3, atol=1e-6)


def test_making_room_far_from_the_prior_invents_no_evidence() -> None:
    # Far cells have next to no prior mass once s is known: their likelihood must survive being merged all the same.
    rng, rows = np.random.default_rng(0), np.arange(30)
    posteriors, v = Posteriors(30, 0.2), rng.standard_normal(30)
    for _ in range(60):
        t = posteriors.quantile(rows, 0.5)
        posteriors.tell(rows, AnswerModel(t), (t < v) != (rng.random(30) < 0.2))
        assert 0.1 < posteriors.learn_scale() < 3
    assert np.abs(posteriors.quantile(rows, 0.5)).max() < 10


def test_the_evidence_prefers_the_true_rate() -> None:
    rng, rows = np.random.default_rng(0), np.arange(40)
    posteriors, v = Posteriors(40, 0.3), rng.standard_normal(40)
    for _ in range(40):
        t = posteriors.quantile(rows, 0.5)
        posteriors.tell(rows, AnswerModel(t), (t < v) != (rng.random(40) < 0.2))
    rhos = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4])
    assert rhos[np.argmax(posteriors.log_evidence(rhos))] == 0.2


@pytest.mark.parametrize("kind", ["random", "canonical"])
def test_a_frame_is_orthonormal_however_it_is_turned(kind: str) -> None:
    rows = basis(kind, 7, np.random.default_rng(0))
    frame = Frame(rows[0], rows[1:]).rotated(0.3)
    all_rows = np.vstack([frame.pivot, frame.others])
    np.testing.assert_allclose(all_rows @ all_rows.T, np.eye(7), atol=1e-12)
    assert frame.pivot @ rows[1] == pytest.approx(np.sin(0.3))


# As a component


def target_of(w: FloatArray, **changes: Any) -> FittedTarget:
    target = FittedTarget.wrap(plane(w), family=Family("linear", {"intercept": False}))
    return attrs.evolve(target, **changes)


def steal(attack: Pivot, target: FittedTarget, budget: int | None = None, seed: int = 0) -> Extraction:
    oracle = Oracle(target, budget=budget)
    return extract(oracle, attack.learner(oracle.knowledge(), np.random.default_rng(seed)), snapshots=False)


def test_labels_of_any_kind_are_learned() -> None:
    w = unit(np.random.default_rng(0).standard_normal(8))
    classes = np.array(["honest", "stolen"])
    target = target_of(w, estimator=halfspace(w, classes=classes), classes=classes)
    stolen = steal(Pivot(eps=1e-3), target).hypothesis
    assert list(stolen.classes_) == ["honest", "stolen"]
    assert np.linalg.norm(stolen.coef_[0] - w) <= 1e-3


@pytest.mark.parametrize("rho", [0.0, 0.2])
def test_the_same_seed_asks_the_same_rows(rho: float) -> None:
    w = unit(np.random.default_rng(0).standard_normal(4))
    first, second = (run(Pivot(eps=1e-2), w, rho=rho, known=rho, seed=4)[1] for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != run(Pivot(eps=1e-2), w, rho=rho, known=rho, seed=5)[1].tobytes()


@pytest.mark.parametrize("rho", [0.0, 0.1])
def test_a_budget_ends_it_with_what_is_known(rho: float) -> None:
    w = unit(np.random.default_rng(0).standard_normal(20))
    X = np.random.default_rng(1).standard_normal((4000, 20))
    wrong = []
    for budget in (1, 7, 60, 150):
        stolen = steal(Pivot(rho=rho), target_of(w), budget)
        assert stolen.stopped == "budget"
        assert stolen.queries == budget
        wrong.append(np.mean(stolen.hypothesis.predict(X) != target_of(w).answer(X, "label")))
    assert wrong[3] < 0.6 * wrong[2] < 0.6 * wrong[0]


@pytest.mark.parametrize(
    ("attack", "rho", "why"),
    [
        (Pivot(), 0.5, "up to a share of 0.45"),
        (Pivot(stop="certified"), 0.1, "certifies no error"),
        (Pivot(stop="certified"), None, "certifies no error"),
    ],
)
def test_what_it_cannot_do_it_says(attack: Pivot, rho: float | None, why: str) -> None:
    known = attrs.evolve(knowledge(target_of(np.ones(3))), rho=rho)
    with pytest.raises(Incompatible, match=why):
        attack.learner(known, np.random.default_rng(0))


@pytest.mark.parametrize("wrong", [{"eps": 0.0}, {"confidence": 1.0}, {"rho": 0.5}, {"mode": "fast"}, {"stop": "peek"}])
def test_parameters_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Pivot(**wrong)


def test_noise_is_searched_by_the_noisy_search_only() -> None:
    rng = np.random.default_rng(0)
    assert isinstance(Pivot().search(3, 0.0, rng), ExactSearch)
    assert isinstance(Pivot().search(3, 0.1, rng), JointSearch)
    assert isinstance(Pivot().search(3, None, rng), JointSearch)
    assert isinstance(Pivot(mode="batch").search(200, 0.1, rng), JointSearch)
    assert isinstance(Pivot().search(1000, 0.1, rng), NoisySearch)
    assert not Domain.reals(3).discrete.any()


# The bounds


@pytest.mark.parametrize(("d", "eps"), [(2, 0.3), (3, 0.5), (3, 1.2), (5, 1.6), (8, 1.0)])
def test_the_bits_of_the_sphere_are_those_of_its_cap(d: int, eps: float) -> None:
    x = np.random.default_rng(0).standard_normal((400_000, d))
    first: Array = x[:, 0] / np.linalg.norm(x, axis=1)
    assert 2 ** -sphere_bits(d, eps) == pytest.approx(np.mean(2 - 2 * first <= eps**2), rel=0.05)


def test_the_bits_of_the_sphere_grow_by_a_bit_a_dimension_for_each_halving() -> None:
    for d in (2, 50, 2000):
        assert sphere_bits(d, 1e-6) - sphere_bits(d, 2e-6) == pytest.approx(d - 1, rel=1e-6)


def test_the_bounds_agree_with_the_paper() -> None:
    assert capacity(0.11) == pytest.approx(0.5, abs=1e-3)
    assert query_bound(50, 1e-4, 0.4) == pytest.approx(sphere_bits(50, 1e-4) / capacity(0.4))
    assert repeats(500, 0.05, 0.1) % 2 == 0
    assert 500 * repeats(500, 0.05, 0.1) >= proposition_1(500, 0.05, 0.1)
    for wrong in (lambda: sphere_bits(0, 0.1), lambda: sphere_bits(3, 2.0), lambda: repeats(5, 0.1, 0.5)):
        with pytest.raises(UsageError):
            wrong()
