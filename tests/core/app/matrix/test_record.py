"""The record: what it is, what is none, and what becomes of a results file that holds some of either."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from records import record

import mex
from mex.app.matrix.json_lines import NotARecord, check, dump, parse
from mex.app.matrix.record import FIELDS, IDENTITY, MEASURED, RESULTS, TIMINGS
from mex.app.matrix.results import FILE

ROOT = Path(__file__).parents[4]
PLAN: dict[str, Any] = {
    "attacks": ["passive"],
    "defenses": ["none", "bounded-noise"],
    "models": ["logistic", "linear-regression"],
    "datasets": ["haberman", "diabetes"],
    "budget": 20,
    "seeds": 1,
}
FLAGS = "-a passive -d none -d bounded-noise -m logistic -m linear-regression --data haberman --data diabetes"
VALUES = ("x", "7", True, 7, 0.5, -1, [], [7], [{}], {}, {"a": [None]}, None, 10**400)


@pytest.fixture(scope="module")
def results(registry: mex.Registry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classifiers that were stolen, two regressors, and four pairs that were skipped."""
    directory = tmp_path_factory.mktemp("results")
    mex.matrix(PLAN, registry=registry, out=directory)
    return directory


@pytest.fixture(scope="module")
def real(results: Path) -> list[dict[str, Any]]:
    """The records as somebody else would read them."""
    return [json.loads(line) for line in (results / FILE).read_text(encoding="utf-8").splitlines()]


def is_wrong(value: Any, right: Any, nullable: bool) -> bool:
    """Whether a value is of another type than a right one; of numbers, whole ones are right as well."""
    if value is None:
        return not nullable
    if isinstance(right, bool) or isinstance(value, bool) or right is None:
        return type(value) is not type(right)
    return not isinstance(value, (int, float) if isinstance(right, float) else type(right))


def wrong_lines(right: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, line) of every record that differs from a right one in one field, which is wrong."""
    for name, value in right.items():
        null = FIELDS[name].null
        nullable = bool(null and right["status"] in null.statuses)
        wrong = [given for given in VALUES if value is not None and is_wrong(given, value, nullable)]
        yield from ((name, json.dumps({**right, name: given})) for given in wrong)
        yield name, json.dumps({**right, name: "\0"}).replace('"\\u0000"', "NaN")
        yield name, json.dumps({key: kept for key, kept in right.items() if key != name})
    yield "of nobody", json.dumps({**right, "of nobody": 1})
    for name, value in right["curve"][0].items():
        nullable = name not in ("queries", "agreement")
        wrong = [given for given in VALUES if value is not None and is_wrong(given, value, nullable)]
        curves = [[{**right["curve"][0], name: given}] for given in wrong]
        yield from ((name, json.dumps({**right, "curve": curve})) for curve in curves)
        yield name, json.dumps({**right, "curve": [{k: v for k, v in right["curve"][0].items() if k != name}]})


def test_what_a_matrix_returns_are_records(real: list[dict[str, Any]]) -> None:
    assert {one["status"] for one in real} == {"ok", "skipped"}
    for one in real:
        assert list(one) == list(FIELDS)
        assert parse(dump(check(one)).encode()) == one


def test_one_wrong_field_is_named_whatever_is_wrong_with_it(real: list[dict[str, Any]]) -> None:
    lines = list(wrong_lines(real[0]))
    assert {name for name, _ in lines} == {*FIELDS, "of nobody"}
    for name, line in lines:
        with pytest.raises(NotARecord) as told:
            parse(line.encode())
        assert name in str(told.value) or "not JSON" in str(told.value), line
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"agreement": "0.5"}, "agreement must be a number of at most 1, or null, not '0.5'"),
        ({"agreement": None}, "agreement must not be null where status is ok"),
        ({"status": "done"}, "status must be one of ok, skipped, failed, not 'done'"),
        ({"status": "failed"}, "reason must not be null where status is failed"),
        ({"rho": 5}, "rho must be a number between 0 and 1, or null, not 5"),
        ({"budget": 1.5}, "budget must be a whole number of at least 1, not 1.5"),
        ({"curve": []}, "curve must be a list of at least 1"),
        ({"curve": [{"queries": 8}]}, "curve[0] has no field 'agreement'"),
        ({"asked": [[1, 2], [3]]}, "asked[1] must be a list of 2, each a number, not [3]"),
        ({"defense_params": {"nest": 3}}, "nest must be a list of defenses, not 3"),
        ({"defense_params": {"nest": [4]}}, "4 is not a component"),
    ],
)
def test_a_sentence_says_which_field_what_is_expected_and_what_is_given(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(NotARecord, match=re.escape(sentence)):
        check({**record(), **fields})


def test_wrong_lines_end_neither_the_report_nor_the_matrix_and_the_other_cells_stand(
    run: Callable[..., Any], results: Path, real: list[dict[str, Any]], tmp_path: Path
) -> None:
    first, *others = (results / FILE).read_text(encoding="utf-8").splitlines()
    wrong = [line for _, line in wrong_lines(real[0])]
    (tmp_path / FILE).write_text("\n".join([*wrong, *others, first[:99]]), encoding="utf-8")
    count = f"{len(wrong) + 1} lines are no records: line 1 ("
    reported = run("report", tmp_path, "-o", tmp_path / "page.html")
    assert reported.returncode == 0
    assert count in reported.stderr
    assert reported.stderr.count("\n") == 1
    assert f"of {len(others)} cells came to a result" in (tmp_path / "page.html").read_text(encoding="utf-8")
    again = run("matrix", *FLAGS.split(), "--budget", 20, "--seeds", 1, "--jobs", 1, "--out", tmp_path, "--json")
    assert again.returncode == 0
    assert count in again.stderr
    assert f"{len(others)} of {len(real)} cells are in {tmp_path} already" in again.stderr
    found = [json.loads(line) for line in again.stdout.splitlines()]
    assert found[1:] == real[1:], "timings as well: read, not run"
    assert [found[0][name] for name in FIELDS if name not in TIMINGS] == [
        real[0][name] for name in FIELDS if name not in TIMINGS
    ]


def test_what_a_gate_may_judge_is_measured_and_the_same_in_each_run() -> None:
    assert set(MEASURED) < set(RESULTS)
    assert not set(MEASURED) & {*TIMINGS, *IDENTITY, "curve", "asked", "status", "reason", "stopped"}
    assert {"agreement", "queries", "price_usd", "false_alarms", "stolen_accuracy"} <= set(MEASURED)
