"""The benchmark scripts, which no test runs: they start, and their README names every part."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of the scripts is that of this process, and what they import from it is gone after each."""
    monkeypatch.chdir(BENCHMARKS)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.usefixtures("alone")
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("script", sorted(path.name for path in BENCHMARKS.glob("*.py") if path.name != "parts.py"))
def test_each_script_starts_and_each_part_is_in_the_readme(
    script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [script, "--help"])
    monkeypatch.setenv("COLUMNS", "2000")
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(script, run_name="__main__")
    assert not ended.value.code
    choices = re.search(r"\{(.*?)\}", capsys.readouterr().out)
    assert choices, "the parts are the choices of the command"
    parts = set(re.findall(r"[\w-]+", choices[1]))
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    _, found, after = readme.partition(f"| part of `{script}` |")
    assert found, "every script has its table"
    rows = after.split("\n\n")[0].splitlines()[2:]
    assert parts == {name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
