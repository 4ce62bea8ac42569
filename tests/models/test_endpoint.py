"""A model behind HTTP answers as the model does; what goes wrong on the way is counted and said, secrets are not."""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import servers
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import Server
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import mex
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.target import recorded
from mex_endpoint import answers, waiting
from mex_endpoint.model import Endpoint
from mex_endpoint.template import PRESETS

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])
MODEL = LogisticRegression(max_iter=500).fit(X, NAMES[Y])
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
TABLE = mex.Table("iris", FRAME)
CLASSES = NAMES.tolist()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server that is stopped at the end: ``serve(answer)``."""
    started: list[Server] = []

    def call(answer: Callable[[bytes], Any]) -> Server:
        started.append(Server(answer))
        return started[-1]

    yield call
    for server in started:
        server.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off takes no time here, but for what servers ask for."""
    monkeypatch.setattr(waiting, "MOST", 0.001)
    monkeypatch.setattr(waiting, "LEAST", 0.001)


def asked(target: mex.FittedTarget, limit: int | None = None) -> Any:
    return recorded(target, Session(Ledger(), "attack", limit))


def outcomes(target: Any) -> dict[str, int]:
    return {outcome: rows for _, outcome, _, rows in target.session.ledger.totals()}


@pytest.mark.parametrize(
    ("preset", "answer", "answers"),
    [
        ("v2", servers.v2, None),
        ("v2", servers.v2, ["label", "proba"]),
        ("v2", servers.kserve, None),
        ("mlflow", servers.mlflow, None),
        ("mlflow", servers.mlflow_proba, None),
        ("mlflow-split", servers.mlflow_split, None),
        ("instances", servers.instances, None),
        ("azure", servers.azure, None),
        ("bentoml", servers.bentoml, None),
        ("sagemaker", servers.sagemaker, None),
        ("sagemaker-csv", servers.sagemaker_csv, None),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_each_preset_answers_what_the_model_answers(
    serve: Callable[..., Server], preset: str, answer: Any, answers: list[str] | None
) -> None:
    server = serve(functools.partial(answer, MODEL))
    opened = Endpoint(url=server.url, preset=preset, classes=CLASSES, answers=answers, batch=40).open(TABLE)
    target = asked(opened)
    for kind in target.answers:
        expected = MODEL.predict(X) if kind == "label" else MODEL.predict_proba(X)
        found = target.answer(X, kind)
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
        assert np.array_equal(opened.answer(X[:3], kind), expected[:3])
    one = target.answer(np.array([[5.0, 3, 4, 1]]), target.answers[0])
    assert len(one) == 1
    assert target.session.ledger.answers == len(target.answers) * 150 + 1


def test_a_template_of_ones_own(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(lambda body: {"a/b": [{"label": as_label(row)} for row in json.loads(body)["data"]["rows"]]})
    nested = serve(lambda body: {"result": {"scores": [as_label(row) for row in json.loads(body)["data"]["rows"]]}})
    path = tmp_path / "mine.toml"
    path.write_text('answer = "/result/scores"\n[body.data]\nrows = "$records"\n')
    target = Endpoint(url=nested.url, template=str(path), classes=CLASSES).open(TABLE)
    assert (target.answer(X[:5], "label") == MODEL.predict(X[:5])).all()
    path.write_text('answers = "/result/scores"\nbody = "csv"\n')
    with pytest.raises(mex.UsageError, match="a template has no 'answers'; did you mean 'answer'"):
        Endpoint(url=server.url, template=str(path), classes=CLASSES).open(TABLE)


def as_label(row: dict[str, float]) -> str:
    return str(MODEL.predict([list(row.values())])[0])


def test_categories_go_by_name_and_integers_as_integers(serve: Callable[..., Server]) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"age": rng.integers(18, 90, 60), "paid": rng.normal(0, 1, 60), "town": rng.choice(["Bonn", "Ulm, a.D."], 60)}
    )
    y = np.where(frame["age"] + 20 * (frame["town"] == "Bonn") > 60, "yes", "no")
    encoder = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression(max_iter=2000)).fit(frame, y)
    server = serve(functools.partial(servers.v2_columns, model))
    target = asked(
        Endpoint(url=server.url, preset="v2-columns", classes=["no", "yes"]).open(mex.Table("people", frame))
    )
    assert target.schema is not None
    rows = target.schema.encode(frame)
    assert (target.answer(rows, "label") == model.predict(frame)).all()
    tensors = json.loads(server.requests[-1][2])["inputs"]
    assert [tensor["datatype"] for tensor in tensors] == ["INT64", "FP64", "BYTES"]
    assert {len(tensor["data"]) for tensor in tensors} == {60}
    before = len(server.requests)
    with pytest.raises(mex.UsageError):  # 1.9 would be cut to 1 by the server
        target.answer(np.array([[1.9, 0, 1, 0]]), "label")
    assert len(server.requests) == before


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ({"predictions": ["setosa"] * 4}, "2 rows were asked and the reply has 4 answers"),
        ({"predictions": ["setosa"]}, "2 rows were asked and the reply has 1 answers"),
        ({"predictions": ["setosa", None]}, "no answer for row 2 of 2"),
        ({"predictions": [[0.2, 0.3, 0.5], [float("nan"), 0.1, 0.2]]}, "no answer for row 2 of 2"),
        ({"predictions": ["setosa", "tulip"]}, "the label 'tulip', which is none of the classes"),
        ({"predictions": [0.2, 0.7]}, "floating-point numbers where labels were expected"),
        ({"predictions": [[0.2, 0.8], [0.1]]}, "answers of different lengths"),
        ({"predictions": {"a": 1}}, "no list of answers"),
        ({"error": "none"}, "the reply has nothing at /predictions"),
        ((200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"), "the reply is no JSON"),
        ((200, {}, b"\xff\xfe\x00"), "the reply is no JSON"),
        ((200, {}, b"[" * 100_000), "the reply is no JSON"),
        ((302, {"Location": "http://example.com/"}, b""), "answers 302 Found, and redirections are not followed"),
        ((404, {}, b"Model nope not found"), "answers 404 Not Found: Model nope not found"),
    ],
)
def test_a_reply_that_answers_no_row_is_a_sentence_and_nothing_is_kept(
    serve: Callable[..., Server], reply: Any, sentence: str
) -> None:
    server = serve(functools.partial(servers.mlflow, MODEL))
    target = asked(Endpoint(url=server.url, preset="mlflow", classes=CLASSES).open(TABLE))
    server.answer = lambda body: reply
    with pytest.raises(mex.MexError, match=sentence):
        target.answer(X[:2], "label")
    assert target.session.ledger.answers == 0
    assert target.session.ledger.sent("attack") == 2 * (len(server.requests) - 3)
    server.answer = functools.partial(servers.mlflow, MODEL)
    assert (target.answer(X[:2], "label") == MODEL.predict(X[:2])).all()


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_endpoint_that_never_answered_is_asked_once(serve: Callable[..., Server], status: int) -> None:
    server = serve(lambda body: (status, {}, b'{"error": "X has 19 features, but 20 are expected"}'))
    with pytest.raises(mex.UsageError, match=f"answers {status} .*X has 19 features"):
        Endpoint(url=server.url, preset="v2", classes=CLASSES).open(TABLE)
    assert len(server.requests) == 1


def test_sixty_answers_of_a_flaky_server_and_every_scored_row_is_accounted_for(serve: Callable[..., Server]) -> None:
    scored, arrived = [0], [0]

    def flaky(body: bytes) -> Any:
        good = json.dumps(servers.mlflow(MODEL, body)).encode()
        arrived[0] += 1
        turn = arrived[0] % 7
        if turn == 1:
            return 429, {"Retry-After": "0"}, b""
        if turn == 2:
            then = format_datetime(datetime.now(UTC) - timedelta(seconds=1), usegmt=True)
            return 503, {"Retry-After": then}, b""
        scored[0] += 1
        if turn == 3:
            if arrived[0] == 10:
                time.sleep(0.4)  # longer than the client waits
            return 0, {}, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(good) + 9, good)
        if turn == 4:
            return 0, {}, b"HTTP/1.1 200 OK\r\nContent-Le"
        if turn == 5:
            return 500, {}, b"Internal Server Error"
        return 200, {}, good

    server = serve(functools.partial(servers.mlflow, MODEL))
    target = asked(Endpoint(url=server.url, preset="mlflow", classes=CLASSES, timeout=0.3).open(TABLE))
    server.answer = flaky
    found = [target.answer(X[i : i + 1], "label")[0] for i in range(60)]
    assert found == MODEL.predict(X[:60]).tolist()
    ledger = target.session.ledger
    assert ledger.answers == 60
    assert ledger.sent("attack") == scored[0] > 60
    assert set(outcomes(target)) == {"answered", "throttled", "lost", "failed"}


def test_a_server_is_not_asked_before_the_time_it_says(serve: Callable[..., Server]) -> None:
    times: list[float] = []

    def throttled(body: bytes) -> Any:
        times.append(time.monotonic())
        return (429, {"Retry-After": "1"}, b"") if len(times) == 1 else servers.mlflow(MODEL, body)

    server = serve(functools.partial(servers.mlflow, MODEL))
    target = asked(Endpoint(url=server.url, preset="mlflow", classes=CLASSES).open(TABLE))
    server.answer = throttled
    target.answer(X[:1], "label")
    assert times[1] - times[0] >= 1
    short = asked(Endpoint(url=server.url, preset="mlflow", classes=CLASSES, deadline=0.5).open(TABLE))
    times.clear()
    with pytest.raises(mex.MexError, match="answers 429"):
        short.answer(X[:1], "label")
    assert len(times) == 1


def test_retry_after_is_read_in_both_forms() -> None:
    assert waiting.retry_after("120", 0) == 120
    assert waiting.retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1445412470) == 10
    assert waiting.retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1445412490) == 0
    assert waiting.retry_after(None, 0) is waiting.retry_after("in a while", 0) is waiting.retry_after("-3", 0) is None


def test_requests_start_at_even_distances() -> None:
    clock, starts = [0.0], []

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    rate = waiting.Rate(10, lambda: clock[0], sleep)
    for _ in range(20):
        rate.wait()
        starts.append(clock[0])
    assert np.allclose(np.diff(starts), 0.1)


def test_a_row_that_fails_costs_its_neighbours_nothing(serve: Callable[..., Server]) -> None:
    def picky(body: bytes) -> Any:
        rows = json.loads(body)["inputs"]
        bad = X[33].tolist() in rows
        return (500, {}, b"one bad row fails them all") if bad else servers.mlflow(MODEL, body)

    server = serve(picky)
    target = asked(Endpoint(url=server.url, preset="mlflow", classes=CLASSES).open(TABLE))
    with pytest.raises(mex.MexError, match="one bad row fails them all"):
        target.answer(X[:100], "label")
    assert target.session.ledger.answers >= 30
    good = np.delete(X[:100], 33, axis=0)
    assert (target.answer(good, "label") == MODEL.predict(good)).all()


def test_a_wall_is_a_wall_for_rows_that_are_sent_again(serve: Callable[..., Server]) -> None:
    server = serve(functools.partial(servers.mlflow, MODEL))
    target = asked(Endpoint(url=server.url, preset="mlflow", classes=CLASSES).open(TABLE), limit=10)
    before, down = len(server.requests), [True]

    def every_other(body: bytes) -> Any:
        down[0] = not down[0]
        return (500, {}, b"") if down[0] else servers.mlflow(MODEL, body)

    server.answer = every_other
    oracle = mex.Oracle(target, budget=20)

    def ask_all() -> None:
        for i in range(20):
            oracle.ask(X[i : i + 1])

    with pytest.raises(mex.errors.BudgetSpent):
        ask_all()
    assert len(server.requests) - before == 10


def test_the_order_of_classes_is_told_by_labels(serve: Callable[..., Server]) -> None:
    server = serve(functools.partial(servers.v2, MODEL))
    wrong = Endpoint(url=server.url, preset="v2", classes=CLASSES[::-1], answers=["label", "proba"])
    mixed = mex.Table("iris", FRAME.iloc[::10])
    with pytest.raises(mex.UsageError, match=r"order of classes .*classes=\['setosa', 'versicolor', 'virginica'\]"):
        wrong.open(mixed)


def test_a_probability_that_stands_alone_is_that_of_the_second_class(serve: Callable[..., Server]) -> None:
    binary = LogisticRegression(max_iter=500).fit(X, Y == 2)

    def second(body: bytes) -> Any:
        p = binary.predict_proba(np.array(json.loads(body)["inputs"][0]["data"]).reshape(-1, 4))[:, 1]
        return {"outputs": [{"name": "predict", "shape": [len(p), 1], "datatype": "FP32", "data": p.tolist()}]}

    server = serve(second)
    target = asked(Endpoint(url=server.url, preset="v2", classes=[False, True]).open(TABLE))
    assert target.answers == ("proba",), "numbers of floating point from 0 to 1 are no labels, whatever their name"
    assert np.allclose(target.answer(X, "proba"), binary.predict_proba(X))
    with pytest.raises(mex.UsageError, match="answers what may be probabilities: give classes"):
        Endpoint(url=server.url, preset="v2").open(TABLE)


def test_of_several_outputs_the_one_that_was_asked_for_is_read(serve: Callable[..., Server]) -> None:
    """MLServer gives all clients whose requests it puts together the outputs that any of them asked for."""
    binary = LogisticRegression(max_iter=500).fit(X, (Y == 2).astype(int))
    names = ["predict", "predict_proba"]

    def together(body: bytes) -> Any:
        rows = np.array(json.loads(body)["inputs"][0]["data"]).reshape(-1, 4)
        labels, given = binary.predict(rows).tolist(), binary.predict_proba(rows).ravel().tolist()
        tensors = {
            "predict": {"name": "predict", "shape": [len(rows), 1], "datatype": "INT64", "data": labels},
            "predict_proba": {"name": "predict_proba", "shape": [len(rows), 2], "datatype": "FP64", "data": given},
        }
        return {"outputs": [tensors[name] for name in names]}

    server = serve(together)
    target = Endpoint(url=server.url, preset="v2", classes=[0, 1], answers=["label", "proba"]).open(TABLE)
    for _ in range(2):
        assert np.array_equal(target.answer(X, "proba"), binary.predict_proba(X))
        assert np.array_equal(target.answer(X, "label"), binary.predict(X))
        names.reverse()
    names.remove("predict_proba")
    assert np.array_equal(target.answer(X, "label"), binary.predict(X))
    with pytest.raises(mex.AnswerError, match="whole numbers where probabilities were expected"):
        target.answer(X, "proba")


def test_a_regressor(serve: Callable[..., Server]) -> None:
    server = serve(lambda body: {"predictions": [17.5 + row[0] for row in json.loads(body)["inputs"]]})
    target = asked(Endpoint(url=server.url, preset="mlflow").open(TABLE))
    assert target.answers == ("value",)
    assert np.allclose(target.answer(X[:9], "value"), 17.5 + X[:9, 0])


SECRET = "s3cr3t-t0ken-of-a-user"


def test_a_token_goes_to_the_server_and_to_nobody_else(
    serve: Callable[..., Server], run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    server = serve(functools.partial(servers.mlflow, MODEL))
    FRAME.assign(label=NAMES[Y]).to_csv(tmp_path / "rows.csv", index=False)
    model = (
        f"endpoint:url='{server.url}?key=$TOKEN',preset=mlflow,headers={{Authorization='Bearer $TOKEN'}},"
        "classes=['setosa','versicolor','virginica'],family=linear"
    )
    data = f"csv:path={tmp_path / 'rows.csv'},target=label"
    done = run("attack", "pivot", "-m", model, "--data", data, "--budget", 60, "--out", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
    assert all(headers["Authorization"] == f"Bearer {SECRET}" for _, headers, _ in server.requests)
    assert all(path.endswith(f"?key={SECRET}") for path, _, _ in server.requests)
    echo = serve(lambda body: (500, {}, f"no such user: Bearer {SECRET}".encode()))
    failed = run("attack", "pivot", "-m", model.replace(str(server.port), str(echo.port)), "--data", data)
    assert "no such user: Bearer $TOKEN" in failed.stderr
    plan = ["matrix", "-a", "passive:model=logistic", "-d", "none", "-m", model, "--data", data, "--seeds", 1]
    table = run(*plan, "--budget", 20, "--out", tmp_path / "run", "--ledger", "--jobs", 1)
    assert table.returncode == 0, table.stderr
    shown = "".join(done.stdout + done.stderr for done in (done, failed, table))
    kept = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert SECRET not in shown
    assert SECRET.encode() not in kept
    assert b"Bearer $TOKEN" in kept


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"url": "ftp://a/b"}, "url must begin with http:// or https://"),
        ({"url": "file:///etc/passwd"}, "url must begin with http:// or https://"),
        ({"url": "http://me:word@a/b"}, "url must have no name and password in it"),
        ({"url": "ftp://me:word@a/b"}, "url must have no name and password in it"),
        ({"headers": {"Authorization": "Bearer abc"}}, "header Authorization must come from the environment"),
        ({"preset": "v3"}, "preset must be one of v2, v2-columns, mlflow, .*, not 'v3'"),
        ({"preset": "v2", "template": "a.toml"}, "a preset or a template, not both"),
    ],
)
def test_a_mistake_is_a_sentence_without_a_secret(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(mex.UsageError, match=sentence) as caught:
        Endpoint(**given)
    assert "word" not in str(caught.value).replace("password", "")
    assert "abc" not in str(caught.value)


def test_a_name_that_the_environment_has_not_is_a_sentence(serve: Callable[..., Server]) -> None:
    server = serve(functools.partial(servers.mlflow, MODEL))
    with pytest.raises(mex.UsageError, match="the environment has no MEX_NO_SUCH_TOKEN"):
        Endpoint(url=server.url, preset="mlflow", classes=CLASSES, headers={"A": "$MEX_NO_SUCH_TOKEN"}).open(TABLE)
    assert server.requests == []


def test_proxies_of_the_environment_are_not_used_unasked(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = serve(functools.partial(servers.mlflow, MODEL))
    Endpoint(url=server.url, preset="mlflow", classes=CLASSES).open(TABLE)
    assert server.requests


def test_a_server_that_is_stopped_and_started_again_does_not_change_what_is_stolen(
    serve: Callable[..., Server],
) -> None:
    server = serve(functools.partial(servers.v2, MODEL))
    target = Endpoint(url=server.url, preset="v2", classes=CLASSES).open(TABLE)
    alone = mex.attack("margin:model=logistic", asked(target), pool=X, budget=40, held_out=None)
    stages = iter([(500, {}, b"Internal Server Error")] * 2 + [(400, {}, b"Model lr is not ready yet.")] * 2)
    calls = [0]

    def restarting(body: bytes) -> Any:
        calls[0] += 1
        stage = next(stages, None) if calls[0] > 2 else None
        return stage or servers.v2(MODEL, body)

    server.answer = restarting
    again = mex.attack("margin:model=logistic", asked(target), pool=X, budget=40, held_out=None)
    assert next(stages, None) is None
    assert (again.transcript.X == alone.transcript.X).all()
    assert (again.hypothesis.predict_proba(X) == alone.hypothesis.predict_proba(X)).all()


@pytest.fixture
def live(serve: Callable[..., Server], tmp_path: Path) -> tuple[Server, list[Any]]:
    """A server of labels, and the arguments that name it and its table."""
    server = serve(functools.partial(servers.v2, MODEL))
    FRAME.assign(label=NAMES[Y]).to_csv(tmp_path / "rows.csv", index=False)
    model = f"endpoint:url='{server.url}',preset=v2,classes=['setosa','versicolor','virginica'],family=linear"
    return server, ["-m", model, "--data", f"csv:path={tmp_path / 'rows.csv'},target=label"]


def finished(done: Any) -> list[dict[str, Any]]:
    return [record for record in map(json.loads, done.stdout.splitlines()) if record["status"] == "ok"]


def rows_seen(server: Server) -> int:
    return sum(json.loads(body)["inputs"][0]["shape"][0] for _, _, body in server.requests)


def test_what_is_asked_to_measure_is_capped_asked_once_for_all_attacks_and_told_apart(
    live: tuple[Server, list[Any]], run: Callable[..., Any], tmp_path: Path
) -> None:
    server, names = live
    plan = ["matrix", "-a", "passive:model=logistic", "-a", "passive:model=decision-tree", *names, "-d", "none"]
    plan += ["-d", "bounded-noise:rho=0.2", "--budget", 30, "--seeds", 1, "--out", tmp_path / "run", "--ledger"]
    done = run(*plan, "--jobs", 4, "--json")
    assert done.returncode == 0, done.stderr
    records = finished(done)
    assert len(records) >= 4
    evaluation = max(record["evaluation_rows"] for record in records)
    assert evaluation <= 500
    assert rows_seen(server) == evaluation + sum(record["rows_sent"] for record in records)
    assert [record["rows_sent"] for record in records] == [record["queries"] for record in records]
    assert {record["points"] for record in records} == {62}
    assert {record["repeats_differ"] for record in records if record["defense"] == "none"} == {0.0}
    (tmp_path / "run" / "results.jsonl").unlink()
    before = rows_seen(server)
    again = run(*plan, "--json")
    assert rows_seen(server) - before == 3, "three rows before anything else, and nothing that was answered"
    told = ("agreement", "near_agreement", "queries", "defended_accuracy")
    for first, second in zip(records, finished(again), strict=True):
        assert {name: first[name] for name in told} == {name: second[name] for name in told}


def test_the_budget_to_measure_is_said_on_the_command_line(
    live: tuple[Server, list[Any]], run: Callable[..., Any]
) -> None:
    server, names = live
    done = run("attack", "passive:model=logistic", *names, "--budget", 10, "--evaluation-budget", 100, "--json")
    record = json.loads(done.stdout)
    assert record["evaluation_rows"] + 10 == rows_seen(server) <= 110
    assert (record["held_out"], record["points"]) == (40, 12)
    shown = run("attack", "passive:model=logistic", *names, "--budget", 10, "--evaluation-budget", 100).stdout
    near = dict(line.split("\t", 1) for line in shown.splitlines() if "\t" in line)["12 rows between them"].strip()
    assert len(near) <= 4, "no more digits than twelve points allow"


def test_a_table_without_labels_is_not_labelled_at_a_price(
    live: tuple[Server, list[Any]], run: Callable[..., Any], tmp_path: Path
) -> None:
    server, names = live
    FRAME.to_csv(tmp_path / "bare.csv", index=False)
    done = run(
        "attack", "passive:model=logistic", *names[:2], "--data", tmp_path / "bare.csv", "--budget", 10, "--json"
    )
    record = json.loads(done.stdout)
    assert record["target_accuracy"] is None
    preflight, held_out, near, uniform, again = 3, 50, 62, 62, 50
    assert record["evaluation_rows"] == rows_seen(server) - 10 <= preflight + held_out + near + uniform + again


def test_one_endpoint_is_one_budget_and_one_request_at_once_whatever_the_jobs(
    live: tuple[Server, list[Any]], run: Callable[..., Any], tmp_path: Path
) -> None:
    server, names = live
    at_once, most, lock = [0], [0], threading.Lock()
    answer = server.answer

    def watching(body: bytes) -> Any:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.001)
        with lock:
            at_once[0] -= 1
        return answer(body)

    server.answer = watching
    plan = ["matrix", "-a", "passive:model=logistic", "-a", "margin:model=logistic", *names, "-d", "none"]
    plan += ["--budget", 30, "--seeds", 2, "--evaluation-budget", 120, "--json"]
    here = finished(run(*plan, "--jobs", 1))
    alone = rows_seen(server)
    records = finished(run(*plan, "--jobs", 2))
    assert len(records) == 4
    assert most[0] == 1
    evaluation = max(record["evaluation_rows"] for record in records)
    assert evaluation <= 120 + 3, "of all seeds together, and three rows before anything else"
    assert rows_seen(server) - alone == evaluation + 4 * 30 == alone
    told = ("agreement", "near_agreement", "queries", "unique_queries")
    assert [[r[name] for name in told] for r in here] == [[r[name] for name in told] for r in records]


def test_a_plan_says_the_budget_to_measure(
    live: tuple[Server, list[Any]], run: Callable[..., Any], tmp_path: Path
) -> None:
    _, names = live
    out = tmp_path / "run"
    plan = tmp_path / "plan.toml"
    plan.write_text(
        "evaluation_budget = 60\nseeds = 1\nbudget = 10\n[attacks.passive]\nmodel = 'logistic'\n[defenses.none]\n"
    )
    done = run("matrix", plan, *names, "--out", out, "--json")
    (record,) = finished(done)
    assert (record["evaluation_rows"], record["held_out"]) == (3 + 24 + 7 + 7 + 7, 24)
    assert record["model_params"]["evaluation_budget"] == 60
    assert "evaluation_budget = 60" in (out / "run.toml").read_text()
    done = run("matrix", "-m", "logistic", "--data", "haberman", "-a", "passive", "--evaluation-budget", 60)
    assert done.returncode == 2
    assert "evaluation_budget is for models that cost money, and logistic costs none" in done.stderr


def test_a_cluster_does_not_ask_an_endpoint(live: tuple[Server, list[Any]], run: Callable[..., Any]) -> None:
    server, names = live
    done = run("matrix", "-a", "passive", *names, "--backend", "dask", "--scheduler", "tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert "a model that costs money is asked from one machine" in done.stderr
    assert server.requests == []


def test_processes_that_share_a_file_start_requests_at_even_distances_together(tmp_path: Path) -> None:
    clock, starts = [1e9], list[float]()

    def sleep(seconds: float) -> None:
        starts.append(clock[0] + seconds)

    ours, theirs = (waiting.Rate(10, lambda: clock[0], sleep, tmp_path / "a.rate") for _ in range(2))
    for _ in range(5):
        ours.wait()
        theirs.wait()
    assert np.allclose(np.diff(starts), 0.1)
    clock[0] = 10.0  # put back
    ours.wait()
    assert starts[-1] <= 10 + waiting.FARTHEST / 10


def test_no_more_requests_than_threads_are_under_way_in_all_processes_together(tmp_path: Path) -> None:
    path, entered = tmp_path / "a.rate", threading.Event()

    def third() -> None:
        with waiting.one_of(2, path):
            entered.set()

    waits = threading.Thread(target=third)
    with waiting.one_of(2, path):
        with waiting.one_of(2, path):
            waits.start()
            assert not entered.wait(0.2)
        assert entered.wait(10)
        waits.join()
    with waiting.one_of(1, None), waiting.one_of(1, None):
        pass  # of one process alone, the threads are counted elsewhere


def test_what_python_asks_to_judge_is_capped_and_never_paid_for_twice(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(functools.partial(servers.v2, MODEL))
    target = Endpoint(url=server.url, preset="v2", classes=CLASSES).open(TABLE)
    before = rows_seen(server)
    given: dict[str, Any] = {"pool": X, "budget": 20, "evaluation_budget": 80}
    stolen = mex.attack("passive:model=logistic", target, **given, ledger=tmp_path / "a.ledger")
    assert stolen.asked_to_judge == rows_seen(server) - before - 20 <= 80
    before = rows_seen(server)
    again = mex.attack("passive:model=logistic", target, **given, ledger=tmp_path / "a.ledger")
    assert rows_seen(server) == before
    assert (again.agreement, again.near_agreement) == (stolen.agreement, stolen.near_agreement)
    assert again.asked_to_judge == 0
    more = mex.attack("passive:model=logistic", target, **{**given, "budget": 40}, ledger=tmp_path / "a.ledger")
    assert more.queries == 40
    assert rows_seen(server) == before + 20 + 5, "a few recorded ones are asked again"
    without = mex.attack("passive:model=logistic", target, **given)
    assert without.asked_to_judge == stolen.asked_to_judge, "in memory if nowhere else"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
TREES = st.recursive(
    SCALARS | st.lists(SCALARS, max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
TENSORS = st.fixed_dictionaries({"data": TREES, "datatype": SCALARS, "shape": TREES})


@given(
    content=st.binary(max_size=60)
    | TREES.map(lambda tree: json.dumps(tree).encode())
    | TREES.map(lambda tree: json.dumps({"predictions": tree}).encode())
    | TENSORS.map(lambda tensor: json.dumps({"outputs": [tensor]}).encode()),
    content_type=st.sampled_from(["application/json", "text/csv; charset=utf-8", "application/x-npy", "text/html", ""]),
    preset=st.sampled_from([*PRESETS]),
    kind=st.sampled_from(["label", "proba", "value"]),
)
@settings(max_examples=150)
def test_whatever_a_server_replies_is_answers_or_a_sentence(
    content: bytes, content_type: str, preset: str, kind: Any
) -> None:
    try:
        reply = answers.read(PRESETS[preset], content, content_type, 2, kind)
        found = answers.as_kind(reply, kind, NAMES)
    except mex.AnswerError:
        return
    assert len(found) == 2
    if kind == "label":
        assert np.isin(found, NAMES).all()
    else:
        assert np.isfinite(found).all()
