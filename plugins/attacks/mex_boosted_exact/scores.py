"""From answers to scores that are sums over trees, and back; and how far rounding may have moved each score."""

from __future__ import annotations

import attrs
import numpy as np
from scipy.special import expit, softmax

from mex.knowledge import Knowledge
from mex.toolkit.checking.readings import DECIMALS, FEW
from mex.types import Array, FloatArray

SUM64, SUM32 = 3e-14, 1.2e-6
"""What the rounding of a sum over some hundred trees may add up to, as a share of its size, in float64 and float32."""
UNIT64, UNIT32 = 2.3e-16, 1.2e-7
"""The relative rounding of one number."""
LEAST64, LEAST32 = 1e-300, 2e-38
"""The least number of which that holds, about; no logarithm is told of smaller ones."""
COUNTS = 3
"""With fewer decimals the probabilities of a forest may be shares of its trees."""
NONE, MUTE = 1e6, 1e5
"""The largest score; and the rounding beyond which an answer says nothing of it but its sign: 0 and 1 as probabilities.
"""
EXPONENTIAL = ("poisson", "gamma", "tweedie", "survival:")
"""Losses whose values are exponentials of a sum over trees."""
LOGISTIC = ("logistic", "cross_entropy", "xentropy")
"""Losses whose values are probabilities."""


@attrs.define(eq=False)
class Scores:
    """The scores of answers: ``value`` or ``mean`` as they are, ``log`` of values, ``logit`` of shares.

    Of several classes the score is a random combination of the logarithms of their probabilities, with weights that
    sum to 0, so that the normalisation cancels; it has the steps of the trees of all classes.

    Attributes:
        link: which of the four.
        weights: of the outputs, shape (k,).
        decimals: to how many decimals the answers are rounded; None if they are not.
        single: whether they are float32 numbers.
        size: the largest score that was seen.
        rounded: whether answers of few decimals are taken for rounded; those of one tree are few numbers anyway.
    """

    link: str
    weights: FloatArray
    decimals: int | None = None
    single: bool = False
    size: float = 0.0
    rounded: bool = True

    @classmethod
    def of(cls, known: Knowledge, rng: np.random.Generator) -> Scores:
        """Those of an interface: boosters, also of forests, add up log-odds, other forests probabilities."""
        public, several = known.family.public, known.family.kind != "tree"
        losses = [str(public[name]).lower() for name in ("objective", "loss", "loss_function") if public.get(name)]
        if known.classes is None:
            links = (("log", EXPONENTIAL), ("logit", LOGISTIC))
            told = [link for link, words in links if any(word in loss for loss in losses for word in words)]
            told += ["log"] * (public.get("link") == "log")
            return cls(told[0] if told else "value", np.ones(1), rounded=several)
        adds_log_odds = known.family.kind == "boosted" or "learning_rate" in public  # also forests of boosters
        link = "logit" if adds_log_odds or public.get("link") == "logit" else "mean"
        if len(known.classes) == 2:
            return cls(link, np.ones(1), rounded=several)
        weights = rng.standard_normal(len(known.classes))
        return cls(link, weights - weights.mean(), rounded=several)

    def learn(self, answers: Array) -> None:
        """Find out from some answers how they are rounded."""
        told = np.unique(answers)
        if len(told) >= FEW:
            rounded = next((k for k in DECIMALS if np.allclose(told, np.round(told, k), rtol=0, atol=1e-12)), None)
            counted = self.link == "mean" and rounded is not None and rounded < COUNTS
            self.decimals = rounded if self.rounded and not counted else None
            self.single = bool(np.array_equal(told, told.astype(np.float32)))
        outputs, errors = self.outputs(answers)
        self.size = float(np.abs(outputs[errors < MUTE]).max(initial=0.0))

    def __call__(self, answers: Array) -> tuple[FloatArray, FloatArray]:
        """Scores and the bounds of their rounding, shape (n,) each."""
        outputs, errors = self.outputs(answers)
        return outputs @ self.weights, errors @ np.abs(self.weights)

    def outputs(self, answers: Array) -> tuple[FloatArray, FloatArray]:
        """What is summed over trees, shape (n, k), one column for two classes, and the bounds of its rounding.

        Of a probability of 0 or 1 these are all scores beyond some number.
        """
        answers = np.asarray(answers, dtype=np.float64)
        told = answers[:, None] if answers.ndim == 1 else answers
        told = told[:, 1:] if told.shape[1] == 2 else told
        unit, total, least = (UNIT32, SUM32, LEAST32) if self.single else (UNIT64, SUM64, LEAST64)
        off = unit * np.abs(told)
        if self.decimals is not None:
            off = off + 0.51 * 10.0**-self.decimals
        if self.link in ("value", "mean"):
            return told, off + total * np.maximum(np.abs(told), self.size)
        if told.shape[1] > 1 or self.link == "log":
            out, slope, mute = _log(told), 1 / np.maximum(told, least), told < least
        else:
            off = np.where(told > 0.5, unit, off) if self.decimals is None else off
            rest, near = 1 - told, np.minimum(told, 1 - told)
            out, slope, mute = _log(told) - _log(rest), 2 / np.maximum(told * rest, least), near < least
        errors = off * slope + total * np.maximum(np.abs(out), self.size)
        mute |= errors > MUTE
        if self.link == "logit" and told.shape[1] == 1:
            bound = -np.log(np.where(told > 0.5, np.maximum(off, unit), np.maximum(off, least)))
            out = np.where(mute, np.sign(told - 0.5) * (NONE + bound) / 2, out)
            return out, np.where(mute, (NONE - bound) / 2, errors)
        return out, np.where(mute, NONE, errors)


def answers_of(link: str, outputs: FloatArray) -> FloatArray:
    """The values, shape (n,), or probabilities, shape (n, classes), that outputs stand for."""
    if link in ("value", "log"):
        return np.exp(outputs[:, 0]) if link == "log" else outputs[:, 0]
    if outputs.shape[1] == 1:
        p = expit(outputs) if link == "logit" else outputs
        return np.hstack([1 - p, p])
    return np.asarray(softmax(outputs, axis=1)) if link == "logit" else outputs


def _log(values: FloatArray) -> FloatArray:
    return np.log(np.maximum(values, LEAST64))
