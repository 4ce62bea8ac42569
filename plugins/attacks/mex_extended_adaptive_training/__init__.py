"""The attack ``extended-adaptive-training``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "extended-adaptive-training",
            "mex_extended_adaptive_training.attack:ExtendedAdaptiveTraining",
            "kernel machines: of k random points ask the one nearest the boundary so far, refit, repeat (EAT)",
        )
    ]
