"""Attacks and output defenses of the Adversarial Robustness Toolbox (ART)."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register them."""
    attacks, defenses = "mex_art.attack", "mex_art.defense"
    return [
        mex.Component("attack", "knockoff-nets", f"{attacks}:KnockoffNets", "ART: a bandit chooses where to ask"),
        mex.Component("attack", "copycat-cnn", f"{attacks}:CopycatCNN", "ART: a model fitted to random rows"),
        mex.Component("defense", "art-class-labels", f"{defenses}:ClassLabels", "ART: probabilities of 0 and 1"),
        mex.Component("defense", "art-gaussian-noise", f"{defenses}:GaussianNoise", "ART: noisy probabilities"),
        mex.Component("defense", "art-high-confidence", f"{defenses}:HighConfidence", "ART: only large probabilities"),
        mex.Component(
            "defense", "art-reverse-sigmoid", f"{defenses}:ReverseSigmoid", "ART: probabilities turned round"
        ),
        mex.Component("defense", "art-rounded", f"{defenses}:Rounded", "ART: probabilities of few digits"),
    ]
