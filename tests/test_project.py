"""The habits of the project that nobody has to remember, because these tests do."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
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


@cache
def statements(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """What a file imports, anywhere in it."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports: of a package's own names also ``package.name``."""
    for node in statements(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
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


def test_each_package_says_that_it_is_typed() -> None:
    assert [package.name for package in (*PLUGINS, CORE) if not (package / "py.typed").exists()] == []


def test_each_plugin_stands_under_its_kind() -> None:
    assert {path.parent.name for path in PLUGINS} == {f"{kind}s" for kind in (*KINDS, "answer")}
    assert not list(ROOT.glob("plugins/__init__.py")) + list(ROOT.glob("plugins/*/__init__.py"))


def test_no_core_file_is_long() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in CORE.rglob("*.py")}
    assert len(lengths) > 100
    assert {str(path.relative_to(CORE)): length for path, length in lengths.items() if length > LONGEST} == {}


def test_a_core_file_imports_its_own_layer_and_those_below() -> None:
    wrong = {}
    for path in CORE.rglob("*.py"):
        if path == CORE / "__init__.py":
            continue  # hands out what lives elsewhere, on first use: see the next test
        place = path.relative_to(CORE).parts
        own = place[0] if len(place) > 1 else "app" if place[0] == "__main__.py" else "contract"
        ours = [name for name in imports(path) if name.partition(".")[0] == "mex"]
        above = [*filter(is_plugin, packages(path)), *(name for name in ours if layer(name) not in ABOVE[own])]
        wrong |= {str(path.relative_to(CORE)): above} if above else {}
    assert wrong == {}


def test_importing_mex_loads_the_contract_alone() -> None:
    code = "import sys, mex; print(*sorted(name for name in sys.modules if name.startswith('mex.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) <= {"mex.errors", "mex.hooks", "mex.types"}


def files_of(plugins: list[Path]) -> Iterator[tuple[Path, Path]]:
    """Each file of each plugin, beside its plugin."""
    return ((plugin, path) for plugin in plugins for path in sorted(plugin.rglob("*.py")))


def test_a_plugin_imports_the_contract_the_toolkit_and_itself() -> None:
    wrong = {}
    for plugin, path in files_of(PLUGINS):
        others = set(filter(is_plugin, packages(path))) - {plugin.name}
        ours = {name for name in imports(path) if name.partition(".")[0] == "mex"}
        others |= {name for name in ours if layer(name) not in ABOVE["plugin"]}
        wrong |= {str(path.relative_to(ROOT)): sorted(others)} if others else {}
    assert wrong == {}


def test_what_a_plugin_imports_from_the_contract_is_public() -> None:
    wrong = {}
    for _, path in files_of([*PLUGINS, *EXAMPLES]):
        for node in statements(path):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if module.partition(".")[0] == "mex" and layer(module) == "contract":
                private = {alias.name for alias in node.names} - set(importlib.import_module(module).__all__)
                wrong |= {f"{path.relative_to(ROOT)}: {module}": sorted(private)} if private else {}
    assert wrong == {}


def test_the_contract_can_be_seen() -> None:
    files = {path.name for path in CORE.glob("*.py")} - {"__main__.py"}  # the app's
    assert len(files) <= 20
    assert {path.name for path in CORE.iterdir() if (path / "__init__.py").exists()} == DOORS


def test_a_plugin_registers_without_importing_what_is_heavy() -> None:
    light = {"__future__", "mex", "typing", "attrs"}
    heavy = {plugin.name: packages(plugin / "__init__.py") - light - {plugin.name} for plugin in PLUGINS}
    assert {name: found for name, found in heavy.items() if found} == {}


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


def test_the_parameters_of_each_component_are_given_by_name(registry: mex.Registry) -> None:
    """What else components declare, the conformance kit looks at."""
    found = {(kind, name): fields(registry.load(kind, name)) for kind, name in COMPONENTS}
    assert [(*who, field.name) for who, those in found.items() for field in those if not field.kw_only] == []


def test_pytest_loads_nothing_heavy_for_its_flag() -> None:
    code = "import sys, mex.testing.plugin; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
