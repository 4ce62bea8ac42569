"""What works on what, found by trying it on small examples: attacks on models, defenses before models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from mex.app.cli.fits import TASKS, interfaces
from mex.app.matrix.scenarios import protect
from mex.dataset import Rows
from mex.errors import Incompatible
from mex.registry import Registry
from mex.registry.spec import Spec
from mex.testing.examples import example_dataset, example_target
from sitegen.rst import link, paragraphs, table, text


@attrs.frozen
class Works:
    """The interfaces of the models that mex fits, and what starts on them, as ``mex show model --json`` has it."""

    interfaces: dict[str, list[dict[str, Any]]]

    @classmethod
    def found(cls, registry: Registry) -> Works:
        """Try every attack on every model."""
        names = [p.component.name for p in registry.provided("model")]
        return cls({name: interfaces(registry, Spec(name)) for name in names})

    def _tried(self, attack: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Each model and task with what is known of the attack on it."""
        for model, found in self.interfaces.items():
            for one in found:
                yield model, one["task"], next(tried for tried in one["attacks"] if tried["attack"] == attack)

    def target_of(self, attack: str) -> str:
        """A model that the attack starts on."""
        return next((model for model, _, tried in self._tried(attack) if tried["answers"]), "MODEL")

    def models(self, attack: str) -> str:
        """The models that an attack starts on, by task, and why it does not start on the others."""
        on: dict[str, list[str]] = {}
        reasons: dict[str, dict[str, list[str]]] = {}
        for model, task, tried in self._tried(attack):
            if tried["answers"]:
                on.setdefault(model, []).append(f"{task} (from {', '.join(tried['answers'])})")
            else:
                reasons.setdefault(tried["reason"], {}).setdefault(model, []).append(task)
        return paragraphs(
            table(
                ["model", "tasks, and the answers it reads"],
                [[link("model", model), "; ".join(tasks)] for model, tasks in on.items()],
                "30 70",
            )
            or "On none of the models that mex fits with their own parameters.",
            "It does not start, with the reason that a matrix prints:" if reasons else "",
            table(["reason", "models"], [[text(why), _listed(models)] for why, models in reasons.items()], "55 45"),
        )

    def attacks(self, model: str) -> str:
        """What the interface of a model shows for each task, and which attacks start on it."""
        return table(
            ["task", "answers", "public class", "attacks that start"],
            [
                [
                    one["task"],
                    ", ".join(one["answers"]),
                    one["family"],
                    ", ".join(link("attack", a["attack"]) for a in one["attacks"] if a["answers"]),
                ]
                for one in self.interfaces[model]
            ],
            "12 15 13 60",
        )


def _listed(models: dict[str, list[str]]) -> str:
    return ", ".join(f"{link('model', model)} ({', '.join(tasks)})" for model, tasks in models.items())


def protected(registry: Registry, defense: str) -> str:
    """What is still answered behind a defense of some models, or why it protects nothing there."""
    rows = []
    for task, family in (*((task, "linear") for task in TASKS), ("binary", "tree")):
        data, target = example_dataset(task), example_target(task, family=family)
        before = [f"{task}, {family}", ", ".join(target.answers)]
        try:
            shown = protect(registry, Spec(defense), target, Rows(data.X, data.y), seed=0)
        except Incompatible as error:
            rows.append([*before, text(str(error)), ""])
        else:
            rows.append([*before, ", ".join(shown.answers), "unknown" if shown.rho is None else f"{shown.rho:g}"])
    return table(["model", "its answers", "answers behind the defense", "wrong labels at most"], rows, "20 20 40 20")
