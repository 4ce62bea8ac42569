"""The extraction loop, with learners that only count, and the generator adaptor."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.extraction import FIRST_SNAPSHOT, SNAPSHOTS_PER_DOUBLING
from mex.learner import Attack, Learner, Steps
from mex.toolkit.estimators import constant
from mex.types import Answer, Array, Estimator, FloatArray

TARGET = mex.FittedTarget.wrap(mex.halfspace(np.array([1.0, -1.0])))


class Counting:
    """Asks batches of zeros; its hypothesis answers how many rows it was told."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = list(sizes)
        self.told: list[int] = []
        self.pending = True

    def ask(self) -> FloatArray | None:
        return np.zeros((self.sizes[0], 2)) if self.sizes else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        assert len(X) == len(answers) > 0
        self.sizes.pop(0)
        self.told.append(len(answers))

    def hypothesis(self) -> Estimator:
        return constant(sum(self.told), 2)


def believes(hypothesis: Estimator) -> int:
    return int(hypothesis.predict(np.zeros((1, 2)))[0])


def test_a_learner_that_ends_by_itself_is_done() -> None:
    extraction = mex.extract(mex.Oracle(TARGET, budget=100), Counting(3, 4))
    assert (extraction.stopped, extraction.queries, extraction.unique_queries) == ("done", 7, 1)
    assert believes(extraction.hypothesis) == 7
    assert len(extraction.transcript) == 7
    assert extraction.price_usd == pytest.approx(7e-4)


@pytest.mark.parametrize(
    ("sizes", "told"), [([4, 4, 4], [4, 4, 2]), ([5, 5, 5], [5, 5]), ([50], [10]), ([10, 1], [10])]
)
def test_a_learner_that_meets_the_wall_gives_its_hypothesis_still(sizes: list[int], told: list[int]) -> None:
    learner = Counting(*sizes)
    extraction = mex.extract(mex.Oracle(TARGET, budget=10), learner)
    assert (extraction.stopped, extraction.queries) == ("budget", 10)
    assert learner.told == told, "it is told what was answered before the cut, and nothing twice"
    assert believes(extraction.hypothesis) == 10


def test_nothing_is_asked_of_a_learner_once_the_budget_is_spent() -> None:
    class Impatient(Counting):
        def ask(self) -> FloatArray | None:
            assert sum(self.told) < 10, "there is nothing left"
            return super().ask()

    for sizes in ([5, 5], [5, 5, 1]):  # whether or not it would have gone on
        assert mex.extract(mex.Oracle(TARGET, budget=10), Impatient(*sizes)).stopped == "budget"
    assert mex.extract(mex.Oracle(TARGET, budget=11), Counting(5, 5)).stopped == "done"


def test_a_hypothesis_is_asked_for_once_at_each_count() -> None:
    class Costly(Counting):
        looks = 0

        def hypothesis(self) -> Estimator:
            self.looks += 1
            return super().hypothesis()

    for sizes in ([8, 8], [8, 8, 84]):
        learner = Costly(*sizes)
        extraction = mex.extract(mex.Oracle(TARGET, budget=100), learner)
        assert learner.looks == len(extraction.snapshots)


def test_a_learner_that_asks_nothing_has_a_hypothesis() -> None:
    extraction = mex.extract(mex.Oracle(TARGET, budget=10), Counting())
    assert (extraction.queries, extraction.stopped, believes(extraction.hypothesis)) == (0, "done", 0)
    assert [n for n, _ in extraction.snapshots] == [0]


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=60), budget=st.integers(1, 1500))
def test_snapshots_are_spaced_geometrically_and_end_with_the_last_query(sizes: list[int], budget: int) -> None:
    extraction = mex.extract(mex.Oracle(TARGET, budget=budget), Counting(*sizes))
    counts = [n for n, _ in extraction.snapshots]
    assert counts[-1] == extraction.queries
    assert all(believes(hypothesis) == n for n, hypothesis in extraction.snapshots)
    assert all(a < b for a, b in pairwise(counts))
    # Each snapshot but the last is the first batch past a power of the factor.
    powers = [FIRST_SNAPSHOT * 2 ** (k / SNAPSHOTS_PER_DOUBLING) for k in range(30)]
    assert all(any(a < p <= b for p in powers) for a, b in pairwise([0, *counts[:-1]]))
    assert len(counts) <= 2 + max(0, SNAPSHOTS_PER_DOUBLING * np.log2(extraction.queries / FIRST_SNAPSHOT))


def test_rows_one_by_one_leave_snapshots_at_the_powers_of_the_square_root_of_two() -> None:
    extraction = mex.extract(mex.Oracle(TARGET), Counting(*[1] * 70))
    assert [n for n, _ in extraction.snapshots] == [8, 12, 16, 23, 32, 46, 64, 70]


def test_without_snapshots_only_the_last_is_kept() -> None:
    extraction = mex.extract(mex.Oracle(TARGET), Counting(*[5] * 20), snapshots=False)
    assert [n for n, _ in extraction.snapshots] == [100]


def test_progress_is_told_after_every_answer() -> None:
    seen: list[int] = []
    mex.extract(mex.Oracle(TARGET, budget=10), Counting(4, 4, 4), on_progress=seen.append)
    assert seen == [4, 8, 10]


def test_a_word_of_who_is_told_the_progress_ends_the_attack_which_keeps_what_it_has() -> None:
    def enough(queries: int) -> str | None:
        return "time" if queries >= 8 else None

    stolen = mex.extract(mex.Oracle(TARGET), Counting(4, 4, 4), on_progress=enough)
    assert (stolen.stopped, stolen.queries, stolen.snapshots[-1][0]) == ("time", 8, 8)


def test_what_a_bar_of_progress_answers_is_no_word() -> None:
    def bar(queries: int) -> bool:
        return True

    stolen = mex.extract(mex.Oracle(TARGET), Counting(4, 4, 4), on_progress=bar)  # type: ignore[arg-type]
    assert (stolen.stopped, stolen.queries) == ("done", 12)


def test_a_learner_that_asks_what_the_interface_refuses_is_stopped() -> None:
    class Careless(Counting):
        def ask(self) -> FloatArray | None:
            return np.full((1, 2), np.nan)

    oracle = mex.Oracle(TARGET)
    with pytest.raises(mex.QueryError, match="feature 0 is nan"):
        mex.extract(oracle, Careless(1))
    assert oracle.queries == 0


def test_evaluation_never_passes_the_oracle(registry: mex.Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target sees the attacker's rows through the oracle; every other row is the judge's."""
    from mex.app.matrix.cells import Cell
    from mex.app.matrix.experiment import measure
    from mex.oracle import Oracle
    from mex.registry.spec import Spec

    asked: list[int] = []
    ask = Oracle.ask

    def counted(self: Oracle, X: FloatArray) -> Array:
        answers = ask(self, X)
        asked.append(len(answers))
        return answers

    monkeypatch.setattr(Oracle, "ask", counted)
    cell = Cell(attack=Spec("passive"), defense=Spec("none"), model=Spec("logistic"), dataset=Spec("heart"), budget=40)
    record, extraction = measure(registry, cell)
    assert len(record["curve"]) > 2
    assert sum(asked) == record["queries"] == len(extraction.transcript) == 40


class Doubling(mex.GeneratorLearner):
    """Asks one row, then two, then four; keeps what it received."""

    def __init__(self) -> None:
        self.received: list[list[int]] = []
        self.closed = False

    def steps(self) -> Steps:
        try:
            for k in range(3):
                answers = yield np.full((2**k, 2), [k, 0.0])
                self.received.append(answers.tolist())
        finally:
            self.closed = True

    def hypothesis(self) -> Estimator:
        return constant(len(self.received), 2)


def test_a_generator_receives_the_answers_to_what_it_yields() -> None:
    learner = Doubling()
    extraction = mex.extract(mex.Oracle(TARGET), learner)
    assert learner.received == [[-1], [1, 1], [1] * 4]
    assert (extraction.stopped, extraction.queries) == ("done", 7)


def test_a_generator_asks_the_same_rows_until_it_is_told() -> None:
    learner = Doubling()
    first, again = learner.ask(), learner.ask()
    assert first is not None
    assert again is not None
    assert np.array_equal(first, again)
    learner.tell(first, np.array([0]))
    second = learner.ask()
    assert second is not None
    assert len(second) == 2


@pytest.mark.parametrize(("budget", "received"), [(1, 1), (2, 1), (3, 2), (6, 2), (7, 3)])
def test_a_generator_cut_in_the_middle_ends_with_what_it_has(budget: int, received: int) -> None:
    learner = Doubling()
    extraction = mex.extract(mex.Oracle(TARGET, budget=budget), learner)
    assert extraction.queries == budget
    assert believes(extraction.hypothesis) == received
    if budget in (2, 6):  # in the middle of a batch: its generator is closed and asks no more
        assert learner.closed
        assert learner.ask() is None


def test_the_answers_that_the_budget_left_of_a_batch_come_with_their_rows() -> None:
    class Thrifty(Doubling):
        def cut(self, X: FloatArray, answers: Array) -> None:
            self.left = X, answers

    learner = Thrifty()
    extraction = mex.extract(mex.Oracle(TARGET, budget=5), learner)
    X, answers = learner.left
    assert np.array_equal(X, extraction.transcript.X[3:])
    assert np.array_equal(answers, extraction.transcript.answers[3:])


def test_a_generator_that_yields_nothing_is_done_at_once() -> None:
    class Silent(Doubling):
        def steps(self) -> Steps:
            yield from ()

    assert mex.extract(mex.Oracle(TARGET), Silent()).stopped == "done"


def test_telling_before_asking_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="tell without ask"):
        Doubling().tell(np.zeros((1, 2)), np.zeros(1))


def test_the_protocols_say_who_plays_which_part(registry: mex.Registry) -> None:
    assert isinstance(Doubling(), Learner)
    assert isinstance(Counting(), Learner)
    assert isinstance(registry.build("attack", "passive"), Attack)
    assert not isinstance(TARGET, Learner)


def test_any_object_with_predict_can_be_the_target() -> None:
    class Threshold:
        n_features_in_ = 1
        classes_ = np.array(["no", "yes"])

        def predict(self, X: FloatArray) -> Array:
            return np.where(X[:, 0] > 0.25, "yes", "no")

    stolen = mex.attack(
        "passive:model=decision-tree,sampler=uniform", Threshold(), domain=mex.Domain([0], [1]), budget=200, seed=1
    )
    X = np.linspace(0, 1, 101)[:, None]
    assert np.mean(stolen.hypothesis.predict(X) == Threshold().predict(X)) >= 0.97
    assert set(stolen.transcript.answers) == {"no", "yes"}


@pytest.mark.parametrize(
    ("kind", "reason"), [("proba", "gives label answers, not proba"), ("value", "gives label answers, not value")]
)
def test_answers_that_a_target_does_not_give_are_incompatible(kind: Answer, reason: str) -> None:
    with pytest.raises(mex.Incompatible, match=reason):
        mex.attack("passive:model=logistic", TARGET, answers=kind)


def test_a_target_without_predict_or_without_a_width_is_a_mistake() -> None:
    with pytest.raises(mex.UsageError, match="needs a predict method, and int has none"):
        mex.attack("passive", 3)

    class Widthless:
        def predict(self, X: FloatArray) -> Array:
            return X[:, 0]

    with pytest.raises(mex.UsageError, match="Widthless does not tell its number of features; give a domain"):
        mex.FittedTarget.wrap(Widthless())


class Interrupting(mex.Defended):
    """A target that is interrupted before its third batch of answers."""

    batches = 0

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        self.batches += 1
        if self.batches == 3:
            raise KeyboardInterrupt
        return self._target.answer(X, kind)


def test_what_was_paid_for_is_given_where_an_attack_may_be_interrupted() -> None:
    stolen = mex.extract(mex.Oracle(Interrupting(TARGET)), Counting(10, 10, 10, 10), interruptible=True)
    assert (stolen.stopped, stolen.queries) == ("interrupted", 30), "the third batch was sent, and counts"
    assert believes(stolen.hypothesis) == len(stolen.transcript) == 20
    with pytest.raises(KeyboardInterrupt):
        mex.extract(mex.Oracle(Interrupting(TARGET)), Counting(10, 10, 10, 10))


class Failing(mex.Defended):
    """A target that breaks after so many rows, as a service does."""

    def __init__(self, target: mex.Target, after: int, error: Exception) -> None:
        super().__init__(target)
        self.left, self.error = after, error

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        self.left -= len(X)
        if self.left < 0:
            raise self.error
        return self._target.answer(X, kind)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionError("reset by peer"), "the target failed after 60 answers (ConnectionError: reset by peer)"),
        (mex.Refused("too many requests"), "the target failed after 60 answers (too many requests)"),
    ],
)
def test_what_was_paid_for_until_the_target_failed_is_given(error: Exception, said: str) -> None:
    stolen = mex.extract(mex.Oracle(Failing(TARGET, 65, error), budget=1000), Counting(*[10] * 20))
    assert (stolen.stopped, stolen.queries) == ("failed", 70), "the rows that it failed at were sent, and count"
    assert believes(stolen.hypothesis) == len(stolen.transcript) == 60
    assert stolen.note.startswith(said)
    assert stolen.price_usd == pytest.approx(70e-4)
    assert stolen.snapshots[-1][0] == 70


def test_answers_that_the_interface_does_not_allow_are_a_failure_too() -> None:
    class Inventive(Failing):
        def answer(self, X: FloatArray, kind: Answer) -> Array:
            self.left -= len(X)
            return np.full(len(X), 7) if self.left < 0 else self._target.answer(X, kind)

    stolen = mex.extract(mex.Oracle(Inventive(TARGET, 25, Exception())), Counting(*[10] * 20))
    assert (stolen.stopped, len(stolen.transcript)) == ("failed", 20)
    assert "labels that are not among the classes [-1  1]" in stolen.note


def test_a_target_that_never_answered_and_a_learner_that_asks_wrongly_raise() -> None:
    with pytest.raises(ConnectionError, match="reset"):
        mex.extract(mex.Oracle(Failing(TARGET, 5, ConnectionError("reset"))), Counting(10))

    class Wrong(Counting):
        def ask(self) -> FloatArray | None:
            return np.zeros((1, 3)) if self.told else super().ask()

    with pytest.raises(mex.QueryError, match="rows of 2 features"):
        mex.extract(mex.Oracle(TARGET), Wrong(10, 10))


@pytest.mark.parametrize(
    "attack", ["pivot", "version-space", "passive", "margin", "tree-labels", "threshold-cart", "equation-solving"]
)
def test_every_kind_of_attack_gives_what_it_learned_until_the_target_failed(
    breast_cancer: mex.Dataset, attack: str
) -> None:
    X, y = scale(breast_cancer.X[:, :5]), breast_cancer.y
    tree = attack in ("tree-labels", "threshold-cart")
    learner = DecisionTreeClassifier(max_depth=4, random_state=0) if tree else LogisticRegression()
    target = mex.FittedTarget.wrap(learner.fit(X, y), domain=mex.Domain.of(X))
    answers: Answer = "proba" if attack == "equation-solving" else "label"
    after = {"equation-solving": 5, "tree-labels": 200, "threshold-cart": 100}.get(attack, 60)
    with pytest.warns(
        RuntimeWarning, match=r"the target failed after \d+ answers \(OSError: down\).*; the attack ended"
    ):
        stolen = mex.attack(attack, Failing(target, after, OSError("down")), pool=X, answers=answers, budget=5000)
    assert stolen.stopped == "failed"
    assert 0 < len(stolen.transcript) <= after < stolen.queries
    assert np.isin(stolen.hypothesis.predict(X), [0, 1]).all()


class Confused(Counting):
    """Interrupted in the middle of its third thought."""

    def tell(self, X: FloatArray, answers: Array) -> None:
        if len(self.told) == 2:
            self.told.append(-1)
            raise KeyboardInterrupt
        super().tell(X, answers)

    def hypothesis(self) -> Estimator:
        if -1 in self.told:
            raise ValueError("half of a thought")
        return super().hypothesis()


def test_a_learner_interrupted_in_thought_falls_back_on_its_last_snapshot() -> None:
    stolen = mex.extract(mex.Oracle(TARGET), Confused(8, 8, 8, 8), interruptible=True)
    assert (stolen.stopped, stolen.queries, believes(stolen.hypothesis)) == ("interrupted", 24, 16)
    with pytest.raises(ValueError, match="half of a thought"):
        mex.extract(mex.Oracle(TARGET), Confused(4, 1, 1), interruptible=True)
