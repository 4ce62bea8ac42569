"""The baselines at their best: regularised as f* is, hard whatever the answers, and adapted to them."""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from defenses_parts.worth import written
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.scenarios import Scene, set_scene
from mex.registry.spec import Spec
from mex.types import Answer, Array, FloatArray, stream

REGISTRY = mex.load_registry()
BUDGETS = (32, 72, 132, 252, 512)
HELD_OUT = 2000
"""The most held-out rows that are compared."""
ATTACKS = ("passive:sampler=near,batch=4", "margin:sampler=near,batch=20,start=12")
HARD = {
    "logistic": "C=1000.0",
    "linear-svm": "C=1000.0",
    "kernel-svm": "C=1000.0",
    "decision-tree": "min_samples_leaf=10",
    "raw logistic": "C=1000.0",
}
"""Of each model what is fitted hard; a tree is grown by the others, so it is pruned. The last is a logistic regression
of features that are not scaled; what is fitted hard to its labels scales them."""
DATA = ("spambase", "adult", "german-credit", "wine", "four features")
RATES = {"0 %": (0.0, True), "10 %": (0.1, True), "20 %": (0.2, True), "20 % hidden": (0.2, False)}
"""The share of wrong labels, and whether it is declared."""
OPTIONS = argparse.ArgumentParser(add_help=False)
OPTIONS.add_argument("--only", default="", metavar="MODEL", help="baselines: of this model only")


def baselines(seeds: int) -> None:
    """Labels that are not f*'s, in percent of held-out rows, after so many queries, and CPU of all fits; the rule was
    chosen on other datasets."""
    print(f"{'model':15s}{'data':15s}{'wrong':>12s}  {'attack':8s}{'regularised':13s}", end="")
    print("".join(f"{budget:>8d}" for budget in BUDGETS) + f"{'mean':>8s}{'CPU s':>8s}")
    with tempfile.TemporaryDirectory() as directory, threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        features = f"csv:path={written(Path(directory))}"
        only = OPTIONS.parse_known_args()[0].only
        for model in [model for model in HARD if only in ("", model)]:
            for rate in RATES:
                for attack in ATTACKS:
                    _compare(model, {name: features if " " in name else name for name in DATA}, rate, attack, seeds)


def _compare(model: str, data: dict[str, str], rate: str, attack: str, seeds: int) -> None:
    hard = f"model={{use='{model.removeprefix('raw ')}', {HARD[model].replace('=', ' = ')}}}"
    variants = {"as f* is": "regularisation=public", HARD[model]: hard, "adapted": ""}
    total: dict[str, list[np.ndarray]] = {name: [] for name in variants}
    for name, dataset in data.items():
        if model == "kernel-svm" and name == "adult":
            continue  # its machine takes minutes to fit
        for variant, parameter in variants.items():
            rows = []
            for seed in range(seeds):
                scene = set_scene(REGISTRY, Spec.parse(model.removeprefix("raw ")), Spec.parse(dataset), seed)
                target = _raw(scene) if model.startswith("raw ") else scene.target
                spec = ",".join(filter(None, (attack, parameter)))
                rows.append(list(_measured(scene, target, spec, *RATES[rate], seed)))
            total[variant] += [np.array(row) for row in rows]
            _print(model, name, rate, attack, variant, rows)
    for variant, rows in total.items():
        _print(model, "all", rate, attack, variant, rows)


def _print(model: str, data: str, rate: str, attack: str, variant: str, rows: list) -> None:
    *errors, seconds = np.mean(rows, axis=0)
    shown = "".join(f"{100 * error:8.2f}" for error in (*errors, np.mean(errors)))
    print(f"{model:15s}{data:15s}{rate:>12s}  {attack.split(':')[0]:8s}{variant:13s}{shown}{seconds:8.2f}", flush=True)


class Hidden(mex.Defended):
    """A target whose noise nobody declares."""

    rho = None

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """As it is."""
        return self._target.answer(X, kind)


def _raw(scene: Scene) -> mex.FittedTarget:
    """A logistic regression of the same rows as they are."""
    model = LogisticRegression(max_iter=5000).fit(scene.train.X, scene.train.y)
    return mex.FittedTarget.wrap(model, domain=scene.target.domain, answers=("label",))


def _measured(
    scene: Scene, target: mex.FittedTarget, attack: str, rate: float, declared: bool, seed: int
) -> Iterator[float]:
    """The errors after each of the budgets, and the CPU seconds of the attack's own work."""
    defense = REGISTRY.build("defense", f"bounded-noise:rho={rate}" if rate else "none")
    X = scene.yardstick.points["agreement"][:HELD_OUT]
    truth = target.answer(X, "label")
    defended = defense.protect(target, scene.train, stream(seed, "defense"))
    oracle = mex.Oracle(defended if declared else Hidden(defended), answers="label", budget=BUDGETS[-1])
    learner = REGISTRY.build("attack", attack).learner(oracle.knowledge(pool=scene.pool.X), stream(seed, "attack"))
    spent = 0.0
    for budget in BUDGETS:
        began = time.process_time()
        while oracle.queries < budget:
            rows = learner.ask()
            learner.tell(rows, oracle.ask(rows))
        hypothesis = learner.hypothesis()
        spent += time.process_time() - began
        yield float(np.mean(hypothesis.predict(X) != truth))
    yield spent


PARTS = {"baselines": baselines}
