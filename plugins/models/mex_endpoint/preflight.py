"""What is asked before anything else: known rows, which show what the answers are and in which order the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mex import FittedTarget, UsageError
from mex.errors import MexError
from mex.types import Answer, Array, FloatArray

PROBES = 16
"""Known rows, at most, on which labels are compared with probabilities."""


def ask_known_rows(target: FittedTarget, X: FloatArray) -> None:
    """Ask known rows for each kind of answer; compare labels with probabilities where there are both.

    Raises:
        UsageError: if they are not answered as declared.
    """
    both = {"label", "proba"} <= set(target.answers)
    try:
        given: Mapping[Answer, Array] = {
            kind: target.answer(X[: PROBES if both else 1], kind) for kind in target.answers
        }
    except MexError as error:
        raise UsageError(f"the endpoint does not answer a row of its own table as declared: {error}") from None
    if both:
        assert target.classes is not None
        _compare(given["label"], given["proba"], target.classes)


def _compare(labels: Array, shares: Array, classes: Array) -> None:
    """The order of classes is never on the wire: labels tell it, also those of a threshold that was moved.

    Raises:
        UsageError: if the most probable class is another one than the label for most rows. Of two classes that both are
            seen as labels it decides which is more probable where it is the label.
    """
    likeliest = classes[np.argmax(shares, axis=1)]
    second = labels == classes[-1]
    if len(classes) == 2 and second.any() and not second.all():
        right = shares[second, 1].mean() > shares[~second, 1].mean()
    else:
        right = np.mean(likeliest == labels) >= 0.5
    if right:
        return
    order = _order(labels, shares, classes)
    hint = f"; classes={order} would suit" if order else ""
    differ = int((likeliest != labels).sum())
    raise UsageError(
        f"of {len(labels)} known rows {differ} have a label that is not the most probable class, or is less probable "
        f"there than elsewhere: is the order of classes that of the probabilities?{hint}; if the model has a threshold "
        "of its own, declare answers='label' or 'proba' alone"
    )


def _order(labels: Array, shares: Array, classes: Array) -> Sequence[Any] | None:
    """The order of classes that labels and probabilities show, if they show all but one."""
    if len(classes) == 2:
        return classes.tolist()[::-1]  # type: ignore[no-any-return]
    places: dict[int, Any] = {}
    for label, place in zip(labels.tolist(), np.argmax(shares, axis=1).tolist(), strict=True):
        if places.setdefault(place, label) != label:
            return None
    missing = [label for label in classes.tolist() if label not in places.values()]
    free = [place for place in range(len(classes)) if place not in places]
    if len(missing) > 1 or len(missing) != len(free):
        return None
    places |= dict(zip(free, missing, strict=True))
    return [places[place] for place in range(len(classes))]
