"""Labels that are wrong with a constant probability."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Defended, Incompatible, Scope, Target
from mex.dataset import Rows
from mex.draws import Draws
from mex.params import between, boolean, doc
from mex.types import Answer, Array, FloatArray


@attrs.frozen(kw_only=True)
class BoundedNoise:
    """Answer a wrong label with probability rho, whatever the row.

    The data-independent randomisation of the paper's Section 5.1. Fresh noise is broken by asking
    again and taking the majority (Proposition 1) as long as rho < 1/2; sticky noise gives the same row
    the same answer for ever. With k > 2 classes each wrong label is equally likely. Only labels are
    given: a probability beside a flipped label would tell.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from mex import FittedTarget
    >>> X, y = load_iris(return_X_y=True)
    >>> target = FittedTarget.wrap(DecisionTreeClassifier(random_state=0).fit(X, y))
    >>> defended = BoundedNoise(rho=0.3).protect(target, Rows(X, y), np.random.default_rng(0))
    >>> float(np.mean(defended.answer(X, "label") != y).round(2))
    0.27
    """

    rho: float = attrs.field(
        default=0.1, validator=between(0, 1), metadata=doc("probability that a label is wrong; the paper's rho_D(f*)")
    )
    sticky: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("give the same row the same answer, keyed by a secret")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 5.1, equation 3 and Proposition 1"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target whose labels are noisy; the secret key is drawn from ``rng``."""
        if target.classes is None:
            raise Incompatible("bounded-noise flips labels, and a regressor has none")
        if "label" not in target.answers:
            raise Incompatible(f"bounded-noise flips labels, and this interface gives {' and '.join(target.answers)}")
        return _Noisy(target, self.rho, Draws(rng, sticky=self.sticky))


class _Noisy(Defended):
    def __init__(self, target: Target, rho: float, draws: Draws) -> None:
        super().__init__(target)
        self._rho, self._draws = rho, draws

    @property
    def answers(self) -> tuple[Answer, ...]:
        return ("label",)

    @property
    def rho(self) -> float | None:
        behind = self._target.rho
        return None if behind is None else 1 - (1 - behind) * (1 - self._rho)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        labels = self._target.answer(X, kind)
        classes = self._target.classes
        assert classes is not None
        # One uniform number per row decides both whether the label is wrong and which wrong label it is.
        u = self._draws.uniform(X)[:, 0]
        flipped = u < self._rho
        wrong = len(classes) - 1
        shift = 1 + np.minimum((u[flipped] / self._rho * wrong).astype(np.int64), wrong - 1)
        index = np.searchsorted(classes, labels[flipped])
        answers = labels.copy()
        answers[flipped] = classes[(index + shift) % len(classes)]
        return answers
