"""``mex inspect MODEL``: what was understood of a model that is deployed already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mex.answers import checked_answers
from mex.app.cli.output import print_json
from mex.app.cli.tables import print_columns, print_table
from mex.app.matrix.isolation import isolated
from mex.app.matrix.scenarios import is_deployed, load_table
from mex.errors import Incompatible, UsageError
from mex.fitted import FittedTarget
from mex.registry import Registry
from mex.registry.spec import Spec
from mex.target import knowledge
from mex.toolkit.facts import facts_of
from mex.toolkit.tabular.holding import Holding, hold
from mex.toolkit.tabular.summary import described
from mex.types import FloatArray

ASKED = 200
"""Rows of the table that are asked to see what answers look like."""

BUDGET = 1000
"""Queries that an attack may plan with, where it is seen whether it starts."""


def understood(registry: Registry, model: Spec, data: Spec | None) -> dict[str, Any]:
    """What was understood of a model, as JSON-ready values.

    Raises:
        UsageError: if it is fitted by mex itself, cannot be opened, or does not suit the data.
    """
    if not is_deployed(registry, model):
        raise UsageError(f"{model.name} is a model that mex fits itself: mex show model {model.name} says how")
    with isolated(0):
        built = registry.build("model", model)
        table = None if data is None else load_table(registry, data)
        target: FittedTarget = built.open(table)
        held = None if table is None else hold(target, table)
        told: Mapping[str, str] = built.facts() if hasattr(built, "facts") else {}
        return _about(registry, str(model), target, held, told)


def _about(
    registry: Registry, name: str, target: FittedTarget, held: Holding | None, told: Mapping[str, str]
) -> dict[str, Any]:
    schema, family = target.schema, target.family
    facts = {**facts_of(target.estimator), **told}
    facts.setdefault("inputs", schema.precision if schema else "float64")
    if held is not None:
        facts |= _seen(target, held.X[:ASKED])
    if target.domain.incomplete:
        facts.setdefault("missing values", "answered")
    elif "missing values" in facts:
        facts["missing values"] += "; the table that was shown has none"
    return {
        "model": name,
        "class": facts.pop("class"),
        "task": knowledge(target).task,
        "classes": None if target.classes is None else target.classes.tolist(),
        "answers": list(target.answers),
        "family": {
            "kind": family.kind,
            "public": {k: v for k, v in family.public.items() if isinstance(v, str | int | float | bool | None)},
            "reason": family.reason,
        },
        "features": target.domain.n_features,
        "columns": [described(column) for column in schema.columns] if schema else [],
        "facts": facts,
        "data": None if held is None else str(held),
        "attacks": attacks_on(registry, target, None if held is None else held.X),
    }


def _seen(target: FittedTarget, X: FloatArray) -> dict[str, str]:
    """What answers to some rows look like."""
    facts, answers = {}, {kind: target.answer(X, kind) for kind in target.answers}
    for kind, given in answers.items():
        checked_answers(given, len(X), kind, target.classes)
    numbers = [str(answers[kind].dtype) for kind in ("proba", "value") if kind in answers]
    if numbers:
        facts["outputs"] = numbers[0]
    if {"label", "proba"} <= answers.keys() and target.classes is not None:
        likeliest = target.classes[answers["proba"].argmax(axis=1)]
        other = int(np.sum(likeliest != answers["label"]))
        facts["labels"] = f"not the likeliest class in {other} of {len(X)} rows" if other else "the likeliest class"
    return facts


def attacks_on(registry: Registry, target: FittedTarget, pool: FloatArray | None) -> list[dict[str, Any]]:
    """Each attack with the kinds of answer from which it starts on this model, or why it does not."""
    found = []
    for provided in registry.provided("attack"):
        name = provided.component.name
        reasons: dict[str, str] = {}
        for kind in target.answers:
            try:
                attack = registry.build("attack", name)
                known = knowledge(target, answers=kind, pool=pool, budget=BUDGET)
                attack.scope.check(name, known)
                attack.learner(known, np.random.default_rng(0))
            except (Incompatible, UsageError) as error:  # UsageError: a plugin that does not load
                reasons[kind] = str(error)
        fits = [kind for kind in target.answers if kind not in reasons]
        found.append({"attack": name, "answers": fits, "reason": None if fits else next(iter(reasons.values()))})
    return found


def show(about: dict[str, Any], as_json: bool) -> None:
    """Print it: one JSON object, or tables of facts, columns and attacks."""
    if as_json:
        print_json(about)
        return
    family = about["family"]
    public = ", ".join(f"{key}={value}" for key, value in family["public"].items() if value is not None)
    rows = [
        ["class", about["class"]],
        ["task", about["task"] + ("" if about["classes"] is None else f": {', '.join(map(str, about['classes']))}")],
        ["answers", ", ".join(about["answers"])],
        ["public class", f"{family['kind']}" + f", as {family['reason']}" * bool(family["reason"])],
        *([["public", public]] if public and family["kind"] in ("linear", "tree", "boosted", "forest") else []),
        *([name, fact] for name, fact in about["facts"].items()),
        *([["data", about["data"]]] if about["data"] else []),
    ]
    print_table(["model", about["model"]], rows)
    print()
    print_columns(about["columns"])
    print()
    fits = [attack for attack in about["attacks"] if attack["answers"]]
    print_table(["attack", "from"], [[attack["attack"], ", ".join(attack["answers"])] for attack in fits])
    print(f"\n{len(about['attacks']) - len(fits)} other attacks do not work on it: --json says why")
