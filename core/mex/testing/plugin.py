"""``pytest --mex-checks``: the checks of all components of the package under test, without a test file.

The package is the one whose ``pyproject.toml`` stands at or above what pytest was told to collect, or where it was
started. The option ``mex_checks`` of pytest says with which parameters and options components are checked::

    [tool.pytest.ini_options]
    mex_checks = ["attack corner-guess:rounds=5 least_agreement=0.8", "defense watchful expect_change=false"]

pytest loads this module in every run of an environment: nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mex.registry import Registry
    from mex.testing.kit import Check

OPTION = "mex_checks"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag, and the option of the configuration file."""
    group = parser.getgroup("mex", "model extraction")
    group.addoption("--mex-checks", action="store_true", help="check the mex components of the package under test")
    parser.addini(
        OPTION, "KIND NAME:parameters option=value, where a component is not checked as it is", "linelist", []
    )


@pytest.hookimpl(tryfirst=True)  # so that -k and -m choose among the checks as well
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test for each check of each component."""
    if not config.getoption("--mex-checks"):
        return
    from mex.errors import MexError
    from mex.registry.loader import load_registry
    from mex.testing.trials import checks_of

    try:
        registry = load_registry()
        for kind, spec, options in _wanted(_packages(config), registry, config.getini(OPTION)):
            items.extend(_items(session, kind, spec, checks_of(registry, kind, spec, options)))
    except MexError as error:
        raise pytest.UsageError(f"--mex-checks: {error}") from None


def _packages(config: pytest.Config) -> list[str]:
    """The distributions under test, as their ``pyproject.toml`` calls them."""
    from mex.errors import UsageError

    start = config.invocation_params.dir
    places = [start / argument.partition("::")[0] for argument in config.args] or [start]
    found = {name for place in places for name in [_distribution(place)] if name}
    if not found:
        raise UsageError(f"there is no pyproject.toml with a project's name at or above {places[0]}")
    return sorted(found)


def _distribution(place: Path) -> str | None:
    for folder in (place, *place.parents):
        try:
            project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
        except (OSError, tomllib.TOMLDecodeError):
            continue
        if "name" in project:
            return str(project["name"])
    return None


def _wanted(
    packages: Iterable[str], registry: Registry, lines: Iterable[str]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Kind, text and options of each component of the packages."""
    from mex.errors import UsageError
    from mex.registry.spec import Spec
    from mex.testing.trials import TRIALS

    told = [_told(line) for line in lines]
    for package in packages:
        broken = [b for b in registry.broken if _normal(b.provider) == _normal(package)]
        if broken:
            raise UsageError(f"the plugin {broken[0].plugin!r} of {package} does not load: {broken[0].reason}")
        ours = [p.component for p in registry.provided() if _normal(p.provider) == _normal(package)]
        checked = [component for component in ours if component.kind in TRIALS]
        if not ours:
            raise UsageError(
                f"no component of {package} is installed: give it an entry point in the group mex and pip install -e ."
            )
        for component in checked:
            given = [t for t in told if (t[0], Spec.parse(t[1], t[0]).name) == (component.kind, component.name)]
            yield from given or [(component.kind, component.name, {})]


def _told(line: str) -> tuple[str, str, dict[str, Any]]:
    """What a line of the option says.

    >>> _told("attack corner-guess:rounds=5 least_agreement=0.8")
    ('attack', 'corner-guess:rounds=5', {'least_agreement': 0.8})
    """
    from mex.errors import UsageError

    words = line.split()
    if len(words) < 2 or not all("=" in word for word in words[2:]):
        raise UsageError(f"{OPTION}: {line!r} is not of the form 'KIND NAME option=value', without spaces in values")
    try:
        options = tomllib.loads("\n".join(words[2:]))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{OPTION}: {line!r}: options are written as in TOML: {error}") from None
    return words[0], words[1], options


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _items(session: pytest.Session, kind: str, spec: str, checks: Iterable[Check]) -> Iterator[pytest.Item]:
    nodeid = f"{kind}/{spec}"
    collector = _Component.from_parent(session, name=nodeid, nodeid=nodeid)
    for check in checks:
        yield _Promise.from_parent(collector, name=check.name, check=check)


class _Component(pytest.Collector):
    """A component, whose checks are collected already."""

    def collect(self) -> list[pytest.Item]:
        return []


class _Promise(pytest.Item):
    """One check of a component."""

    def __init__(self, *, check: Check, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check

    def runtest(self) -> None:
        self.check()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any) -> Any:
        """The promise and what broke it; the way there for an error that is no sentence."""
        from mex.errors import MexError

        if isinstance(excinfo.value, AssertionError | MexError) and excinfo.value.args:
            return f"It promises: {self.check.promise}\n{excinfo.value}"
        return super().repr_failure(excinfo, *args)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self.check.component}: {self.check.name}"
