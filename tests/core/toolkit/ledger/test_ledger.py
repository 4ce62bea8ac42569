"""A ledger keeps what was asked and answered, replays it, and survives whoever writes to it."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.errors import BudgetSpent
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.shared import SharedLedger
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.target import LedgerTranscript, recorded
from mex.toolkit.ledger.values import packed, unpacked
from mex.types import Array, FloatArray

X, Y = load_iris(return_X_y=True)
FOREST = RandomForestClassifier(10, random_state=0).fit(X, np.array(["setosa", "versicolor", "virginica"])[Y])


class Counting:
    """A model that notes every row that it is asked, and may answer at random or end the process."""

    def __init__(self, noise: np.random.Generator | None = None, log: Path | None = None) -> None:
        self.classes_ = FOREST.classes_
        self.asked: list[bytes] = []
        self.noise = noise
        self.log = log

    def predict(self, rows: FloatArray) -> Array:
        self.asked += [row.tobytes() for row in rows]
        if self.log:
            with self.log.open("ab", buffering=0) as file:
                file.write(b"".join(row.tobytes() for row in rows))
        labels = np.asarray(FOREST.predict(rows))
        return labels if self.noise is None else self.noise.permutation(labels)

    def predict_proba(self, rows: FloatArray) -> Array:
        self.asked += [row.tobytes() for row in rows]
        return np.asarray(FOREST.predict_proba(rows))


def target(model: Any, ledger: Ledger, limit: int | None = None) -> Any:
    wrapped = mex.FittedTarget.wrap(model, domain=mex.Domain.of(X))
    return recorded(wrapped, Session(ledger, "attack", limit))


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    model = Counting()
    first = target(model, Ledger(tmp_path / "a.ledger"))
    labels, shares = first.answer(X[:50], "label"), first.answer(X[:20], "proba")
    first.session.ledger.close()
    asked = len(model.asked)
    assert asked == 70
    again = target(model, Ledger(tmp_path / "a.ledger"))
    assert (again.answer(X[:50], "label") == labels).all()
    assert (again.answer(X[:20], "proba") == shares).all()
    assert len(model.asked) == asked
    mixed = again.answer(X[40:60], "label")  # ten of them go on the wire, and a few recorded ones to compare
    assert (mixed == FOREST.predict(X[40:60])).all()
    assert mixed.dtype == FOREST.classes_.dtype
    assert len(model.asked) == asked + 15 - 5 + 15  # 40 to 49 are asked a second time: new questions
    assert again.session.notes == []


def test_a_row_asked_twice_has_two_answers_and_both_are_replayed(tmp_path: Path) -> None:
    model = Counting(np.random.default_rng(0))
    first = target(model, Ledger(tmp_path / "a.ledger"))
    rows = np.concatenate([X[45:75], X[45:75]])
    noisy = [first.answer(rows, "label"), first.answer(rows, "label")]
    assert (noisy[0] != noisy[1]).any()
    again = copy.deepcopy(first)
    replayed = [again.answer(rows[:7], "label"), again.answer(rows[7:], "label"), again.answer(rows, "label")]
    assert (np.concatenate(replayed) == np.concatenate(noisy)).all()
    assert len(model.asked) == 120


def test_minus_zero_is_zero() -> None:
    model = Counting()
    asked = target(model, Ledger())
    asked.answer(np.array([[0.0, 1, 1, 1]]), "label")
    copy.deepcopy(asked).answer(np.array([[-0.0, 1, 1, 1]]), "label")
    assert len(model.asked) == 1


def test_a_changed_target_is_told_after_a_few_rows(tmp_path: Path) -> None:
    target(Counting(), Ledger(tmp_path / "a.ledger")).answer(X, "label")
    other = Counting()
    other.predict = lambda rows: np.full(len(rows), "virginica")  # type: ignore[method-assign]
    again = target(other, Ledger(tmp_path / "a.ledger"))
    again.answer(X, "label")
    assert again.session.notes == [], "nothing is asked where everything is recorded"
    again.answer(X[:1], "label")
    assert "5 of 5 recorded rows are answered otherwise now: the target was changed" in again.session.notes[0]
    assert again.session.ledger.sent("check") == 5


@pytest.mark.parametrize(
    ("about", "sentence"),
    [({"classes": ["a", "b"]}, r"of another target: its classes is \['a', 'c'\], not \['a', 'b'\]")],
)
def test_the_ledger_of_another_target_is_refused(tmp_path: Path, about: dict[str, Any], sentence: str) -> None:
    Ledger(tmp_path / "a.ledger", {"classes": ["a", "c"]}).close()
    with pytest.raises(mex.UsageError, match=sentence):
        Ledger(tmp_path / "a.ledger", about)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ledger").write_text("rows and answers\n" * 100)
    with pytest.raises(mex.UsageError, match=r"cannot write the ledger .*a.ledger: file is not a database"):
        Ledger(tmp_path / "a.ledger")
    with pytest.raises(mex.UsageError, match=r"cannot read the ledger .*b.ledger: unable to open"):
        Ledger(tmp_path / "b.ledger", read_only=True)


def test_one_process_writes_and_others_read(tmp_path: Path) -> None:
    writing = target(Counting(), Ledger(tmp_path / "a.ledger"))
    writing.answer(X[:3], "label")
    with pytest.raises(mex.UsageError, match="somebody else writes to the ledger"):
        Ledger(tmp_path / "a.ledger")
    assert Ledger(tmp_path / "a.ledger", read_only=True).answers == 3


def test_an_open_ledger_is_found_again_in_its_own_process(tmp_path: Path) -> None:
    ledger = Ledger.at(tmp_path / "a.ledger")
    asked = target(Counting(), ledger)
    asked.answer(X[:3], "label")
    travelled = pickle.loads(pickle.dumps(asked))
    assert travelled.session.ledger is ledger
    assert (travelled.answer(X[:3], "label") == FOREST.predict(X[:3])).all()
    assert ledger.answers == 3


def test_rows_past_the_limit_are_not_sent() -> None:
    model = Counting()
    asked = target(model, Ledger(), limit=10)
    asked.answer(X[:8], "label")
    with pytest.raises(BudgetSpent, match="8 of 10 rows have been sent, and 3 more would go past them"):
        asked.answer(X[8:11], "label")
    asked.answer(X[8:10], "label")
    assert len(model.asked) == 10


def test_answers_that_a_full_disk_does_not_take_are_handed_over_and_nothing_more_is_sent(tmp_path: Path) -> None:
    model = Counting()
    full = target(model, Ledger(tmp_path / "a.ledger"))
    full.answer(X[:10], "label")
    full.session.ledger._db.execute(
        "create temp trigger full before insert on answer begin select raise(fail, 'full'); end"
    )
    assert (full.answer(X[10:20], "label") == FOREST.predict(X[10:20])).all()
    assert "cannot write the ledger" in full.session.notes[0]
    assert full.session.notes[0].endswith("full: 10 answers are not in it")
    full.session.ledger._db.execute("pragma query_only = true")
    with pytest.raises(mex.UsageError, match="cannot write the ledger"):
        full.answer(X[20:30], "label")
    assert len(model.asked) == 20


def test_a_target_that_fails_leaves_its_attempt_and_what_was_answered(tmp_path: Path) -> None:
    model = Counting()
    asked = target(model, Ledger(tmp_path / "a.ledger"))
    asked.answer(X[:5], "label")
    model.predict = lambda rows: np.array(["tulip"] * len(rows))  # type: ignore[method-assign]
    with pytest.raises(mex.AnswerError):
        asked.answer(X[5:7], "label")
    model.predict = lambda rows: 1 / 0  # type: ignore[method-assign, return-value]
    with pytest.raises(ZeroDivisionError):
        asked.answer(X[5:6], "label")
    assert asked.session.ledger.totals() == [
        ("attack", "answered", 1, 5),
        ("attack", "malformed", 1, 2),
        ("attack", "failed", 2, 2),
    ], "a model that raises is asked once more"
    assert asked.session.ledger.sent("attack") == 9
    del model.predict
    assert (asked.answer(X[5:7], "label") == FOREST.predict(X[5:7])).all(), "a question that failed may be asked again"


@pytest.mark.parametrize(
    ("kind", "answers", "classes"),
    [
        ("label", np.array(["a", "bcd"]), np.array(["a", "bcd"])),
        ("label", np.array([True, False]), np.array([False, True])),
        ("label", np.array([3, 1]), np.array([1, 3])),
        ("label", np.array([0.5, 1.5]), np.array([0.5, 1.5])),
        ("label", np.array(["a", 1], dtype=object), np.array([1, "a"], dtype=object)),
        ("proba", np.array([[0.1, 0.9], [1 / 3, 2 / 3]]), np.array([0, 1])),
        ("value", np.array([0.1, 1e-310]), None),
        ("leaf", np.array([3, 5]), None),
        ("leaf", np.array([[3], [5]]), None),
        ("leaf", np.array([[3, 1], [5, 2]]), None),
    ],
)
def test_answers_come_back_as_they_were(kind: Any, answers: Array, classes: Array | None) -> None:
    model = mex.FittedTarget.wrap(FOREST)
    ledger = Ledger()
    asked = Session(ledger, "attack")

    def send(rows: FloatArray, *_: Any) -> tuple[Array, int]:
        return answers, ledger.begin("attack", kind, len(rows))

    given = asked.ask(X[:2], kind, send, classes, batch=None)
    again = asked.afresh().ask(X[:2], kind, send, classes, batch=None)
    assert ledger.sent("attack") == 2
    for found in (again, unpacked(packed(answers), kind, classes)):
        assert found.dtype == given.dtype
        assert found.shape == answers.shape
        assert (found == answers).all()
    assert model.classes is not None


def test_batches_are_asked_at_once_and_each_is_kept_though_another_fails() -> None:
    ledger = Ledger()

    def send(rows: FloatArray, kind: Any, journal: Any) -> tuple[Array, int]:
        attempt = journal.begin(len(rows))
        if (rows == X[25]).all(axis=1).any():
            journal.end(attempt, "failed", 500)
            raise mex.MexError("the server is ill")
        return np.asarray(FOREST.predict(rows)), attempt

    session = Session(ledger, "attack")
    with pytest.raises(mex.MexError, match="the server is ill"):
        session.ask(X[:60], "label", send, FOREST.classes_, batch=10, threads=2)
    assert 10 <= ledger.answers <= 50
    assert ("attack", "failed", 1, 10) in ledger.totals()
    good = np.delete(X[:60], range(20, 30), axis=0)
    kept = ledger.answers
    found = session.afresh().ask(good, "label", send, FOREST.classes_, batch=10, threads=3)
    assert (found == FOREST.predict(good)).all()
    assert ledger.answers == 50
    assert ledger.sent("attack") == 60, f"{kept} were not asked again"


def test_the_transcript_of_an_attack_on_leaves_beside_labels_is_kept() -> None:
    tree = mex.FittedTarget.wrap(FOREST, domain=mex.Domain.of(X), answers=("leaf", "label"))
    oracle, ledger = mex.Oracle(tree), Ledger()
    oracle.transcript = LedgerTranscript(ledger=ledger, kind="leaf")
    answers = oracle.ask(X[:4])
    rows = list(ledger.rows())
    assert [row.kind for row in rows] == ["leaf"] * 4 + ["label"] * 4
    assert ledger.sent("attack") == 4
    assert unpacked([row.y for row in rows[:4]], "leaf", None).tolist() == answers["leaf"].tolist()


class Walk(mex.GeneratorLearner):
    """Rounds of five rows, each drawn about the last row that had the rarest label."""

    def steps(self) -> Any:
        rng, X0 = np.random.default_rng(0), X[::30]
        self.rows, self.labels = [X0], [(yield X0)]
        for _ in range(30):
            labels = np.concatenate(self.labels)
            found, counts = np.unique(labels, return_counts=True)
            centre = np.concatenate(self.rows)[labels == found[np.argmin(counts)]][-1]
            near = mex.Domain.of(X).clip(centre + rng.normal(size=(5, 4)))
            self.rows.append(near)
            self.labels.append((yield near))

    def hypothesis(self) -> Any:
        return DecisionTreeClassifier(random_state=0).fit(np.concatenate(self.rows), np.concatenate(self.labels))


def steal(path: Path, log: Path) -> mex.Extraction:
    """An adaptive attack on the forest, through a ledger, of 31 requests of five rows."""
    model = target(Counting(log=log), Ledger(path))
    return mex.extract(mex.Oracle(model), Walk(), snapshots=False)


def killed_after(rows: int, path: Path, log: Path) -> bool:
    """Attack in a process that is killed once the model has been asked so many more rows; whether it was in time."""
    before = log.stat().st_size if log.exists() else 0
    child = os.fork()
    if child == 0:
        try:
            steal(path, log)
        finally:
            os._exit(0)
    while not (log.exists() and log.stat().st_size >= before + rows * X[0].nbytes):
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            return False
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_attack_goes_on_and_nothing_answered_is_asked_again(tmp_path: Path) -> None:
    alone = steal(tmp_path / "alone.ledger", tmp_path / "alone.log")
    path, log, rng = tmp_path / "a.ledger", tmp_path / "a.log", np.random.default_rng(0)
    kills = 0
    while killed_after(int(rng.integers(1, 40)), path, log):
        kills += 1
    stolen = steal(path, tmp_path / "b.log")
    assert kills >= 3
    assert not (tmp_path / "b.log").exists(), "an attack that has ended asks nothing"
    assert (stolen.transcript.X == alone.transcript.X).all()
    assert (stolen.hypothesis.predict(X) == alone.hypothesis.predict(X)).all()
    ledger = Ledger(path, read_only=True)
    answered = Counter((row.x, row.occurrence) for row in ledger.rows())
    assert set(answered.values()) == {1}
    assert ledger.answers == stolen.queries
    seen, sent = log.stat().st_size // X[0].nbytes, ledger.sent("attack") + ledger.sent("check")
    assert sent - 5 * kills <= seen <= sent
    lost = sum(rows for purpose, outcome, _, rows in ledger.totals() if (purpose, outcome) == ("attack", "sent"))
    assert ledger.sent("attack") == stolen.queries + lost


def test_processes_write_to_a_shared_ledger_in_turns_and_none_pays_for_what_another_has_asked(tmp_path: Path) -> None:
    log = tmp_path / "log"
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                ledger = SharedLedger(tmp_path / "a.ledger", run="a run")
                wrapped = mex.FittedTarget.wrap(Counting(log=log), domain=mex.Domain.of(X))
                asked = recorded(wrapped, Session(ledger, "evaluation", 100))
                for i in range(0, 60, 10):
                    asked.answer(X[i : i + 10], "label")
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    seen = np.frombuffer(log.read_bytes()).reshape(-1, 4)
    assert np.array_equal(seen, X[:60]), "each row once, and no recorded one again in the same run"
    ledger = SharedLedger(tmp_path / "a.ledger", run="a run")
    assert (ledger.answers, ledger.sent("evaluation")) == (60, 60)
    wrapped = mex.FittedTarget.wrap(Counting(), domain=mex.Domain.of(X))
    recorded(wrapped, Session(ledger, "evaluation", 100)).answer(X[60:100], "label")
    with pytest.raises(BudgetSpent):
        recorded(wrapped, Session(SharedLedger(tmp_path / "a.ledger", run="a run"), "evaluation", 100)).answer(
            X[100:101], "label"
        )
    later = SharedLedger(tmp_path / "a.ledger", run="another run")
    recorded(wrapped, Session(later, "evaluation", 110)).answer(X[100:101], "label")
    assert later.sent("check") == 5, "of a run that goes on a few are asked again"


def test_who_dies_in_its_turn_keeps_nobody_waiting(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        with SharedLedger(tmp_path / "a.ledger", run="a run").turn():
            (tmp_path / "has it").touch()
            time.sleep(60)
    while not (tmp_path / "has it").exists():
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    ledger = SharedLedger(tmp_path / "a.ledger", run="a run")
    with ledger.turn():
        ledger.begin("evaluation", "label", 3)
    assert ledger.sent("evaluation") == 3
