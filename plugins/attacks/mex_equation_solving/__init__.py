"""The attack ``equation-solving``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "equation-solving",
            "mex_equation_solving.attack:EquationSolving",
            "solve the linear equations that values or probabilities are, exactly",
            counters={"reverse-sigmoid": "equation-solving", "rounding": "equation-solving"},
        )
    ]
