"""What learns the public class of a model from answers: the model itself, without anything that it has learned."""

from __future__ import annotations

from typing import Any

from mex.errors import Incompatible
from mex.types import Estimator, kind_of

__all__ = ["unfitted"]

UNTAUGHT = ("outlier_detector", "clusterer", "density_estimator", "transformer")
"""What learns from rows alone: given answers, it passes over them."""

WEIGHTS = ("state_dict", "get_weights")
"""What tells the weights of a network of PyTorch or Keras."""


def unfitted(model: Estimator) -> Estimator:
    """A copy of a model, of which no part has learned anything.

    ``sklearn.base.clone`` keeps a part that is frozen as it was fitted, and whoever learns with that has it for
    nothing. A model that was told to take its parts as they are fits them itself.

    >>> from sklearn.calibration import CalibratedClassifierCV
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import LogisticRegression
    >>> fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    >>> unfitted(CalibratedClassifierCV(FrozenEstimator(fitted)))
    CalibratedClassifierCV(estimator=LogisticRegression())

    Raises:
        Incompatible: if it does not learn from answers, or a part of it cannot be copied but as it was fitted.
        Exception: whatever its copying raises.
    """
    from sklearn.base import clone

    if kind_of(model) in UNTAUGHT:
        raise Incompatible(f"{type(model).__name__} does not learn from answers")
    copy = clone(_thawed(model))
    while frozen := [name for name, part in copy.get_params().items() if _is_frozen(part)]:
        name = min(frozen, key=len)
        copy.set_params(**{name: clone(_thawed(copy.get_params()[name]))})
    params, own = copy.get_params(), dict[str, Any]()
    for name, value in params.items():
        option = name.rpartition("__")[2]
        if not isinstance(value, type) and any(hasattr(value, method) for method in WEIGHTS):
            raise Incompatible(f"its {name} is a network, whose weights are copied with it")
        if option == "prefit":
            own[name] = False
        elif option == "cv" and isinstance(value, str) and value == "prefit":
            own |= {name: None} | {refit: True for refit in [f"{name[:-2]}refit"] if refit in params}
    return copy.set_params(**own)


def _thawed(part: Estimator) -> Estimator:
    """The estimator in one that keeps it frozen."""
    while _is_frozen(part):
        if not hasattr(part, "estimator"):
            raise Incompatible(f"{type(part).__name__} cannot be copied but as it was fitted")
        part = part.estimator
    return part


def _is_frozen(part: object) -> bool:
    """Whether something is an estimator that stays as it was fitted when it is copied."""
    from sklearn.base import clone

    return hasattr(part, "get_params") and not isinstance(part, type) and clone(part, safe=False) is part
