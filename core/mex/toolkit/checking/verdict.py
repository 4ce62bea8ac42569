"""Whether a hypothesis is wrong more often than noise explains, by rows that were asked to find out."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import binom

from mex.knowledge import Knowledge
from mex.toolkit.checking.readings import Told, resolution
from mex.toolkit.checking.rows import clear
from mex.types import BoolArray, Estimator

CHANCE = 0.01
"""How improbable the errors of a right hypothesis have to be before it counts as wrong."""
WELL = 10
"""How many times farther from the boundary than rows of a check the answers of an attack have to be to tell."""
EXACT = 1e-7
"""How far a value that claims to be exact may be off, as a share of the largest, for the rounding of a solution."""
SUSPECT, CONTRADICTED = 0.2, 0.02
"""How improbable errors on rows of a check, and answers that contradict a hypothesis, have to be for a suspicion."""
UNTOLD = 0.5
"""The former, where the share of wrong labels is not known: it is taken from the answers to the attack, which that had
a choice of halfspaces to fit to."""
GROSS = 0.1
"""The share of wrong labels that passes before the end."""
MATERIAL = 0.05
"""How far a value may be off that makes no such claim, in standard deviations; and the share of its labels."""


def verdict(
    hypothesis: Estimator,
    check: Told,
    transcript: Told,
    known: Knowledge,
    *,
    eps: float,
    tolerated: float,
    exact: bool,
) -> tuple[bool, str]:
    """Whether a hypothesis is suspected to be wrong, and a sentence if it is on more rows than noise explains.

    It is also one if the hypothesis contradicts more of the answers to the attack, at rows well away from its boundary.
    One wrong row is a suspicion; where labels may be wrong, so many that chance hardly explains them: by their share,
    or if that is not known by the share of the answers to the attack that the hypothesis contradicts.

    Args:
        hypothesis: what an attack would hand over when it is done.
        check, transcript: rows asked for the check and for the attack, all complete, and what was told.
        known: what the attacker knows.
        eps: the error that the hypothesis allows itself (:func:`.rows.clear`); nearer to its boundary no row counts.
        tolerated: the share of rows that the attack tolerates to be wrong.
        exact: whether the hypothesis claims to be.
    """
    expected = max(tolerated if exact else MATERIAL, _noise(hypothesis, transcript, known))
    more = f", more than rho = {known.rho:.2g} explains" if known.rho else ""
    tolerance = 0.0 if check.labels else _tolerance(check, transcript, known, exact)
    missed = check.missed(hypothesis, tolerance)[clear(hypothesis, check.X, known.domain, eps)]
    wrong, noise = int(missed.sum()), _contradicted(hypothesis, transcript) if known.rho is None else known.rho
    suspected = _improbable(missed, noise, UNTOLD if known.rho is None else SUSPECT)
    if _improbable(missed, expected):
        return suspected, f"done, but wrong at {wrong} of {len(missed)} points of its own check{more}"
    if transcript.labels:
        contradicted = transcript.missed(hypothesis)
        suspected |= known.rho not in (None, 0) and _improbable(contradicted, noise, CONTRADICTED)
        told = contradicted[clear(hypothesis, transcript.X, known.domain, WELL * eps)]
        if _improbable(told, expected):
            return suspected, f"done, but {int(told.sum())} of {len(told)} answers contradict what it found{more}"
    return suspected, ""


def verdict_before_the_end(hypothesis: Estimator, natural: Told, known: Knowledge) -> str:
    """A sentence if a hypothesis that the budget cut, though it is settled, is grossly wrong on rows like the data."""
    missed = natural.missed(hypothesis)
    if not natural.labels or not _improbable(missed, max(GROSS, GROSS if known.rho is None else known.rho)):
        return ""
    return f"ended by the budget, and wrong at {int(missed.sum())} of {len(missed)} points of its own check"


def _improbable(missed: BoolArray, expected: float, chance: float = CHANCE) -> bool:
    wrong = int(missed.sum())
    return wrong > 0 and bool(binom.sf(wrong - 1, len(missed), expected) < chance)


def _tolerance(check: Told, transcript: Told, known: Knowledge, exact: bool) -> float:
    values = np.concatenate([transcript.told, check.told])
    if not exact or known.rho != 0:
        return MATERIAL * float(values.std())
    return 2 * resolution(values) + EXACT * float(np.abs(values).max(initial=0.0))


def _noise(hypothesis: Estimator, transcript: Told, known: Knowledge) -> float:
    """The share of answers that may be wrong; where it is not known, of those that disagree with the hypothesis."""
    if known.rho is not None or not transcript.labels:
        return known.rho or 0.0
    n, share = max(len(transcript), 1), _contradicted(hypothesis, transcript)
    return min(share + 2 * math.sqrt(share * (1 - share) / n), 0.5)


def _contradicted(hypothesis: Estimator, transcript: Told) -> float:
    """The share of answers of labels that disagree with the hypothesis."""
    return float(transcript.missed(hypothesis).sum()) / max(len(transcript), 1) if transcript.labels else 0.0
