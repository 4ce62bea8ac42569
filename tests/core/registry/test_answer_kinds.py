"""A plugin adds a kind of answer: what each feature adds to the score of a linear model, and an attack on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import mex
from mex.answers import AnswerKind, answer_kind, answer_kinds
from mex.defense import undefended
from mex.registry import loader
from mex.testing import checks
from mex.testing.answers import AnswerTrial
from mex.testing.examples import example_dataset, example_target
from mex.testing.kit import named
from mex.toolkit.ledger.store import Ledger
from mex.types import Array, FloatArray

Run = Callable[..., CompletedProcess[str]]

PLUGIN = '''
    """Explanations beside a linear model, and an attack that solves them for its weights."""
    from typing import ClassVar

    import attrs
    import numpy as np

    import mex
    from mex.answers import AnswerKind

    @mex.hookimpl
    def mex_components():
        return [
            mex.Component("answer", "contributions", "explained:CONTRIBUTIONS", "what each feature adds to the score"),
            mex.Component("attack", "explained-weights", "explained:ExplainedWeights", "weights from two explanations"),
            mex.Component("answer", "broken", "explained:BROKEN", "raises"),
            mex.Component("answer", "absent", "nowhere:KIND", "does not load"),
        ]

    def ask(model, X):
        """The term of each feature, and of the intercept, shape (n, d + 1)."""
        steps = [step for _, step in getattr(model, "steps", [(None, model)])]
        Z = np.asarray(X, dtype=float)
        for step in steps[:-1]:
            Z = step.transform(Z)
        return np.column_stack([Z * steps[-1].coef_[0], np.full(len(Z), steps[-1].intercept_)])

    def linear(model):
        last = getattr(model, "steps", [(None, model)])[-1][1]
        return hasattr(last, "predict_proba") and np.shape(getattr(last, "coef_", ()))[:1] == (1,)

    def raises(model):
        raise SystemError("no kind today")

    CONTRIBUTIONS = AnswerKind(
        words="contributions",
        ask=ask,
        objection=lambda C, classes: "" if C.ndim == 2 and C.shape[1] in (5, 31) else "one a feature and the intercept",
        given_by=linear,
        labels=lambda C, classes: classes[(C.sum(axis=1) > 0).astype(int)],
    )
    BROKEN = AnswerKind(words="bits", ask="bits", objection=lambda bits, classes: "", given_by=raises)

    @attrs.frozen(kw_only=True)
    class ExplainedWeights:
        """Ask two rows: each term is affine in its feature."""

        scope: ClassVar[mex.Scope] = mex.Scope(tasks="binary", families="linear", answers="contributions")
        paper: ClassVar[str] = "Milli et al. 2019, Model Reconstruction from Model Explanations"

        def learner(self, knowledge, rng):
            return Learning(knowledge, rng)

    class Learning(mex.GeneratorLearner):
        def __init__(self, known, rng):
            self.known, self.rng = known, rng
            self.w, self.b = np.zeros(known.domain.n_features), -1.0

        def steps(self):
            X = self.known.domain.sample(2, self.rng)
            C = yield X
            self.w = (C[1, :-1] - C[0, :-1]) / (X[1] - X[0])
            self.b = float(C[0].sum() - X[0] @ self.w)

        def hypothesis(self):
            return mex.halfspace(self.w, self.b, self.known.classes)
'''


@pytest.fixture(autouse=True)
def explained(install: Callable[..., Path]) -> Iterator[None]:
    """The plugin, installed for as long as a test runs."""
    install("mex-explained", {"explained": "explained"}, {"explained": PLUGIN})
    loader._latest.clear()
    loader.installed.cache_clear()
    yield
    loader._latest.clear()
    loader.installed.cache_clear()


LEFT_OUT = r"the answer '\w+' of a plugin is left out"
pytestmark = pytest.mark.filterwarnings(f"ignore:{LEFT_OUT}")
CELL = ("-m", "logistic", "--data", "breast-cancer", "--seeds", "1", "--budget", "60", "--json")


def test_it_is_listed_and_its_name_is_taken(run: Run, registry: mex.Registry) -> None:
    listed = [json.loads(line) for line in run("list-plugins", "--kind", "answer", "--json").stdout.splitlines()]
    providers = {line["name"]: line["provider"] for line in listed}
    assert providers["contributions"] == "mex-explained"
    assert providers["label"] == "model-extraction"
    assert set(answer_kinds()) == set(providers)
    again = mex.load_registry()
    impostor = type("Impostor", (), {"mex_components": staticmethod(mex.hookimpl(lambda: [_component("proba")]))})()
    assert not again.add(lambda: impostor, "impostor")
    assert "answer 'proba' is already provided by model-extraction" in again.broken[-1].reason


def _component(name: str) -> mex.Component:
    return mex.Component("answer", name, "explained:CONTRIBUTIONS", "of an impostor")


@pytest.mark.parametrize("kind", ["label", "proba", "leaf", "value", "contributions"])
def test_ours_and_theirs_keep_the_promises_of_a_kind(kind: str) -> None:
    component, target = answer_kind(kind), None
    if kind in ("label", "proba", "leaf", "value"):  # models declare these, and none gives them unasked
        target = example_target("regression" if kind == "value" else "binary", family="tree")
    trial = AnswerTrial(component, target=target)
    assert {check.name for check in named(trial, kind)} >= {"answers-row-by-row", "refuses-other-answers"}
    for check in named(trial, kind):
        check()


def test_the_kit_finds_it_by_its_name_and_tries_its_attack_on_it() -> None:
    for check in (*checks("answer", "contributions"), *checks("attack", "explained-weights", least_agreement=0.99)):
        check()


def test_models_give_it_beside_their_own_and_plugins_that_raise_are_named_and_left_out(
    registry: mex.Registry, breast_cancer: mex.Dataset
) -> None:
    with pytest.warns(UserWarning, match="'broken' of a plugin is left out: .*no kind today"):
        assert example_target().answers == ("label", "proba", "contributions")
    with pytest.warns(UserWarning, match="'absent' of a plugin is left out: .*does not load"):
        assert example_target(family="tree").answers == ("label", "proba", "leaf")
    rows = mex.Rows(breast_cancer.X, breast_cancer.y)
    target = registry.build("model", "logistic").fit(breast_cancer, rows, np.random.default_rng(0))
    assert target.answers == ("label", "proba", "contributions")
    own = mex.FittedTarget.wrap(LogisticRegression(max_iter=5000).fit(rows.X, rows.y), answers=("proba",))
    assert own.answers == ("proba",), "what is said goes before what is found"


def test_an_oracle_counts_and_checks_such_answers() -> None:
    X, target = example_dataset().X[:5], example_target()
    oracle = mex.Oracle(target, answers="contributions", budget=3)
    assert oracle.ask(X).shape == (3, 5)
    assert (oracle.queries, oracle.remaining, oracle.unseen) == (3, 0, "")
    narrow = example_dataset(d=3)
    wrong = mex.FittedTarget.wrap(LogisticRegression().fit(narrow.X, narrow.y))
    with pytest.raises(mex.AnswerError, match="contributions that are not one a feature and the intercept"):
        mex.Oracle(wrong, answers="contributions").ask(narrow.X)
    with pytest.raises(mex.Incompatible, match="label and proba and leaf answers, not contributions"):
        mex.Oracle(example_target(family="tree"), answers="contributions")


def test_attacks_that_do_not_know_it_are_told_the_label_beside_it(registry: mex.Registry) -> None:
    for answers in (("label", "contributions"), ("contributions",)):
        target = attrs.evolve(example_target(), answers=answers)
        for attack in ("passive", "pivot"):
            scope = registry.build("attack", attack).scope
            oracle = mex.Oracle(target, answers="contributions", scope=scope)
            assert oracle.knowledge().answers == "label"
            X = example_dataset().X[:50]
            assert (oracle.ask(X) == example_target().answer(X, "label")).all()
    of_any = mex.Scope()
    assert of_any.told("contributions", ("label", "contributions")) == "label"
    ids = attrs.evolve(example_target(family="tree"), answers=("leaf",))
    with pytest.raises(mex.Incompatible, match="leaf answers tell no label or value"):
        mex.target.labels(ids, X)


def test_defenses_withhold_kinds_that_they_do_not_know_unless_they_change_or_count_rows(
    registry: mex.Registry,
) -> None:
    target, data, rng = example_target(), example_dataset(), np.random.default_rng(0)
    shown = {}
    for name in ("none", "rounding", "label-only", "bounded-noise", "model-ensemble", "query-budget", "query-detector"):
        protected = registry.build("defense", name).protect(target, mex.Rows(data.X, data.y), rng)
        shown[name] = "contributions" in protected.answers
        assert undefended(protected) is target
    assert {name for name, gives in shown.items() if gives} == {"none", "query-budget", "query-detector"}

    class Negligent(mex.Defended):
        def answer(self, X: FloatArray, kind: str) -> Array:
            return np.asarray(self._target.answer(X, "label"))

    assert Negligent(target).answers == ("label", "proba")


def test_a_matrix_runs_it_beside_the_others_and_skips_what_withholds_it(run: Run) -> None:
    done = run(
        "matrix", "-a", "explained-weights", "-a", "passive", "-d", "none", "-d", "query-budget:limit=50",
        "-d", "rounding", "--answers", "all", *CELL,
    )  # fmt: skip
    records = [json.loads(line) for line in done.stdout.splitlines()]
    theirs = {r["defense"]: r for r in records if r["attack"] == "explained-weights"}
    assert theirs["none"]["answers"] == theirs["query-budget"]["answers"] == "contributions"
    assert theirs["none"]["queries"] == 2
    assert theirs["none"]["geometric_error"] < 1e-9
    assert theirs["rounding"]["status"] == "skipped"
    assert "not contributions" in theirs["rounding"]["reason"]
    assert not [r for r in records if r["attack"] == "passive" and r["answers"] == "contributions"], "once is enough"


def test_a_ledger_keeps_it_and_a_record_answers_it_again(run: Run, registry: mex.Registry, tmp_path: Path) -> None:
    data = example_dataset()
    first = mex.attack("explained-weights", example_target(), pool=data.X, answers="contributions", budget=50,
                       ledger=tmp_path / "explained.ledger")  # fmt: skip
    assert first.queries == 2
    ledger = Ledger(tmp_path / "explained.ledger", read_only=True)
    assert {row.kind for row in ledger.rows()} == {"contributions"}
    ledger.close()
    for name in ("explained.csv", "explained.parquet"):
        assert run("ledger", tmp_path / "explained.ledger", "--export", tmp_path / name).returncode == 0
        record = registry.build("model", {"use": "recorded", "path": str(tmp_path / name), "classes": [0, 1]})
        target = record.open(None)
        assert target.answers == ("contributions",)
        again = target.answer(first.transcript.X, "contributions")
        assert np.allclose(again, first.transcript.answers, rtol=0, atol=1e-12)


def test_an_endpoint_that_is_said_to_give_it_is_read() -> None:
    from mex_endpoint.answers import Reply, as_kind

    told = as_kind(Reply([[0.5, 1], [2, 3]]), "contributions", np.array([0, 1]))
    assert told.tolist() == [[0.5, 1.0], [2.0, 3.0]]
    with pytest.raises(mex.AnswerError, match="no numbers where contributions were expected"):
        as_kind(Reply([["yes"], ["no"]]), "contributions", np.array([0, 1]))


def test_a_kind_that_is_none_is_a_sentence(run: Run) -> None:
    done = run("matrix", "-a", "passive", "-d", "none", "--answers", "contribution", *CELL)
    assert done.returncode == 2
    assert "answers must be one of label, proba, leaf, value, absent, broken, contributions" in done.stderr
    with pytest.raises(mex.UsageError, match="answer 'absent' of mex-explained does not load"):
        answer_kind("absent")


WRONG: list[tuple[str, str, dict[str, Any]]] = [
    ("is-given-by-a-model", "no example target gives such answers", {"given_by": lambda model: False}),
    ("answers-what-it-promises", "one a class", {"objection": lambda C, classes: "one a class"}),
    ("answers-row-by-row", "otherwise in a batch", {"ask": lambda model, X: X - X.mean(axis=0)}),
    ("refuses-other-answers", "objection has nothing against", {"objection": lambda C, classes: ""}),
    ("tells-the-label", "labels reads .* as the model gives", {"labels": lambda C, classes: classes[[0] * len(C)]}),
    ("measures-how-far-answers-are", "shift must be 0", {"shift": lambda C, bare: 1.0}),
]


@pytest.mark.parametrize(("name", "said", "changed"), WRONG, ids=[name for name, _, _ in WRONG])
def test_what_is_wrong_with_a_kind_is_said(name: str, said: str, changed: dict[str, Any]) -> None:
    wrong: AnswerKind = attrs.evolve(
        answer_kind("contributions"), objection=lambda C, classes: "" if C.shape[1] < 6 else "narrower", labels=None
    )
    wrong = attrs.evolve(wrong, **changed)
    broken = next(check for check in named(AnswerTrial(wrong), "wrong") if check.name == name)
    with pytest.raises((AssertionError, mex.AnswerError), match=said):
        broken()
