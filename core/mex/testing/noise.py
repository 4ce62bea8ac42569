"""What a defense promises about its noise: its bound, that it stays where it is to stay, and that nothing tells."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from mex.dataset import Rows
from mex.target import Target
from mex.toolkit.perturbation.rules import DecisionRule, trial_rows
from mex.types import Array, FloatArray

LABELS = 2500
"""Rows whose labels are compared with those of f*."""
TRIALS, SUSPECTS = 24, 0.05
"""Defenses with a stream each that a bound is tried on; and the share of rows, those wrong most often in a third of
them, that it is tried on once more in the others."""
NOISELESS = (1, 2, 3)
"""Streams with which no label may be wrong, where none is declared to be: no chance is allowed for."""
ROWS = 400
"""Rows of each trial."""
DEVIATIONS = 5.0
"""Standard errors of what was measured that a bound may be exceeded by: by chance once in millions."""
OTHERS, BATCH = 10_000, 500
"""Other rows that sticky noise is asked in between, and how many at once."""
TELLING, FEWEST = 0.9, 5
"""The share of changed labels, of at least so many, that may not be read off the probabilities beside them."""


class Protected(Protocol):
    """Protects a target with the defense under test, by default the one of the test, with a stream of a seed."""

    def __call__(self, behind: Target = ..., seed: int = ...) -> Target: ...


def alike(a: Array, b: Array) -> bool:
    """Equal, but for the last digits that a matrix product may round otherwise for one row."""
    if a.dtype.kind == "f" and a.shape == b.shape:
        return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12))
    return np.array_equal(a, b)


def check_sticky(protected: Protected, X: FloatArray) -> None:
    """Check that a defense whose noise is to be sticky gives the same row the same answer, whatever is asked between.

    Raises:
        AssertionError: with the first row that is answered otherwise.
    """
    shown, rng = protected(), np.random.default_rng(2)
    for kind in shown.answers:
        before = shown.answer(X, kind)
        for _ in range(0, OTHERS, BATCH):
            others = shown.domain.sample(BATCH, rng)
            shown.admit(others.copy())
            shown.answer(others, kind)
        after = shown.answer(X[::-1], kind)[::-1]
        changed = [i for i in range(len(X)) if not alike(before[i : i + 1], after[i : i + 1])]
        if changed:
            i = changed[0]
            raise AssertionError(
                f"sticky: {kind} of row {i} was {before[i]}, and is {after[i]} after {OTHERS} others: derive noise from"
                " the row and a key alone (mex.toolkit.perturbation.draws.Draws), not from a counter"
            )


def check_labels_beside(protected: Protected, target: Target, train: Rows) -> None:
    """Check that the probabilities shown beside a changed label do not tell that it was changed.

    Raises:
        AssertionError: if f*'s own decision rule reads f*'s label off nine in ten of them.
    """
    shown = protected()
    if shown.classes is None or not {"label", "proba"} <= {*shown.answers} & {*target.answers}:
        return
    rng = np.random.default_rng(3)
    X, (rule, _) = trial_rows(target, train, rng)[-LABELS:], DecisionRule.of(target, train, rng)
    truth = target.answer(X, "label")
    changed = shown.answer(X, "label") != truth
    told = shown.classes[rule(protected().answer(X, "proba"))] == truth
    telling = np.mean(told[changed]) if changed.any() else 0.0
    assert changed.sum() < FEWEST or telling < TELLING, (
        f"{changed.sum()} labels are changed, and the probabilities beside {telling:.0%} of them still say what f*"
        " says: show labels only, or change the probabilities and let the label follow (DefendedOutput)"
    )


def check_rho(protected: Protected, target: Target, train: Rows) -> None:
    """Check that labels are wrong no more often than the declared bound says, over all rows and where it is worst.

    Raises:
        AssertionError: if more are than chance explains.
    """
    shown = protected()
    rho = shown.rho
    if rho is None or target.rho != 0 or "label" not in target.answers or "label" not in shown.answers:
        return
    assert 0 <= rho <= 1, f"rho must be a probability, or None where no bound is known, not {rho}"
    X = trial_rows(target, train, np.random.default_rng(4))[-LABELS:]
    if rho == 0:
        for seed in NOISELESS:
            others = int(np.sum(protected(seed=seed).answer(X, "label") != target.answer(X, "label")))
            assert not others, (
                f"it declares rho = 0, and {others} of {len(X)} labels are not f*'s: declare a bound, or None"
            )
        return
    X = X[-ROWS:]
    truth = target.answer(X, "label")
    trials = np.array([protected(seed=seed).answer(X, "label") != truth for seed in range(TRIALS)])
    first, later = trials[: TRIALS // 3], trials[TRIALS // 3 :]
    worst = np.argsort(-first.mean(axis=0), kind="stable")[: max(1, int(SUSPECTS * len(X)))]
    for where, wrong in (("of all rows", trials), ("where it is worst", later[:, worst])):
        share = wrong.mean(axis=1)
        error = float(share.std(ddof=1)) / np.sqrt(len(share))
        assert share.mean() - rho <= DEVIATIONS * error + 1e-12, (
            f"it declares rho = {rho:g}, and {share.mean():.1%} of labels {where} are wrong (give or take {error:.1%}):"
            " declare the largest probability over all rows, that of the defenses behind included, or None"
        )
