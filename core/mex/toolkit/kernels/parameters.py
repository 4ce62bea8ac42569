"""The parameters that attacks on kernel machines have in common."""

from __future__ import annotations

from typing import ClassVar

import attrs

from mex.knowledge import Scope
from mex.params import above, doc, one_of, optional, whole
from mex.toolkit.active.samplers import a_sampler


@attrs.frozen(kw_only=True)
class KernelAttack:
    """A base for attacks on kernel machines: where rows come from, the kernel, the penalty, and the first rows."""

    sampler: str | None = attrs.field(
        default=None,
        validator=optional(a_sampler()),
        metadata=doc("where candidates come from; by default near the pool, or uniform where there is none"),
    )
    kernel: str = attrs.field(
        default="public",
        validator=one_of("public", "search"),
        metadata=doc(
            "take the public kernel of f*, or choose the width of an RBF kernel by leave-one-out on the answers so far;"
            " the width is also chosen where no kernel is public"
        ),
    )
    C: float | None = attrs.field(
        default=None,
        validator=optional(above(0)),
        metadata=doc(
            "penalty of a margin error, in units of 1 / mean k(x, x); by default the square of the number of"
            " answers, or (1 - 2 rho)^2 / (rho (1 - rho)) if that is less; a rho that is not public is taken for 0.1"
        ),
    )
    start: int = attrs.field(
        default=10, validator=whole(1), metadata=doc("random rows to ask first, and again until both labels are seen")
    )

    scope: ClassVar[Scope] = Scope(tasks="binary", answers="label")
