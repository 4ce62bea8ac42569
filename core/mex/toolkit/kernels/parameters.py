"""The parameters that attacks on kernel machines have in common."""

from __future__ import annotations

from typing import ClassVar

import attrs

from mex.knowledge import Scope
from mex.params import above, doc, one_of, optional, whole
from mex.toolkit.active.samplers import SAMPLERS


@attrs.frozen(kw_only=True)
class KernelAttack:
    """Where rows come from, what is known of the kernel, how the fit is done, and how it starts."""

    sampler: str | None = attrs.field(
        default=None,
        validator=optional(one_of(*SAMPLERS)),
        metadata=doc("where candidates come from; by default near the pool, or uniform where there is none"),
    )
    kernel: str = attrs.field(
        default="public",
        validator=one_of("public", "search"),
        metadata=doc(
            "take the public kernel of f*, or find the width of an RBF kernel by leave-one-out on the answers"
            " already paid for; where no kernel is public it is searched anyway"
        ),
    )
    C: float | None = attrs.field(
        default=None,
        validator=optional(above(0)),
        metadata=doc(
            "penalty of an answer missed, in units of the mean k(x, x); by default the square of the number of"
            " answers, or (1 - 2 rho)^2 / (rho (1 - rho)) if less; where rho is not public it is taken to be 0.1"
        ),
    )
    start: int = attrs.field(
        default=10, validator=whole(1), metadata=doc("random rows to ask first, and again until both labels are seen")
    )

    scope: ClassVar[Scope] = Scope(tasks="binary", answers="label")
