"""What ``mex serve`` serves: a model and a defense by their specs, made anew in each worker."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from mex.app.matrix.isolation import isolated
from mex.app.matrix.ledgers import describe
from mex.app.matrix.paid import evaluation_budget
from mex.app.matrix.scenarios import is_deployed, load_table, set_scene
from mex.dataset import Rows
from mex.defense import undefended
from mex.errors import UsageError
from mex.fitted import FittedTarget
from mex.registry import Registry
from mex.registry.loader import load_registry
from mex.registry.spec import Spec
from mex.serving.gateway.answering import Gateway, kinds_shown
from mex.serving.gateway.app import Doors, application
from mex.serving.gateway.log import AccessLog
from mex.serving.gateway.memories import Memories
from mex.serving.gateway.store import Store
from mex.serving.gateway.stores import open_store
from mex.serving.tables import as_asked
from mex.target import Target, knowledge
from mex.toolkit.tabular.holding import as_rows, hold
from mex.types import Answer, stream


@attrs.frozen(kw_only=True)
class Served:
    """A model, a defense and how they are served; calling it makes the application.

    Attributes:
        model, defense, dataset: the components; a deployed model may do without a dataset.
        seed: of the split and the fit of a model that is fitted for this.
        name: of the served model.
        answers: the usual kind of answer, None for the interface's own.
        store: where memories of clients are kept: a file, or a URL of Redis.
        renew: seconds after which a client is new again, None for never.
        secret: what sticky noise is keyed by, None for a key that the store keeps.
        doors: who may ask.
        most: rows of a request.
        log: the access log, if there is one.
    """

    model: Spec
    defense: Spec
    dataset: Spec | None
    seed: int
    name: str
    answers: Answer | None
    store: str
    renew: float | None
    secret: bytes | None = attrs.field(repr=False)
    doors: Doors
    most: int
    log: Path | None

    def __call__(self) -> Any:
        """The application of a worker."""
        return self.application(load_registry())

    def application(self, registry: Registry) -> Any:
        """The application, its components from a registry.

        Raises:
            UsageError: if a component, the store or the log cannot be had.
            Incompatible: if the defense cannot protect this model.
        """
        store = open_store(self.store, self.name)
        target = self.defended(registry, store)
        served = json.dumps({"defense": str(self.defense), "features": target.domain.n_features})
        if (before := store.fact("served", served)) != served:
            was = json.loads(before)
            raise UsageError(
                f"the store is that of {was['defense']} before a model of {was['features']} features: what clients "
                "asked is counted there in its terms; name another store"
            )
        shown = kinds_shown(target)
        if self.answers is not None and self.answers not in shown:
            raise UsageError(f"this model gives {' and '.join(shown)} answers, not {self.answers}")
        gateway = Gateway(
            target,
            store,
            Memories(target, store, self.renew),
            name=self.name,
            usual=self.answers,
            most=self.most,
            log=None if self.log is None else AccessLog(self.log),
        )
        if self.log is not None:
            AccessLog(self.log).about(self._about(target))
        return application(gateway, self.doors)

    def defended(self, registry: Registry, store: Store) -> Target:
        """The model behind its defense, whom nobody has asked."""
        with isolated(self.seed):
            target, train = self._opened(registry)
            built = registry.build("defense", self.defense)
            built.scope.check(self.defense.name, knowledge(target))
            secret = self.secret or bytes.fromhex(store.fact("secret", secrets.token_hex(32)))
            defended: Target = built.protect(target, train, stream(secret, "defense"))
            return defended

    def _opened(self, registry: Registry) -> tuple[FittedTarget, Rows]:
        """The model, and the rows that its operator has."""
        if not is_deployed(registry, self.model):
            if self.dataset is None:
                raise UsageError(f"{self.model.name} is fitted on a dataset: name one with --data")
            scene = set_scene(registry, self.model, self.dataset, self.seed)
            return scene.target, scene.train
        table = None if self.dataset is None else load_table(registry, self.dataset)
        built = registry.build("model", self.model)
        target: FittedTarget = built.open(table)
        if target.schema is not None and getattr(built, "schema", None) is None:
            target = _as_asked(target)
        if table is None:
            return target, Rows(np.empty((0, target.domain.n_features)), np.empty(0))
        held = hold(target, table)
        if held.y is None and evaluation_budget(registry, self.model) is not None:  # labels cost money
            return target, Rows(held.X[:0], np.empty(0))
        return target, as_rows(target, held.X, held.y)

    def _about(self, target: Target) -> dict[str, Any]:
        components = {"model": str(self.model), "defense": str(self.defense)}
        return {"name": self.name, **components, "family": target.family.kind, **describe(undefended(target))}


def _as_asked(target: FittedTarget) -> FittedTarget:
    """The same target for honest users: what was whole numbers in a table that was seen need not be."""
    schema = target.schema
    assert schema is not None
    schema = attrs.evolve(schema, columns=[as_asked(column, schema.frame.name) for column in schema.columns])
    return attrs.evolve(target, schema=schema, domain=schema.domain)
