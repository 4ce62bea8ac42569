"""relu-exact: one hidden layer of ReLUs from values or probabilities, to the rounding of the answers."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
import skops.io
from scipy.special import expit, softmax
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mex
from mex_relu_exact.attack import ReluExact
from mex_relu_exact.certificate import Certificate
from mex_relu_exact.chart import Chart
from mex_relu_exact.equations import Equations
from mex_relu_exact.fitting import refined
from mex_relu_exact.gradients import Affine
from mex_relu_exact.jumps import Jump
from mex_relu_exact.kinks import find_kinks
from mex_relu_exact.line import Known
from mex_relu_exact.network import Network
from mex_relu_exact.neurons import Neurons
from mex_relu_exact.scores import Scores
from mex_relu_exact.slopes import Slopes
from mex_relu_exact.surrogate import ScoreClassifier
from mex_relu_exact.transcript import Transcript

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def steal(model, domain, answers, *, budget=None, pool=None, family=None, seed=0, **parameters):
    target = mex.FittedTarget.wrap(model, domain=domain, family=family or mex.Family("neural"))
    oracle = mex.Oracle(target, budget=budget, answers=answers)
    learner = ReluExact(**parameters).learner(oracle.knowledge(pool=pool), np.random.default_rng(seed))
    return mex.extract(oracle, learner, snapshots=False)


class Net:
    """A network of given weights, of two classes or several, with answers that can be changed on the way out."""

    def __init__(self, W, b, A, c, change=lambda out, X: out) -> None:
        self.W, self.b, self.A, self.c, self.change = W, b, A, c, change
        m = A.shape[1]
        self.values = m == 1 and c.shape == (1,)
        if not self.values:
            self.classes_ = np.arange(max(m, 2))

    def scores(self, X):
        return np.maximum(X @ self.W.T + self.b, 0) @ self.A + self.c[: self.A.shape[1]]

    def predict(self, X):
        if self.values:
            return self.change(self.scores(X)[:, 0], X)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X):
        z = self.scores(X)
        if z.shape[1] > 1:
            return softmax(z, axis=1)
        p = self.change(expit(z[:, 0]), X)
        return np.column_stack([1 - p, p])


class Regressor(Net):
    """Of values: it has no probabilities."""

    predict_proba = property()


def weights(d, h, m=1, seed=0):
    """Hyperplanes through the middle of the unit box, and output weights."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((h, d))
    b = -(W * rng.uniform(0.2, 0.8, (h, d))).sum(axis=1)
    return W, b, rng.standard_normal((h, m))


def box(d):
    return mex.Domain(np.zeros(d), np.ones(d))


def points(domain, n=3000):
    return domain.sample(n, np.random.default_rng(7))


def test_a_regressor_behind_scalers_is_stolen_to_the_rounding_of_its_answers(diabetes: mex.Dataset) -> None:
    network = MLPRegressor(hidden_layer_sizes=(10,), alpha=0.1, learning_rate_init=0.01, max_iter=300, random_state=0)
    model = make_pipeline(StandardScaler(), TransformedTargetRegressor(network, transformer=StandardScaler()))
    model.fit(diabetes.X[::2], diabetes.y[::2])
    domain = mex.Domain(diabetes.X.min(axis=0), diabetes.X.max(axis=0))
    stolen = steal(model, domain, "value", pool=diabetes.X[1::2], family=mex.FittedTarget.wrap(model).family)
    X = np.concatenate([points(domain), diabetes.X])
    truth = model.predict(X)
    assert np.abs(stolen.hypothesis.predict(X) - truth).max() < 1e-10 * np.abs(truth).max()
    assert stolen.stopped == "done"
    assert stolen.note.startswith("exact: 10 neurons have their kink inside the domain")
    assert stolen.queries < 3.5 * (12 * 10 + 1)


def test_a_classifier_is_stolen_from_probabilities(breast_cancer: mex.Dataset) -> None:
    X, y = breast_cancer.X, breast_cancer.y
    model = make_pipeline(StandardScaler(), MLPClassifier((8,), alpha=0.1, max_iter=200, random_state=0)).fit(X, y)
    domain = mex.Domain(X.min(axis=0), X.max(axis=0))
    stolen = steal(model, domain, "proba", pool=X[::2])
    rows = np.concatenate([points(domain), X])
    assert np.abs(stolen.hypothesis.predict_proba(rows) - model.predict_proba(rows)).max() < 1e-9
    assert np.array_equal(stolen.hypothesis.predict(rows), model.predict(rows))
    assert stolen.queries < 2.2 * (32 * 8 + 1)


def test_several_classes_take_about_a_row_a_parameter() -> None:
    X, y = load_iris(return_X_y=True)
    X = np.column_stack([X, X**2, np.sqrt(X), X[:, :1] * X])  # sixteen features
    model = make_pipeline(StandardScaler(), MLPClassifier((40,), alpha=0.1, max_iter=200, random_state=0)).fit(X, y)
    domain = mex.Domain(X.min(axis=0), X.max(axis=0))
    stolen = steal(model, domain, "proba", pool=X[::2])
    rows = points(domain)
    assert np.abs(stolen.hypothesis.predict_proba(rows) - model.predict_proba(rows)).max() < 1e-9
    assert stolen.queries < 1.2 * (17 * 40 + 2 * 41)


def test_duplicate_parallel_opposite_dead_and_far_neurons_are_a_function_like_any_other() -> None:
    W, b, A = weights(6, 5, seed=3)
    W = np.vstack([W, W[0], 2 * W[1], -W[2], W[3], np.zeros(6), W[4]])
    b = np.concatenate([b, b[:1], 2 * b[1:2] + 0.3, -b[2:3], b[3:4], [1.0], b[4:5] + 100])  # the last is on everywhere
    A = np.vstack([A, A[:1], A[1:2], A[2:3], -A[3:4], A[:1], A[4:5]])  # neuron 3 and its double cancel each other
    model = Regressor(W, b, A, np.array([0.7]))
    stolen = steal(model, box(6), "value")
    rows = points(box(6))
    assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-11
    assert len(stolen.hypothesis.b) == 5  # 0 and its double, 1, its parallel, 2 and its opposite, 4


@pytest.mark.parametrize("seed", [0, 2])
def test_neurons_that_nearly_coincide_are_told_apart(seed) -> None:
    W, b, A = weights(6, 8, seed=seed)
    rng = np.random.default_rng(seed + 999)
    W = np.vstack([W, W[:3] + 1e-5 * rng.standard_normal((3, 6))])
    b = np.append(b, b[:3] + 1e-5 * rng.standard_normal(3))
    model = Regressor(W, b, np.vstack([A, rng.standard_normal((3, 1))]), np.array([0.5]))
    stolen = steal(model, box(6), "value", seed=seed)
    between = points(box(6))  # rows between the hyperplanes of a pair, which a network with one neuron for both misses
    between -= ((between @ W[0] + b[0] + between @ W[8] + b[8]) / 2 / (W[0] @ W[0]))[:, None] * W[0]
    assert stolen.note.startswith("exact")
    rows = np.concatenate([points(box(6)), between[((between > 0) & (between < 1)).all(axis=1)]])
    off = np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)) / np.abs(model.predict(rows)).max()
    assert np.mean(off > 1e-8) < 0.05


class Offset(Regressor):
    """A network on columns that vary little beside their offset, behind a scaler that takes it away."""

    low, width = 1e4, 1e-3

    def scores(self, X):
        return super().scores((X - self.low) / self.width)


@pytest.mark.parametrize("seed", [0, 1])
def test_columns_that_vary_little_beside_their_offset_are_no_noise(seed) -> None:
    model = Offset(*weights(5, 8, seed=seed), np.array([0.5]))
    domain = mex.Domain(np.full(5, model.low), np.full(5, model.low + model.width))
    stolen = steal(model, domain, "value", seed=seed)
    rows = points(domain)
    truth = model.predict(rows)
    assert stolen.note.startswith("exact")
    assert np.abs(stolen.hypothesis.predict(rows) - truth).max() < 1e-9 * np.abs(truth).max()
    assert stolen.queries < 600


def test_places_on_a_line_between_few_floats_are_asked_exactly() -> None:
    chart = Chart(mex.Domain(np.full(3, 1e4), np.full(3, 1e4 + 1e-3)))
    rng = np.random.default_rng(0)
    start = chart.snapped(rng.random((1, 3)) / 2)[0]
    way = chart.parted(rng.random(3) / 2, chart.places)
    t = rng.integers(0, chart.places + 1, 200) / chart.places
    U = start + t[:, None] * way
    assert np.abs(chart.snapped(U) - U).max() < 1e-15
    assert np.abs(chart.snapped(rng.random((200, 3))) - chart.snapped(rng.random((200, 3)))).max() > 1e-10
    assert Chart(box(3)).places == 0


def test_a_function_without_kinks_is_stolen() -> None:
    model = Regressor(np.zeros((1, 4)), np.ones(1), np.zeros((1, 1)), np.array([3.0]))
    stolen = steal(model, box(4), "value")
    assert np.allclose(stolen.hypothesis.predict(points(box(4))), 3.0)


def test_neurons_that_show_where_probabilities_are_nearly_one_are_found_as_far_as_answers_tell() -> None:
    W, b, A = weights(5, 4, seed=1)
    W, b, A = np.vstack([W, np.eye(5)[:1]]), np.append(b, -0.8), np.vstack([A, [[30.0]]])  # where it is on p is near 1
    model = Net(W, b, A, np.array([12.0, 0.0]))
    stolen = steal(model, box(5), "proba")
    rows = points(box(5))
    truth = model.predict_proba(rows)
    assert np.abs(stolen.hypothesis.predict_proba(rows) - truth).max() < 1e-12
    on = rows[:, 0] > 0.83
    assert on.any()
    off = stolen.hypothesis.scores(rows[on])[:, 0] - model.scores(rows[on])[:, 0]
    assert np.abs(off).max() < 1e-2


def test_a_neuron_on_at_six_rows_of_a_hundred_is_found_and_the_end_says_below_which_share_one_may_be_missing() -> None:
    W, b, A = weights(6, 8)
    W, b, A = np.vstack([W, np.ones(6)]), np.append(b, -4.6), np.vstack([A, [[3.0]]])
    model = Regressor(W, b, A, np.array([0.5]))
    corners = np.random.default_rng(0).integers(0, 2, (5000, 6))
    assert 0.05 < np.mean(corners.sum(axis=1) > 4.6) * 2 / 3 < 0.08
    for seed in range(4):
        stolen = steal(model, box(6), "value", seed=seed)
        off = np.abs(stolen.hypothesis.predict(corners) - model.predict(corners))
        assert off.max() < 1e-10
        said = re.search(r"the last (\d+) random rows .* off on less than ([\d.]+)% of rows like these", stolen.note)
        assert said is not None
        rows, share = int(said[1]), float(said[2]) / 100
        assert rows >= 75
        assert (1 - share) ** rows < 0.051  # what is off on more passes by a chance of 0.05 at most


def test_two_probabilities_that_are_exact_near_zero_are_read_as_they_are() -> None:
    z = np.array([-60.0, -45.0, 45.0, 60.0])
    p = softmax(np.column_stack([np.zeros(4), z]), axis=1)
    told = Scores(2)
    told.complement = False
    scores, loss = told(p)
    assert np.allclose(scores[:, 0], z, rtol=1e-14)
    assert loss.max() < 1e-15


def test_hyperplanes_that_meet_in_the_middle_are_no_second_layer() -> None:
    W, _, A = weights(3, 8, 1, 1000)
    domain = mex.Domain(-np.ones(3), np.ones(3))
    for seed in range(3):
        model = Regressor(W, np.zeros(8), A, np.array([0.5]))
        stolen = steal(model, domain, "value", seed=seed)
        assert stolen.note.startswith("exact")
        rows = points(domain)
        assert np.abs(stolen.hypothesis.predict(rows) - model.predict(rows)).max() < 1e-9


def test_large_numbers_that_cancel_are_rounding_and_no_kinks() -> None:
    W, b, A = weights(3, 8, 2, 1000)
    model = Net(W, b, A, np.array([1e6, 1e6 + 1]))
    stolen = steal(model, box(3), "proba")
    assert stolen.queries < 2000
    off = np.abs(stolen.hypothesis.predict_proba(points(box(3))) - model.predict_proba(points(box(3)))).max()
    assert off < 1e-7 or stolen.note.startswith("not exact")


def test_a_fit_says_where_values_are_known_worst() -> None:
    W, b, A = weights(4, 6)
    rng = np.random.default_rng(1)
    U = rng.random((200, 4))
    truth = Network(W, b, A, rng.standard_normal((1, 4)), np.zeros(1))
    some = U[:, 0] < 0.5  # half of the box is not asked
    Y = truth(U) + 1e-9 * rng.standard_normal((200, 1))
    fit = refined(truth.copy(), U[some], Y[some], np.full(some.sum(), 1e9), np.ones(some.sum(), dtype=bool))
    assert fit is not None
    found, _, doubt = fit
    off = np.abs(found(U) - truth(U)).max(axis=1)
    assert np.mean(off <= 3 * doubt(U)) > 0.9
    assert doubt(U[~some]).max() > 2 * doubt(U[some]).max()


def test_the_share_that_may_be_off_grows_with_every_network_that_was_tried() -> None:
    shares = [Certificate(certified=75, trials=trials).wrong() for trials in range(1, 20)]
    assert shares == sorted(shares)
    assert sum((1 - share) ** 75 for share in shares) < 0.05


def test_all_kinks_of_a_line_are_found_however_near_to_each_other() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        t = np.concatenate([rng.random(40), 0.3 + np.array([0, 5e-5, 6e-5, 1e-4]), 0.7 + np.array([0, 3e-6])])
        bends = rng.choice([-1, 1], len(t)) * 10 ** rng.uniform(-2, 1, len(t))

        def line(places, t=t, bends=bends):
            return (np.maximum(places[:, None] - t, 0) @ bends + 1.0)[:, None]

        search = find_kinks(1e-4, Known(np.zeros(0), np.zeros(0), 0.0), rng)
        places = next(search)
        while True:
            try:
                places = search.send((line(places), np.full(len(places), 1e-13)))
            except StopIteration as end:
                found = np.array([kink.t for kink in end.value.kinks])
                break
        assert len(found) == len(t)
        assert np.abs(found - np.sort(t)).max() < 1e-7


def single(out, X):
    return out.astype(np.float32)


def test_answers_in_float32_are_taken_to_their_resolution_or_not_at_all() -> None:
    model = Regressor(*weights(6, 6), np.array([0.5]), single)
    rows = points(box(6)).astype(np.float32).astype(np.float64)
    truth = model.scores(rows)[:, 0]
    ends = []
    for seed in range(3):
        stolen = steal(model, box(6), "value", seed=seed)
        ends.append(stolen.note.startswith("done"))
        off = np.abs(stolen.hypothesis.predict(rows) - truth).max() / np.abs(truth).max()
        assert off < 2e-5 if ends[-1] else "no network of one hidden layer was found" in stolen.note
    assert any(ends)


SMOOTH = "they are those of a smooth activation"


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_smooth_activations_are_refused_within_thirty_queries(activation, diabetes: mex.Dataset) -> None:
    X, y = diabetes.X, diabetes.y
    network = MLPRegressor(
        hidden_layer_sizes=(10,), activation=activation, solver="lbfgs", alpha=1.0, max_iter=100, random_state=0
    )
    model = make_pipeline(StandardScaler(), network).fit(X, y)
    domain = mex.Domain(X.min(axis=0), X.max(axis=0))
    stolen = steal(model, domain, "value", pool=X[::2])
    assert SMOOTH in stolen.note
    assert stolen.note.startswith("not exact")
    assert stolen.queries <= 30
    with pytest.raises(mex.Incompatible, match=f"the activation of this one is {activation}"):
        steal(model, domain, "value", family=mex.FittedTarget.wrap(model).family)


NOISE = np.random.default_rng(0)


def rounded(out, X):
    return np.round(out, 3)


def noisy(out, X):
    return out + 0.01 * NOISE.standard_normal(len(out))


def sticky(out, X):
    return out + 0.01 * np.sin(1e7 * X.sum(axis=1))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (rounded, "rounded to 3 decimals"),
        (noisy, "answers are noisy"),
        (sticky, "noise drawn once for each row"),
    ],
)
def test_coarse_and_noisy_answers_are_refused_with_the_reason(change, why) -> None:
    model = Regressor(*weights(6, 8), np.array([0.5]), change)
    stolen = steal(model, box(6), "value")
    assert why in stolen.note
    assert stolen.queries <= 120


def test_a_second_hidden_layer_is_said_and_what_fits_is_handed_over(diabetes: mex.Dataset) -> None:
    X, y = diabetes.X, diabetes.y
    network = MLPRegressor(hidden_layer_sizes=(12, 12), solver="lbfgs", max_iter=100, random_state=0)
    model = make_pipeline(StandardScaler(), network).fit(X, y)
    domain = mex.Domain(X.min(axis=0), X.max(axis=0))
    stolen = steal(model, domain, "value", pool=X[::2])
    assert "more than one hidden layer" in stolen.note
    assert stolen.queries <= 500
    rows = points(domain)
    truth = model.predict(rows)
    assert np.mean((stolen.hypothesis.predict(rows) - truth) ** 2) <= 1.2 * truth.var()


@pytest.mark.parametrize("epochs", [10, 20])
def test_two_hidden_layers_of_fifty_are_said_within_five_hundred_queries(epochs, breast_cancer: mex.Dataset) -> None:
    X, y = breast_cancer.X, breast_cancer.y
    model = make_pipeline(StandardScaler(), MLPClassifier((50, 50), max_iter=epochs, random_state=epochs)).fit(X, y)
    stolen = steal(model, mex.Domain(X.min(axis=0), X.max(axis=0)), "proba", pool=X[::2])
    assert "there is more than one hidden layer" in stolen.note
    assert stolen.queries <= 500


def test_a_budget_that_ends_it_goes_to_what_was_found_or_fits() -> None:
    model = Net(*weights(8, 12), np.array([0.3, 0.0]))
    rows = points(box(8))
    truth = model.predict(rows)
    floor = max(np.mean(truth == label) for label in (0, 1))
    for budget in (3, 40, 150):
        stolen = steal(model, box(8), "proba", budget=budget, pool=rows[:200])
        assert stolen.queries == budget
        assert np.mean(stolen.hypothesis.predict(rows) == truth) >= floor - 0.05


def test_a_domain_without_bounds_is_refused() -> None:
    with pytest.raises(mex.Incompatible, match="feature 0 has no finite ones"):
        steal(Regressor(*weights(3, 4), np.array([0.5])), mex.Domain.reals(3), "value")


def mixed(real=3, whole=(9, 40), groups=(3, 4)):
    """A domain of real columns, whole numbers from 0 on, and levels, each range of the length 1 to the model."""
    n, k = real + len(whole), sum(groups)
    starts = n + np.cumsum([0, *groups])
    return mex.Domain(
        np.zeros(n + k),
        [*np.ones(real), *whole, *np.ones(k)],
        integer=[False] * real + [True] * len(whole) + [False] * k,
        groups=[tuple(range(first, last)) for first, last in itertools.pairwise(starts)],
    )


def on(domain, h, seed, m=1):
    """A network whose hyperplanes pass through the middle of a domain, by weights for columns of the length 1."""
    W, _, A = weights(domain.n_features, h, m, seed)
    W /= domain.upper
    b = -(domain.sample(h, np.random.default_rng(seed)) * W).sum(axis=1)
    return W, b, A


@pytest.mark.parametrize("seed", [1, 6])
def test_whole_numbers_and_levels_beside_real_columns_are_exact(seed) -> None:
    domain = mixed()
    model = Regressor(*on(domain, 5, seed), np.array([0.5]))
    stolen = steal(model, domain, "value", seed=seed)
    rows = points(domain)
    truth = model.predict(rows)
    assert stolen.note.startswith("exact")
    certified = re.search(r"the last (\d+) random rows", stolen.note)
    assert certified
    assert int(certified[1]) >= max(300, stolen.queries / 8)
    assert int(re.search(r"(\d+) neurons", stolen.note)[1]) <= 5  # one that is taken as on or off counts once
    assert np.abs(stolen.hypothesis.predict(rows) - truth).max() < 1e-10 * np.abs(truth).max()
    assert stolen.queries < 16 * 5 * (3 + 2 + 2 + 3 + 2)


@pytest.mark.parametrize("seed", [1, 6])
def test_several_classes_on_whole_numbers_and_levels_are_exact_or_said_not_to_be(seed) -> None:
    domain = mixed()
    model = Net(*on(domain, 4, seed, m=3), np.array([0.3, 0.0, -0.2]))
    stolen = steal(model, domain, "proba", seed=seed)
    rows = points(domain)
    if stolen.note.startswith("exact"):
        off = np.abs(stolen.hypothesis.predict_proba(rows) - model.predict_proba(rows)).max(axis=1) > 1e-9
        stated = re.search(r"off on less than ([0-9.]+)%", stolen.note)
        assert stated
        assert off.mean() < float(stated[1]) / 100
    else:
        assert stolen.note.startswith("not exact")
    assert np.mean(stolen.hypothesis.predict(rows) == model.predict(rows)) > 0.8


def test_a_pipeline_of_real_data_with_whole_numbers_is_exact() -> None:
    X, y = load_diabetes(return_X_y=True, scaled=False)
    domain = mex.Domain.of(X)
    assert domain.integer.sum() == 4
    network = MLPRegressor(hidden_layer_sizes=(10,), alpha=0.1, learning_rate_init=0.01, max_iter=200, random_state=0)
    model = make_pipeline(StandardScaler(), TransformedTargetRegressor(network, transformer=StandardScaler()))
    model.fit(X[::2], y[::2])
    stolen = steal(model, domain, "value", pool=X[1::2])
    rows = np.concatenate([points(domain), X])
    truth = model.predict(rows)
    assert stolen.note.startswith("exact")
    assert np.abs(stolen.hypothesis.predict(rows) - truth).max() < 1e-10 * np.abs(truth).max()


def test_without_a_real_column_the_longest_of_whole_numbers_takes_its_place() -> None:
    domain = mixed(real=0, whole=(50_000, 6), groups=(3,))
    model = Regressor(*on(domain, 5, 2), np.array([0.5]))
    stolen = steal(model, domain, "value")
    rows = points(domain)
    truth = model.predict(rows)
    assert stolen.note.startswith("exact")
    assert np.abs(stolen.hypothesis.predict(rows) - truth).max() < 1e-9 * np.abs(truth).max()


def test_neurons_that_levels_displace_are_told_by_slopes_beside_rows() -> None:
    domain, seed = mixed(real=0, whole=(20_000, 60), groups=(5, 4, 5, 4, 5)), 3
    W, _, A = on(domain, 6, seed)
    W[:, 2:] *= 1.5  # so that lines along the one column cross hyperplanes in few slices
    b = -(domain.sample(6, np.random.default_rng(seed)) * W).sum(axis=1)
    model = Regressor(W, b, A, np.array([0.5]))
    stolen = steal(model, domain, "value", seed=seed)
    rows = points(domain)
    truth = model.predict(rows)
    assert stolen.note.startswith("exact")
    assert np.abs(stolen.hypothesis.predict(rows) - truth).max() < 1e-10 * np.abs(truth).max()
    assert stolen.queries < 8.5 * 6 * (2 + 4 + 3 + 4 + 3 + 4 + 1)


def slopes_of(shares, *, pairs=300, seed=0):
    """Slopes of pairs of rows where each of some neurons is on with a chance of a half, and these sets as bits."""
    sets = np.random.default_rng(seed).integers(0, 2 ** len(shares), pairs)
    value = 0.7 + ((sets[:, None] >> np.arange(len(shares))) & 1) @ shares
    rows = np.arange(2 * pairs)
    places, slices = 0.1 * (rows % 2), rows // 2
    return Slopes.of(places, places * value[slices], np.zeros(len(rows)), slices, 1e-9), sets


def test_slopes_tell_which_neurons_are_on_and_what_those_add_that_no_line_has_shown() -> None:
    shares = np.array([1.3, -0.41, 2.9, 0.77])
    slopes, sets = slopes_of(shares)
    told, found, used = slopes.sets(np.array([1.3, 5.5, -0.41]))  # 5.5 is none
    assert used == [0, 2]
    assert (told >= 0).all()
    assert np.allclose(np.sort(np.abs(found[2:])), [0.77, 2.9], atol=1e-8)  # and not their sum or difference
    differs = told[slopes.which] ^ told[slopes.which][0] ^ sets ^ sets[0]
    assert (differs & 3 == 0).all()  # up to which side is called on


def test_equations_of_patterns_tell_neurons_whole_or_not_at_all() -> None:
    rng = np.random.default_rng(0)
    U = rng.random((60, 4))
    W, A = rng.standard_normal((2, 4)), rng.standard_normal((2, 3))
    b = -W.sum(axis=1) / 2
    before = U @ W.T + b
    Y = np.maximum(before, 0) @ A + U @ rng.standard_normal((4, 3))
    on = np.column_stack([before > 0, np.ones(60)]).astype(float)
    solved = Equations.solved(U, on, Y)
    assert solved.missing == 0
    assert solved.determined().all()
    for j in range(2):
        w, bias, a = solved.neuron(j)
        assert np.allclose(np.outer(a, [*w, bias]), np.outer(A[j], [*W[j], b[j]]), atol=1e-10)
    few = U.copy()
    few[before[:, 0] > 0, 3] = 0.5  # where the first neuron is on a column has one value
    solved = Equations.solved(few, on, np.maximum(few @ W.T + b, 0) @ A)
    assert solved.determined().tolist() == [False, True]


@pytest.mark.parametrize("budget", [None, 300])
def test_where_all_features_are_small_whole_numbers_that_is_said_and_a_network_trained(budget) -> None:
    domain = mixed(real=0, whole=(9, 20, 5), groups=(3,))
    model = Net(*on(domain, 5, 0), np.array([0.3, 0.0]))
    stolen = steal(model, domain, "proba", budget=budget)
    rows = points(domain)
    truth = model.predict(rows)
    assert stolen.note.startswith("not exact: all features take whole numbers or levels")
    assert isinstance(stolen.hypothesis, ScoreClassifier)
    assert np.mean(stolen.hypothesis.predict(rows) == truth) > max(np.mean(truth == label) for label in (0, 1)) + 0.05


def test_a_second_layer_on_whole_numbers_and_levels_is_never_exact() -> None:
    X, y = load_diabetes(return_X_y=True, scaled=False)
    network = MLPRegressor(hidden_layer_sizes=(12, 12), solver="lbfgs", max_iter=100, random_state=0)
    model = make_pipeline(StandardScaler(), network).fit(X[::2], y[::2])
    stolen = steal(model, mex.Domain.of(X), "value", pool=X[1::2])
    assert "more than one hidden layer" in stolen.note
    assert stolen.queries <= 500


class Deep(Regressor):
    """Two hidden layers."""

    def __init__(self, domain, seed) -> None:
        super().__init__(*on(domain, 12, seed), np.array([0.5]))
        self.second, self.bias, self.A = weights(12, 12, 1, seed + 50)

    def scores(self, X):
        hidden = np.maximum(X @ self.W.T + self.b, 0)
        return np.maximum(hidden @ self.second.T + self.bias, 0) @ self.A + self.c


def test_where_one_column_is_real_a_second_layer_is_said_and_a_single_one_is_not_taken_for_two() -> None:
    domain = mixed(real=1, whole=(60, 40), groups=(3,))
    for seed in range(2):
        stolen = steal(Deep(domain, seed), domain, "value", seed=seed)
        assert "there is more than one hidden layer" in stolen.note
        assert stolen.queries <= 500
        stolen = steal(Regressor(*on(domain, 4, seed), np.array([0.5])), domain, "value", seed=seed, limit=500)
        assert "are not displaced" not in stolen.note


def test_a_search_that_is_given_up_hands_over_the_network_so_far_if_that_fits_better() -> None:
    model = Regressor(*weights(6, 8), np.array([0.5]))
    stolen = steal(model, box(6), "value", limit=200)
    rows = points(box(6))
    assert stolen.note.startswith("not exact")
    assert "the network so far, which fits better, is handed over" in stolen.note
    assert np.median(np.abs(stolen.hypothesis.predict(rows) - model.predict(rows))) < 1e-9


def test_scores_say_what_rounding_does_to_them() -> None:
    z = np.linspace(-25, 25, 101)
    p = expit(z)
    told = Scores(2)
    assert told.learn(np.column_stack([1 - p, p]))
    scores, loss = told(np.column_stack([1 - p, p]))
    assert (np.abs(scores[:, 0] - z) <= 2 * loss + 1e-14).all()
    assert loss[0] < 1e-15
    assert 1e-7 < loss[-1] < 1e-3
    coarse = Scores(0)
    coarse.learn(np.round(np.random.default_rng(0).standard_normal(20), 5))
    assert coarse.decimals == 5
    assert not coarse.single


def test_a_fit_finds_the_network_again_although_some_answers_have_a_kink_that_it_does_not_have() -> None:
    W, b, A = weights(4, 6)
    rng = np.random.default_rng(1)
    U = rng.random((300, 4))
    truth = Network(W, b, A, rng.standard_normal((1, 4)), np.zeros(1))
    Y = truth(U)
    Y[:5] += 1e-9
    start = truth.copy()
    start.W = W + 1e-9 * rng.standard_normal(W.shape)
    start.G = start.G + 1e-6
    fit = refined(start, U, Y, np.full(300, 1e14), np.ones(300, dtype=bool))
    assert fit is not None
    found = fit[0]
    assert np.abs(found(U[5:]) - truth(U[5:])).max() < 1e-11


def test_a_fit_says_how_far_rounding_may_have_moved_its_hyperplanes() -> None:
    W, b, A = weights(4, 6)
    rng = np.random.default_rng(1)
    steps = rng.random(4) + np.vstack([np.zeros(4), 1e-4 * np.eye(4)])  # all that is told of G, as far as it goes
    U = np.vstack([rng.random((60, 4)), steps])
    truth = Network(W, b, A, rng.standard_normal((1, 4)), np.zeros(1))
    for noise in (1e-12, 1e-9):
        Y = truth(U) + noise * rng.standard_normal((len(U), 1))
        fit = refined(truth.copy(), U, Y, np.full(len(U), 1 / noise), np.ones(len(U), dtype=bool))
        assert fit is not None
        found, errors, _ = fit
        moved = np.abs(found.W - W).max(axis=1) / np.linalg.norm(W, axis=1)
        assert (moved <= 5 * errors).all()
        assert (errors <= 1e5 * noise).all()


def test_a_neuron_that_crosses_a_line_where_a_known_one_does_is_another() -> None:
    domain = box(3)
    told = Transcript(Chart(domain), Scores(0))
    told.size = 1.0
    neurons = Neurons(told)
    start, way = np.array([0.1, 0.5, 0.5]), np.array([0.8, 0.0, 0.0])
    known, beside = np.array([1.0, 0.5, 0.0]), np.array([0.1, 0.0, 0.2])
    for w in (known, beside):
        change = Affine(w[None], np.array([-float(w @ (start + 0.5 * way))]), 1e-12)
        neurons.take([Jump(change, 0.5, 0.1)], start, way, 1e-13)
    W = told.network.W * np.abs(told.network.A)
    assert np.allclose(W, [known, beside])


def test_a_chart_and_rows_are_the_same() -> None:
    domain = mex.Domain([0, -3, 0, 0, 2, 5], [9, 3, 1, 1, 4, 5], integer=[0, 1, 0, 0, 0, 0], groups=[(2, 3)])
    chart = Chart(domain)
    X = domain.sample(50, np.random.default_rng(0))
    assert chart.n_real == 2
    assert np.allclose(chart.decode(chart.encode(X)), X, atol=1e-14)


def test_a_stolen_network_is_saved_and_read_again(tmp_path) -> None:
    stolen = steal(Net(*weights(4, 3), np.array([0.3, 0.0])), box(4), "proba").hypothesis
    skops.io.dump(stolen, tmp_path / "stolen")
    again = skops.io.load(tmp_path / "stolen", trusted=skops.io.get_untrusted_types(file=tmp_path / "stolen"))
    rows = points(box(4), 50)
    assert np.array_equal(again.predict_proba(rows), stolen.predict_proba(rows))
