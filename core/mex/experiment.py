"""Running a cell: from its specs to its record."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from typing import Any

import attrs
from threadpoolctl import threadpool_limits

from mex.cells import Cell, stream
from mex.costs import COSTS, costs
from mex.dataset import Dataset, Rows
from mex.defense import twin
from mex.errors import Incompatible, MexError
from mex.extraction import Extraction, extract
from mex.metrics import Yardstick
from mex.oracle import Oracle
from mex.registry import Registry
from mex.results import dump
from mex.spec import Spec
from mex.target import FittedTarget, Target, knowledge
from mex.types import Answer

TIMINGS = ("seconds", "learner_seconds", "oracle_seconds", "latency_added")
"""The fields of a record that differ between two runs of one cell."""

RESULTS = (
    *("status", "reason", "queries", "unique_queries", "refused", "alarm", "price_usd"),
    *("agreement", "near_agreement", "uniform_agreement", "uniform_majority", "geometric_error"),
    *("target_accuracy", "defended_accuracy", "accuracy_lost", "stolen_accuracy"),
    *(*COSTS, "stopped", "seconds", "learner_seconds", "oracle_seconds", "curve"),
)
"""The fields of a record beyond its cell's identity, null where they have no meaning."""


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


def _text(spec: Spec) -> str:
    return json.dumps({"use": spec.name, **spec.params})


@functools.lru_cache(maxsize=4)
def _dataset(registry: Registry, text: str) -> Dataset:
    dataset: Dataset = registry.build("dataset", json.loads(text)).load()
    return dataset


@functools.lru_cache(maxsize=2)
def _scene(registry: Registry, model_text: str, dataset_text: str, seed: int) -> Scene:
    data = _dataset(registry, dataset_text)
    model = registry.build("model", json.loads(model_text))
    if model.scope.tasks and data.task not in model.scope.tasks:
        name = json.loads(model_text)["use"]
        raise Incompatible(f"{name} learns {' and '.join(model.scope.tasks)} data; {data.name} is {data.task}")
    split = data.split(stream(seed, "split"))
    target: FittedTarget = model.fit(data, split.train, stream(seed, "fit"))
    train, pool, held_out = (Rows(target.encode(r.X), r.y) for r in (split.train, split.pool, split.held_out))
    return Scene(target, train, pool, Yardstick.of(target, held_out, stream(seed, "yardstick")))


@functools.lru_cache(maxsize=2)
def _deployment(registry: Registry, texts: tuple[str, str, str], seed: int, answers: Answer | None) -> Deployment:
    """Protect once for the attacks that follow each other: learning a defense may take longer than attacking it."""
    defense_text, model_text, dataset_text = texts
    scene = _scene(registry, model_text, dataset_text, seed)
    defense = registry.build("defense", json.loads(defense_text))
    defense.scope.check(json.loads(defense_text)["use"], knowledge(scene.target))
    defended = defense.protect(scene.target, scene.train, stream(seed, "defense"))
    kind = knowledge(defended, answers=answers).answers
    accuracy = scene.yardstick.accuracies(twin(defended))
    return Deployment(defended, {**accuracy, **costs(defended, scene.yardstick, kind)})


def measure(
    registry: Registry, cell: Cell, on_progress: Callable[[int], None] | None = None
) -> tuple[dict[str, Any], Extraction]:
    """Run one cell; return its record and what the attack got.

    Raises:
        Incompatible: if its components cannot work together.
        MexError: or whatever a plugin raises.
    """
    started = time.perf_counter()
    with threadpool_limits(1):  # one thread in every worker count: same bytes, and no fight over cores
        scene = set_scene(registry, cell.model, cell.dataset, cell.seed)
        attack = registry.build("attack", cell.attack)
        texts = (_text(cell.defense), _text(cell.model), _text(cell.dataset))
        deployment = _deployment(registry, texts, cell.seed, cell.answers)
        defended = twin(deployment.target)
        oracle = Oracle(defended, answers=cell.answers, budget=cell.budget, price_per_query=cell.price_per_query)
        known = oracle.knowledge(pool=scene.pool.X)
        attack.scope.check(cell.attack.name, known)
        learner = attack.learner(known, stream(cell.seed, "attack"))
        extraction = extract(oracle, learner, on_progress=on_progress)
        yardstick = scene.yardstick
        record = {
            **_blank(cell),
            "answers": known.answers,
            "status": "ok",
            "reason": extraction.note or None,
            "queries": extraction.queries,
            "unique_queries": extraction.unique_queries,
            "refused": extraction.refused,
            "alarm": defended.alarm,
            "price_usd": extraction.price_usd,
            **yardstick.score(extraction.hypothesis),
            "uniform_majority": yardstick.uniform_majority,
            **deployment.costs,
            "stolen_accuracy": yardstick.accuracy(extraction.hypothesis.predict(yardstick.points["agreement"])),
            "stopped": extraction.stopped,
            "learner_seconds": extraction.learner_seconds,
            "oracle_seconds": extraction.oracle_seconds,
            "curve": [{"queries": n, **yardstick.score(h)} for n, h in extraction.snapshots],
        }
    return {**record, "seconds": time.perf_counter() - started}, extraction


def run_cell(registry: Registry, cell: Cell) -> dict[str, Any]:
    """Run one cell and return its record; what goes wrong inside is its status and reason."""
    try:
        record, _ = measure(registry, cell)
        dump(record)  # what is no JSON fails here, and not where it would end the matrix
        return record
    except Incompatible as reason:
        return {**_blank(cell), "status": "skipped", "reason": str(reason)}
    except MexError as error:
        return {**_blank(cell), "status": "failed", "reason": str(error)}
    except (Exception, SystemExit) as error:
        return {**_blank(cell), "status": "failed", "reason": f"{type(error).__name__}: {error}"}


def _blank(cell: Cell) -> dict[str, Any]:
    return {**cell.identity(), **dict.fromkeys(RESULTS)}
