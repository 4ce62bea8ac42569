"""Models fitted to the transcript of an attack: what it hands over while its own hypothesis is worth less."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.checking.candidates import Candidate, Sample, candidates
from mex.toolkit.checking.readings import Told
from mex.types import Estimator, FloatArray

FOLDS = 3
COMPARED = 1000
"""Rows that models are compared on at most, by cross-validation."""
TELLING = 20
"""With fewer rows like the data not even the commonest label is known."""
FEW = 150
"""With fewer rows like the data a forest is taken for a class of trees, unless another model is surely better."""
WORTH = 4
"""How many rows like the data all others count for when models are compared."""


@attrs.frozen
class BestFit:
    """A way to fit a model, and what such a model is worth on rows that it was not fitted to.

    Attributes:
        candidate: the way, and
        sample: all rows, to fit it to where it is handed over.
        losses: of each row like the data, shape (n,): 1 if its label is wrong, or the square of how far a value is off.
        mean: that of all other rows, in the mean.
        constant: whether it answers all rows alike.
    """

    candidate: Candidate
    sample: Sample
    losses: FloatArray
    mean: float
    constant: bool

    def model(self) -> Estimator:
        """The estimator, fitted now."""
        with _unconverged():
            return self.candidate(self.sample)


def best_fit(natural: Told, others: Told, known: Knowledge, seed: int, *, any_class: bool = False) -> BestFit:
    """The model of the public class that fits the answers best, or with ``any_class`` the best of several classes.

    It is chosen by cross-validation on all rows, where those like the data weigh most, and fitted to all of them or to
    these only. One of the models is the commonest label of these, or the mean; others have to be better than it by more
    than chance.

    Args:
        natural, others: rows like the data, and others, with what their answers told; one at least, all of
            them complete.
        known: what the attacker knows: the public class says which models are tried.
        seed: of what is random in a fit.
        any_class: the public class is not to be trusted.
    """
    told = natural + others
    sample = Sample(told.X, told.told, len(natural), not told.labels)
    with _unconverged():
        several = candidates(sample, known, seed, any_class=any_class)
        near, far = _losses(several, sample, seed)
        weight = far.copy()
        if sample.natural:
            weight[-1] = far[:-1].min()  # rows chosen to part labels say nothing of the commonest one
        best = int(np.argmin(near.sum(axis=1) + WORTH * weight))
        few = known.family.axis_parallel and not any_class and sample.natural < FEW
        if few and not surely_better(near[best], near[0]):
            best = 0  # of trees a forest varies least
        if not surely_better(near[best], near[-1], 0.5):
            best = len(several) - 1
        return BestFit(several[best], sample, near[best], float(far[best]), best == len(several) - 1)


@contextmanager
def _unconverged() -> Iterator[None]:
    """Say nothing of a fit that does not converge: it is only as good as it predicts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def surely_better(losses: FloatArray, others: FloatArray, errors: float = 1.0) -> bool:
    """Whether losses are less than others of the same rows by standard errors of the difference, or not told apart."""
    gain = others - losses
    return len(gain) < TELLING or bool(gain.sum() >= errors * math.sqrt(float((gain**2).sum())))


def _losses(several: Sequence[Candidate], sample: Sample, seed: int) -> tuple[FloatArray, FloatArray]:
    """Of each candidate its losses on rows like the data, shape (candidates, n), and the mean on others, on trial."""
    order = np.random.default_rng(seed).permutation(np.arange(sample.natural, len(sample.y)))
    rows = np.concatenate([np.arange(sample.natural), order[:COMPARED]])
    near, far = np.zeros((len(several), sample.natural)), np.zeros(len(several))
    for fold in range(min(FOLDS, len(rows)) if len(rows) > 1 else 0):
        held, kept = sample.take(np.sort(rows[fold::FOLDS])), sample.take(np.sort(np.delete(rows, np.s_[fold::FOLDS])))
        for i, candidate in enumerate(several):
            try:
                losses = held.losses(candidate(kept).predict(held.X))
            except Exception:  # a public class may need more rows than there are, or the user's own code fails
                losses = np.full(len(held.y), np.inf)
            near[i, rows[fold::FOLDS][: held.natural]] = losses[: held.natural]
            far[i] += losses[held.natural :].sum() / max(len(rows) - sample.natural, 1)
    return near, far
