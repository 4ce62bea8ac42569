"""A dataset: two moons, one around the other."""

from __future__ import annotations

from typing import ClassVar

import attrs
from sklearn.datasets import make_moons

import mex
from mex.params import between, doc, whole


@attrs.frozen(kw_only=True)
class Moons:
    """Two half circles in the plane, each a class, with normal noise."""

    rows: int = attrs.field(default=400, validator=whole(40), metadata=doc("how many rows"))
    noise: float = attrs.field(default=0.2, validator=between(0, 1), metadata=doc("standard deviation of the noise"))

    source: ClassVar[str] = "scikit-learn's make_moons, an example of the documentation"
    licence: ClassVar[str] = "CC0: made up"

    def load(self) -> mex.Dataset:
        """Return the rows; the same ones each time, since nothing is drawn that the parameters do not fix."""
        X, y = make_moons(self.rows, noise=self.noise, random_state=0)
        return mex.Dataset("moons", X, y, mex.Domain.of(X), class_names=("outer", "inner"))
