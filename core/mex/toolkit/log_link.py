"""Values that are exponential in scores: a learner of scores that is told their logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor

from mex.errors import Incompatible
from mex.knowledge import Knowledge
from mex.learner import Learner
from mex.types import Array, Estimator, FloatArray

LINKS = {"value": ("identity", "log", "log1p"), "proba": ("logit",)}
"""The public links with which answers of each kind tell scores, the usual one first."""
LEAST, MOST = 1e-300, 1e300
"""Between these the logarithm of a value is taken: what a defense made of it may be none of an exponential."""


def link_to(known: Knowledge, what: str = "equations") -> str:
    """The public link of a model; the usual one where none is declared, and the attack's check tells.

    Raises:
        Incompatible: if answers are not ``what`` behind it.
    """
    needed = LINKS[known.answers]
    link = str(known.family.public.get("link", needed[0]))
    if link not in needed:
        allowed = " or ".join(filter(None, (", ".join(needed[:-1]), needed[-1])))
        raise Incompatible(f"{known.answers} answers are {what} behind the link {allowed}, and this model's is {link}")
    return link


class LogValues:
    """A learner of scores before an interface that answers with exp(score), or exp(score) - 1.

    All else that it says of itself is what the learner says, such as its note.

    Args:
        learner: learns from scores, and hands over a regressor of them.
        link: ``log``, or ``log1p`` where 1 is taken off the exponential.
    """

    def __init__(self, learner: Learner, link: str) -> None:
        self._learner = learner
        self._less = float(link == "log1p")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._learner, name)

    def ask(self) -> FloatArray | None:
        """Return the rows that the learner asks."""
        return self._learner.ask()

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Tell it the logarithms of the answers, of those in float32 as float32: they are no more accurate."""
        scores = np.log(np.clip(answers + self._less, LEAST, MOST))
        single = np.array_equal(answers, np.asarray(answers, dtype=np.float32))
        self._learner.tell(X, scores.astype(np.float32).astype(np.float64) if single else scores)

    def hypothesis(self) -> Estimator:
        """Return its regressor, the exponential of whose values is predicted."""
        return exponential(self._learner.hypothesis(), self._less)


def exponential(regressor: Estimator, less: float = 0.0) -> TransformedTargetRegressor:
    """A fitted regressor of scores as one of exp(score), or of exp(score) - 1.

    >>> from sklearn.linear_model import LinearRegression
    >>> model = exponential(LinearRegression().fit([[0.0], [1.0]], [0.0, np.log(2.0)]))
    >>> model.predict([[2.0]]).round(9)
    array([4.])
    """
    func, inverse = (np.log1p, np.expm1) if less else (np.log, np.exp)
    shell = TransformedTargetRegressor(regressor, func=func, inverse_func=inverse, check_inverse=False)
    fitted = shell.fit(np.eye(2, regressor.n_features_in_), np.ones(2))
    fitted.regressor_ = regressor
    return fitted
