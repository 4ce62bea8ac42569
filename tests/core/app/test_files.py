"""A file is written whole or not at all, and one that cannot be written is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

import mex
from mex.app.files import check_writable, replacing


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write(what: str) -> None:
        with replacing(path) as part:
            part.write_text(what)
            assert path.read_text() == "old"
            if what == "broken":
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write("broken")
    assert path.read_text() == "old"
    write("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("missing/a", "No such file or directory"),
        ("file/a", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / place
    with pytest.raises(mex.UsageError, match=f"cannot write {path}: {reason}"), replacing(path) as part:
        part.write_text("x")
    with pytest.raises(mex.UsageError, match=f"cannot write {path}: {reason}"):
        check_writable(path)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(mex.UsageError, match="it is a directory"):
        check_writable(tmp_path)
