"""No defense."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Scope, Target
from mex.dataset import Rows


@attrs.frozen(kw_only=True)
class Undefended:
    """Answer f*(x), the reference for all other defenses.

    >>> import mex
    >>> target = mex.FittedTarget.wrap(mex.halfspace(np.array([1.0, -1.0])))
    >>> Undefended().protect(target, Rows(np.empty((0, 2)), np.empty(0)), np.random.default_rng(0)) is target
    True
    """

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 3, Experiment 1"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return ``target`` as it is."""
        return target
