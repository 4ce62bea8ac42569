"""The parameters of a component, read off the source of its class: nothing that the class needs is imported."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import attrs


@attrs.frozen
class Parameter:
    """A parameter as its source tells it.

    Attributes:
        values: the words that it takes, as far as its validator lists them.
        component: the kind of component that it takes, or "".
        doc: what it is.
    """

    name: str
    values: tuple[str, ...] = ()
    component: str = ""
    doc: str = ""


Classes: TypeAlias = dict[str, ast.ClassDef]


def parameters(target: str) -> list[Parameter]:
    """The parameters of the class that ``package.module:Class`` names; none where its source is not there to be read.

    A class that its module makes is taken to have those of all classes that stand there.

    >>> [parameter.name for parameter in parameters("mex_bounded_noise.defense:BoundedNoise")][:2]
    ['rho', 'sticky']
    """
    module, _, name = target.partition(":")
    found = {parameter.name: parameter for parameter in _of_class(module, name, set())}
    return list(found.values())


def _of_class(module: str, name: str, seen: set[tuple[str, str]]) -> Iterator[Parameter]:
    if (module, name) in seen or (tree := _tree(module)) is None:
        return
    seen.add((module, name))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
    }
    for cls in [classes[name]] if name in classes else classes.values():
        for base in cls.bases:
            if isinstance(base, ast.Name) and base.id in classes:
                yield from _of_class(module, base.id, seen)
            elif isinstance(base, ast.Name) and base.id in imported:
                yield from _of_class(*imported[base.id], seen)
        yield from _own(cls)


def _tree(module: str) -> ast.Module | None:
    """The source of a module of a package that is loaded already, as those of plugins are."""
    if module.partition(".")[0] not in sys.modules:
        return None
    try:
        spec = importlib.util.find_spec(module)
        return ast.parse(Path(spec.origin).read_text(encoding="utf-8")) if spec and spec.origin else None
    except (ImportError, OSError, SyntaxError, ValueError):
        return None


def _own(cls: ast.ClassDef) -> Iterator[Parameter]:
    for node in cls.body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        if "ClassVar" in ast.dump(node.annotation) or not isinstance(node.value, ast.Call):
            continue
        given = {keyword.arg: keyword.value for keyword in node.value.keywords}
        if isinstance(init := given.get("init"), ast.Constant) and init.value is False:
            continue
        values = tuple(_values(given["validator"])) if "validator" in given else ()
        kind, text = _described(given.get("metadata"))
        yield Parameter(node.target.id, values, kind, text)


def _values(validator: ast.expr) -> Iterator[str]:
    """The words that a validator of :mod:`mex.params` takes, written with their values."""
    if not isinstance(validator, ast.Call):
        return
    called = validator.func.id if isinstance(validator.func, ast.Name) else ""
    if called == "boolean":
        yield from ("true", "false")
    if called == "one_of":
        yield from _texts(validator)
    if called in ("optional", "either"):
        for inner in validator.args:
            yield from _values(inner)


def _described(metadata: ast.expr | None) -> tuple[str, str]:
    """The kind of component, and what is said of the parameter, in ``doc("…")`` or ``component("kind", "…")``."""
    if not (isinstance(metadata, ast.Call) and isinstance(metadata.func, ast.Name)):
        return "", ""
    texts = _texts(metadata)
    if metadata.func.id == "component" and len(texts) == 2:
        return texts[0], texts[1]
    return "", texts[0] if metadata.func.id == "doc" and texts else ""


def _texts(call: ast.Call) -> list[str]:
    return [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
