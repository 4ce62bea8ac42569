"""What cells share: a dataset, a model fitted on it, a defense learned for it; each made once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pyarrow as pa

from mex.app.matrix import ledgers
from mex.app.matrix.cache import Cache
from mex.app.matrix.cells import Cell
from mex.app.matrix.costs import costs
from mex.app.matrix.evaluation import Yardstick
from mex.app.matrix.isolation import isolated
from mex.app.matrix.paid import evaluation_budget, measured
from mex.app.matrix.split import deal, split
from mex.dataset import Dataset, Rows, Table
from mex.defense import twin
from mex.errors import Incompatible, UsageError, writes_nothing
from mex.fitted import Deployed, FittedTarget
from mex.registry import Registry
from mex.registry.spec import Spec
from mex.target import Target, knowledge
from mex.toolkit.tabular.holding import Holding, as_rows, hold
from mex.toolkit.tabular.inference import data_frame
from mex.types import Answer, stream

cache = Cache(None)
"""Where this process shares what it makes with others of the same run; a worker is given one."""


@attrs.frozen(eq=False)
class Scene:
    """What the cells of one (model, dataset, seed) share: a fitted f*, and rows as its interface takes them."""

    target: FittedTarget
    train: Rows
    pool: Rows
    yardstick: Yardstick
    read: str = ""
    """What a deployed model was found to take of the table, in a sentence."""


@attrs.frozen(eq=False)
class Deployment:
    """What the cells of one scene and defense share: a defended target nobody has asked yet, and its costs."""

    target: Target
    costs: dict[str, Any]


@functools.lru_cache(maxsize=4)
def load_dataset(registry: Registry, dataset: Spec) -> Dataset:
    """Load a dataset, once for many cells; see :meth:`mex.dataset.Source.load`."""
    with isolated(0):
        return registry.build("dataset", dataset).load()  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=4)
def load_table(registry: Registry, dataset: Spec) -> Table:
    """The table of a dataset for models that are deployed already, loaded once for many cells."""
    with isolated(0):
        source = registry.build("dataset", dataset)
        loaded: Table = source.table() if hasattr(source, "table") else source.load().table()
        if isinstance(loaded.columns, Mapping):
            return attrs.evolve(loaded, columns=data_frame(pa.table(dict(loaded.columns))))
        return loaded


def is_deployed(registry: Registry, model: Spec) -> bool:
    """Whether a model component opens a model that is there already, instead of fitting one."""
    return callable(getattr(registry.load("model", model.name), "open", None))


def set_scene(registry: Registry, model: Spec, dataset: Spec, seed: int) -> Scene:
    """Load, split and fit, once for the cells that follow each other.

    The rows for a model that costs money are dealt out once for all seeds: it is asked the same to measure each.

    Raises:
        Incompatible: if the model does not suit the dataset.
        UsageError: if the dataset cannot be loaded or split.
    """
    paid = evaluation_budget(registry, model) is not None
    return _scene(registry, model, dataset, 0 if paid else seed, _measured_in(registry, model))


@functools.lru_cache(maxsize=4)
def _scene(registry: Registry, model: Spec, dataset: Spec, seed: int, _: Path | None) -> Scene:
    make = _open if is_deployed(registry, model) else _fit
    return cache.get(_group(model, dataset, seed), "scene", lambda: make(registry, model, dataset, seed))


def deploy(registry: Registry, cell: Cell) -> Deployment:
    """Put the defense of a cell before its model, once for the attacks that follow each other.

    Raises:
        Incompatible: if the defense cannot protect this model, or gives no such answers.
    """
    of = (cell.model, cell.dataset, cell.seed, cell.defense, cell.answers)
    return _deployment(registry, *of, _measured_in(registry, cell.model))


def protect(registry: Registry, defense: Spec, target: Target, train: Rows, seed: int) -> Target:
    """Put a defense before ``target``, as every cell and :func:`mex.attack` do.

    Raises:
        Incompatible: if the target is outside its scope, or it cannot protect it.
    """
    with isolated(seed):
        built = registry.build("defense", defense)
        built.scope.check(defense.name, knowledge(target))
        with writes_nothing("the defense"):
            defended: Target = built.protect(target, train, stream(seed, "defense"))
        return defended


def _measured_in(registry: Registry, model: Spec) -> Path | None:
    """Where the ledger lies of what a model is asked to measure, if that costs money."""
    return None if evaluation_budget(registry, model) is None else ledgers.directory


def group_of(cell: Cell) -> str:
    """What names the group of cells that share a scene, in the cache as well."""
    return _group(cell.model, cell.dataset, cell.seed)


def _group(model: Spec, dataset: Spec, seed: int) -> str:
    return f"{model.text} {dataset.text} {seed}"


def _fit(registry: Registry, model: Spec, dataset: Spec, seed: int) -> Scene:
    with isolated(seed):
        data = load_dataset(registry, dataset)
        built = registry.build("model", model)
        if built.scope.tasks and data.task not in built.scope.tasks:
            learns = " and ".join(built.scope.tasks)
            raise Incompatible(f"{model.name} learns {learns} data; {data.name} is {data.task}")
        if data.domain.incomplete and not built.scope.incomplete:
            data = data.complete()
        parts = split(data, stream(seed, "split"))
        with writes_nothing("the model"):
            target: FittedTarget = built.fit(data, parts.train, stream(seed, "fit"))
        # Models may learn from rows with missing values; defenses, attacks and the yardstick get complete ones.
        dealt = (parts.train.complete(), parts.pool.complete(), parts.held_out.complete())
        if not all(len(rows.X) for rows in dealt):
            raise UsageError(f"dataset {data.name!r} has too few rows without a missing value to attack and to measure")
        train, pool, held_out = (Rows(target.encode(rows.X), rows.y) for rows in dealt)
        return Scene(target, train, pool, Yardstick.of(target, held_out, stream(seed, "yardstick")))


def open_deployed(registry: Registry, model: Spec, dataset: Spec) -> tuple[FittedTarget, Holding]:
    """A model that is deployed already, and what the table of a dataset holds for it; it is asked one row at most."""
    table = load_table(registry, dataset)
    built: Deployed = registry.build("model", model)
    target = built.open(table)
    return target, hold(target, table)


def _open(registry: Registry, model: Spec, dataset: Spec, seed: int) -> Scene:
    with isolated(seed):
        opened, held = open_deployed(registry, model, dataset)
        budget = evaluation_budget(registry, model)
        target = measured(opened, _group(model, dataset, seed), budget or 0, cache.directory)
        labelled = held.y is not None
        rows = as_rows(opened, held.X, held.y) if labelled or budget is None else Rows(held.X, np.zeros(len(held.X)))
        train, pool, held_out = deal(rows, stream(seed, "split"), held.name)
        if not labelled and budget is not None:
            train = Rows(train.X[:0], train.y[:0])  # labels of the whole table are not paid for
        points = stream(seed, "yardstick")
        yardstick = Yardstick.of(target, held_out, points, labelled=labelled, budget=budget)
        return Scene(target, train, pool, yardstick, str(held))


@functools.lru_cache(maxsize=2)
def _deployment(
    registry: Registry, model: Spec, dataset: Spec, seed: int, defense: Spec, answers: Answer | None, _: Path | None
) -> Deployment:
    scene = set_scene(registry, model, dataset, seed)
    name = f"{defense.text} {answers}"
    return cache.get(_group(model, dataset, seed), name, lambda: _with_costs(registry, scene, seed, defense, answers))


def _with_costs(registry: Registry, scene: Scene, seed: int, defense: Spec, answers: Answer | None) -> Deployment:
    with isolated(seed):
        defended = protect(registry, defense, scene.target, scene.train, seed)
        kind = knowledge(defended, answers=answers).answers
        with writes_nothing("the defense"):
            accuracies = scene.yardstick.accuracies(twin(defended))
            return Deployment(defended, {**accuracies, **costs(defended, scene.yardstick, kind)})
