"""What defenses remember of clients: one at a time in a target, all in a store that others change as well."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.defense import twin
from mex.errors import Incompatible
from mex.serving.gateway.memories import Memories
from mex.serving.gateway.store import SQLiteStore, Store, StoreFailed
from mex.serving.gateway.stores import open_store
from mex.types import Answer, Array, BoolArray, FloatArray

X, Y = load_breast_cancer(return_X_y=True)
X = scale(X)
TARGET = mex.FittedTarget.wrap(DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, Y))
Open = Callable[[], Store]


def protected(registry: mex.Registry, defense: str) -> mex.Target:
    target: mex.Target = registry.build("defense", defense).protect(TARGET, mex.Rows(X, Y), np.random.default_rng(0))
    return target


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of Redis in memory, on a socket of its own."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here: apt-get install redis-server")
    pytest.importorskip("redis")
    path = tmp_path_factory.mktemp("redis") / "socket"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(path.parent)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    yield f"unix://{path}"
    server.terminate()
    server.wait()


@pytest.fixture(params=["a file", "Redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens one store, as each worker does."""
    if request.param == "a file":
        return lambda: open_store(str(tmp_path / "store"), "m")
    url = request.getfixturevalue("redis")
    return lambda: open_store(url, tmp_path.name)


def test_workers_that_share_a_store_admit_no_row_past_the_limit(registry: mex.Registry, opened: Open) -> None:
    admitted: list[int] = []

    def work(memories: Memories, size: int) -> None:
        for i in range(40):
            rows = memories.admit(X[:size], f"client {i % 2}").admitted
            admitted.append(int(rows.sum()) if rows.all() else 0)

    workers = [Memories(protected(registry, "query-budget:limit=100"), opened()) for _ in range(4)]
    threads = [threading.Thread(target=work, args=(memories, 1 + i)) for i, memories in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 190 <= sum(admitted) <= 200
    work(Memories(protected(registry, "query-budget:limit=100"), opened()), 1)
    assert sum(admitted) == 200


def test_rows_that_were_not_answered_are_given_back(registry: mex.Registry, opened: Open) -> None:
    memories = Memories(protected(registry, "query-budget:limit=10"), opened())
    assert memories.admit(X[:7], "a").admitted.all()
    assert memories.admit(X[:7], "a").admitted.sum() == 3, "the others are refused, and so is the request"
    assert memories.admit(X[:3], "a").admitted.all()
    memories.unanswered("a", 3)
    assert memories.admit(X[:3], "a").admitted.all()
    assert not memories.admit(X[:1], "a").admitted.any()


def test_a_client_is_new_again_when_its_time_is_over(registry: mex.Registry, tmp_path: Path) -> None:
    now = [1000.0]
    store = SQLiteStore(tmp_path / "store")
    memories = Memories(protected(registry, "query-budget:limit=10"), store, renew=60, clock=lambda: now[0])
    memories.admit(X[:10], "a")
    now[0] += 45
    refused = memories.admit(X[:1], "a")
    assert not refused.admitted.any()
    assert memories.renews_in(refused.since) == 15
    now[0] += 15
    assert memories.admit(X[:10], "a").admitted.all()


@pytest.mark.parametrize("test", ["mmd", "hotelling", "prada"])
@pytest.mark.parametrize("action", ["throttle", "refuse"])
def test_detectors_watch_each_of_many_clients_as_if_it_were_the_only_one(
    registry: mex.Registry, tmp_path: Path, test: str, action: str
) -> None:
    fresh = protected(registry, f"query-detector:test={test},action={action},window=150 + query-budget:limit=400")
    store = SQLiteStore(tmp_path / "store")
    workers = [Memories(twin(fresh), store), Memories(twin(fresh), store)]
    rng = np.random.default_rng(1)
    line = X[:1] + np.geomspace(1e-6, 4, 320)[:, None]  # as of a search for a boundary
    clients = {"honest": X[rng.permutation(len(X))], "attacker": line}
    alone: dict[str, Any] = {name: twin(fresh) for name in clients}
    for i, start in enumerate(range(0, 320, 8)):
        for name, rows in clients.items():
            batch = rows[start : start + 8]
            admission = workers[i % 2].admit(batch, name)
            expected = alone[name].admit(batch)
            if not expected.all():
                alone[name].unanswered(int(expected.sum()))
            assert (admission.admitted == expected).all()
            assert admission.alarm == alone[name].alarm
    assert alone["attacker"].alarm is not None


class Secretive(mex.Defended):
    """A defense that remembers and does not say what."""

    def admit(self, X: FloatArray) -> BoolArray:
        return np.ones(len(X), dtype=bool)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._target.answer(X, kind)


def test_a_defense_whose_memory_cannot_be_kept_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(Incompatible, match="Secretive remembers its client and has no memory to be kept"):
        Memories(Secretive(TARGET), SQLiteStore(tmp_path / "store"))


def test_a_store_that_breaks_answers_nobody(registry: mex.Registry, tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "store")
    memories = Memories(protected(registry, "query-budget"), store)
    store.close()
    with pytest.raises(StoreFailed, match=r"the store .* cannot be used"):
        memories.admit(X[:1], "a")


def test_what_is_no_store_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 100, encoding="utf-8")
    with pytest.raises(mex.UsageError, match=r"the store .*text cannot be used: file is not a database"):
        SQLiteStore(tmp_path / "text")
    pytest.importorskip("redis")
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(mex.UsageError, match=r"the store in Redis cannot be used \(ConnectionError\)") as told:
        open_store(f"redis://:password@127.0.0.1:{port}/0", "m")
    assert "password" not in str(told.value)


def test_a_store_is_read_by_its_owner_only(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "store").close()
    assert (tmp_path / "store").stat().st_mode & 0o077 == 0
