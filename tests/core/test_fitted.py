"""Functions, objects of any library and models that fail now and then, as targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import mex
from mex.registry.loader import installed
from mex.types import Array, FloatArray

X, y = load_breast_cancer(return_X_y=True)
DOMAIN = mex.Domain(X.min(axis=0), X.max(axis=0))


def steal(model: Any, **options: Any) -> Any:
    given = {"registry": installed(), "domain": DOMAIN, "pool": X[:200], "held_out": X[200:], "budget": 300, **options}
    return mex.attack("passive:model=decision-tree", model, **given)


def by_rows(rows: FloatArray) -> Array:
    return np.where(rows[:, 0] > 15, "large", "small")


FUNCTIONS = {
    "a function": (by_rows, ["large", "small"]),
    "a lambda": (lambda rows: (rows[:, 0] > 15).astype(int), [0, 1]),
    "a lambda that answers a list": (lambda rows: [row[0] > 15 for row in rows], [False, True]),
    "a column": (lambda rows: (rows[:, :1] > 15).astype(int), [0, 1]),
    "a series": (lambda rows: pd.Series(by_rows(rows)), ["large", "small"]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_a_target(name: str) -> None:
    function, classes = FUNCTIONS[name]
    stolen = steal(function, classes=classes)
    truth = np.ravel(np.asarray(function(X[200:])))
    assert stolen.agreement == np.mean(stolen.hypothesis.predict(X[200:]) == truth) > 0.97


@pytest.mark.parametrize("column", [True, False])
def test_a_function_may_give_probabilities_of_both_classes_or_of_the_second(column: bool) -> None:
    model = LogisticRegression(max_iter=5000).fit(X, y)

    def second(rows: FloatArray) -> Any:
        return model.predict_proba(rows)[:, 1:] if column else model.predict_proba(rows)[:, 1].tolist()

    for function in (model.predict_proba, second):
        target = mex.FittedTarget.wrap(function, domain=DOMAIN, classes=[0, 1], answers=("proba",))
        assert target.answer(X, "proba") == pytest.approx(model.predict_proba(X))
    stolen = steal(second, classes=[0, 1], answers="proba", family="linear")
    assert stolen.agreement == np.mean(stolen.hypothesis.predict(X[200:]) == model.predict(X[200:]))


def test_a_function_may_give_values() -> None:
    stolen = mex.attack(
        "equation-solving",
        lambda rows: rows @ [2.0, 3.0] + 1,
        family=mex.Family("linear", {"link": "identity"}),
        answers="value",
        held_out=np.eye(2),
        budget=20,
    )
    assert stolen.hypothesis.predict([[10.0, 1.0]]) == pytest.approx([24.0])


@pytest.mark.parametrize(
    "function", [lambda row: int(row[0] > 15), lambda row: "large" if row[0] > 15 else "small", lambda row: row[0] > 15]
)
def test_a_function_of_one_row_is_told_what_to_be(function: Any) -> None:
    with pytest.raises(mex.UsageError, match=r"shape \(n, 30\), and this one takes one row: give lambda X: \[function"):
        steal(function, classes=[0, 1])


def test_a_function_of_one_row_is_found_out_where_there_are_as_many_columns() -> None:
    target = mex.FittedTarget.wrap(lambda row: row[0] > 0, domain=mex.Domain.reals(3), classes=[False, True])
    with pytest.raises(mex.UsageError, match="this one takes one row"):
        target.answer(np.eye(3), "label")
    right = mex.FittedTarget.wrap(lambda rows: rows[:, 0] > 0, domain=mex.Domain.reals(3), classes=[False, True])
    assert right.answer(np.eye(3), "label").tolist() == [True, False, False]


MISTAKES = {
    "a function does not tell what it answers: give classes=": (by_rows, {}),
    "a target is an object, and LogisticRegression is a class: give LogisticRegression()": (LogisticRegression, {}),
    "a target needs a predict method, and int has none": (3, {}),
    "answered an array of shape (3,): it has to give one answer a row": (lambda rows: [1, 0, 1], {"classes": [0, 1]}),
    "answered labels that are not among the classes": (by_rows, {"classes": [0, 1]}),
    "or fit it, if it is not fitted": (LogisticRegression(), {}),
}


@pytest.mark.parametrize("sentence", MISTAKES)
def test_what_is_no_target_is_one_sentence(sentence: str) -> None:
    model, options = MISTAKES[sentence]
    with pytest.raises(mex.MexError) as error:
        steal(model, **options)
    assert sentence in str(error.value)


class Failing:
    """A model that raises errors before some of its answers."""

    n_features_in_, classes_ = 30, np.array([0, 1])

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.calls = 0

    def predict(self, rows: FloatArray) -> Any:
        self.calls += 1
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        return (rows[:, 0] > 15).astype(int).tolist()


def test_a_model_that_fails_now_and_then_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    model = Failing(RuntimeError("busy"), None, ConnectionError("down"), TimeoutError("still down"))
    stolen = steal(model)
    assert (stolen.queries, stolen.stopped, len(stolen.transcript)) == (200, "done", 200)
    assert [pause for pause in waited if pause] == [0.2, 1.0]
    assert stolen.agreement > 0.97


def test_a_model_that_goes_on_failing_keeps_what_was_paid_for() -> None:
    model = Failing(None, None, *[RuntimeError("broken")] * 2)
    with pytest.warns(RuntimeWarning, match=r"the target failed after \d+ answers \(RuntimeError: broken\)"):
        stolen = steal(model, held_out=None)
    assert stolen.stopped == "failed"
    assert 0 < len(stolen.transcript) < 300
    assert np.array_equal(stolen.transcript.answers, stolen.transcript.X[:, 0] > 15)


def test_what_mex_says_of_a_model_is_not_said_twice() -> None:
    model = Failing(mex.UsageError("no"))
    with pytest.raises(mex.UsageError, match=r"^no$"):
        steal(model)
    assert model.calls == 1
