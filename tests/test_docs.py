"""The documentation: every command and snippet is run, every page is reached, every plugin on it keeps its promises."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from audited import TINY
from forked import Forked
from snippets import WHOLE, Reader, blocks, on_path

from mex.app.audit import choosing, planning, running
from mex.app.audit.choosing import Choice, attacks
from mex.app.audit.depth import DEPTHS
from mex.app.audit.shields import Shield, shields
from mex.app.audit.subject import Subject
from mex.app.matrix import backends

DOCS = Path(__file__).parent.parent / "docs"
CORE = DOCS.parent / "core" / "mex"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not {"_ext", "generated", "site"} & set(path.parts))
RUN = [page for page in PAGES if any(block.language != "text" for block in blocks(page))]

REDUCED = attrs.evolve(TINY, budget=60, seeds=1, defenses=("label-only",))
"""The depth of an audit that is run for a page: seconds."""


def called(page: Path) -> str:
    return str(page.relative_to(DOCS))


def two_defenses(subject: Subject) -> list[Shield]:
    """The defenses that are recommended, or not, for a page."""
    return shields(subject, ("label-only", "rounding"))


def two_attacks(subject: Subject) -> list[Choice]:
    """The attacks of an audit that is run for a page."""
    return [choice for choice in attacks(subject) if choice.label in ("passive", "equation-solving")]


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Forked]) -> Iterator[Reader]:
    """Somebody in an empty folder, at a plain terminal, whose tables are 80 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name, value in {"PATH": on_path(), "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    if not WHOLE:
        monkeypatch.setattr(backends, "cores", lambda: None)  # cells run in this process: other tests see to workers
        monkeypatch.setitem(DEPTHS, "quick", REDUCED)
        monkeypatch.setattr(running, "attacks", two_attacks)
        monkeypatch.setattr(planning, "shields", two_defenses)
        monkeypatch.setattr(choosing, "SURROGATE", {"use": choosing.SURROGATE, "trees": 5})
    someone, before = Reader(tmp_path, start), set(sys.modules)
    yield someone
    someone.leave()
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("page", RUN, ids=called)
def test_the_blocks_of_a_page_do_what_it_says(page: Path, reader: Reader) -> None:
    for block in blocks(page):
        if block.marked != "not run":
            reader.follow(block)


@pytest.mark.parametrize("page", PAGES, ids=called)
def test_a_page_has_one_title(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) <= 1


def test_every_variable_of_the_environment_is_explained() -> None:
    read = {name for path in CORE.rglob("*.py") for name in re.findall(r'"(MEX_[A-Z_]+)"', path.read_text("utf-8"))}
    page = (DOCS / "reference" / "environment.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(MEX_[A-Z_]+)`", page, re.MULTILINE)) == read


def test_few_blocks_are_not_run() -> None:
    marked = [block.marked for page in PAGES for block in blocks(page) if block.language in ("sh", "console", "python")]
    assert marked.count("not run") <= len(marked) / 8
