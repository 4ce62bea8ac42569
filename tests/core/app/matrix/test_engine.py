"""The engine of the matrix: one record per cell whatever happens in it, the same however it is run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
from odd import Odd

import mex
from mex.app.matrix.engine import records
from mex.app.matrix.json_lines import dump
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import RESULTS, TIMINGS
from mex.app.matrix.results import FILE
from mex.dataset import Rows
from mex.target import Target
from mex.types import Estimator

Record = dict[str, Any]
SMALL: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none", "bounded-noise:rho=0.2"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 30,
    "seeds": 2,
    "counters": False,
}


def untimed(records: list[Record]) -> list[str]:
    return [dump({k: v for k, v in record.items() if k not in TIMINGS}) for record in records]


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


class Cancelled(Odd):
    def odd(self) -> None:
        raise asyncio.CancelledError


class Closing(Odd):
    def odd(self) -> None:
        raise GeneratorExit("closed")


class Interrupting(Odd):
    def odd(self) -> None:
        raise KeyboardInterrupt("not the user's")


class Unspeakable(Odd):
    def odd(self) -> None:
        class Unprintable(BaseException):
            def __str__(self) -> str:
                raise ValueError("not now")

        raise Unprintable


class NotANumber(Odd):
    def believe(self, knowledge: mex.Knowledge) -> Estimator:
        stolen = super().believe(knowledge)
        stolen.coef_ = stolen.coef_ * np.nan
        stolen.predict = lambda X: np.ones(len(X))
        return stolen


ODD: dict[str, tuple[type[Odd], str, str]] = {
    "raising": (Raising, "failed", "ZeroDivisionError: nothing to divide by"),
    "leaving": (Leaving, "failed", "SystemExit: goodbye"),
    "cancelled": (Cancelled, "failed", "CancelledError: "),
    "closing": (Closing, "failed", "GeneratorExit: closed"),
    "interrupting": (Interrupting, "failed", "KeyboardInterrupt: not the user's"),
    "unspeakable": (Unspeakable, "failed", "Unprintable: an error that cannot be printed"),
    "refusing": (Refusing, "skipped", "this attack wants another world"),
    "mistaken": (Mistaken, "failed", "row 0: too odd"),
    "not-a-number": (NotANumber, "failed", "geometric_error must be a number of at least 0, or null, not nan"),
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
    assert [(record["status"], record["reason"]) for record in wrong] == [(status, reason)] * 2
    assert all(record[field] is None for record in wrong for field in RESULTS if field not in ("status", "reason"))
    assert [record["status"] for record in records if record["attack"] == "passive"] == ["ok"] * 2
    lines = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    assert lines == [dump(record) for record in records]


class Pressed(Odd):
    """The user presses Ctrl-C, and a plugin swallows it."""

    def odd(self) -> None:
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)


def test_a_users_interrupt_ends_the_matrix_whatever_a_plugin_does_with_it(
    given: Callable[..., mex.Registry], tmp_path: Path
) -> None:
    plan = {**SMALL, "attacks": ["passive", "pressed"], "seeds": 1}
    with pytest.raises(KeyboardInterrupt):
        mex.matrix(plan, registry=given(attack={"pressed": Pressed}), out=tmp_path)
    (line,) = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["attack"] == "passive"


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


@pytest.mark.parametrize("limit", [0, -1, float("inf"), float("nan"), True, "1"])
def test_a_time_limit_is_a_number_above_zero(limit: Any) -> None:
    with pytest.raises(mex.UsageError, match="a time limit must be a number of seconds above 0"):
        mex.matrix(SMALL, jobs=1, time_limit=limit)


@pytest.mark.parametrize("where", [{}, {"backend": "dask", "scheduler": "tcp://127.0.0.1:1", "jobs": 1}])
def test_a_time_limit_needs_a_process_that_can_be_killed(where: Mapping[str, Any]) -> None:
    with pytest.raises(mex.UsageError, match="a time limit needs worker processes that can be killed"):
        mex.matrix(SMALL, time_limit=1, **where)


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True, "2"])
def test_jobs_is_a_whole_number_above_zero(registry: mex.Registry, jobs: Any) -> None:
    with pytest.raises(mex.UsageError, match="jobs must be a whole number of at least 1, not"):
        mex.matrix(SMALL, registry=registry, jobs=jobs)


def test_plugins_of_this_process_only_do_not_travel(given: Callable[..., mex.Registry]) -> None:
    with pytest.raises(mex.UsageError, match="plugins that are not installed cannot travel to other processes"):
        mex.matrix({**SMALL, "attacks": ["raising"]}, registry=given(attack={"raising": Raising}), jobs=2)


def hooked(name: str, **hooks: Callable[..., None]) -> ModuleType:
    plugin = ModuleType(name)
    for hook, function in hooks.items():
        setattr(plugin, hook, mex.hookimpl(function))
    return plugin


def test_the_hooks_are_told_of_each_cell() -> None:
    told: list[tuple[str, Mapping[str, Any]]] = []
    careful = hooked(
        "careful",
        mex_cell_started=lambda cell: told.append(("started", cell)),
        mex_cell_finished=lambda cell, outcome: told.append((outcome["status"], cell)),
    )
    registry = mex.load_registry()
    assert registry.add(lambda: careful, "careful")
    cells = Plan.of(SMALL).resolve(registry).cells()
    assert [record["status"] for record in records(registry, cells)] == ["ok"] * 4
    assert told == [(what, cell.identity()) for cell in cells for what in ("started", "ok")]


@pytest.mark.parametrize(
    "error",
    [KeyError("no such dashboard"), SystemExit(0), mex.UsageError("no such dashboard"), asyncio.CancelledError()],
)
def test_a_hook_that_raises_is_left_out_and_harms_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    def fail(cell: Mapping[str, Any], outcome: Record) -> None:
        raise error

    registry = mex.load_registry()
    assert registry.add(lambda: hooked("clumsy", mex_cell_finished=fail), "clumsy")
    found = mex.matrix(SMALL, registry=registry, out=tmp_path)
    assert [record["status"] for record in found] == ["ok"] * 4
    complaint = f"mex: plugin 'clumsy' failed in mex_cell_finished and is left out: {error}\n"
    assert capsys.readouterr().err == complaint, "once, and then left out"
    assert len((tmp_path / FILE).read_text(encoding="utf-8").splitlines()) == 4


def test_what_a_hook_does_to_a_record_changes_no_record(tmp_path: Path) -> None:
    def scribble(cell: dict[str, Any], outcome: Record) -> None:
        cell["model_params"]["C"] = {1, 2}
        outcome["curve"].clear()  # type: ignore[union-attr]
        outcome["reason"] = object()  # type: ignore[typeddict-item]

    registry = mex.load_registry()
    assert registry.add(lambda: hooked("scribbling", mex_cell_finished=scribble), "scribbling")
    found = mex.matrix(SMALL, registry=registry, out=tmp_path)
    assert all(record["curve"] and record["reason"] is None for record in found)
    assert [json.loads(line) for line in (tmp_path / FILE).read_text(encoding="utf-8").splitlines()] == found
