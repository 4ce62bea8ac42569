"""The engine of the matrix: one record per cell whatever happens in it, the same however it is run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest

import mex
from mex.app.matrix.engine import execute
from mex.app.matrix.json_lines import dump
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import RESULTS, TIMINGS
from mex.app.matrix.results import FILE
from mex.dataset import Rows
from mex.target import Target
from mex.types import Array, Estimator, FloatArray

Record = dict[str, Any]
SMALL: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none", "bounded-noise:rho=0.2"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 30,
    "seeds": 2,
}


def untimed(records: list[Record]) -> list[str]:
    return [dump({k: v for k, v in record.items() if k not in TIMINGS}) for record in records]


@attrs.frozen(kw_only=True)
class Odd:
    """An attack that asks five rows and then does something odd."""

    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        return _Odd(self, knowledge, rng)

    def odd(self) -> None:
        """Do it."""

    def believe(self, knowledge: mex.Knowledge) -> Estimator:
        return mex.halfspace(np.ones(knowledge.domain.n_features), classes=knowledge.classes)


class _Odd:
    def __init__(self, attack: Odd, knowledge: mex.Knowledge, rng: np.random.Generator) -> None:
        self.attack, self.knowledge, self.X = attack, knowledge, knowledge.domain.sample(5, rng)
        self.told = False

    def ask(self) -> FloatArray | None:
        return None if self.told else self.X

    def tell(self, X: FloatArray, answers: Array) -> None:
        self.told = True
        self.attack.odd()

    def hypothesis(self) -> Estimator:
        return self.attack.believe(self.knowledge)


class Raising(Odd):
    def odd(self) -> None:
        raise ZeroDivisionError("nothing to divide by")


class Leaving(Odd):
    def odd(self) -> None:
        raise SystemExit("goodbye")


class Refusing(Odd):
    def odd(self) -> None:
        raise mex.Incompatible("this attack wants another world")


class Mistaken(Odd):
    def odd(self) -> None:
        raise mex.QueryError("row 0: too odd")


class NotANumber(Odd):
    def believe(self, knowledge: mex.Knowledge) -> Estimator:
        stolen = super().believe(knowledge)
        stolen.coef_ = stolen.coef_ * np.nan
        stolen.predict = lambda X: np.ones(len(X))
        return stolen


ODD: dict[str, tuple[type[Odd], str, str]] = {
    "raising": (Raising, "failed", "ZeroDivisionError: nothing to divide by"),
    "leaving": (Leaving, "failed", "SystemExit: goodbye"),
    "refusing": (Refusing, "skipped", "this attack wants another world"),
    "mistaken": (Mistaken, "failed", "row 0: too odd"),
    "not-a-number": (NotANumber, "failed", "ValueError: Out of range float values are not JSON compliant"),
}


@pytest.mark.parametrize("case", ODD)
def test_a_cell_that_goes_wrong_says_why_and_the_others_go_on(
    given: Callable[..., mex.Registry], tmp_path: Path, case: str
) -> None:
    cls, status, reason = ODD[case]
    registry = given(attack={case: cls})
    plan = {**SMALL, "attacks": [case, "passive"], "seeds": 1}
    records = mex.matrix(plan, registry=registry, out=tmp_path)
    wrong = [record for record in records if record["attack"] == case]
    assert [(record["status"], record["reason"].partition(": nan")[0]) for record in wrong] == [(status, reason)] * 2
    assert all(record[field] is None for record in wrong for field in RESULTS if field not in ("status", "reason"))
    assert [record["status"] for record in records if record["attack"] == "passive"] == ["ok"] * 2
    lines = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    assert lines == [dump(record) for record in records]


class Endless(Odd):
    def odd(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # whatever a plugin catches, the alarm gets through
                time.sleep(0.01)


def test_a_cell_that_takes_too_long_has_failed_and_the_others_go_on(given: Callable[..., mex.Registry]) -> None:
    registry = given(attack={"endless": Endless})
    records = mex.matrix({**SMALL, "attacks": ["endless", "passive"], "seeds": 1}, registry=registry, time_limit=3)
    assert {(record["attack"], record["status"], record["reason"]) for record in records} == {
        ("endless", "failed", "took longer than 3 seconds"),
        ("passive", "ok", None),
    }


class Unloadable:
    source, licence = "nowhere", "none"

    def load(self) -> mex.Dataset:
        raise OSError("the disk is on fire")


class Missing(Unloadable):
    def load(self) -> mex.Dataset:
        raise mex.UsageError("there is no such file")


def test_a_dataset_with_a_fault_fails_its_cells_only(given: Callable[..., mex.Registry]) -> None:
    registry = given(dataset={"burning": Unloadable})
    records = mex.matrix({**SMALL, "datasets": ["burning", "haberman"], "seeds": 1}, registry=registry)
    assert [r["reason"] for r in records if r["dataset"] == "burning"] == ["OSError: the disk is on fire"] * 2
    assert [r["status"] for r in records if r["dataset"] == "haberman"] == ["ok"] * 2


def test_a_dataset_that_the_user_got_wrong_is_told_before_anything_runs(
    given: Callable[..., mex.Registry], tmp_path: Path
) -> None:
    registry = given(dataset={"missing": Missing})
    with pytest.raises(mex.UsageError, match="there is no such file"):
        mex.matrix({**SMALL, "datasets": ["haberman", "missing"]}, registry=registry, out=tmp_path)
    assert (tmp_path / FILE).read_text() == ""


@attrs.frozen(kw_only=True)
class Choosy:
    """A defense for leaves only."""

    scope: ClassVar[mex.Scope] = mex.Scope(answers="leaf")
    paper: ClassVar[str] = "none"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        raise AssertionError("out of its scope")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"models": ["linear-regression"]}, "linear-regression learns regression data; haberman is binary"),
        ({"defenses": ["choosy"]}, "choosy takes leaf answers; this interface gives label"),
        ({"defenses": ["none"], "answers": "leaf"}, "this interface gives label and proba answers, not leaf"),
        ({"answers": "proba", "defenses": ["bounded-noise"]}, "this interface gives label answers, not proba"),
    ],
)
def test_a_pair_that_cannot_work_is_skipped_with_the_reason(
    given: Callable[..., mex.Registry], change: Mapping[str, Any], reason: str
) -> None:
    registry = given(defense={"choosy": Choosy})
    records = mex.matrix({**SMALL, "seeds": 1, **change}, registry=registry)
    assert {(record["status"], record["reason"]) for record in records} == {("skipped", reason)}


def test_records_are_the_same_bytes_for_one_job_and_for_two(registry: mex.Registry) -> None:
    models = ["logistic", "random-forest:trees=5"]
    plan = {**SMALL, "models": models, "attacks": ["passive", "passive:sampler=mixed"], "seeds": [3]}
    one = mex.matrix(plan, registry=registry)
    assert len({record["cell"] for record in one}) == 8
    assert {record["status"] for record in one} == {"ok"}
    assert untimed(mex.matrix(plan, registry=registry, jobs=2)) == untimed(one)


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True, "2"])
def test_jobs_is_a_whole_number_above_zero(registry: mex.Registry, jobs: Any) -> None:
    with pytest.raises(mex.UsageError, match="jobs must be a whole number of at least 1, not"):
        mex.matrix(SMALL, registry=registry, jobs=jobs)


def test_plugins_of_this_process_only_do_not_travel(given: Callable[..., mex.Registry]) -> None:
    with pytest.raises(mex.UsageError, match="use jobs=1"):
        mex.matrix({**SMALL, "attacks": ["raising"]}, registry=given(attack={"raising": Raising}), jobs=2)


def test_the_hooks_are_told_of_each_cell_and_one_that_raises_harms_nothing(
    registry: mex.Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[str, Mapping[str, Any]]] = []
    clumsy, careful = ModuleType("clumsy"), ModuleType("careful")
    careful.mex_cell_started = mex.hookimpl(lambda cell: told.append(("started", cell)))  # type: ignore[attr-defined]
    careful.mex_cell_finished = mex.hookimpl(  # type: ignore[attr-defined]
        lambda cell, outcome: told.append((outcome["status"], cell))
    )

    def fail(cell: Mapping[str, Any], outcome: Record) -> None:
        raise KeyError("no such dashboard")

    clumsy.mex_cell_finished = mex.hookimpl(fail)  # type: ignore[attr-defined]
    loaded = mex.load_registry()
    assert loaded.add(lambda: careful, "careful")
    assert loaded.add(lambda: clumsy, "clumsy")
    cells = Plan.of(SMALL).resolve(registry).cells()
    records = list(execute(loaded, cells))
    assert [record["status"] for record in records] == ["ok"] * 4
    assert told == [(what, cell.identity()) for cell in cells for what in ("started", "ok")]
    complaint = "mex: plugin 'clumsy' failed in mex_cell_finished and is left out: 'no such dashboard'\n"
    assert capsys.readouterr().err == complaint, "once, and then left out"
