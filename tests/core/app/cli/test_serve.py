"""``mex serve``: several workers and restarts are one gateway, and it ends when it is told to."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import skops.io
from forked import Forked
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

X, Y = load_iris(return_X_y=True)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A tree on disk."""
    path = tmp_path / "iris.skops"
    skops.io.dump(DecisionTreeClassifier(random_state=0).fit(X, Y), path)
    return path


def answered(url: str, batch: int, times: int, threads: int = 1) -> int:
    """Rows that one client was answered, who asks from several threads."""
    found: list[int] = []

    def work() -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            for _ in range(times):
                reply = client.post(url, json={"inputs": X[:batch].tolist()})
                assert reply.status_code in (200, 429), reply.text
                found.append(len(reply.json().get("predictions", ())))

    crowd = [threading.Thread(target=work) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return sum(found)


def test_a_budget_holds_over_two_workers_and_a_restart(
    start: Callable[..., Forked], model: Path, tmp_path: Path
) -> None:
    argv = ["serve", model, "-d", "query-budget:limit=100", "--port", "0", "--store", tmp_path / "store"]

    def served(*more: str) -> tuple[Forked, str]:
        process = start(*argv, *more)
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url.endswith("/v2/models/iris/infer"), process.communicate()
        return process, url.partition("/v2")[0] + "/invocations"

    process, url = served("--workers", "2")
    assert answered(url, 7, 10, threads=4) == 98
    process.kill()
    process.wait()
    process, url = served()
    assert answered(url, 1, 5) == 2
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert err == "mex: iris is served; Ctrl-C ends it\nmex: ended\n"


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--workers", "0"], "--workers must be at least 1, not 0"),
        (["--renew", "-1"], "--renew must be more than 0 seconds, not -1"),
        (["--name", "a/b"], "--name must be letters, digits, points, dashes and underscores, not 'a/b'"),
        (["--secret", "NO_SUCH_NAME"], "the environment has no NO_SUCH_NAME, which --secret names"),
        (["--clients", "nowhere"], "the clients in nowhere cannot be read: No such file or directory"),
        (["--metrics-from", "x"], "--metrics-from must be a network, such as 10.0.0.0/8: 'x' does not appear to be"),
        (["--client-header", "A", "--forwarded"], "clients are told apart by a header or by an address"),
        (["--answers", "value"], "this model gives label and proba answers, not value"),
        (["-d", "value-noise"], "value-noise works on regression targets"),
        (["--port", "99999"], "--port must be between 0 and 65535, not 99999"),
        (["--host", "no host"], "cannot listen on no host:0: "),
        (["--log", "/no/such/folder/log"], "the log /no/such/folder/log cannot be written: No such file or directory"),
    ],
)
def test_a_mistake_is_a_sentence(
    run: Callable[..., Any], model: Path, argv: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: pytest.fail("it was served"))
    done = run("serve", model, "--port", "0", *argv)
    assert done.returncode == 2
    assert done.stderr.startswith(f"mex: {sentence}")
    assert done.stderr.count("\n") == 1


def test_what_an_operator_might_take_for_granted_is_said(
    run: Callable[..., Any], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: None)
    flags = ["--client-header", "X-Client", "--host", "0.0.0.0", "--port", "0"]
    said = run("serve", model, "-d", "bounded-noise", *flags).stderr
    for part in ("--store FILE keeps them", "averages out", "X-Client is believed", "other machines can ask"):
        assert part in said
    assert run("serve", model, "-d", "bounded-noise:sticky=true", "--port", "0").stderr.count("\n") == 2


def test_a_port_that_is_taken_is_a_sentence(run: Callable[..., Any], model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", model, "--port", port)
    assert (done.returncode, done.stderr) == (2, f"mex: cannot listen on 127.0.0.1:{port}: Address already in use\n")
