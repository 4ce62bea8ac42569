"""What the tests share: real datasets, the installed registry, fake distributions, and the command line."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from forked import Forked, Forks
from hypothesis import settings
from sklearn import datasets

import mex
from mex.app.cli import main

# The same examples on every machine: a red test is a change, not luck.
settings.register_profile("mex", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("mex")

gc.disable()  # while thousands of tests are collected, none of which is garbage


def pytest_collection_finish() -> None:
    """From here on there is garbage, and none of it among the tests."""
    gc.freeze()
    gc.enable()


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background; tests press Ctrl-C themselves
    signal.signal(signal.SIGINT, signal.default_int_handler)

Finished = subprocess.CompletedProcess[str]


def _classes(name: str, bunch: object) -> mex.Dataset:
    X, y, classes = bunch.data, bunch.target, bunch.target_names  # type: ignore[attr-defined]
    return mex.Dataset(name, X, y, mex.Domain.of(X), tuple(map(str, classes)))


@pytest.fixture(scope="session")
def breast_cancer() -> mex.Dataset:
    """Two classes, 30 continuous features."""
    return _classes("breast-cancer", datasets.load_breast_cancer())


@pytest.fixture(scope="session")
def iris() -> mex.Dataset:
    """Three classes, 4 continuous features."""
    return _classes("iris", datasets.load_iris())


@pytest.fixture(scope="session")
def digits() -> mex.Dataset:
    """Ten classes, 64 integer features."""
    return _classes("digits", datasets.load_digits())


@pytest.fixture(scope="session")
def diabetes() -> mex.Dataset:
    """A regression on 10 features."""
    X, y = datasets.load_diabetes(return_X_y=True)
    return mex.Dataset("diabetes", X, y, mex.Domain.of(X))


@pytest.fixture(scope="session")
def registry() -> mex.Registry:
    """Everything installed."""
    return mex.load_registry()


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Finished]]:
    """``mex`` in this process: ``run("show", "attack", "passive")``."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def call(*argv: str | Path) -> Finished:
        capfd.readouterr()
        try:
            code = main([str(arg) for arg in argv])
        except SystemExit as end:  # argparse after --help
            code = int(end.code or 0)
        out, err = capfd.readouterr()
        return Finished(argv, code, out, err)

    yield call
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """The process that ``start`` copies."""
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture
def start(forks: Forks) -> Iterator[Callable[..., Forked]]:
    """``mex`` in a process group of its own, as a terminal has it: ``start("matrix", …)``.

    ``path`` is a folder of plugins; ``onto``, ``terminal`` and ``most`` are as :meth:`forked.Forks.start` has them.
    """
    started: list[Forked] = []

    def call(*argv: object, path: Path | None = None, **where: Any) -> Forked:
        env = dict(os.environ) | ({"PYTHONPATH": str(path)} if path else {})
        started.append(forks.start([*map(str, argv)], env, **where))
        return started[-1]

    yield call
    for process in started:
        process.end()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a fake distribution: ``install("fake", {"entry": "module"}, {"module": source})``."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules: list[str] = []

    def call(name: str, entry_points: Mapping[str, str], sources: Mapping[str, str]) -> Path:
        info = site / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"{entry} = {target}" for entry, target in entry_points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[mex]", *lines, ""]), encoding="utf-8")
        for module, source in sources.items():
            (site / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        modules.extend(sources)
        return site

    yield call
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[..., mex.Registry]:
    """The installed registry and, of this process only, some classes: ``given(attack={"name": Class})``."""

    def call(**kinds: Mapping[str, type]) -> mex.Registry:
        plugin, components = ModuleType("mex_tests_given"), []
        monkeypatch.setitem(sys.modules, plugin.__name__, plugin)
        for kind, classes in kinds.items():
            for name, cls in classes.items():
                setattr(plugin, cls.__name__, cls)
                components.append(mex.Component(kind, name, f"{plugin.__name__}:{cls.__name__}", "of a test"))
        plugin.mex_components = mex.hookimpl(lambda: components)  # type: ignore[attr-defined]
        registry = mex.load_registry()
        assert registry.add(lambda: plugin, "given"), registry.broken
        return registry

    return call
