"""How the answer to a query depends on one ratio."""

from __future__ import annotations

import attrs
import numpy as np
from scipy.special import ndtr

from mex.types import FloatArray


@attrs.frozen(eq=False)
class AnswerModel:
    """The probability that "yes" is the right answer, as a function of a ratio v, for n ratios at once.

    It is yes + (1 - yes - no) Phi(side (v - t) / blur). For a query about v alone it is a sharp step at t, and ``blur``
    is None. Other ratios in the query blur the step, and they force the answer with probabilities ``yes`` and ``no``
    if they are far off. Each array has shape (n,).
    """

    t: FloatArray
    side: FloatArray | None = None
    blur: FloatArray | None = None
    yes: FloatArray | None = None
    no: FloatArray | None = None

    def probability(self, v: FloatArray) -> FloatArray:
        """The probability at the ratios ``v``, shape (n, cells)."""
        if self.side is None or self.blur is None or self.yes is None or self.no is None:
            return np.asarray(v > self.t[:, None], dtype=np.float64)
        offset = self.side[:, None] * (v - self.t[:, None])
        sharp = self.blur[:, None] == 0
        rise = np.where(sharp, offset > 0, ndtr(offset / np.where(sharp, 1.0, self.blur[:, None])))
        return np.asarray(self.yes[:, None] + (1 - self.yes - self.no)[:, None] * rise)
