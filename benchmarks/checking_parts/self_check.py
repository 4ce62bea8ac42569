"""Whether attacks find out that a target is not what they take it for, and accuse none that is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from checking_parts.targets import ATTACKS, Case, cases
from threadpoolctl import threadpool_limits

import mex
from mex.learner import predictions
from mex.target import labels
from mex.toolkit.active.samplers import between_rows
from mex.toolkit.checking.learner import SelfChecked
from mex.toolkit.metrics import agreement

REGISTRY = mex.load_registry()
BUDGET, POINTS = 3000, 2000
WRONG = 0.95
"""An own hypothesis that agrees less than this on near or on uniform points is wrong."""


@attrs.frozen
class Outcome:
    """What an attack got and said: agreements on near and uniform points, the lesser of the two."""

    own: float
    handed_over: float
    stopped: str
    said: bool
    checked: int
    queries: int


def steal(attack: str, case: Case, seed: int) -> Outcome:
    """Run one attack, and measure its own hypothesis beside the one that it hands over."""
    oracle = mex.Oracle(case.target, answers=case.answers, budget=BUDGET)
    rng = np.random.default_rng(seed)
    learner = REGISTRY.build("attack", attack).learner(oracle.knowledge(pool=case.pool), rng)
    assert isinstance(learner, SelfChecked)
    stolen = mex.extract(oracle, learner, snapshots=False)
    said = "of its own check" in stolen.note or "contradict" in stolen.note or "not exactly those" in stolen.note
    own, handed_over = (_score(case, hypothesis) for hypothesis in (learner.inner.hypothesis(), stolen.hypothesis))
    return Outcome(
        own, handed_over, stolen.stopped, said or "are rounded" in stolen.note, learner.checked, stolen.queries
    )


def _score(case: Case, hypothesis: Any) -> float:
    truth, rng = case.truth, np.random.default_rng(9)
    crossover = truth.family.axis_parallel
    near = between_rows(case.held_out, truth.domain, POINTS, rng, crossover=crossover)
    scores = []
    for X in (near, truth.domain.sample(POINTS, rng)):
        theirs = predictions(hypothesis, X, truth.classes)
        scores.append(agreement(theirs, labels(truth, X), truth.classes is None))
    return float(min(scores))


def self_check(times: int) -> None:
    """Targets not of the declared class: missed; targets that are: accused; and the share of queries for the check."""
    print(f"{'':34s}{'not of the class':^44s}  {'of the class':^24s}")
    columns = ("targets", "wrong", "missed", "own", "handed over"), ("targets", "accused", "queries")
    print(f"{'attack':34s}" + "".join(f"{c:>9s}" for c in columns[0][:4]) + f"{columns[0][4]:>13s}", end="")
    print("".join(f"{c:>9s}" for c in columns[1]))
    totals = np.zeros(4, dtype=int)
    for name, targets in ATTACKS.items():
        totals += _line(name, targets, times)
    wrong_targets, missed, right_targets, accused = totals
    print(f"\nmissed {missed} of {wrong_targets}, accused {accused} of {right_targets}")


def _line(name: str, targets: Callable[[int, bool], Case], times: int) -> Any:
    attack = name.partition(", ")[0]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrong = [steal(attack, case, seed) for seed, case in cases(targets, times, right=False)]
        right = [steal(attack, case, seed) for seed, case in cases(targets, times, right=True)]
    off = [o for o in wrong if o.own < WRONG and o.stopped == "done"]
    missed = [o for o in off if not o.said and o.handed_over < WRONG]
    accused = sum(o.said for o in right)
    own, handed_over = (np.mean([getattr(o, part) for o in off]) if off else np.nan for part in ("own", "handed_over"))
    share = sum(o.checked for o in right) / sum(o.queries - o.checked for o in right)
    print(
        f"{name:34s}{len(wrong):9d}{len(off):9d}{len(missed):9d}{own:9.2f}{handed_over:13.2f}"
        f"{len(right):9d}{accused:9d}{share:+9.1%}",
        flush=True,
    )
    return np.array([len(wrong), len(missed), len(right), accused])
