"""New plugin packages: complete ones, which work as they are written."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

import mex
from mex.errors import UsageError
from mex.hooks import Component
from mex.registry import Registry

LONGEST = 32
"""Letters of a name."""
SUMMARIES = {
    "attack": "ask random rows of the domain and fit a tree",
    "defense": "mix probabilities with equal ones",
    "model": "the nearest training rows answer",
    "dataset": "forty made-up customers",
}
"""What the component of each kind does as it is written."""
EXAMPLES = {
    "attack": "mex attack $name -m decision-tree --data breast-cancer --budget 500",
    "defense": "mex attack passive -m logistic --data breast-cancer -d $name",
    "model": "mex attack passive -m $name --data breast-cancer",
    "dataset": "mex attack passive -m decision-tree --data $name",
}
"""How it is run."""


def new_plugin(kind: str, name: str, into: Path, registry: Registry) -> Path:
    """Write the package of a new component, and return its folder, ``mex-NAME`` in ``into``.

    Raises:
        UsageError: if the name is long, not in kebab-case or taken, or the folder is there or cannot be written.
    """
    if len(name) > LONGEST:
        raise UsageError(f"a name has at most {LONGEST} letters, not {len(name)}: lines of code have to hold it")
    package = "mex_" + name.replace("-", "_")
    try:
        Component(kind, name, f"{package}.{kind}:A", SUMMARIES[kind])
    except ValueError as error:
        raise UsageError(str(error)) from None
    for provided in registry.provided(kind):
        if provided.component.name == name:
            raise UsageError(f"{kind} {name!r} is already provided by {provided.provider}")
    if importlib.util.find_spec(package):
        raise UsageError(f"a package {package} is installed already: choose another name")
    folder = into / f"mex-{name}"
    if folder.exists():
        raise UsageError(f"{folder} is there already")
    try:
        for place, text in rendered(kind, name, package):
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}") from None
    return folder


def rendered(kind: str, name: str, package: str) -> Iterator[tuple[str, str]]:
    """Each file of a new package: its place in it, and its text."""
    given = {place: part.read_text(encoding="utf-8") for part_of in ("common", kind) for place, part in _parts(part_of)}
    words = {
        "kind": kind,
        "article": "An" if kind == "attack" else "A",
        "name": name,
        "snake": name.replace("-", "_"),
        "distribution": f"mex-{name}",
        "package": package,
        "Class": _class_name(kind, name, given),
        "summary": SUMMARIES[kind],
        "example": Template(EXAMPLES[kind]).substitute(name=name),
        "version": mex.__version__,
    }
    for place, text in given.items():
        place = place.replace("src/package", f"src/{package}").replace("test_component", f"test_{words['snake']}")
        yield place, Template(text).substitute(words)


def _class_name(kind: str, name: str, given: Mapping[str, str]) -> str:
    """The name in one word, with the kind if it would hide another name in the files."""
    written = {word for place, text in given.items() if place.endswith(".py") for word in re.findall(r"\w+", text)}
    word = "".join(part.capitalize() for part in name.split("-"))
    return word if word not in written else word + kind.capitalize()


def _parts(folder: str) -> Iterator[tuple[str, Traversable]]:
    """The files of a folder of templates, by their places."""

    def walk(part: Traversable, place: str) -> Iterator[tuple[str, Traversable]]:
        for inner in sorted(part.iterdir(), key=lambda inner: inner.name):
            here = f"{place}/{inner.name}" if place else inner.name
            yield from walk(inner, here) if inner.is_dir() else [(here.removesuffix(".in"), inner)]

    return walk(files("mex.app.scaffold").joinpath("files", folder), "")
