"""Whether a hypothesis is wrong more often than noise explains, by rows that were asked to find out."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import binom

from mex.knowledge import Knowledge
from mex.toolkit.checking.readings import Told, differ, resolution
from mex.toolkit.checking.rows import clear
from mex.types import Estimator

CHANCE = 0.01
"""How improbable the errors of a right hypothesis have to be before it counts as wrong."""
EXACT = 1e-7
"""How far a value that claims to be exact may be off, as a share of the largest, for the rounding of a solution."""
MATERIAL = 0.05
"""How far a value may be off that makes no such claim, in standard deviations of the values."""


def errors(
    hypothesis: Estimator, check: Told, transcript: Told, known: Knowledge, eps: float, exact: bool
) -> tuple[int, int]:
    """On how many of the rows of a check a hypothesis is wrong, and how many there are that tell.

    Args:
        hypothesis: what an attack would hand over.
        check, transcript: rows asked for the check and for the attack, and what was told.
        known: what the attacker knows.
        eps: the geometric error that a linear hypothesis allows itself: rows nearer to its boundary tell nothing.
        exact: whether values claim to be exact.
    """
    wrong = differ(
        hypothesis, check.X, check.told, 0.0 if check.labels else _tolerance(check, transcript, known, exact)
    )
    if check.labels:
        wrong = wrong[clear(hypothesis, check.X, known.domain, eps)]
    return int(wrong.sum()), len(wrong)


def objection(wrong: int, n: int, hypothesis: Estimator, transcript: Told, known: Knowledge, tolerated: float) -> str:
    """A sentence if a hypothesis was wrong at more of ``n`` rows than its attack tolerates or noise explains."""
    expected = max(tolerated, _noise(hypothesis, transcript, known))
    if wrong == 0 or binom.sf(wrong - 1, n, expected) >= CHANCE:
        return ""
    more = f", more than rho = {known.rho:.2g} explains" if known.rho else ""
    return f"done, but wrong at {wrong} of {n} points of its own check{more}"


def _tolerance(check: Told, transcript: Told, known: Knowledge, exact: bool) -> float:
    values = np.concatenate([transcript.told, check.told])
    if not exact or known.rho != 0:
        return MATERIAL * float(values.std())
    return 2 * resolution(values) + EXACT * float(np.abs(values).max(initial=0.0))


def _noise(hypothesis: Estimator, transcript: Told, known: Knowledge) -> float:
    """The share of answers that may be wrong; where it is not known, of those that disagree with the hypothesis."""
    if known.rho is not None or not transcript.labels:
        return known.rho or 0.0
    n = max(len(transcript.told), 1)
    share = float(differ(hypothesis, transcript.X, transcript.told, 0.0).sum()) / n
    return min(share + 2 * math.sqrt(share * (1 - share) / n), 0.5)
