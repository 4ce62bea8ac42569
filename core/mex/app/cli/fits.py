"""What ``mex show model`` says of a model that mex fits: its interface for each task, and the attacks on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from mex.app.cli.tables import print_table
from mex.app.cli.understood import attacks_on
from mex.app.matrix.isolation import isolated
from mex.dataset import Dataset, Rows
from mex.errors import Incompatible
from mex.fitted import FittedTarget, Model
from mex.registry import Registry
from mex.registry.spec import Spec
from mex.testing.examples import example_dataset

TASKS = ("binary", "multiclass", "regression")


def interfaces(registry: Registry, model: Spec) -> list[dict[str, Any]]:
    """For each task that the model learns: what it answers, its public class, and the attacks, as JSON-ready values.

    It is fitted to a small example for that. A model that is there already has none here: ``mex inspect`` opens one.
    """
    built = registry.build("model", model)
    if not isinstance(built, Model):
        return []
    found = []
    with isolated(0):
        for task in built.scope.tasks or TASKS:
            for data in (example_dataset(task), example_dataset(task, bits=True)):
                try:
                    target = built.fit(data, Rows(data.X, data.y), np.random.default_rng(0))
                except Incompatible:
                    continue
                found.append(_about(registry, task, data, target))
                break
    return found


def _about(registry: Registry, task: str, data: Dataset, target: FittedTarget) -> dict[str, Any]:
    rows = "rows of the dataset" if target.domain.bounded else "standardised rows, unbounded"
    return {
        "task": task,
        "takes": "rows of bits" if target.domain.integer.all() else rows,
        "answers": list(target.answers),
        "family": target.family.kind,
        "attacks": attacks_on(registry, target, data.X),
    }


def show_interfaces(found: list[dict[str, Any]]) -> None:
    """Print a table of interfaces, and one of attacks with the kinds of answer that each reads, a column per task."""
    if not found:
        print("mex inspect says what is understood of one: its columns, its answers, and the attacks that work on it")
        return
    rows = [[one["task"], one["takes"], ", ".join(one["answers"]), one["family"]] for one in found]
    print_table(["task", "takes", "answers", "public class"], rows)
    reads = {
        attack["attack"]: [
            ", ".join(by["answers"]) for one in found for by in one["attacks"] if by["attack"] == attack["attack"]
        ]
        for attack in found[0]["attacks"]
    }
    print()
    print_table(
        ["attack", *(f"on {one['task']}, from" for one in found)],
        [[name, *kinds] for name, kinds in reads.items() if any(kinds)],
    )
    print(f"\n{sum(not any(kinds) for kinds in reads.values())} other attacks do not work on it: --json says why")
