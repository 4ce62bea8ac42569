"""A scope is data: it says why a component does not work in a scenario, before anything runs."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

import mex
from mex import Domain, Family, Knowledge, Scope

BINARY = Knowledge(domain=Domain.reals(2), classes=np.array([0, 1]), answers="label", family=Family("linear"))
ANYWHERE = [
    BINARY,
    attrs.evolve(BINARY, classes=np.arange(3), answers="proba"),
    attrs.evolve(BINARY, classes=None, answers="value", family=Family("tree")),
]


def test_the_task_is_told_by_the_labels() -> None:
    assert [known.task for known in ANYWHERE] == ["binary", "multiclass", "regression"]


@pytest.mark.parametrize("known", ANYWHERE)
def test_an_empty_scope_works_anywhere(known: Knowledge) -> None:
    Scope().check("anything", known)


@pytest.mark.parametrize(
    ("scope", "change", "reason"),
    [
        (Scope(tasks="binary"), {"classes": np.arange(3)}, "x works on binary targets; this one is multiclass"),
        (Scope(tasks=("binary", "multiclass")), {"classes": None}, "binary and multiclass targets; .* regression"),
        (Scope(families=("tree", "forest")), {}, "x works on tree and forest models; this is a linear one"),
        (Scope(answers=("proba", "leaf")), {}, "x takes proba or leaf answers; this interface gives label"),
        (Scope(needs_pool=True), {}, "x needs a pool of unlabeled rows, and this scenario grants none"),
    ],
)
def test_a_scenario_out_of_scope_is_incompatible_with_the_reason(
    scope: Scope, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(mex.Incompatible, match=reason):
        scope.check("x", attrs.evolve(BINARY, **change))


def test_a_scenario_in_scope_passes() -> None:
    scope = Scope(tasks="binary", families="linear", answers="label", needs_pool=True)
    scope.check("x", attrs.evolve(BINARY, pool=np.zeros((1, 2))))


def test_two_scopes_are_what_both_work_on() -> None:
    one = Scope(tasks=("binary", "multiclass"), families="linear")
    other = Scope(tasks=("regression", "binary"), answers="label", needs_pool=True)
    assert one & other == Scope(tasks="binary", families="linear", answers="label", needs_pool=True)
    assert one & Scope() == one
    with pytest.raises(mex.Incompatible, match="one works on binary targets, the other on regression"):
        Scope(tasks="binary") & Scope(tasks="regression")
