"""query-detector: honest clients pass, synthesised queries do not, and the arithmetic is that of the papers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

import mex
from mex.app.matrix.scenarios import Scene, set_scene
from mex.dataset import Rows
from mex.defense import twin
from mex.extraction import PATIENCE
from mex.registry.spec import Spec
from mex.target import refusals
from mex.testing import check_defense
from mex.toolkit.checking.repeats import AGAIN
from mex.toolkit.estimators import constant
from mex.types import FloatArray

STREAM = "selective-sampling:stream=400"
TESTS = ["hotelling", "mmd", "prada"]
DOMAIN = mex.Domain([-8, -8, 0, 0, 0, 3], [8, 8, 40, 1, 1, 3], groups=[(3, 4)])


def traffic(n: int, seed: int) -> FloatArray:
    """Honest rows: two correlated features, one with a long tail, a one-hot group and a constant."""
    rng = np.random.default_rng([seed, 7])
    x = rng.standard_normal(n)
    hot = (rng.random(n) < 0.2).astype(float)
    tail = np.minimum(rng.exponential(3, n), 40)
    rows = np.column_stack([x, 0.9 * x + 0.4 * rng.standard_normal(n), tail, hot, 1 - hot, np.full(n, 3.0)])
    return np.clip(rows, DOMAIN.lower, DOMAIN.upper)


def synthesised(n: int, seed: int) -> FloatArray:
    """What an attacker sends: points of the domain, each asked again and again from very near."""
    rng = np.random.default_rng([seed, 8])
    X = np.repeat(DOMAIN.sample(-(-n // 5), rng), 5, axis=0)[:n]
    X[:, 0] = np.clip(X[:, 0] + 1e-3 * rng.standard_normal(n), -8, 8)
    return X


def target() -> mex.FittedTarget:
    return mex.FittedTarget.wrap(mex.halfspace(np.array([1.0, 1, 0.2, 1, -1, 0]), -0.5), domain=DOMAIN)


def watched(registry: mex.Registry, spec: str, n: int = 1500, seed: int = 0, behind: Any = None) -> Any:
    X = traffic(n, seed)
    defense = registry.build("defense", spec)
    return defense.protect(behind or target(), Rows(X, np.zeros(n)), np.random.default_rng([seed, 1]))


@pytest.fixture
def breast_cancer_scene(registry: mex.Registry) -> Scene:
    return set_scene(registry, Spec("logistic"), Spec("breast-cancer"), 0)


def attacked(
    registry: mex.Registry, scene: Scene, attack: str, defense: str = "none", budget: int | None = None
) -> tuple[mex.Extraction, mex.Target]:
    defended = registry.build("defense", defense).protect(scene.target, scene.train, np.random.default_rng(1))
    oracle = mex.Oracle(defended, answers="label", budget=budget)
    learner = registry.build("attack", attack).learner(oracle.knowledge(pool=scene.pool.X), np.random.default_rng(2))
    return mex.extract(oracle, learner), defended


@pytest.mark.parametrize("action", ["throttle", "refuse"])
@pytest.mark.parametrize("test", TESTS)
def test_a_batch_is_admitted_as_its_rows_one_by_one(registry: mex.Registry, test: str, action: str) -> None:
    first = watched(registry, f"query-detector:test={test},action={action},window=100,every=20,one_in=7", 600)
    clients = [twin(first) for _ in range(4)]
    X = np.concatenate([traffic(130, 5), synthesised(270, 6)])
    admitted = [
        np.concatenate([client.admit(part) for part in np.split(X, cuts)])
        for client, cuts in zip(clients, [[], range(1, 400), [1, 33, 34, 180, 399], [20, 200]], strict=True)
    ]
    assert all(np.array_equal(admitted[0], other) for other in admitted[1:])
    assert len({client.alarm for client in clients}) == 1
    alarm = clients[0].alarm
    assert alarm is not None
    assert alarm > 130
    assert admitted[0][:alarm].all(), "the rows up to the alarm are answered, the last of them as well"
    after = np.arange(1, len(X) - alarm + 1)
    assert np.array_equal(admitted[0][alarm:], after % 7 == 0 if action == "throttle" else after < 0)


def test_a_flag_only_tells(registry: mex.Registry) -> None:
    client = watched(registry, "query-detector:action=flag")
    X = synthesised(300, 0)
    assert client.admit(X).all()
    assert client.alarm == 10
    assert np.array_equal(client.answer(X, "label"), target().answer(X, "label"))
    assert client.rho == 0


@pytest.mark.parametrize("test", TESTS)
def test_honest_clients_raise_the_alarm_as_often_as_declared(registry: mex.Registry, test: str) -> None:
    alpha, alarms, clients = 0.1, 0, 0
    for seed in range(3):
        first = watched(registry, f"query-detector:test={test},alpha={alpha},window=200,every=20", 1800, seed)
        for honest in np.split(traffic(200 * 60, seed + 100), 60):
            client = twin(first)
            client.admit(honest)
            alarms, clients = alarms + (client.alarm is not None), clients + 1
        measured = first.false_alarms()
        assert measured.low <= measured.rate <= measured.high
        assert measured.low <= alpha <= measured.high
        assert measured.windows == 3
    interval = binomtest(alarms, clients).proportion_ci(0.999)
    assert interval.low <= alpha <= interval.high, alarms / clients


@pytest.mark.parametrize("attack", ["version-space", "pivot", "dimension-coupling"])
@pytest.mark.parametrize("test", ["hotelling", "mmd"])
def test_synthesised_queries_are_seen_before_the_paper_has_its_halfspace(
    registry: mex.Registry, breast_cancer_scene: Scene, attack: str, test: str
) -> None:
    stolen, defended = attacked(registry, breast_cancer_scene, attack, f"query-detector:test={test}", budget=199)
    assert defended.alarm is not None
    assert defended.alarm < 199
    assert stolen.stopped == "refused"
    assert stolen.queries < defended.alarm + 2 * PATIENCE
    assert not refusals(stolen.transcript.answers)[: defended.alarm].any()
    assert refusals(stolen.transcript.answers)[defended.alarm :].all()
    labels = stolen.hypothesis.predict(breast_cancer_scene.pool.X)
    assert set(labels) <= {0, 1}, "what it has is a classifier all the same"


def test_a_throttled_attack_gets_there_at_so_many_times_the_queries(
    registry: mex.Registry, breast_cancer_scene: Scene
) -> None:
    spec = "dimension-coupling:eps=0.05"
    bare, _ = attacked(registry, breast_cancer_scene, spec)
    slow, defended = attacked(registry, breast_cancer_scene, spec, "query-detector:action=throttle,one_in=4")
    alarm = defended.alarm
    assert alarm is not None
    assert slow.stopped == bare.stopped == "done"
    assert slow.queries - slow.refused == bare.queries
    assert slow.queries == pytest.approx(alarm + 4 * (bare.queries - alarm), abs=4)
    assert np.array_equal(slow.hypothesis.coef_, bare.hypothesis.coef_)


def test_rows_of_the_pool_are_not_seen(registry: mex.Registry, breast_cancer_scene: Scene) -> None:
    stolen, defended = attacked(registry, breast_cancer_scene, "passive", "query-detector")
    assert (defended.alarm, stolen.stopped, stolen.refused) == (None, "done", 0)


@pytest.mark.parametrize("attack", ["passive:sampler=uniform", "margin:sampler=uniform,batch=5", STREAM])
def test_learners_that_can_do_without_an_answer_drop_the_refused_rows(
    registry: mex.Registry, breast_cancer_scene: Scene, attack: str
) -> None:
    stolen, defended = attacked(
        registry, breast_cancer_scene, attack, "query-detector:action=throttle,one_in=3", budget=120
    )
    assert defended.alarm == 10
    assert stolen.refused == 74, "of 110 rows after the alarm 36 were answered"
    assert stolen.queries == 120
    assert stolen.unique_queries >= 120 - AGAIN, "none is asked again, but for the few that tell a change of the target"
    answered = ~refusals(stolen.transcript.answers)
    right = stolen.hypothesis.predict(stolen.transcript.X[answered]) == stolen.transcript.answers[answered]
    assert np.mean(right) > 0.9


def test_it_works_in_front_of_noise_and_behind_it(registry: mex.Registry) -> None:
    X = np.concatenate([traffic(40, 3), synthesised(100, 0)])
    plain = watched(registry, "query-detector:test=prada,window=100")
    # The same stream for the noise whether somebody watches or not: nobody else draws from it.
    noisy = watched(registry, "bounded-noise:rho=0.3 + none")
    outer = watched(registry, "bounded-noise:rho=0.3 + query-detector:test=prada,window=100,action=flag")
    inner = watched(registry, "query-detector:action=flag + bounded-noise:rho=0.3")
    assert plain.rho == 0
    assert outer.rho == inner.rho == pytest.approx(0.3)
    assert outer.admit(X).all()
    assert inner.admit(X).all()
    assert inner.alarm is not None
    assert np.array_equal(outer.answer(X, "label"), noisy.answer(X, "label"))


def test_two_watchers_tell_the_first_alarm_and_the_outer_refuses_first(registry: mex.Registry) -> None:
    X = synthesised(200, 0)
    both = watched(registry, "query-detector:every=50,window=100 + query-detector:test=mmd,every=20,window=100")
    assert both.admit(X).sum() == 20
    assert both.alarm == 20
    both = watched(registry, "query-detector:every=20,window=100 + query-detector:test=mmd,every=50,window=100")
    assert both.admit(X).sum() == 20
    assert both.alarm == 20


def test_a_copy_is_another_client_and_shares_what_never_changes(registry: mex.Registry) -> None:
    first = watched(registry, "query-detector:test=prada,window=100")
    first.admit(traffic(57, 4))
    other = copy.deepcopy(first)
    assert other._calibration is first._calibration
    X = np.concatenate([traffic(20, 8), synthesised(200, 0)])
    expected = first.admit(X)
    assert np.array_equal(other.admit(X), expected)
    assert other.alarm == first.alarm


@pytest.mark.parametrize("test", TESTS)
def test_a_pickle_is_another_client_as_well(registry: mex.Registry, test: str) -> None:
    first = watched(registry, f"query-detector:test={test},window=100", 600)
    first.admit(traffic(33, 4))
    X = synthesised(100, 0)
    assert np.array_equal(pickle.loads(pickle.dumps(first)).admit(X), first.admit(X))


@pytest.mark.parametrize("test", TESTS)
def test_after_a_window_a_client_is_as_good_as_new(registry: mex.Registry, test: str) -> None:
    first = watched(registry, f"query-detector:test={test},window=100")
    attack = synthesised(100, 3)
    new, old = twin(first), twin(first)
    new.admit(attack)
    old.admit(np.concatenate([traffic(300, 9), attack]))
    assert new.alarm is not None
    assert old.alarm == 300 + new.alarm


@pytest.mark.parametrize("test", TESTS)
def test_long_tails_are_no_alarm(registry: mex.Registry, test: str) -> None:
    rng = np.random.default_rng(0)
    domain = mex.Domain.reals(4)
    behind = mex.FittedTarget.wrap(mex.halfspace(np.ones(4)), domain=domain)
    alarms = 0
    for seed in range(4):
        train, *honest = np.split(rng.standard_t(1.5, (900 + 20 * 100, 4)), np.arange(900, 2900, 100))
        defense = registry.build("defense", f"query-detector:test={test},window=100")
        first = defense.protect(behind, Rows(train, np.zeros(900)), np.random.default_rng(seed))
        for rows in honest:
            client = twin(first)
            client.admit(rows)
            alarms += client.alarm is not None
    assert alarms <= 4, "of 80, where 0.8 are expected"


def test_prada_with_the_threshold_of_its_authors(registry: mex.Registry) -> None:
    never, always = (watched(registry, f"query-detector:test=prada,delta={delta}") for delta in (0, 1))
    X = traffic(300, 5)
    assert never.admit(X).all()
    assert always.admit(X).sum() == always.alarm == 100, "not before 100 rows"


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize(
    "rows",
    [np.ones((60, 6)), np.repeat(traffic(3, 0), 20, axis=0), traffic(30, 0), np.tile(DOMAIN.lower, (90, 1))],
    ids=["all alike", "three rows", "the fewest", "on the edge"],
)
def test_odd_benign_rows_do_not_break_it(registry: mex.Registry, test: str, rows: FloatArray) -> None:
    defense = registry.build("defense", f"query-detector:test={test}")
    for behind in (target(), mex.FittedTarget.wrap(constant("spam", 6), domain=DOMAIN)):
        client: Any = defense.protect(behind, Rows(rows, np.zeros(len(rows))), np.random.default_rng(0))
        assert client.admit(rows[:10]).all()
        client.admit(synthesised(200, 1))
        assert client.alarm is not None or test == "prada", "which has nothing to tell them apart by"
        assert 0 <= client.false_alarms().rate <= 1


def test_regressors_are_watched_too(registry: mex.Registry) -> None:
    scene = set_scene(registry, Spec("linear-regression"), Spec("diabetes"), 0)
    for test in TESTS:
        defense = registry.build("defense", f"query-detector:test={test}")
        client = defense.protect(scene.target, scene.train, np.random.default_rng(0))
        client.admit(np.repeat(scene.target.domain.sample(300, np.random.default_rng(0)), 2, axis=0))
        assert client.alarm is not None, test


@pytest.mark.parametrize("n", [0, 29])
def test_without_training_rows_it_says_what_it_needs(registry: mex.Registry, n: int) -> None:
    with pytest.raises(mex.Incompatible, match=f"from at least 30 training rows, and there are {n}"):
        watched(registry, "query-detector", n)


def test_prada_needs_the_model_itself(registry: mex.Registry) -> None:
    class Elsewhere:
        domain, classes, answers, family, rho, alarm = DOMAIN, np.array([0, 1]), ("label",), None, 0.0, None
        admit = answer = None

    with pytest.raises(mex.Incompatible, match="needs the model itself"):
        watched(registry, "query-detector:test=prada", behind=Elsewhere())


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("query-detector:window=5", "window must be at least every, 10, not 5"),
        ("query-detector:delta=0.9", "delta is a threshold of prada; mmd goes by alpha"),
        ("query-detector:test=t", "test must be one of hotelling, mmd, prada"),
        ("query-detector:alpha=0", "alpha must be a number between 0.001 and 0.5"),
    ],
)
def test_bad_parameters_are_explained(registry: mex.Registry, spec: str, complaint: str) -> None:
    with pytest.raises(mex.UsageError, match=complaint):
        registry.build("defense", spec)


@pytest.mark.parametrize("test", TESTS)
def test_it_conforms_and_changes_no_answer(registry: mex.Registry, test: str) -> None:
    check_defense(registry.build("defense", f"query-detector:test={test},window=30"), expect_change=False)
