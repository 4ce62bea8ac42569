"""ART's output defenses (postprocessors) in front of any model with probabilities."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

import attrs
import numpy as np

from mex import Defended, Incompatible, Scope, Target
from mex.dataset import Rows
from mex.params import above, boolean, doc, whole
from mex.toolkit.outside import GlobalRandom
from mex.types import Answer, Array, FloatArray

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of each framework that is not installed
    from art.defences import postprocessor

Postprocessor: TypeAlias = Callable[[FloatArray], FloatArray]


@attrs.frozen(kw_only=True)
class Postprocessed:
    """A base of ART's output defenses, which show probabilities only; a label is the most probable class."""

    as_is: bool = attrs.field(
        default=False,
        validator=boolean(),
        metadata=doc("as ART does it; otherwise each row by itself, drawn from the defense's generator, summing to 1"),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "Nicolae et al. 2018, Adversarial Robustness Toolbox v1.0.0"

    @abstractmethod
    def postprocessor(self) -> Postprocessor:
        """ART's defense."""

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target that shows what ART makes of the probabilities; needs some."""
        if "proba" not in target.answers:
            raise Incompatible(f"ART changes probabilities, and this interface gives {' and '.join(target.answers)}")
        return _AsIs(target, self.postprocessor()) if self.as_is else _Mended(target, self.postprocessor(), rng)


@attrs.frozen(kw_only=True)
class ClassLabels(Postprocessed):
    """Show 1 for the most probable class and 0 for the others."""

    def postprocessor(self) -> Postprocessor:
        return postprocessor.ClassLabels()  # type: ignore[no-any-return]


@attrs.frozen(kw_only=True)
class GaussianNoise(Postprocessed):
    """Add Gaussian noise to the probabilities."""

    scale: float = attrs.field(default=0.2, validator=above(0), metadata=doc("standard deviation of the noise"))

    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 5.1"

    def postprocessor(self) -> Postprocessor:
        return postprocessor.GaussianNoise(scale=self.scale)  # type: ignore[no-any-return]


@attrs.frozen(kw_only=True)
class HighConfidence(Postprocessed):
    """Show 0 instead of small probabilities."""

    cutoff: float = attrs.field(default=0.25, validator=above(0), metadata=doc("the least that is shown"))

    paper: ClassVar[str] = "Tramèr et al. 2016, Section 7"

    def postprocessor(self) -> Postprocessor:
        return postprocessor.HighConfidence(cutoff=self.cutoff)  # type: ignore[no-any-return]


@attrs.frozen(kw_only=True)
class ReverseSigmoid(Postprocessed):
    """Subtract from each probability a reversed sigmoid of its log-odds."""

    beta: float = attrs.field(default=1.0, validator=above(0), metadata=doc("magnitude"))
    gamma: float = attrs.field(default=0.1, validator=above(0), metadata=doc("slope"))

    paper: ClassVar[str] = "Lee et al. 2018, Defending Against Model Stealing Attacks Using Deceptive Perturbations"

    def postprocessor(self) -> Postprocessor:
        return postprocessor.ReverseSigmoid(beta=self.beta, gamma=self.gamma)  # type: ignore[no-any-return]


@attrs.frozen(kw_only=True)
class Rounded(Postprocessed):
    """Round the probabilities."""

    decimals: int = attrs.field(default=3, validator=whole(1), metadata=doc("digits that stay"))

    paper: ClassVar[str] = "Tramèr et al. 2016, Section 7"

    def postprocessor(self) -> Postprocessor:
        return postprocessor.Rounded(decimals=self.decimals)  # type: ignore[no-any-return]


class _AsIs(Defended):
    """What ART answers, for a batch as a whole."""

    def __init__(self, target: Target, postprocessor: Postprocessor) -> None:
        super().__init__(target)
        self._postprocessor = postprocessor

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Probabilities only: ART's classifiers have no other answer."""
        return ("proba",)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._postprocessor(np.array(self._target.answer(X, kind), dtype=np.float64))


class _Mended(_AsIs):
    """The same as an interface promises it: rows one by one, repeatable draws, probabilities that sum to 1."""

    def __init__(self, target: Target, postprocessor: Postprocessor, rng: np.random.Generator) -> None:
        super().__init__(target, postprocessor)
        self._random = GlobalRandom(rng)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        P: Any = np.array(self._target.answer(X, kind), dtype=np.float64)
        with self._random, np.errstate(invalid="ignore", divide="ignore"):
            Q = np.concatenate([self._postprocessor(row[None]) for row in P])
        Q = np.clip(np.nan_to_num(Q), 0.0, None)
        Q = np.where(Q.any(axis=1, keepdims=True), Q, 1.0)  # nothing is left: every class is as probable
        return np.asarray(Q / Q.sum(axis=1, keepdims=True))
