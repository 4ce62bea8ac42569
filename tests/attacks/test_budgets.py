"""A budget is a number: what an attack keeps grows with what it has asked."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import mex
from mex.app.matrix.scenarios import set_scene

TARGETS = (
    ("logistic", "haberman"),
    ("logistic:fit_intercept=false", "haberman"),
    ("decision-tree", "haberman"),
    ("linear-regression", "diabetes"),
    ("decision-tree:max_depth=1", "diabetes"),
    ("boolean-tree", "boolean"),
)
FAST = {"boosted-surrogate": "boosted-surrogate:trees=20"}
SPECS = ("passive:sampler=uniform", "adaptive-retraining:seed=uniform,sampler=uniform", "margin:sampler=uniform")
ATTACKS = [p.component.name for p in mex.load_registry().provided("attack") if p.provider == "model-extraction"]


@pytest.mark.parametrize("attack", [*ATTACKS, *SPECS])
def test_a_budget_of_a_trillion_costs_no_memory(registry: mex.Registry, attack: str) -> None:
    built = registry.build("attack", FAST.get(attack, attack))
    for model, data in TARGETS:
        scene = set_scene(registry, registry.resolve("model", model), registry.resolve("dataset", data), 0)
        for kind in scene.target.answers:
            oracle = mex.Oracle(scene.target, answers=kind, budget=10**12, scope=built.scope)
            known = oracle.knowledge(pool=scene.pool.X)
            tracemalloc.start()
            try:
                built.scope.check(attack, known)
                learner = built.learner(known, np.random.default_rng(0))
                X = learner.ask()
                assert X is not None
                assert len(X) <= 20_000
                if len(X) <= 100:
                    learner.tell(X, oracle.ask(X))
                    learner.ask()
                assert tracemalloc.get_traced_memory()[1] < 100e6
                return
            except mex.Incompatible:
                continue
            finally:
                tracemalloc.stop()
    pytest.skip(f"{attack} works on none of these")
