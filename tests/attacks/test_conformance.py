"""Every registered attack keeps the promises of an attack, at the first family of targets that it accepts."""

from __future__ import annotations

import pytest

import mex
from mex.testing import checks

pytestmark = pytest.mark.usefixtures("few_trees")

FAST = {
    "active-regression": "active-regression:tune=30,candidates=100",
    "boosted-exact": "boosted-exact:trees=20",
    "boosted-surrogate": "boosted-surrogate:trees=5",
    "margin": "margin:batch=5",
    "query-by-committee": "query-by-committee:members=3",
    "selective-sampling": "selective-sampling:stream=100",
    "threshold-cart": "threshold-cart:candidates=200,committee=5",
}
"""The parameters of attacks whose own would take long."""

LEAST = {
    "averaging": 0.85,
    "boosted-exact": 0.7,
    "boosted-surrogate": 0.7,
    "disagreement": 0.85,
    "flip-search": 0.8,
    "iwal-tree": 0.8,
    "path-finding": 0.85,
}
LEAST |= {"tree-labels": 0.4}  # it has but begun after 120 queries
LEAST |= dict.fromkeys(("dimension-coupling", "equation-solving", "lowd-meek", "pivot", "version-space"), 0.99)
"""The agreement on uniform points that an attack has to reach with 120 queries; 0.9 unless it stands here."""


ATTACKS = [p.component.name for p in mex.load_registry().provided("attack")]


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_registered_attack_conforms(attack: str) -> None:
    for check in checks("attack", FAST.get(attack, attack), least_agreement=LEAST.get(attack, 0.9)):
        check()
