"""What answers inside a served estimator."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator

from mex.errors import Refused
from mex.target import Target, labels
from mex.types import Array, Estimator, FloatArray


class Server:
    """Answers one request at a time, for servers that run threads: all that a defense remembers is behind it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Target]:
        return {"target": self.target}  # a lock cannot be saved

    def __setstate__(self, state: dict[str, Target]) -> None:
        self.target, self._lock = state["target"], threading.Lock()

    def ask(self, X: FloatArray, proba: bool) -> Array:
        """Answer the rows of ``X``: probabilities, or labels or values; all of them or none.

        Raises:
            Refused: if a defense refuses some of them. All count for the defense.
        """
        with self._lock:
            admitted = self.target.admit(X.copy())
            if not admitted.all():
                raise Refused(f"a defense refuses {int((~admitted).sum())} of the {len(X)} rows of this request")
            return self.target.answer(X.copy(), "proba") if proba else labels(self.target, X.copy())


@contextlib.contextmanager
def names_are_known(model: Estimator) -> Iterator[None]:
    """Let ``model``, fitted on a data frame, be asked arrays without a warning: their names were compared before."""
    if not hasattr(model, "feature_names_in_"):
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        yield
