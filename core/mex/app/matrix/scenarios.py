"""What cells share: a dataset, a model fitted on it, a defense learned for it; each made once."""

from __future__ import annotations

import functools
import json
from typing import Any

import attrs

from mex.app.matrix.cache import Shelf
from mex.app.matrix.cells import Cell, stream
from mex.app.matrix.costs import costs
from mex.app.matrix.evaluation import Yardstick
from mex.app.matrix.split import split
from mex.dataset import Dataset, Rows
from mex.defense import twin
from mex.errors import Incompatible
from mex.fitted import FittedTarget
from mex.registry import Registry
from mex.registry.spec import Spec
from mex.target import Target, knowledge
from mex.types import Answer

shelf = Shelf(None)
"""Where this process shares what it makes with others of the same run; ``loky_backend`` puts one up."""


@attrs.frozen(eq=False)
class Scene:
    """What the cells of one (model, dataset, seed) share: a fitted f*, and rows as its interface takes them."""

    target: FittedTarget
    train: Rows
    pool: Rows
    yardstick: Yardstick


@attrs.frozen(eq=False)
class Deployment:
    """What the cells of one scene and defense share: a defended target nobody has asked yet, and its costs."""

    target: Target
    costs: dict[str, Any]


def load_dataset(registry: Registry, dataset: Spec) -> Dataset:
    """Load a dataset, once for many cells; see :meth:`mex.dataset.Source.load`."""
    return _dataset(registry, _text(dataset))


def set_scene(registry: Registry, model: Spec, dataset: Spec, seed: int) -> Scene:
    """Load, split and fit, once for the cells that follow each other.

    Raises:
        Incompatible: if the model does not suit the dataset.
        UsageError: if the dataset cannot be loaded or split.
    """
    return _scene(registry, _text(model), _text(dataset), seed)


def deploy(registry: Registry, cell: Cell) -> Deployment:
    """Put the defense of a cell before its model, once for the attacks that follow each other.

    Raises:
        Incompatible: if the defense cannot protect this model, or gives no such answers.
    """
    return _deployment(registry, (_text(cell.model), _text(cell.dataset)), cell.seed, _text(cell.defense), cell.answers)


def shelf_keys(cell: Cell) -> tuple[str, str]:
    """Under what the scene and the deployment of a cell stand on the shelf."""
    scene = _scene_key(_text(cell.model), _text(cell.dataset), cell.seed)
    return scene, _deployment_key(scene, _text(cell.defense), cell.answers)


def _text(spec: Spec) -> str:
    return json.dumps({"use": spec.name, **spec.params})


def _scene_key(model: str, dataset: str, seed: int) -> str:
    return f"{model} {dataset} {seed}"


def _deployment_key(scene: str, defense: str, answers: Answer | None) -> str:
    return f"{scene} {defense} {answers}"


@functools.lru_cache(maxsize=4)
def _dataset(registry: Registry, text: str) -> Dataset:
    dataset: Dataset = registry.build("dataset", json.loads(text)).load()
    return dataset


@functools.lru_cache(maxsize=2)
def _scene(registry: Registry, model: str, dataset: str, seed: int) -> Scene:
    return shelf.get(_scene_key(model, dataset, seed), lambda: _fit(registry, model, dataset, seed))


def _fit(registry: Registry, model_text: str, dataset_text: str, seed: int) -> Scene:
    data = _dataset(registry, dataset_text)
    model = registry.build("model", json.loads(model_text))
    if model.scope.tasks and data.task not in model.scope.tasks:
        name = json.loads(model_text)["use"]
        raise Incompatible(f"{name} learns {' and '.join(model.scope.tasks)} data; {data.name} is {data.task}")
    parts = split(data, stream(seed, "split"))
    target: FittedTarget = model.fit(data, parts.train, stream(seed, "fit"))
    train, pool, held_out = (Rows(target.encode(r.X), r.y) for r in (parts.train, parts.pool, parts.held_out))
    return Scene(target, train, pool, Yardstick.of(target, held_out, stream(seed, "yardstick")))


@functools.lru_cache(maxsize=2)
def _deployment(
    registry: Registry, model_and_dataset: tuple[str, str], seed: int, defense: str, answers: Answer | None
) -> Deployment:
    scene = _scene(registry, *model_and_dataset, seed)
    key = _deployment_key(_scene_key(*model_and_dataset, seed), defense, answers)
    return shelf.get(key, lambda: _protect(registry, scene, seed, defense, answers))


def _protect(registry: Registry, scene: Scene, seed: int, defense_text: str, answers: Answer | None) -> Deployment:
    defense = registry.build("defense", json.loads(defense_text))
    defense.scope.check(json.loads(defense_text)["use"], knowledge(scene.target))
    defended = defense.protect(scene.target, scene.train, stream(seed, "defense"))
    kind = knowledge(defended, answers=answers).answers
    accuracies = scene.yardstick.accuracies(twin(defended))
    return Deployment(defended, {**accuracies, **costs(defended, scene.yardstick, kind)})
