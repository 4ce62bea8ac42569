"""The habits of the project that nobody has to remember, because these tests do."""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import mex
from mex import hooks
from mex.hooks import KINDS
from mex.params import fields

ROOT = Path(__file__).parent.parent
CORE = ROOT / "core" / "mex"
PLUGINS = sorted(path for path in ROOT.glob("plugins/*/mex_*") if (path / "__init__.py").exists())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LONGEST = 200
"""Lines of a core file; one that needs more is two."""

COMPONENTS = [
    (p.component.kind, p.component.name) for p in mex.load_registry().provided() if p.provider == "model-extraction"
]


def imports(path: Path) -> Iterator[str]:
    """The top-level packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def is_plugin(package: str) -> bool:
    return package.startswith("mex_")


def test_each_plugin_folder_has_its_entry_point_and_each_entry_point_its_folder() -> None:
    entry_points = PROJECT["project"]["entry-points"]["mex"]
    assert sorted(entry_points.values()) == sorted(path.name for path in PLUGINS)
    assert all(package == "mex_" + name.replace("-", "_") for name, package in entry_points.items())
    assert list(entry_points) == sorted(entry_points)


@pytest.mark.parametrize("package", [*PLUGINS, CORE], ids=lambda path: path.name)
def test_each_package_says_that_it_is_typed(package: Path) -> None:
    assert (package / "py.typed").exists()


def test_each_plugin_stands_under_its_kind() -> None:
    assert {path.parent.name for path in PLUGINS} == {f"{kind}s" for kind in KINDS}
    assert not list(ROOT.glob("plugins/__init__.py")) + list(ROOT.glob("plugins/*/__init__.py"))


every_core_file = pytest.mark.parametrize(
    "path", sorted(CORE.rglob("*.py")), ids=lambda path: str(path.relative_to(CORE))
)


@every_core_file
def test_no_core_file_is_long(path: Path) -> None:
    length = len(path.read_text(encoding="utf-8").splitlines())
    assert length <= LONGEST


@every_core_file
def test_no_core_file_imports_a_plugin(path: Path) -> None:
    assert not list(filter(is_plugin, imports(path)))


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_no_plugin_imports_another(plugin: Path) -> None:
    for path in plugin.rglob("*.py"):
        assert set(filter(is_plugin, imports(path))) <= {plugin.name}, path


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_registers_without_importing_what_is_heavy(plugin: Path) -> None:
    light = {"__future__", "mex", plugin.name, "typing", "attrs"}
    assert set(imports(plugin / "__init__.py")) <= light


HOOKS = {name: hook for name, hook in vars(hooks).items() if hasattr(hook, "mex_spec")}


def test_there_are_four_hooks() -> None:
    assert set(HOOKS) == {"mex_components", "mex_commands", "mex_cell_started", "mex_cell_finished"}


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_is_documented_with_its_signature(name: str) -> None:
    assert inspect.getdoc(HOOKS[name])
    signature = f"{name}({', '.join(inspect.signature(HOOKS[name]).parameters)})"
    assert f"`{signature}`" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "name"), COMPONENTS, ids=lambda value: str(value))
def test_each_component_builds_with_no_argument_and_says_what_it_is(
    registry: mex.Registry, kind: str, name: str
) -> None:
    cls = registry.load(kind, name)
    component = cls()
    assert component == cls(), "a component is a value"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        component.anything = 1
    assert inspect.getdoc(cls)
    if kind == "dataset":
        assert cls.source
        assert cls.licence
    else:
        assert isinstance(cls.scope, mex.Scope)
        assert cls.paper
    for field in fields(cls):
        assert field.kw_only, f"{field.name} must be keyword only"
        assert field.metadata.get("doc"), f"{field.name} needs doc(...)"
        assert field.validator or "component" in field.metadata, f"{field.name} needs a validator"
