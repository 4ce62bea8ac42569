"""Rows through ``mex serve`` with two workers, which is killed and started again in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import skops.io
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROWS, LIMIT, CLIENTS, THREADS = 100_000, 1000, 20, 4
X, Y = load_breast_cancer(return_X_y=True)


def gateway(_: int) -> None:
    """what each of 20 clients is answered of 10^5 rows, where the budget is 1,000 and the gateway is killed half-way"""
    with tempfile.TemporaryDirectory() as folder:
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
        skops.io.dump(model, Path(folder) / "model.skops")
        crowd = _Crowd()
        for half, end in enumerate((signal.SIGKILL, signal.SIGTERM)):
            process, url = _served(Path(folder))
            started = time.perf_counter()
            crowd.ask(url, (half + 1) * ROWS // 2)
            took = time.perf_counter() - started
            if half:
                crowd.finish(url)
            process.send_signal(end)
            process.wait()
            print(f"{crowd.asked} rows asked in {crowd.requests} requests; this half took {took:.0f} s; {end.name}")
        counts = sorted(set(crowd.answered.values()))
        print(f"rows answered, client by client: {counts} (limit {LIMIT}); statuses {dict(crowd.statuses)}")


def _served(folder: Path) -> tuple[subprocess.Popen[str], str]:
    argv = [sys.executable, "-m", "mex", "serve", str(folder / "model.skops"), "--workers", "2", "--port", "0"]
    argv += ["-d", f"query-budget:limit={LIMIT}", "--store", str(folder / "store"), "--client-header", "X-API-Key"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    return process, process.stdout.readline().partition("/v2")[0] + "/invocations"


class _Crowd:
    """Clients who ask in batches of 1 to 49 rows, from some threads."""

    def __init__(self) -> None:
        self.answered = Counter[str]()
        self.statuses = Counter[int]()
        self.asked = 0
        self.requests = 0
        self._lock = threading.Lock()

    def ask(self, url: str, until: int) -> None:
        threads = [threading.Thread(target=self._work, args=(url, until, seed)) for seed in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def finish(self, url: str) -> None:
        """Ask row by row until nobody is answered any more."""
        with httpx.Client(trust_env=False, timeout=60) as http:
            for client in map(str, range(CLIENTS)):
                while self._send(http, url, client, 1):
                    pass

    def _work(self, url: str, until: int, seed: int) -> None:
        rng = np.random.default_rng(seed + until)
        with httpx.Client(trust_env=False, timeout=60) as http:
            while self.asked < until:
                self._send(http, url, str(rng.integers(CLIENTS)), int(rng.integers(1, 50)))

    def _send(self, http: httpx.Client, url: str, client: str, n: int) -> bool:
        reply = http.post(url, json={"inputs": X[:n].tolist()}, headers={"X-API-Key": client})
        answered = len(reply.json()["predictions"]) if reply.status_code == 200 else 0
        with self._lock:
            self.asked += n
            self.requests += 1
            self.statuses[reply.status_code] += 1
            self.answered[client] += answered
        return answered > 0
