"""Models behind an interface that costs money: what their ledger costs, and what a kill costs.

python benchmarks/live.py                    every part
python benchmarks/live.py kills --times 200
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from parts import run
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.target import recorded
from mex.types import Array, FloatArray

X, Y = load_iris(return_X_y=True)


def ledger(times: int) -> None:
    """microseconds that a ledger adds to a row of 20 numbers and 3 probabilities: least, median and most of the runs"""
    rng = np.random.default_rng(0)
    classes = np.arange(3)
    for batch, rows in ((1, 500), (100, 10_000)):
        took, cpu = [], []
        for _ in range(max(5, times // 20)):
            with tempfile.TemporaryDirectory() as directory:
                session = Session(Ledger(Path(directory) / "a.ledger"), "attack")
                points = rng.normal(size=(rows, 20))
                shares = np.tile([0.2, 0.3, 0.5], (batch, 1))

                def send(given: FloatArray, kind: Any, journal: Any, shares: Array = shares) -> tuple[Array, int]:
                    return shares, journal.begin(len(given))

                started, worked = time.perf_counter(), time.process_time()
                for i in range(0, rows, batch):
                    session.ask(points[i : i + batch], "proba", send, classes, batch=None)
                took.append((time.perf_counter() - started) / rows * 1e6)
                cpu.append((time.process_time() - worked) / rows * 1e6)
                session.ledger.close()
        for what, each in (("wall", took), ("CPU", cpu)):
            print(f"batches of {batch:3d}: {what:4s} {min(each):6.1f} {np.median(each):6.1f} {max(each):6.1f}")


class Walk(mex.GeneratorLearner):
    """Rounds of five rows, each drawn about the last row that had the rarest label."""

    def steps(self) -> Any:
        """Ask, round after round."""
        rng, start = np.random.default_rng(0), X[::30]
        self.rows, self.labels = [start], [(yield start)]
        for _ in range(60):
            labels = np.concatenate(self.labels)
            found, counts = np.unique(labels, return_counts=True)
            centre = np.concatenate(self.rows)[labels == found[np.argmin(counts)]][-1]
            near = mex.Domain.of(X).clip(centre + rng.normal(size=(5, 4)))
            self.rows.append(near)
            self.labels.append((yield near))

    def hypothesis(self) -> Any:
        """A tree of all answers."""
        return DecisionTreeClassifier(random_state=0).fit(np.concatenate(self.rows), np.concatenate(self.labels))


class Served:
    """A tree that notes in a file every row that it is asked, before it answers."""

    def __init__(self, log: Path) -> None:
        self.tree = DecisionTreeClassifier(random_state=0).fit(X, Y)
        self.classes_ = self.tree.classes_
        self.log = log

    def predict(self, rows: FloatArray) -> Array:
        """The labels."""
        with self.log.open("ab", buffering=0) as file:
            file.write(rows.tobytes())
        return np.asarray(self.tree.predict(rows))


def steal(path: Path, log: Path) -> mex.Extraction:
    """An adaptive attack of 61 requests of five rows, through a ledger."""
    target = mex.FittedTarget.wrap(Served(log), domain=mex.Domain.of(X))
    return mex.extract(mex.Oracle(recorded(target, Session(Ledger(path), "attack"))), Walk(), snapshots=False)


def kill_at(moment: float, path: Path, log: Path) -> bool:
    """Let an attack go on and kill it after so many seconds; whether it was killed before its end."""
    child = os.fork()
    if child == 0:
        try:
            steal(path, log)
        finally:
            os._exit(0)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def kills(times: int) -> None:
    """an attack killed at random moments and resumed: rows asked twice, answers lost, the model's own count"""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        alone = steal(Path(directory) / "alone.ledger", Path(directory) / "alone.log")
        whole = time.perf_counter() - started
        killed = attacks = twice = lost = bad = 0
        in_flight = checked = 0
        while killed < times:
            path, log = Path(directory) / f"{attacks}.ledger", Path(directory) / f"{attacks}.log"
            own = 0
            while own < 20 and killed + own < times and kill_at(rng.uniform(0, whole), path, log):
                own += 1
            stolen = steal(path, log)
            kept = Ledger(path, read_only=True)
            asked = [(row.x, row.occurrence) for row in kept.rows()]
            twice += len(asked) - len(set(asked))
            lost += stolen.queries - kept.answers
            seen = log.stat().st_size // X[0].nbytes
            sent = kept.sent("attack") + kept.sent("check")
            in_flight += sent - stolen.queries - kept.sent("check")
            checked += kept.sent("check")
            bad += not sent - 5 * own <= seen <= sent
            bad += not (stolen.hypothesis.predict(X) == alone.hypothesis.predict(X)).all()
            kept.close()
            killed += own
            attacks += 1
    print(f"{killed} kills of {attacks} attacks, each of {alone.queries} rows")
    print(f"answered rows asked again {twice}, answers lost {lost}, counts or stolen models that are wrong {bad}")
    print(f"rows under way at a kill and sent again {in_flight}, recorded rows asked again to compare {checked}")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    run(__doc__, {"ledger": ledger, "kills": kills}, "times", 200)
