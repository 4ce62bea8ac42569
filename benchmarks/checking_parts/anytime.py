"""What attacks hand over when a budget cuts them, beside passive learning with the same budget."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.scenarios import Scene, set_scene
from mex.registry.spec import Spec
from mex.types import Answer, stream

REGISTRY = mex.load_registry()
OPTIONS = argparse.ArgumentParser(add_help=False)
OPTIONS.add_argument("--out", type=Path, metavar="FILE", help="anytime: keep each line there, and go on from there")
SHARES = (1 / 8, 1 / 4, 1 / 2)
MOST = 2000
"""The budget of an attack that does not end by itself."""
ON_HALFSPACES = ("pivot", "dimension-coupling", "version-space", "lowd-meek", "averaging", "probit", "margin")
CASES: tuple[tuple[str, str, str, Answer], ...] = (
    *((attack, "logistic", "breast-cancer", "label") for attack in (*ON_HALFSPACES, "selective-sampling:stream=1000")),
    *(("pivot", "logistic", data, "label") for data in ("german-credit", "adult")),
    ("disagreement", "logistic", "breast-cancer", "label"),
    ("equation-solving", "logistic", "adult", "proba"),
    ("tree-labels", "decision-tree", "breast-cancer", "label"),
    ("threshold-cart", "decision-tree", "breast-cancer", "label"),
    ("iwal-tree", "decision-tree", "breast-cancer", "label"),
    ("tree-structure", "decision-tree", "spambase", "leaf"),
    ("path-finding", "decision-tree", "breast-cancer", "leaf"),
    ("flip-search", "random-forest", "breast-cancer", "label"),
    ("boosted-surrogate", "boosted-trees", "breast-cancer", "proba"),
    ("boosted-exact", "boosted-trees:trees=10", "breast-cancer", "proba"),
    ("query-by-committee", "random-forest", "breast-cancer", "label"),
    ("stump-scan", "boosted-trees:max_depth=1", "diabetes", "value"),
    ("active-regression", "kernel-ridge", "diabetes", "value"),
    ("kushilevitz-mansour", "boolean-tree", "boolean", "label"),
    *(
        (attack, "kernel-svm", "breast-cancer", "label")
        for attack in ("dual-space", "margin-points", "adaptive-retraining", "extended-adaptive-training")
    ),
    ("boundary-search", "kernel-svm", "breast-cancer", "label"),
)


def anytime(times: int) -> None:
    """Agreement on held-out rows after 1/8, 1/4, 1/2 and all of the queries, and that of passive with as many."""
    seeds = range(max(1, times // 10))
    print(f"{'attack':28s}{'model and dataset':34s}{'queries':>8s}{'majority':>9s}", end="")
    print("".join(f"{name:>14s}" for name in ("1/8", "1/4", "1/2", "all")))
    for case in CASES:
        name = f"{case[0]:28s}{f'{case[1]}, {case[2]}':34s}"
        try:
            mean = np.mean([_kept(*case, seed) for seed in seeds], axis=0)
        except mex.MexError as reason:
            print(f"{name}{reason}", flush=True)
            continue
        cells = "".join(f"{own:8.2f} {passive:4.2f} " for own, passive in zip(mean[2::2], mean[3::2], strict=True))
        print(f"{name}{mean[0]:8.0f}{mean[1]:9.2f}{cells}", flush=True)


def _kept(attack: str, model: str, data: str, answers: Answer, seed: int) -> list[float]:
    """What :func:`_run` returns, from the file of :data:`OPTIONS` if it is kept there."""
    file: Path | None = OPTIONS.parse_known_args()[0].out
    key = json.dumps([attack, model, data, answers, seed])
    lines = file.read_text().splitlines() if file and file.exists() else []
    done = dict(line.split("\t") for line in lines)
    if key in done:
        return list(json.loads(done[key]))
    row = _run(attack, model, data, answers, seed)
    if file:
        with file.open("a") as kept:
            kept.write(f"{key}\t{json.dumps(row)}\n")
    return row


def _run(attack: str, model: str, data: str, answers: Answer, seed: int) -> list[float]:
    """The queries to the end, the share of the commonest label, and agreements of the attack and of passive."""
    scene = set_scene(REGISTRY, Spec.parse(model), Spec.parse(data), seed)
    truth = scene.yardstick.answers["agreement"]
    majority = np.nan if scene.target.classes is None else np.unique(truth, return_counts=True)[1].max() / len(truth)
    agreement, queries = _steal(attack, scene, answers, MOST, seed)
    row = [float(queries), float(majority)]
    for share in SHARES:
        budget = max(1, int(share * queries))
        row += [_steal(attack, scene, answers, budget, seed)[0], _passive(scene, budget, seed)]
    return [*row, agreement, _passive(scene, queries, seed)]


def _passive(scene: Scene, budget: int, seed: int) -> float:
    answers: Answer = "value" if scene.target.classes is None else "label"
    return _steal("passive:sampler=near", scene, answers, budget, seed)[0]


def _steal(attack: str, scene: Scene, answers: Answer, budget: int, seed: int) -> tuple[float, int]:
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = mex.Oracle(scene.target, answers=answers, budget=budget)
        learner = REGISTRY.build("attack", attack).learner(oracle.knowledge(pool=scene.pool.X), stream(seed, "attack"))
        stolen = mex.extract(oracle, learner, snapshots=False)
        agreement = scene.yardstick.score(stolen.hypothesis)["agreement"]
    assert agreement is not None
    return agreement, stolen.queries
