"""A page for each component, from its docstring, its parameters and what it declares."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

import mex
from mex.app.cli.inspect import describe
from mex.hooks import KINDS, Component
from mex.registry import Registry
from mex.registry.spec import Spec
from sitegen.docstrings import converted
from sitegen.rst import code, definitions, facts, heading, link, literal, paragraphs, sentence, table, text
from sitegen.works import Works, protected

OURS = "model-extraction"
DOES = {
    "attack": ("learner", "It does not start, with a reason that a matrix prints,"),
    "defense": ("protect", "It protects nothing, with a reason that a matrix prints,"),
    "model": ("fit", "It is not fitted, with a reason that a matrix prints,"),
}
"""The method of each kind that says when a component does not work."""
ABOUT = {
    "attack": "An attack chooses the rows to ask, is told the answers, and hands over a stolen model.",
    "defense": "A defense answers instead of the model. It changes answers, shows less, or refuses.",
    "model": "A model is the secret that is attacked. Some are fitted by mex on a dataset, others are yours already.",
    "dataset": "A dataset fits the model, gives the attacker unlabeled rows, and measures the stolen model.",
}
WANTED = {"csv": ":path=FILE", "endpoint": ":url=URL", "file": ":path=FILE", "python": ":object=MODULE:NAME"}
WANTED["recorded"] = WANTED["file"]
"""What has to be said of components that read what is there already."""
RUN = {
    "attack": "mex attack {name} -m {other} --data DATASET",
    "defense": "mex matrix -a passive -d none -d {name} -m MODEL --data DATASET",
    "model": "mex matrix -m {name} -a {other} -d none --data DATASET",
    "dataset": "mex inspect {name}",
}


def pages(registry: Registry) -> Iterator[tuple[str, str]]:
    """The pages of all of our components and an index for each kind: their paths and texts."""
    works = Works.found(registry)
    for kind in KINDS:
        ours = [p.component for p in registry.provided(kind) if p.provider == OURS]
        for component in ours:
            yield f"components/{kind}/{component.name}", _page(registry, component, works)
        rows = [[link(kind, component.name), text(component.summary)] for component in ours]
        yield (
            f"components/{kind}s",
            paragraphs(
                heading(f"{kind.title()}s"),
                ABOUT[kind],
                table([kind, "what it is"], rows, "30 70"),
            ),
        )


def _page(registry: Registry, component: Component, works: Works) -> str:
    kind, name = component.kind, component.name
    about, cls = describe(registry, kind, name), registry.load(kind, name)
    other = works.target_of(name) if kind == "attack" else "passive"
    tried = {"attack": works.models, "defense": lambda name: protected(registry, name), "model": works.attacks}
    where = tried[kind](name) if kind in tried else ""
    return paragraphs(
        ":orphan:",  # a hundred of them in the navigation of every page would help nobody
        heading(name),
        f":doc:`{kind.title()} </generated/components/{kind}s>`: {text(about['summary'])}.",
        facts(
            [
                ("works on", text(about["works on"])),
                ("needs", _needs(cls)),
                ("source", text(about["paper"] or about["source"])),
                ("licence", text(about["licence"])),
                ("counters", ", ".join(link("defense", defense) for defense in about["counters"])),
                ("countered by", ", ".join(_attack(attack) for attack in about["countered by"])),
                ("class", code(component.target.replace(":", "."))),
            ]
        ),
        "\n".join(converted((inspect.getdoc(cls) or "").splitlines())),
        heading("Parameters", "-"),
        definitions(
            (
                f"{code(p['name'])} = {code(_default(p['default']))}",
                f"{sentence(p['doc'])}\n\n*Allowed:* {text(p['allowed'])}.",
            )
            for p in about["parameters"]
        )
        or "It has none.",
        heading("Where it works", "-") if where else "",
        where,
        heading("Limits", "-") if _limits(kind, cls) else "",
        _limits(kind, cls),
        heading("On the command line", "-"),
        literal(f"mex show {kind} {name}\n" + RUN[kind].format(name=_written(component), other=other), "sh"),
    )


def _needs(cls: type) -> str:
    scope = getattr(cls, "scope", None)
    return "a pool of unlabeled rows" if isinstance(scope, mex.Scope) and scope.needs_pool else ""


def _default(value: Any) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def _attack(written: str) -> str:
    name = Spec.parse(written).name
    return f":doc:`{written} </generated/components/attack/{name}>`"


def _limits(kind: str, cls: type) -> str:
    """When it does not work, by the docstring of the method that says so."""
    method, sentence = DOES.get(kind, ("", ""))
    said = inspect.getdoc(getattr(cls, method, None)) or ""
    reasons = re.search(r"Incompatible: (.*?)(?=\n\s*\n|\n\s*\w+: |\Z)", said, re.DOTALL)
    return f"{sentence} {' '.join(reasons[1].split())}" if reasons else ""


def _written(component: Component) -> str:
    """The name as it is typed, with the parameters that have no default."""
    return component.name + WANTED.get(component.name, "")
