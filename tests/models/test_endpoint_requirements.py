"""What serving real models showed that a client has to get right, one test a point.

``test_endpoint.py`` has those of 16 (numbers for BentoML have a point), 21 (a probability alone is that of the
second class), 26 (a row that fails costs its neighbours nothing), 28 (a server that does not answer is one sentence).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import servers
from servers import Server
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.tree import DecisionTreeRegressor

import mex
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.target import recorded
from mex_endpoint import answers, waiting
from mex_endpoint.model import Endpoint
from mex_endpoint.template import PRESETS
from mex_tree_structure.attack import TreeStructure

X, Y = load_breast_cancer(return_X_y=True)
X = X[:, :4]
MODEL = LogisticRegression(max_iter=5000).fit(X, Y)
FRAME = pd.DataFrame(X, columns=list("abcd"))
TABLE = mex.Table("cancer", FRAME)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST", 0.001)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def call(answer: Callable[[bytes], Any], **given: Any) -> Server:
        started.append(Server(answer, **given))
        return started[-1]

    yield call
    for server in started:
        server.close()


def read(reply: Any, n: int, preset: str = "v2", content_type: str = "application/json") -> answers.Reply:
    content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return answers.read(PRESETS[preset], content, content_type, n, "label")


def tree_behind(target: mex.FittedTarget) -> mex.Extraction:
    """What ``tree-structure`` steals, with no scores on the way."""
    oracle = mex.Oracle(target, budget=2000, scope=TreeStructure.scope)
    learner = TreeStructure().learner(oracle.knowledge(), np.random.default_rng(0))
    return mex.extract(oracle, learner, snapshots=False)


def tensor(datatype: str, shape: list[int], data: list[Any], name: str = "predict") -> Any:
    return {"outputs": [{"name": name, "datatype": datatype, "shape": shape, "data": data}]}


@pytest.mark.parametrize("declared", ["long", "boolean"])
def test_14_and_15_fractions_that_a_server_would_cut_are_refused_before_anything_is_sent(
    serve: Callable[..., Server], declared: str
) -> None:
    """MLServer, KServe and MLflow take 1.9 for 1 and 0.5 for true, with status 200; the table shows 0.0 and 1.0."""
    frame = pd.DataFrame({"n": [0.0, 1.0, 1.0, 0.0], "x": [0.5, 1.5, 2.5, 3.5]})
    schema = f"['n': {declared} (required), 'x': double (required)]"

    def cutting(body: bytes) -> Any:
        given = json.loads(body)["dataframe_split"]
        if given["columns"] != ["n", "x"]:
            return (
                400,
                {},
                json.dumps({"message": f"Failed to enforce schema of data '' with schema '{schema}'."}).encode(),
            )
        return {"predictions": [int(row[0]) for row in given["data"]]}

    server = serve(cutting)
    target = Endpoint(url=server.url, preset="mlflow-split", classes=[0, 1]).open(mex.Table("t", frame))
    assert target.domain.integer.tolist() == [True, False]
    before = len(server.requests)
    for fraction in (0.5, 0.9):
        with pytest.raises(mex.UsageError, match=r"column 'n' (takes whole numbers|is a truth value)"):
            target.answer(np.array([[fraction, 1.0]]), "label")
    assert len(server.requests) == before


@pytest.mark.parametrize("preset", ["v2", "v2-columns"])
def test_17_numbers_travel_as_fp64_to_the_last_bit(preset: str) -> None:
    values = [0.3, 1e-310, 0.1 + 0.2, 123456789.123456789]
    rows = [{"a": value, "b": 1.5} for value in values]
    inputs = json.loads(PRESETS[preset].request(rows, "label"))["inputs"]
    assert {given["datatype"] for given in inputs} == {"FP64"}
    sent = inputs[0]["data"]
    assert (sent[::2] if preset == "v2" else sent) == values
    assert [value[0] for value in read(tensor("FP64", [2, 2], [0.3, 0.7, 0.5, 0.5]), 2).values] == [0.3, 0.5]


def test_18_rows_within_one_step_of_float32_may_be_answered_alike(serve: Callable[..., Server]) -> None:
    """A tree of scikit-learn compares float32: its thresholds are found exactly to that, without a complaint."""
    D, z = load_diabetes(return_X_y=True)
    D = D[:, 2:4]
    model = DecisionTreeRegressor(max_leaf_nodes=4, random_state=0).fit(D, z)
    table = mex.Table("diabetes", dict(zip("ab", D.T, strict=True)))
    server = serve(functools.partial(servers.mlflow, model))
    target = Endpoint(url=server.url, preset="mlflow", family="tree").open(table)
    stolen = tree_behind(target)
    assert (stolen.stopped, stolen.note[:9]) == ("done", "certified")
    assert np.array_equal(stolen.hypothesis.predict(D), model.predict(D))


@pytest.mark.parametrize(
    ("preset", "reply"),
    [
        ("v2", tensor("FP64", [2, 1], [0.5, None])),  # KServe, MLServer
        ("v2", tensor("BYTES", [2, 1], ["yes", None])),
        ("instances", {"predictions": [["yes"], [None]]}),
        ("bentoml", b"[0.5, NaN]"),  # of list[float], and Ray Serve
        ("bentoml", [[0.2, 0.8], [None, None]]),  # of an array
        ("bentoml", b"[[0.2, 0.8], [NaN, 0.1]]"),
        ("bentoml", b"[Infinity, 0.1]"),
        ("mlflow", {"predictions": ["yes", None]}),  # PMML: no label
        ("mlflow", {"predictions": [{"label": "yes"}, {"label": None}]}),
        ("mlflow", {"predictions": ["yes", []]}),
    ],
)
def test_19_whatever_face_nan_has_it_is_no_answer(preset: str, reply: Any) -> None:
    with pytest.raises(mex.AnswerError, match=r"no answer for row [12] of 2"):
        read(reply, 2, preset)


@pytest.mark.parametrize("text", [b"yes\n\n", b"yes\n", b"0.5\nnan\n"])
def test_19_nor_is_an_empty_line_or_a_nan_of_a_table(text: bytes) -> None:
    with pytest.raises(mex.AnswerError, match=r"2 rows were asked|no answer for row 2|none of the classes"):
        answers.as_kind(read(text, 2, "sagemaker-csv", "text/csv"), "label", np.array(["no", "yes"]))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (tensor("INT64", [2, 1], [0, 1]), None),  # xgboost, saved by XGBClassifier
        (tensor("FP32", [2, 1], [0.25, 0.75]), "proba"),  # saved by xgb.train
        (tensor("FP32", [2, 1], [0.0, 1.0]), "proba"),
        (tensor("FP64", [2, 2], [0.2, 0.8, 0.3, 0.7]), "proba"),  # lightgbm, whatever output was asked for
        (tensor("FP64", [2, 1], [-3.5, 12.25]), "value"),
        (tensor("BYTES", [2, 1], ["a", "b"]), "label"),
        (tensor("BOOL", [2], [True, False]), "label"),
    ],
)
def test_20_the_datatype_tells_labels_from_probabilities(reply: Any, kind: str | None) -> None:
    assert read(reply, 2).kind == kind


def test_20_a_server_that_answers_probabilities_to_whatever_is_asked(serve: Callable[..., Server]) -> None:
    def lightgbm(body: bytes) -> Any:
        rows = np.array(json.loads(body)["inputs"][0]["data"]).reshape(-1, 4)
        return tensor("FP64", [len(rows), 2], MODEL.predict_proba(rows).ravel().tolist())

    url = serve(lightgbm).url
    assert Endpoint(url=url, preset="v2", classes=[0, 1]).open(TABLE).answers == ("proba",)
    with pytest.raises(mex.UsageError, match="as declared: the reply has floating-point numbers where labels"):
        Endpoint(url=url, preset="v2", classes=[0, 1], answers=["label", "proba"]).open(TABLE)


def test_20_labels_that_are_floating_point_numbers_are_labels_where_they_are_the_classes() -> None:
    reply = read(tensor("FP64", [3, 1], [1.0, 2.0, 2.0]), 3)
    assert answers.as_kind(reply, "label", np.array([1, 2])).tolist() == [1, 2, 2]
    with pytest.raises(mex.AnswerError, match="floating-point numbers where labels were expected"):
        answers.as_kind(read(tensor("FP64", [2, 1], [1.0, 2.5]), 2), "label", np.array([1, 2]))


@pytest.mark.parametrize("threshold", [0.05, 0.95])
def test_22_a_threshold_that_was_moved_is_no_wrong_order_of_the_classes(
    serve: Callable[..., Server], threshold: float
) -> None:
    """Labels are those of the server, and not made of its probabilities anew."""
    model = FixedThresholdClassifier(MODEL, threshold=threshold, response_method="predict_proba").fit(X, Y)
    moved = model.predict(X) != MODEL.predict(X)
    table = mex.Table("cancer", FRAME[moved | (np.arange(len(X)) % 20 == 0)])
    server = serve(functools.partial(servers.v2, model))
    given: dict[str, Any] = {"url": server.url, "preset": "v2", "answers": ["label", "proba"]}
    target = Endpoint(**given, classes=[0, 1]).open(table)
    assert np.array_equal(target.answer(X, "label"), model.predict(X))
    assert np.array_equal(target.answer(X, "proba"), MODEL.predict_proba(X))
    with pytest.raises(mex.UsageError, match=r"order of classes .*classes=\[0, 1\] would suit"):
        Endpoint(**given, classes=[1, 0]).open(table)


@pytest.mark.parametrize(
    ("reply", "classes", "expected"),
    [
        (tensor("BYTES", [2, 1], ["0", "1"]), [0, 1], [0, 1]),  # YDF, h2o
        (tensor("INT32", [2], [1, 0]), [0, 1], [1, 0]),  # pystreed
        (tensor("INT64", [2, 1], [1, 0]), [False, True], [True, False]),
        (tensor("BYTES", [2, 1], ["a", "b"]), ["a", "b"], ["a", "b"]),
    ],
)
def test_23_labels_are_those_of_the_classes_whatever_type_they_travel_as(
    reply: Any, classes: list[Any], expected: list[Any]
) -> None:
    found = answers.as_kind(read(reply, 2), "label", np.array(classes))
    assert found.dtype == np.array(classes).dtype
    assert found.tolist() == expected


def test_24_the_data_count_and_not_the_shape_that_is_declared() -> None:
    assert read(tensor("INT64", [1], [0, 1, 1]), 3).values == [0, 1, 1]  # ONNX of LightGBM
    assert read(tensor("FP32", [-1, 2], [0.25, 0.75, 0.5, 0.5]), 2).values == [[0.25, 0.75], [0.5, 0.5]]


def test_25_last_digits_that_depend_on_the_batch_are_no_change_of_the_model(serve: Callable[..., Server]) -> None:
    def unsteady(body: bytes) -> Any:
        rows = np.array(json.loads(body)["inputs"], dtype=float)
        shares = MODEL.predict_proba(rows)
        return {"predictions": (shares + 1e-7 * len(rows) * np.array([1, -1])).clip(0, 1).tolist()}

    target = Endpoint(url=serve(unsteady).url, preset="mlflow", classes=[0, 1]).open(TABLE)
    ledger = Ledger()
    recorded(target, Session(ledger, "attack")).answer(X[:50], "proba")
    ledger.recorded = ledger.answers
    again = recorded(target, Session(ledger, "attack"))
    again.answer(X[40:60], "proba")
    assert ledger.sent("check") == 5
    assert again.session.notes == []


def test_27_thresholds_of_a_server_that_compares_in_float64_are_found_to_the_last_bit(
    serve: Callable[..., Server],
) -> None:
    """h2o cuts at float32 numbers and compares float64 rows: x < t."""
    cut = float(np.float32(0.74284226))

    def h2o(body: bytes) -> Any:
        return {"predictions": [float(row[0] >= cut) + 2 * (row[1] >= 0.25) for row in json.loads(body)["inputs"]]}

    rng = np.random.default_rng(0)
    table = mex.Table("t", dict(zip("ab", rng.uniform(0, 1, (40, 2)).T, strict=True)))
    family = {"kind": "tree", "precision": "float64"}
    target = Endpoint(url=serve(h2o).url, preset="mlflow", answers="value", family=family).open(table)
    stolen = tree_behind(target)
    below = float(np.nextafter(cut, 0))
    left, right = stolen.hypothesis.predict([[below, 0.5], [cut, 0.5]])
    assert (left, right) == (2, 3)
