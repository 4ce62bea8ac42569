"""Pages of the Python interface, from docstrings."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Sequence

import mex
import mex.testing
import mex.toolkit
from sitegen.rst import heading, literal, paragraphs, table, text, toctree

CONTRACT = (
    *("hooks", "params", "errors", "types"),
    *("domain", "schema", "dataset", "knowledge", "estimator", "composition", "link", "family"),
    *("answers", "target", "fitted", "defense", "learner", "oracle", "extraction"),
)
"""The files of the contract, in the order in which they are best read."""
DOORS = {
    "registry": ("mex.registry", "mex.registry.loader", "mex.registry.provided", "mex.registry.spec"),
    "testing": tuple(f"mex.testing.{name}" for name in (*sorted(set(mex.testing._HOME.values())), "examples")),
    "serving": ("mex.serving", "mex.serving.endpoint", "mex.serving.export"),
    "app": ("mex.app.api", "mex.app.audit.api", "mex.app.result"),
}


def _first_line(module: str) -> str:
    return (importlib.import_module(module).__doc__ or "").partition("\n")[0]


def _page(title: str, modules: Sequence[str]) -> str:
    """All that is public in some modules, with a heading for each if there are several."""
    parts = []
    for module in modules:
        parts += [heading(module, "-") if len(modules) > 1 else "", f".. automodule:: {module}"]
    return paragraphs(heading(title), *parts)


def _toolkit() -> dict[str, list[str]]:
    """The modules of each part of the toolkit."""
    found: dict[str, list[str]] = {}
    for module in pkgutil.walk_packages(mex.toolkit.__path__, "mex.toolkit."):
        found.setdefault(".".join(module.name.split(".")[:3]), []).append(module.name)
    return found


def pages() -> Iterator[tuple[str, str]]:
    """Their paths and texts."""
    for name in CONTRACT:
        yield f"api/{name}", _page(f"mex.{name}", [f"mex.{name}"])
    for door, modules in DOORS.items():
        yield f"api/{door}", _page(f"mex.{door}", modules)
    toolkit = _toolkit()
    for part, members in toolkit.items():
        yield f"api/{part.replace('.', '-')}", _page(part, members)
    rows = [[f":doc:`mex.{name} <{name}>`", text(_first_line(f"mex.{name}"))] for name in CONTRACT]
    doors = [[f":doc:`mex.{name} <{name}>`", text(_first_line(f"mex.{name}"))] for name in DOORS]
    parts = [[f":doc:`{part} <{part.replace('.', '-')}>`", text(_first_line(part))] for part in toolkit]
    names = [*CONTRACT, *DOORS, *(part.replace(".", "-") for part in toolkit)]
    yield (
        "api/index",
        paragraphs(
            heading("Python interface"),
            "``import mex`` loads attrs and pluggy only; everything in ``mex.__all__`` loads when it is first used:",
            literal(", ".join(mex.__all__), "text"),
            "What stands in the ``__all__`` of a file of the contract is public: it changes only with a line in the "
            "change log.",
            heading("The contract", "-"),
            table(["module", "what it holds"], rows, "30 70"),
            heading("Packages", "-"),
            table(["package", "what it holds"], doors, "30 70"),
            heading("The toolkit: what plugins share", "-"),
            table(["module", "what it holds"], parts, "40 60"),
            toctree(names),
        ),
    )
