"""CONTRIBUTING's five steps, followed to the letter."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from forked import Forked

import mex
from mex.answers import AnswerKind

ROOT = Path(__file__).parent.parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", blocks("py"))
def test_what_a_plugin_adds_is_written_so(block: str) -> None:
    exec(block, {"mex": mex, "np": np, "AnswerKind": AnswerKind})


def test_the_five_steps_add_an_attack(tmp_path: Path, start: Callable[..., Forked]) -> None:
    for block in blocks("python"):
        name = re.match(r"# (\S+)\n", block)
        assert name, "every block names its file"
        file = tmp_path / name[1]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block, encoding="utf-8")
    (entry_points,) = blocks("toml")
    installed = tmp_path / "corner_guess-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: corner-guess\nVersion: 1.0\n", encoding="utf-8")
    ini = entry_points.replace("[project.entry-points.mex]", "[mex]").replace('"', "")
    (installed / "entry_points.txt").write_text(ini, encoding="utf-8")

    def run(*command: str) -> str:
        path = {"PYTHONPATH": str(tmp_path), "PATH": ""}
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, env=path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "corner-guess" in run("-m", "mex", "list-plugins", "--kind", "attack")
    assert "16 passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_corner_guess.py")
    attack = start("attack", "corner-guess", "-m", "decision-tree", "--data", "haberman", path=tmp_path)
    out, err = attack.communicate(timeout=300)
    assert attack.returncode == 0, err
    assert "queries" in out
