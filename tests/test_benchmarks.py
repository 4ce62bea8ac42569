"""The benchmark scripts, which no test runs: they start, and their README names every part."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.parametrize("script", sorted(path.name for path in BENCHMARKS.glob("*.py") if path.name != "parts.py"))
def test_each_script_starts_and_each_part_is_in_the_readme(script: str) -> None:
    wide = {**os.environ, "COLUMNS": "2000"}
    done = subprocess.run([sys.executable, script, "--help"], cwd=BENCHMARKS, env=wide, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    choices = re.search(r"\{(.*?)\}", done.stdout)
    assert choices, "the parts are the choices of the command"
    parts = set(re.findall(r"[\w-]+", choices[1]))
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    _, found, after = readme.partition(f"| part of `{script}` |")
    assert found, "every script has its table"
    rows = after.split("\n\n")[0].splitlines()[2:]
    assert parts == {name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
