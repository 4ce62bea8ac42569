"""What the processes of one run share on disk."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

import mex
from mex.app.matrix.cache import Cache


def test_what_is_kept_is_made_once_by_whoever_comes_first(tmp_path: Path) -> None:
    made = []

    def make() -> list[int]:
        made.append(time.sleep(0.05))
        return [1, 2]

    got: list[list[int]] = []
    callers = [threading.Thread(target=lambda: got.append(Cache(tmp_path).get("a", "x", make))) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert got == [[1, 2]] * 4
    assert len(made) == 1
    Cache(tmp_path).get("b", "x", make)
    Cache(tmp_path).drop("a")
    assert len(list(tmp_path.iterdir())) == 1, "the other group stands"
    assert Cache(tmp_path).get("a", "x", make) == [1, 2]
    assert len(made) == 3


class Stubborn:
    def __setstate__(self, state: object) -> None:
        raise ValueError("no")

    def __getstate__(self) -> dict[str, int]:
        return {"a": 1}

    def __str__(self) -> str:
        return "made"


def test_what_cannot_be_pickled_or_written_is_simply_not_shared(tmp_path: Path) -> None:
    made = Cache(tmp_path).get("a", "x", lambda: lambda: 5)
    assert made() == 5
    assert not list(tmp_path.rglob("*.pickle*"))
    assert Cache(tmp_path / "missing").get("b", "x", lambda: 6) == 6
    for _ in range(2):  # it can be pickled, and not be had back
        assert str(Cache(tmp_path).get("c", "x", Stubborn)) == "made"


def test_what_fails_fails_for_everyone_and_holds_no_lock(tmp_path: Path) -> None:
    def impossible() -> None:
        raise mex.Incompatible("never")

    for _ in range(2):
        with pytest.raises(mex.Incompatible):
            Cache(tmp_path).get("a", "x", impossible)
