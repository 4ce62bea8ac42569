"""The recipe of a run, beside its results: what to give ``mex matrix`` to repeat it, and what it was made with."""

from __future__ import annotations

import hashlib
import json
import platform
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from mex.app.files import replacing
from mex.app.matrix.plan import AXES, COUNTERS, GATE, MADE_WITH, Plan
from mex.registry import Registry
from mex.registry.spec import to_toml

FILE = "run.toml"
NUMERICS = ("numpy", "scipy", "scikit-learn")
"""Packages whose version can change a number."""


def versions(registry: Registry) -> dict[str, str]:
    """The versions of everything that could change a number: Python, the numeric libraries, every plugin package.

    >>> from mex import load_registry
    >>> made = versions(load_registry())
    >>> {"model-extraction", "numpy", "python"} <= set(made)
    True
    """
    made = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    made |= {name: metadata.version(name) for name in NUMERICS}
    return made | {provided.provider: provided.version for provided in registry.provided()}


def digests(plan: Plan) -> dict[str, str]:
    """Of each file that a model or a dataset names as its ``path`` a digest: with other content it is another."""
    specs = [*plan.models.values(), *plan.datasets.values()]
    paths = {str(spec.params["path"]) for spec in specs if spec.params.get("path")}
    files = {path: Path(path).expanduser() for path in sorted(paths)}
    return {path: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for path, file in files.items() if file.is_file()}


def text(plan: Plan, made_with: dict[str, str]) -> str:
    """A resolved plan as a file for ``mex matrix``, every parameter written out."""
    lines = ["# The run beside which this file lies; `mex matrix FILE --out DIR` repeats it."]
    if made_with.get("(given)") is not None:
        lines.append("# Objects of a program are named by their digests: only that program repeats it.")
    lines += [f"{key} = {to_toml(value)}" for key, value in plan.settings.items() if value is not None]
    lines.append(f"seeds = {to_toml(plan.seeds)}")
    lines += [] if plan.counters else [f"{COUNTERS} = false"]
    if plan.fail_if:
        lines += ["", f"[{GATE}]", f"fail_if = {to_toml(list(plan.fail_if))}", f"fail_on = {to_toml(plan.fail_on)}"]
    for axis in AXES:
        for label, spec in getattr(plan, axis).items():
            if axis == "attacks" and label in plan.added:
                continue  # it is added again
            params = dict(spec.params) if "nest" in spec.params else {"use": spec.name, **spec.params}
            lines += ["", f"[{axis}.{_key(label)}]"]
            lines += [f"{key} = {to_toml(value)}" for key, value in params.items() if value is not None]
    lines += ["", f"[{MADE_WITH}]", *(f"{_key(name)} = {to_toml(made_with[name])}" for name in sorted(made_with))]
    return "\n".join(lines) + "\n"


def write(directory: Path, plan: Plan, registry: Registry, name: str = FILE) -> list[str]:
    """Write the recipe of the last run to ``directory`` as ``name``; return what has changed since the run before.

    Raises:
        UsageError: if it cannot be written.
    """
    made_with = versions(registry) | digests(plan)
    path = directory / name
    before = _made_with(path)
    with replacing(path) as part:
        directory.mkdir(parents=True, exist_ok=True)
        part.write_text(text(plan, made_with), encoding="utf-8")
    return [
        f"{name} {before[name]} then, {made_with[name]} now"
        for name in sorted(before.keys() & made_with.keys())
        if before[name] != made_with[name]
    ]


def _made_with(path: Path) -> dict[str, Any]:
    try:
        made: Any = tomllib.loads(path.read_text(encoding="utf-8")).get(MADE_WITH)
    except (OSError, ValueError):  # none yet, or somebody's own
        return {}
    return made if isinstance(made, dict) else {}


def _key(label: str) -> str:
    return json.dumps(label, ensure_ascii=False)
