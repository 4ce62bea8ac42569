"""The habits of the project that nobody has to remember, because these tests do."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import mex
from mex import hooks
from mex.hooks import KINDS
from mex.params import fields

ROOT = Path(__file__).parent.parent
CORE = ROOT / "core" / "mex"
PLUGINS = sorted(path for path in ROOT.glob("plugins/*/mex_*") if (path / "__init__.py").exists())
EXAMPLES = sorted(ROOT.glob("examples/*/src/*"))
DOORS = {"registry", "toolkit", "testing", "serving", "app"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LONGEST = 200
"""Lines of a core file; one that needs more is two."""

COMPONENTS = [
    (p.component.kind, p.component.name)
    for p in mex.load_registry().provided()
    if p.provider == "model-extraction" and p.component.kind in KINDS
]


ABOVE = {
    "contract": {"contract"},
    "registry": {"contract", "registry"},
    "toolkit": {"contract", "toolkit"},
    "testing": {"contract", "registry", "toolkit", "testing"},
    "serving": {"contract", "registry", "toolkit", "serving"},
    "app": {"contract", "registry", "toolkit", "testing", "serving", "app"},
    "plugin": {"contract", "toolkit"},
}
"""What the files of each layer may import from mex: arrows run one way."""


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, anywhere in it: of a package's own names also ``package.name``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(name: str) -> str:
    """The layer of mex that an imported dotted name belongs to; what ``mex`` itself hands out is where it lives."""
    parts = name.split(".")
    if len(parts) > 1 and parts[1] in mex._HOME:
        parts = ["mex", *mex._HOME[parts[1]].split(".")]
    return parts[1] if len(parts) > 1 and parts[1] in ABOVE else "contract"


def packages(path: Path) -> set[str]:
    """The top-level packages that a file imports."""
    return {name.partition(".")[0] for name in imports(path)}


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
    assert {path.parent.name for path in PLUGINS} == {f"{kind}s" for kind in (*KINDS, "answer")}
    assert not list(ROOT.glob("plugins/__init__.py")) + list(ROOT.glob("plugins/*/__init__.py"))


every_core_file = pytest.mark.parametrize(
    "path", sorted(CORE.rglob("*.py")), ids=lambda path: str(path.relative_to(CORE))
)


@every_core_file
def test_no_core_file_is_long(path: Path) -> None:
    length = len(path.read_text(encoding="utf-8").splitlines())
    assert length <= LONGEST


@every_core_file
def test_a_core_file_imports_its_own_layer_and_those_below(path: Path) -> None:
    if path == CORE / "__init__.py":
        return  # hands out what lives elsewhere, on first use: see the next test
    place = path.relative_to(CORE).parts
    own = place[0] if len(place) > 1 else "app" if place[0] == "__main__.py" else "contract"
    assert not list(filter(is_plugin, packages(path)))
    found = {name: layer(name) for name in imports(path) if name.partition(".")[0] == "mex"}
    assert {name: where for name, where in found.items() if where not in ABOVE[own]} == {}


def test_importing_mex_loads_the_contract_alone() -> None:
    code = "import sys, mex; print(*sorted(name for name in sys.modules if name.startswith('mex.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) <= {"mex.errors", "mex.hooks", "mex.types"}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_imports_the_contract_the_toolkit_and_itself(plugin: Path) -> None:
    for path in plugin.rglob("*.py"):
        assert set(filter(is_plugin, packages(path))) <= {plugin.name}, path
        ours = [name for name in imports(path) if name.partition(".")[0] == "mex"]
        assert {layer(name) for name in ours} <= ABOVE["plugin"], path


@pytest.mark.parametrize("plugin", [*PLUGINS, *EXAMPLES], ids=lambda path: path.name)
def test_what_a_plugin_imports_from_the_contract_is_public(plugin: Path) -> None:
    for path in plugin.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if module.partition(".")[0] == "mex" and layer(module) == "contract":
                public = set(importlib.import_module(module).__all__)
                assert {alias.name for alias in node.names} <= public, f"{path}: {module}"


def test_the_contract_can_be_seen() -> None:
    files = {path.name for path in CORE.glob("*.py")} - {"__main__.py"}  # the app's
    assert len(files) <= 20
    assert {path.name for path in CORE.iterdir() if (path / "__init__.py").exists()} == DOORS


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_registers_without_importing_what_is_heavy(plugin: Path) -> None:
    light = {"__future__", "mex", plugin.name, "typing", "attrs"}
    assert packages(plugin / "__init__.py") <= light


HOOKS = {name: hook for name, hook in vars(hooks).items() if hasattr(hook, "mex_spec")}


def test_there_are_four_hooks() -> None:
    assert set(HOOKS) == {"mex_components", "mex_commands", "mex_cell_started", "mex_cell_finished"}


@pytest.mark.parametrize("kind", hooks.EXTENSIONS)
def test_each_kind_of_extension_is_documented(kind: str) -> None:
    assert f"| `{kind}` |" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_is_documented_with_its_signature(name: str) -> None:
    assert inspect.getdoc(HOOKS[name])
    signature = f"{name}({', '.join(inspect.signature(HOOKS[name]).parameters)})"
    assert f"`{signature}`" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "name"), COMPONENTS, ids=lambda value: str(value))
def test_the_parameters_of_each_component_are_given_by_name(registry: mex.Registry, kind: str, name: str) -> None:
    """What else components declare, the conformance kit looks at."""
    for field in fields(registry.load(kind, name)):
        assert field.kw_only, f"{field.name} must be keyword only"


def test_pytest_loads_nothing_heavy_for_its_flag() -> None:
    code = "import sys, mex.testing.plugin; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
