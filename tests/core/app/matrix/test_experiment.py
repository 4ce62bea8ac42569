"""A cell and its record: what is measured, and that nothing else decides it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.json_lines import dump
from mex.app.matrix.record import TIMINGS
from mex.registry.spec import Spec
from mex.types import Answer, Array, BoolArray, FloatArray

Record = dict[str, Any]
SMALL: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none", "bounded-noise:rho=0.2"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 30,
    "seeds": 1,
    "counters": False,
}


def untimed(records: list[Record]) -> list[str]:
    return [dump({k: v for k, v in record.items() if k not in TIMINGS}) for record in records]


def test_the_same_seed_gives_the_same_record_and_another_seed_another(registry: mex.Registry) -> None:
    first = mex.matrix({**SMALL, "seeds": [5, 6]}, registry=mex.load_registry())
    assert untimed(first) == untimed(mex.matrix({**SMALL, "seeds": [5, 6]}, registry=registry))
    assert first[0]["agreement"] != first[2]["agreement"]


def test_attack_and_defense_meet_the_same_model_on_the_same_rows(registry: mex.Registry) -> None:
    records = mex.matrix(SMALL, registry=registry)
    assert len({(r["target_accuracy"], r["uniform_majority"]) for r in records}) == 1


def test_what_honest_users_lose_does_not_depend_on_the_attack(registry: mex.Registry) -> None:
    def accuracies(budget: int) -> list[float]:
        plan = {**SMALL, "defenses": ["bounded-noise:rho=0.3"], "budget": budget, "seeds": 3}
        return [record["defended_accuracy"] for record in mex.matrix(plan, registry=registry)]

    few, many = accuracies(7), accuracies(30)
    assert few == many
    assert max(many) < 0.7


def test_honest_users_read_the_label_whatever_the_attacker_gets(registry: mex.Registry) -> None:
    (record,) = mex.matrix({**SMALL, "defenses": ["none"], "answers": "proba"}, registry=registry)
    assert record["answers"] == "proba"
    assert record["target_accuracy"] == record["defended_accuracy"]


@pytest.mark.parametrize(
    ("defense", "answers", "idle"),
    [("rounding", "label", True), ("rounding", "proba", False), ("query-budget:limit=10", "label", False)],
)
def test_a_defense_that_changed_no_answer_is_noted(
    registry: mex.Registry, defense: str, answers: str, idle: bool
) -> None:
    (record,) = mex.matrix({**SMALL, "defenses": [defense], "answers": answers, "counters": False}, registry=registry)
    noted = f"{defense.partition(':')[0]} changed no answer, neither of honest users nor of this attack"
    assert (noted in (record["reason"] or "")) == idle


def test_a_defense_is_learned_once_and_every_attack_meets_it_unasked(
    registry: mex.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = []
    cls = registry.load("defense", "bounded-noise")
    protect = cls.protect
    monkeypatch.setattr(cls, "protect", lambda self, *given: learned.append(self) or protect(self, *given))
    plan = {**SMALL, "defenses": ["bounded-noise:rho=0.21"]}
    both = mex.matrix({**plan, "attacks": ["passive", "passive:sampler=uniform"]}, registry=registry)
    assert len(learned) == 1
    alone = mex.matrix({**plan, "attacks": ["passive:sampler=uniform"]}, registry=registry)
    assert untimed(both[1:]) == untimed(alone)


def test_records_have_the_fields_of_the_design(registry: mex.Registry) -> None:
    (record,) = mex.matrix({**SMALL, "defenses": ["none"]}, registry=registry)
    design = """
        attack, attack_params, defense, defense_params, model, model_params, dataset, seed, answers, budget,
        status, reason, features, rho, asked, queries, unique_queries, refused, alarm, price_usd, agreement,
        held_out, majority, near_agreement, uniform_agreement, uniform_majority, geometric_error, target_accuracy,
        defended_accuracy,
        accuracy_lost, stolen_accuracy,
        answers_changed, answer_shift, repeats_differ, honest_refused, false_alarms, latency_added, stopped,
        seconds, learner_seconds, oracle_seconds, cpu_seconds, curve, mex_version
        """
    added = {
        "cell",
        "dataset_params",
        "price_per_query",
        "rows_answered",
        "rows_sent",
        "evaluation_rows",
        "points",
        "findings",
        "class_agreement",
    }
    assert set(record) == {f.strip() for f in design.split(",")} | added
    score = {"agreement", "class_agreement", "near_agreement", "uniform_agreement", "geometric_error"}
    assert all(set(point) == {"queries"} | score for point in record["curve"])
    last = record["curve"][-1]
    assert {key: last[key] for key in score} == {key: record[key] for key in score}
    assert last["queries"] == record["queries"] == 30
    assert record["price_usd"] == pytest.approx(0.003)
    assert record["mex_version"] == mex.__version__
    assert json.loads(dump(record)) == record
    assert 0 < record["learner_seconds"] + record["oracle_seconds"] < record["seconds"] < time.perf_counter()


def test_a_cell_is_known_by_everything_that_decides_its_record() -> None:
    base = Cell(attack=Spec("a"), defense=Spec("d"), model=Spec("m"), dataset=Spec("s"))
    others = [
        attrs.evolve(base, attack=Spec("b")),
        attrs.evolve(base, defense=Spec("d", {"rho": 0.1})),
        attrs.evolve(base, seed=1),
        attrs.evolve(base, answers="proba"),
        attrs.evolve(base, budget=7),
        attrs.evolve(base, price_per_query=1),
    ]
    assert len({cell.identity()["cell"] for cell in [base, *others]}) == 7
    assert base.identity() == attrs.evolve(base).identity()
    assert str(base) == "a × d × m × s seed 0"


@attrs.frozen(kw_only=True)
class Unreliable:
    """Answers the first 20 rows that a client asks, and then fails."""

    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"

    def protect(self, target: mex.Target, train: mex.Rows, rng: np.random.Generator) -> mex.Target:
        return _Unreliable(target)


class _Unreliable(mex.Defended):
    admitted = 0

    def admit(self, X: FloatArray) -> BoolArray:  # asked of attackers, and of honest clients in sessions
        self.admitted += len(X)
        return self._target.admit(X)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        if self.admitted > 20:
            raise ConnectionError("503")
        return self._target.answer(X, kind)


def test_a_cell_whose_target_failed_is_failed_and_keeps_what_was_paid_for(given: Callable[..., mex.Registry]) -> None:
    registry = given(defense={"unreliable": Unreliable})
    failed, fine = mex.matrix({**SMALL, "defenses": ["unreliable", "none"]}, registry=registry)
    assert (failed["status"], failed["stopped"]) == ("failed", "failed"), "never a cell in which nobody stole the model"
    assert failed["reason"].startswith("the target failed after 20 answers (ConnectionError: 503)")
    assert (failed["queries"], failed["price_usd"]) == (30, pytest.approx(30e-4))
    assert failed["curve"][-1]["agreement"] == failed["agreement"]
    assert fine["status"] == "ok"
