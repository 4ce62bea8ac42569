"""Models behind MLServer and MLflow: the answers are their own; attacks take the same queries; restarts pass."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pandas as pd
from live_parts.running import Serving, mlflow, mlserver, with_mex
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex
from mex.registry.loader import load_registry
from mex.serving.export import export
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.target import recorded
from mex.types import Array
from mex_endpoint.model import Endpoint

LOGIT = {"kind": "linear", "link": "logit"}
CANCER, MALIGNANT = load_breast_cancer(return_X_y=True)
IRIS, KIND = (part[50:] for part in load_iris(return_X_y=True))
DIABETES, PROGRESS = load_diabetes(return_X_y=True)
BOTH: Any = ("label", "proba")
NAMES = np.array(["malignant", "benign"])


class Own:
    """A model of this process, asked the records that the server is asked."""

    def __init__(self, model: Any, frame: bool) -> None:
        self._model, self._frame = model, frame
        self.classes_ = getattr(model, "classes_", None)

    def _rows(self, records: list[dict[str, Any]]) -> Any:
        table = pd.DataFrame(records)
        return table if self._frame else table.to_numpy()

    def predict(self, records: list[dict[str, Any]]) -> Array:
        """The labels or values."""
        return np.asarray(self._model.predict(self._rows(records)))

    def predict_proba(self, records: list[dict[str, Any]]) -> Array:
        """The probabilities."""
        return np.asarray(self._model.predict_proba(self._rows(records)))


def numbers(X: Array) -> mex.Table:
    """Rows as a table of numbered columns."""
    return mex.Table("rows", dict(zip(map(str, range(X.shape[1])), X.T, strict=True)))


@contextmanager
def adult(rows: int = 4000) -> Iterator[tuple[Any, pd.DataFrame, Path]]:
    """A pipeline on data frames with texts, rows as its users send them, and these in a CSV file."""
    table = load_registry().build("dataset", "adult").load().table()
    frame = table.columns.to_pandas()[:rows].dropna()
    assert table.labels is not None
    y = np.asarray(table.labels)[frame.index]
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), texts), remainder=StandardScaler())
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rows.csv"
        frame.to_csv(path, index=False)
        yield make_pipeline(encoder, LogisticRegression(max_iter=500)).fit(frame, y), frame, path


def fitted() -> dict[str, Any]:
    """The models of numbers by name."""
    return {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()).fit(CANCER, MALIGNANT),
        "named": make_pipeline(StandardScaler(), LogisticRegression()).fit(CANCER, NAMES[MALIGNANT]),
        "tree": DecisionTreeClassifier(max_leaf_nodes=8, random_state=0).fit(CANCER, MALIGNANT),
        "values": DecisionTreeRegressor(max_leaf_nodes=8, random_state=0).fit(DIABETES, PROGRESS),
        "kernel": SVC(gamma=0.5, C=10).fit(IRIS, KIND),
    }


def compare(what: str, target: mex.FittedTarget, model: Any, frame: bool) -> None:
    """Print how far the answers to the rows of a table are from the model's own."""
    schema = target.schema
    assert schema is not None
    X = schema.domain.sample(200, np.random.default_rng(0))
    own = attrs.evolve(target, estimator=Own(model, frame))
    for kind in target.answers:
        theirs, ours = target.answer(X, kind), own.answer(X, kind)
        far = "" if kind == "label" else f", at most {np.abs(theirs - ours).max():.1g} apart"
        differ = np.count_nonzero(theirs != ours) if kind == "label" else np.count_nonzero(abs(theirs - ours) > 1e-9)
        print(f"{what:56s} {kind:6s} {differ} of {len(X)} differ{far}", flush=True)


def presets(times: int) -> None:
    """labels and probabilities of 200 rows through each preset beside those of the model in this process"""
    models = fitted()
    with adult() as (pipeline, frame, path), mlserver({**models, "adult": pipeline}) as server:
        people = mex.Table("adult", frame)
        for name, classes in (("logistic", [0, 1]), ("named", sorted(NAMES.tolist())), ("tree", [0, 1])):
            there = {"url": f"{server.url}/v2/models/{name}/infer", "preset": "v2", "classes": classes}
            compare(f"MLServer v2 {name}", Endpoint(**there).open(numbers(CANCER)), models[name], False)
            compare(f"MLServer v2 {name}", Endpoint(**there, answers=BOTH).open(numbers(CANCER)), models[name], False)
        classes = pipeline.classes_.tolist()
        there = {"url": f"{server.url}/v2/models/adult/infer", "preset": "v2-columns", "classes": classes}
        compare("MLServer v2-columns adult", Endpoint(**there, answers=BOTH).open(people), pipeline, True)
        for how, said in (({"pyfunc_predict_fn": "predict_proba"}, "proba"), ({}, "label")):
            with mlflow(models["named"], **how) as flow:
                for preset in ("mlflow", "instances"):
                    there = {"url": f"{flow.url}/invocations", "preset": preset, "classes": sorted(NAMES.tolist())}
                    target = Endpoint(**there).open(numbers(CANCER))
                    assert target.answers == (said,)
                    compare(f"MLflow {preset} named", target, models["named"], False)
        with mlflow(pipeline, like=str(path)) as flow:
            there = {"url": f"{flow.url}/invocations", "preset": "mlflow-split", "classes": classes}
            compare("MLflow mlflow-split adult", Endpoint(**there).open(people), pipeline, True)


@attrs.frozen
class Case:
    """An attack at a model: what answers, of which family, and which rows it may ask."""

    attack: str
    model: str
    answers: Any
    family: Mapping[str, Any]
    X: Array
    classes: list[Any] | None = None
    budget: int = 1000


CASES = (
    Case("pivot", "logistic", "label", LOGIT, CANCER, [0, 1]),
    Case("equation-solving", "logistic", "proba", LOGIT, CANCER, [0, 1]),
    Case("tree-structure", "values", "value", {"kind": "tree"}, DIABETES),
    Case("margin-points", "kernel", "label", {"kind": "kernel", "kernel": "rbf", "gamma": 0.5}, IRIS, [1, 2], 60),
)


def steal(target: Any, case: Case, ledger: Path | None = None) -> tuple[mex.Extraction, int]:
    """Let an attack at a target through a ledger; how many rows were sent."""
    asked = recorded(target, Session(Ledger(ledger), "attack"))
    got = mex.attack(case.attack, asked, budget=case.budget, answers=case.answers, pool=case.X, held_out=None)
    return got, asked.session.ledger.sent("attack")


def opened(case: Case, url: str, preset: str) -> mex.FittedTarget:
    """The endpoint that serves the model of a case."""
    said = {"classes": case.classes, "answers": case.answers, "family": case.family}
    return Endpoint(url=url, preset=preset, **said).open(numbers(case.X))


def attacks(times: int) -> None:
    """four attacks over MLServer and MLflow: queries, rows sent, agreement, beside the same attack in this process"""
    models = fitted()

    def report(case: Case, where: str, target: mex.FittedTarget) -> None:
        model = models[case.model]
        there, sent = steal(target, case)
        here, _ = steal(attrs.evolve(target, estimator=Own(model, False)), case)
        same = len(there.transcript) == len(here.transcript) and (there.transcript.X == here.transcript.X).all()
        ours, theirs = (e.hypothesis.predict(case.X) for e in (here, there))
        agree = np.mean(theirs == model.predict(case.X)) if case.classes else np.allclose(theirs, ours)
        print(
            f"{case.attack:17s} {where:9s} queries {there.queries}, in process {here.queries}, rows sent {sent}, "
            f"the same rows {bool(same)}, agreement {float(agree):.3f}",
            flush=True,
        )

    with mlserver(models) as server:
        for case in CASES:
            report(case, "MLServer", opened(case, f"{server.url}/v2/models/{case.model}/infer", "v2"))
    for case in CASES:
        how = {"pyfunc_predict_fn": "predict_proba"} if case.answers == "proba" else {}
        if case.model == "values":
            how["skops_trusted_types"] = ["sklearn.tree._tree.Tree"]  # type: ignore[assignment]
        with mlflow(models[case.model], **how) as flow:
            report(case, "MLflow", opened(case, f"{flow.url}/invocations", "mlflow"))


def interrupted(target: mex.FittedTarget, after: int, call: Callable[[], None]) -> mex.FittedTarget:
    """The same target; ``call`` is called once, when so many requests have been answered."""
    client: Any = target.estimator
    done = [0]
    exchange = client.exchange

    def counting(table: Any, kind: Any, journal: Any) -> Any:
        done[0] += 1
        if done[0] == after:
            call()
        return exchange(table, kind, journal)

    client.exchange = counting
    return target


def restarts(times: int) -> None:
    """a server stopped in the middle of an attack and started 3 seconds later: 4 times SIGTERM, 4 times SIGKILL"""
    case = attrs.evolve(CASES[0], budget=120)
    models = fitted()
    alone = None
    survived = identical = 0
    with ExitStack() as stack:
        server = stack.enter_context(mlserver({"logistic": models["logistic"]}))
        url = f"{server.url}/v2/models/logistic/infer"
        alone, _ = steal(opened(case, url, "v2"), case)
        for how in [signal.SIGTERM, signal.SIGKILL] * 4:
            target = interrupted(opened(case, url, "v2"), 40, lambda how=how: restart(server, how))
            got, sent = steal(target, case)
            survived += got.stopped != "failed"
            same = (got.transcript.X == alone.transcript.X).all() if got.queries == alone.queries else False
            weights = np.array_equal(got.hypothesis.coef_, alone.hypothesis.coef_)
            identical += bool(same) and weights
            print(f"{how.name}: {got.queries} queries, {sent} rows sent, {got.note or 'no note'}", flush=True)
            server.wait()
    print(f"survived {survived} of 8, stolen model bit for bit the same {identical} of 8")


def restart(server: Serving, how: signal.Signals) -> None:
    """Stop a server at once, and start it 3 seconds later while the attack goes on."""

    def later() -> None:
        server.stop(how)
        threading.Timer(3.0, server.start).start()

    threading.Thread(target=later).start()


DEFENSES = ("rounding:decimals=2", "gaussian-output:scale=0.1,sticky=true", "bounded-noise:rho=0.2,sticky=true")


def exports(times: int) -> None:
    """exported models behind a defense, served by MLServer and MLflow: answers beside those of the served estimator"""
    for kind in ("mlserver", "mlflow"):
        with_mex(kind)
    with adult() as (pipeline, frame, _), tempfile.TemporaryDirectory() as directory:
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(CANCER, MALIGNANT)
        people = mex.Table("adult", frame)
        for i, defense in enumerate(DEFENSES):
            numeric = mex.DefendedClassifier.wrap(model, defense, CANCER, MALIGNANT)
            tables = mex.DefendedClassifier.wrap(pipeline, defense, frame, pipeline.predict(frame))
            folder = Path(directory) / str(i)
            for name, served in (("logistic", numeric), ("adult", tables)):
                export(served, "mlserver", folder / "served" / name, name=name)
                export(served, "mlflow", folder / name, proba="gaussian" in defense)
                (folder / "served" / name / "settings.json").unlink()  # all in one server
            with mlserver({}, folder / "served") as server:
                for name, served, table in (("logistic", numeric, numbers(CANCER)), ("adult", tables, people)):
                    preset = "v2" if name == "logistic" else "v2-columns"
                    answers = BOTH if hasattr(served, "predict_proba") else None
                    there = {"url": f"{server.url}/v2/models/{name}/infer", "preset": preset, "answers": answers}
                    target = Endpoint(**there, classes=served.classes_.tolist()).open(table)
                    compare(f"MLServer {name} {defense}", target, served, name == "adult")
            for name, served, table in (("logistic", numeric, numbers(CANCER)), ("adult", tables, people)):
                with mlflow(None, folder / name) as flow:
                    preset = "mlflow" if name == "logistic" else "mlflow-split"
                    there = {"url": f"{flow.url}/invocations", "preset": preset}
                    target = Endpoint(**there, classes=served.classes_.tolist()).open(table)
                    compare(f"MLflow {name} {defense}", target, served, name == "adult")


PARTS: dict[str, Callable[[int], None]] = {
    "presets": presets,
    "attacks": attacks,
    "restarts": restarts,
    "exports": exports,
}
