"""The attack ``polynomial-solving``."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the attack."""
    return [
        mex.Component(
            "attack",
            "polynomial-solving",
            "mex_polynomial_solving.attack:PolynomialSolving",
            "models of squares and products, such as Gaussian naive Bayes, exactly, from values or probabilities",
        )
    ]
