"""``mex.attack`` answers the question: how far the stolen model agrees, after how many queries and dollars."""

from __future__ import annotations

import io
import math
import re
import sys
import types
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mex
from mex.app import progress
from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import measure, set_scene
from mex.registry.loader import installed
from mex.types import Array, FloatArray

FRAME, y = load_breast_cancer(return_X_y=True, as_frame=True)
X = FRAME.to_numpy()
MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
DOMAIN = mex.Domain(X.min(axis=0), X.max(axis=0))
TREE = "passive:model=decision-tree"


def steal(attack: str = TREE, model: Any = MODEL, **options: Any) -> Any:
    return mex.attack(attack, model, **{"domain": DOMAIN, "budget": 200, "registry": installed(), **options})


def test_the_scores_are_those_of_the_cell_with_the_same_rows(registry: mex.Registry) -> None:
    spec = {"attack": TREE, "defense": "bounded-noise:rho=0.1", "model": "logistic", "dataset": "haberman"}
    cell = Cell(**{kind: registry.resolve(kind, text) for kind, text in spec.items()}, seed=3, budget=60)
    record, _ = measure(registry, cell)
    scene = set_scene(registry, cell.model, cell.dataset, cell.seed)
    stolen = mex.attack(
        TREE,
        scene.target,
        defense=spec["defense"],
        pool=scene.pool.X,
        held_out=scene.yardstick.points["agreement"],
        budget=60,
        seed=3,
        registry=registry,
    )
    assert stolen.curve == record["curve"]
    for score in (
        "agreement",
        "near_agreement",
        "uniform_agreement",
        "majority",
        "uniform_majority",
        "geometric_error",
    ):
        assert getattr(stolen, score) == record[score]  # type: ignore[literal-required]


def test_the_answer_is_in_what_is_printed_and_shown() -> None:
    stolen = steal("pivot", pool=X, budget=4000, seed=np.int64(0), price_per_query=np.float64(0.001))
    assert stolen.agreement == 1.0
    assert stolen.held_out == 142
    assert stolen.queries_to(0.95) <= stolen.queries_to(0.999) <= stolen.queries
    assert stolen.usd_to(0.99) == stolen.queries_to(0.99) * 0.001
    printed = str(stolen)
    assert printed.startswith(f"pivot on Pipeline: done after {stolen.queries} queries (${stolen.price_usd:.4f})\n")
    majority = np.mean(MODEL.predict(X) == 1)
    assert "\nagreement: 1.000 on 142 held-out rows (one constant answer: 0." in printed
    assert stolen.majority == pytest.approx(majority, abs=0.1)
    assert f"to 0.99: {math.ceil(stolen.queries_to(0.99))} queries" in printed
    for line in printed.split("\n")[1:]:
        assert line.partition(": ")[2] in stolen._repr_html_()


def test_less_than_a_constant_is_marked_on_uniform_points_too() -> None:
    stolen = steal(TREE, pool=X[:400], held_out=X[400:], budget=200)
    assert stolen.agreement > stolen.majority
    assert stolen.uniform_agreement < stolen.uniform_majority
    lines = dict(line.split(": ", 1) for line in str(stolen).split("\n"))
    assert "↓ on uniform points" in lines["uniform"]
    assert "↓" not in lines["agreement"]
    assert lines["beware"].startswith("↓ worse than a constant answer")


def test_what_never_agrees_says_so() -> None:
    stolen = steal(model=MODEL, defense="bounded-noise:rho=0.4", pool=X, budget=60)
    assert stolen.queries_to(0.999) == math.inf
    assert "to 0.999: not reached" in str(stolen)
    assert "behind bounded-noise:rho=0.4" in str(stolen)


def test_the_judge_knows_the_model_without_its_defense() -> None:
    bare = mex.FittedTarget.wrap(MODEL, domain=DOMAIN)
    registry = mex.load_registry()
    noise = registry.build("defense", "bounded-noise:rho=0.5")
    defended = noise.protect(bare, mex.Rows(X, y), np.random.default_rng(0))
    stolen = steal(model=defended, pool=X, held_out=X)
    assert stolen.agreement == np.mean(stolen.hypothesis.predict(X) == MODEL.predict(X))
    assert stolen.model == "Pipeline"


def test_the_rows_that_are_held_out_are_no_rows_of_the_attacker() -> None:
    class Memory:
        n_features_in_, classes_ = 30, np.array([0, 1])
        asked: FloatArray = np.empty((0, 30))

        def predict(self, rows: FloatArray) -> Array:
            self.asked = np.concatenate([self.asked, rows])
            return MODEL.predict(rows)

    model = Memory()
    stolen = steal("passive:model=decision-tree,sampler=pool", model, pool=X, held_out=0.5, budget=284)
    assert stolen.held_out == 284
    asked = {row.tobytes() for row in stolen.transcript.X}
    judged = {row.tobytes() for row in model.asked[284 : 284 + 284]}
    assert asked | judged <= {row.tobytes() for row in X}
    assert not asked & judged
    assert len(model.asked) == stolen.queries + stolen.asked_to_judge


@pytest.mark.parametrize(
    ("options", "remark"),
    [
        ({}, "nothing was held out to judge on: give held_out=rows, or a pool"),
        ({"pool": X, "held_out": None}, "nothing was held out to judge on"),
        ({"pool": X[:30]}, "25% of 30 rows of the pool are too few to judge on: give held_out=rows"),
    ],
)
def test_without_rows_to_judge_on_nothing_is_judged_and_that_is_said(options: dict[str, Any], remark: str) -> None:
    stolen = steal("passive:model=decision-tree,sampler=uniform", **options)
    assert (stolen.agreement, stolen.curve) == (None, ())
    assert remark in str(stolen)
    with pytest.raises(mex.UsageError, match="the stolen model was not judged: "):
        stolen.queries_to(0.9)


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.1, True, np.int64(3), float("nan")])
def test_a_share_that_is_none_is_one_sentence(share: Any) -> None:
    with pytest.raises(mex.UsageError, match="held_out must be rows, a share of the pool between 0 and 1, or None"):
        steal(pool=X, held_out=share)


@pytest.mark.parametrize(
    "held",
    [X[:60].tolist(), X[:60].astype(np.float32), scipy.sparse.csr_array(X[:60]), FRAME[:60], pl.DataFrame(X[:60])],
)
def test_rows_may_be_held_by_anything(held: Any) -> None:
    stolen = steal(pool=held, held_out=held)
    assert stolen.held_out == 60
    assert stolen.agreement == np.mean(stolen.hypothesis.predict(X[:60]) == MODEL.predict(X[:60]))


def test_rows_that_are_none_are_one_sentence() -> None:
    for rows in ([1.0, 2.0], "rows.csv", [["a"] * 30], object()):
        with pytest.raises(mex.UsageError, match=r"pool must be rows of numbers|a table must be|rows of the model"):
            steal(pool=rows)


def test_a_model_that_fails_while_it_is_judged_loses_nothing() -> None:
    class Tired:
        n_features_in_, classes_, left = 30, np.array([0, 1]), 200

        def predict(self, rows: FloatArray) -> Array:
            self.left -= len(rows)
            if self.left < 0:
                raise RuntimeError("out of credit")
            return MODEL.predict(rows)

    stolen = steal(model=Tired(), pool=X)
    assert stolen.queries == len(stolen.transcript) == 200
    assert stolen.remarks == ("nothing was judged: RuntimeError: out of credit",)


def test_the_learning_curve_is_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    stolen = steal(pool=X)
    table = stolen.to_frame()
    assert isinstance(table, pd.DataFrame)
    assert table["queries"].tolist() == [point["queries"] for point in stolen.curve]
    assert table["usd"].iloc[-1] == pytest.approx(stolen.price_usd)
    assert table["agreement"].iloc[-1] == stolen.agreement
    monkeypatch.delitem(sys.modules, "pandas")
    assert isinstance(stolen.to_frame(), pl.DataFrame)
    monkeypatch.delitem(sys.modules, "polars")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(mex.UsageError, match="to_frame needs pandas or polars"):
        stolen.to_frame()
    with pytest.raises(mex.UsageError, match=r"plot needs matplotlib: pip install 'model-extraction\[report\]'"):
        stolen.plot()


def test_the_learning_curve_is_drawn() -> None:
    from matplotlib.figure import Figure

    stolen = steal(pool=X)
    axes = Figure().subplots()
    assert stolen.plot(axes) is axes
    assert [line.get_label() for line in axes.lines] == ["held-out rows", "rows between them", "uniform points"]
    assert axes.lines[0].get_ydata().tolist() == [point["agreement"] for point in stolen.curve]
    assert axes.get_title() == "passive:model=decision-tree on Pipeline"


def test_values_are_judged_by_the_variance_explained() -> None:
    A, b = load_diabetes(return_X_y=True)
    stolen = mex.attack("equation-solving", LinearRegression().fit(A, b), held_out=A, budget=20)
    assert stolen.agreement == pytest.approx(1.0)
    assert stolen.uniform_majority is None


def test_a_terminal_sees_what_takes_long_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LATE", 0)
    quiet = io.StringIO()
    monkeypatch.setattr(sys, "stderr", quiet)
    steal(pool=X)
    assert quiet.getvalue() == ""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    steal(pool=X)
    assert "passive, queries" in terminal.getvalue()
    monkeypatch.setattr(progress, "LATE", 60)
    monkeypatch.setattr(sys, "stderr", soon := Terminal())
    steal(pool=X)
    assert soon.getvalue() == ""


def test_a_notebook_sees_a_line_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, data: dict[str, str], raw: bool) -> None:
            shown.append(data["text/plain"])

    notebook = types.ModuleType("IPython.display")
    notebook.display = lambda data, raw, display_id: Handle()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython.display", notebook)
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr(progress, "LATE", 0)
    monkeypatch.setattr(progress, "PAUSE", 0)
    steal(pool=X)
    assert shown[-2:] == ["passive: 200 of 200 queries", ""]


@pytest.mark.parametrize("at_a_prompt", [True, False])
def test_an_interrupt_at_a_prompt_gives_what_was_paid_for(monkeypatch: pytest.MonkeyPatch, at_a_prompt: bool) -> None:
    class Interrupting:
        n_features_in_, classes_, batches = 30, np.array([0, 1]), 0

        def predict(self, rows: FloatArray) -> Array:
            self.batches += 1
            if self.batches == 3:
                raise KeyboardInterrupt
            return MODEL.predict(rows)

    if not at_a_prompt:
        with pytest.raises(KeyboardInterrupt):
            steal(model=Interrupting(), pool=X)
        return
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    stolen = steal(model=Interrupting(), pool=X)
    assert stolen.stopped == "interrupted"
    assert 0 < len(stolen.transcript) < 200
    assert stolen.agreement is not None


def test_an_attack_that_breaks_hands_over_what_was_paid_for(given: Any) -> None:
    class Breaking(mex.GeneratorLearner):
        def steps(self) -> mex.Steps:
            yield X[:20]
            raise ZeroDivisionError("of the attack")

        def hypothesis(self) -> Any:
            return MODEL

    class Attack:
        scope, paper = mex.Scope(), "none"

        def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
            return Breaking()

    registry = given(attack={"breaking": Attack})
    with pytest.raises(ZeroDivisionError) as broken:
        steal("breaking", registry=registry)
    assert np.array_equal(broken.value.transcript.X, X[:20])  # type: ignore[attr-defined]
    assert np.array_equal(broken.value.transcript.answers, MODEL.predict(X[:20]))  # type: ignore[attr-defined]
    assert "20 answers were paid for" in "".join(broken.value.__notes__)


@pytest.mark.parametrize(
    ("attack", "model"),
    [("passive", KNeighborsClassifier(15)), ("margin", CalibratedClassifierCV(GaussianNB(), ensemble=False, cv=5))],
)
def test_what_cannot_learn_from_few_rows_waits_for_more(attack: str, model: Any, iris: mex.Dataset) -> None:
    model.fit(iris.X, iris.y)
    few = mex.attack(attack, model, pool=iris.X, domain=iris.domain, budget=9)
    assert few.agreement is not None
    assert "its model cannot learn from 9 answers (ValueError: " in few.note
    more = mex.attack(attack, model, pool=iris.X, domain=iris.domain, budget=60)
    assert more.note == ""
    assert more.agreement is not None
    assert more.agreement > 0.8


class Dropout:
    """A classifier, or a regressor, that answers with noise of its own."""

    n_features_in_ = 2

    def __init__(self, noise: float, values: bool = False) -> None:
        self.noise, self.values, self.rng = noise, values, np.random.default_rng(0)
        if not values:
            self.classes_ = np.array([0, 1])

    def predict(self, rows: FloatArray) -> Array:
        score = rows.sum(axis=1) + self.noise * self.rng.normal(size=len(rows))
        return score if self.values else (score > 0).astype(int)


@pytest.mark.parametrize("values", [False, True])
def test_of_a_model_that_answers_by_chance_the_most_that_a_copy_can_agree_is_told(values: bool) -> None:
    """The best copy is the model without its noise: it agrees as far as is told, within what 1,000 rows can tell."""
    rows = np.random.default_rng(1).normal(size=(1000, 2))
    attack = "passive:model=kernel-ridge" if values else "passive:model=logistic"
    stolen = mex.attack(attack, Dropout(0.8, values), domain=mex.Domain.of(rows), pool=rows[:50], held_out=rows)
    (remark,) = stolen.remarks
    most = float(re.findall(r"more than about (0\.\d+)", remark)[0])
    bare, noisy = Dropout(0.0, values).predict(rows), Dropout(0.8, values).predict(rows)
    best = 1 - np.var(noisy - bare) / np.var(noisy) if values else np.mean(bare == noisy)
    assert best - 0.06 < most < best + 0.1
    steady = mex.attack(attack, Dropout(0.0, values), domain=mex.Domain.of(rows), pool=rows[:50], held_out=rows)
    assert steady.remarks == ()


def test_an_attack_that_reads_what_is_not_shown_by_default_says_what_to_ask_for() -> None:
    with pytest.raises(
        mex.Incompatible, match="and label is shown unless another kind is asked for: try answers=proba"
    ):
        steal("equation-solving")
    assert steal("equation-solving", answers="proba").stopped == "done"
