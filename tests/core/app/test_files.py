"""A file is written whole or not at all, and one that cannot be written is one sentence."""

from __future__ import annotations

import os
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


@pytest.mark.skipif(os.name != "posix", reason="needs special files")
@pytest.mark.parametrize(("place", "kind"), [("folder", "directory"), ("pipe", "named pipe"), ("device", "device")])
def test_what_is_no_regular_file_is_never_replaced(tmp_path: Path, place: str, kind: str) -> None:
    path = tmp_path / place
    if kind == "directory":
        path.mkdir()
    elif kind == "named pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(os.devnull)
    before = path.stat()
    with pytest.raises(mex.UsageError, match=f"it is a {kind}"):
        check_writable(path)
    with pytest.raises(mex.UsageError, match=f"it is a {kind}"), replacing(path):
        pass
    assert path.stat() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    real, link, dangling = tmp_path / "real", tmp_path / "link", tmp_path / "dangling"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    dangling.symlink_to(tmp_path / "made")
    for path in (link, dangling):
        check_writable(path)
        with replacing(path) as part:
            part.write_text("new")
        assert path.is_symlink()
        assert path.read_text() == "new"
    assert real.stat().st_mode & 0o777 == 0o640, "who may read the old one may read the new one"
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(mex.UsageError, match=r"cannot write .*: Too many levels of symbolic links"):
        check_writable(link)


def test_a_file_of_the_users_beside_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.part").write_text("mine")
    check_writable(tmp_path / "a")
    with replacing(tmp_path / "a") as part:
        part.write_text("new")
    assert (tmp_path / "a.part").read_text() == "mine"
