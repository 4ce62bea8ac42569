"""Docstrings as this project writes them, as reStructuredText; and the names by which they refer to each other."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import Any

import mex

SECTIONS = re.compile(r"(Args|Attributes|Raises):")
ENTRY = re.compile(r"    ([^\s:][^:]*): (.*)")
_BARS = re.compile(r"(``.*?``)|\|")


def converted(lines: Sequence[str]) -> list[str]:
    """The lines of a docstring with its sections as lists of definitions, and bars as they stand: norms have them."""
    found: list[str] = []
    section = code = False
    for line in lines:
        code = line.lstrip().startswith(">>>") or (code and bool(line.strip()))
        said = line if code else _BARS.sub(lambda m: m[1] or r"\|", line)
        if SECTIONS.fullmatch(line):
            section = True
            found += [f":{line}", ""]
        elif section and (entry := ENTRY.fullmatch(said)):
            found += [f"    ``{entry[1]}``", f"        {entry[2]}"]
        else:
            section = section and (not line.strip() or line.startswith(" "))
            found.append(said)
    return found


def process(app: Any, what: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    """Convert a docstring that autodoc has read."""
    lines[:] = converted(lines)


def resolve(app: Any, env: Any, node: Any, content: Any) -> Any:
    """A reference to a name that is defined under another one: ``mex.Target`` in ``mex.target``, or in some class.

    What has no place on the site, such as an attribute or a module of a plugin, is no link; it has to exist.
    """
    if node.get("refdomain") != "py":
        return None
    domain, target = env.get_domain("py"), node["reftarget"]
    head, _, rest = target.removeprefix("mex.").partition(".")
    full = f"mex.{mex._HOME[head]}.{head}{rest and '.'}{rest}" if head in mex._HOME else target
    owner, _, last = full.rpartition(".")
    for name in (full, last, owner):
        known = [known for known in domain.objects if name and (known == name or known.endswith(f".{name}"))]
        if known:
            place = min(known, key=lambda name: (name.count("."), name))
            return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], place, node, content)
    module = node.get("py:module") or ""
    owner = ".".join(filter(None, (module, node.get("py:class"))))
    return content if any(map(_exists, (target, f"{module}.{target}", f"{owner}.{target}"))) else None


def _exists(name: str) -> bool:
    """Whether a dotted name can be imported, or is an attribute of what can."""
    if name.startswith(".") or not name:
        return False
    try:
        importlib.import_module(name)
        return True
    except (ImportError, ValueError):
        owner, _, last = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(owner), last)
    except (ImportError, ValueError):
        module, _, cls = owner.rpartition(".")
        return module != "" and _exists(owner) and hasattr(getattr(importlib.import_module(module), cls), last)
