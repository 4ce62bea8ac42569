"""What tests of several files share beside fixtures."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import mex
from mex.types import FloatArray

_registry = cache(mex.load_registry)


def built(kind: str, spec: str) -> Any:
    """A component of the installed registry, which is loaded once: ``built("defense", "bounded-noise:rho=0.2")``."""
    return _registry().build(kind, spec)


class RatioBisection:
    """A plain learner of directions for tests of charts: noise-free bisection of each ratio to the first weight."""

    def __init__(self, d: int, rng: np.random.Generator, bits: int = 40) -> None:
        self._axes, self._bits = np.eye(d), bits
        self._low, self._high = np.full(d, -1e4), np.full(d, 1e4)
        self._sign = 0.0

    def ask(self) -> FloatArray | None:
        """The first axis, then all ratios at once."""
        if self._sign == 0:
            return self._axes[:1]
        if self._bits == 0 or len(self._axes) == 1:
            return None
        t = (self._low + self._high) / 2
        V: FloatArray = self._axes - t[:, None] * self._axes[0] * self._sign
        return V[1:]

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Halve every interval."""
        if self._sign == 0:
            self._sign = float(signs[0])
            return
        t, above = (self._low + self._high) / 2, np.append(True, signs > 0)
        self._low, self._high = np.where(above, t, self._low), np.where(above, self._high, t)
        self._bits -= 1

    def estimate(self) -> FloatArray:
        """The unit normal with the ratios in the middle."""
        w = (self._low + self._high) / 2
        w[0] = self._sign
        length = np.linalg.norm(w)
        return np.asarray(w / length if self._sign else np.zeros(len(w)))
