"""Models behind an interface that costs money: what their ledger costs, and what a kill costs.

python benchmarks/live.py                    every part
python benchmarks/live.py kills --times 200
MEX_SERVERS=~/servers python benchmarks/live.py presets attacks    real servers, installed there
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from live_parts.gateway import gateway
from live_parts.others import others
from live_parts.servers import PARTS
from parts import run
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.target import recorded
from mex.types import Array, FloatArray
from mex_endpoint import client as endpoint_client
from mex_endpoint.model import Endpoint

X, Y = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(random_state=0).fit(X, Y)


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
        self.classes_ = TREE.classes_
        self.log = log

    def predict(self, rows: FloatArray) -> Array:
        """The labels."""
        with self.log.open("ab", buffering=0) as file:
            file.write(rows.tobytes())
        return np.asarray(TREE.predict(rows))


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


@contextlib.contextmanager
def serving(answer: Callable[[bytes], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A server on this machine; yields where requests are posted."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            status, headers, content = answer(self.rfile.read(int(self.headers["Content-Length"])))
            if status == 0:  # cut
                self.close_connection = True
            else:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/invocations"
    server.shutdown()
    server.server_close()


def good(body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Labels, as MLflow answers."""
    rows = np.array(json.loads(body)["inputs"])
    return 200, {}, json.dumps({"predictions": TREE.predict(rows).tolist()}).encode()


def opened(url: str, **given: Any) -> Any:
    """The endpoint as a target."""
    table = mex.Table("iris", dict(zip("abcd", X.T, strict=True)))
    return Endpoint(url=url, preset="mlflow", classes=[0, 1, 2], **given).open(table)


def client(times: int) -> None:
    """milliseconds of a request of one row: by http.client alone, by the endpoint's client with a ledger on disk"""
    body = json.dumps({"inputs": X[:1].tolist()}).encode()
    with serving(good) as url, tempfile.TemporaryDirectory() as directory:
        target = recorded(opened(url), Session(Ledger(Path(directory) / "a.ledger"), "attack"))
        bare = http.client.HTTPConnection(url.split("/")[2])
        took: dict[str, list[float]] = {"http.client": [], "mex": []}
        for i in range(times):
            started = time.perf_counter()
            bare.request("POST", "/invocations", body, {"Content-Type": "application/json"})
            json.loads(bare.getresponse().read())
            took["http.client"].append(time.perf_counter() - started)
            started = time.perf_counter()
            target.answer(X[i % len(X)][None], "label")
            took["mex"].append(time.perf_counter() - started)
        bare.close()
        target.session.ledger.close()
    for name, each in took.items():
        print(f"{name:12s} least {min(each) * 1e3:6.2f} median {np.median(each) * 1e3:6.2f}")
    print(f"added        least {(min(took['mex']) - min(took['http.client'])) * 1e3:6.2f}")


def fuzz(times: int) -> None:
    """50 replies a time of random status, length, type and body: what was raised, tokens told, rows unaccounted for"""
    rng = np.random.default_rng(0)
    os.environ["MEX_FUZZ_TOKEN"] = secret = "t0ken-" + "x" * 20
    words = [
        b"NaN",
        b"null",
        b"[",
        b"]",
        b'{"predictions":',
        b"}",
        b"0",
        b"1.5",
        b'"a"',
        b",",
        b"<p>",
        b"\xff",
        b"1e99",
    ]
    bodies = [
        lambda: b"".join(words[i] for i in rng.integers(len(words), size=rng.integers(0, 12))),
        lambda: json.dumps({"predictions": rng.integers(0, 3, rng.integers(0, 5)).tolist()}).encode(),
        lambda: f"who is Bearer {secret}? ".encode() * int(rng.integers(1, 2000)),
    ]
    odd = [False]
    arrived = [0]

    def answer(body: bytes) -> tuple[int, dict[str, str], bytes]:
        arrived[0] += odd[0]
        if not odd[0]:
            return good(body)
        content = bodies[rng.integers(len(bodies))]()
        kinds = ["application/json", "text/html", "application/x-npy", "text/csv"]
        headers = {"Content-Type": kinds[rng.integers(len(kinds))], "Location": "http://127.0.0.1:9/"}
        status = [0, 200, 200, 200, 204, 302, 400, 404, 418, 500, 503][rng.integers(11)]
        return status, headers, b"" if status == 204 else content

    raised, told = Counter[str](), 0
    endpoint_client.AGAIN = 0  # one attempt each
    with serving(answer) as url:
        target = recorded(opened(url, headers={"Authorization": "Bearer $MEX_FUZZ_TOKEN"}), Session(Ledger(), "attack"))
        odd[0] = True
        for i in range(50 * times):
            try:
                target.answer(X[i % 150][None], "label")
                raised["answered"] += 1
            except Exception as error:
                raised[type(error).__name__] += 1
                told += secret in str(error)
        missing = arrived[0] - target.session.ledger.sent("attack")
    print(f"{dict(raised)}, tokens told {told}, rows unaccounted for {missing}")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    parts = {
        "ledger": ledger,
        "kills": kills,
        "client": client,
        "fuzz": fuzz,
        "gateway": gateway,
        **PARTS,
        "others": others,
    }
    run(__doc__, parts, "times", 200)
