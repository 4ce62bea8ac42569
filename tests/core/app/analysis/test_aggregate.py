"""Records put together: which cells belong together, and what a defense multiplies queries by."""

from __future__ import annotations

import math
from typing import Any

import pytest
from records import measured

import mex
from mex.app.analysis.aggregate import compare
from mex.app.analysis.crosstab import crosstab, winner
from mex.app.analysis.overview import worth
from mex.app.analysis.tidy import rows
from mex.app.matrix.json_lines import unfinished
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import IDENTITY, Record


def test_a_seed_that_failed_does_not_count_as_one_that_never_got_there() -> None:
    curve = [(10, 0.5), (100, 1.0)]
    records = [measured("a", defense, seed, curve) for defense in ("none", "noise") for seed in range(2)]
    records[3] |= {"status": "failed", "reason": "killed"}
    times = compare(records)[0].multiplier("noise")
    assert times is not None
    assert (times.value, times.high) == (1.0, 1.0)


def test_an_attack_that_did_not_meet_a_defense_makes_it_no_better() -> None:
    records = [
        *shown("label", "fast", "none", 100),
        *shown("label", "slow", "none", 300),
        *shown("label", "fast", "watched", 200),
        *shown("label", "slow", "watched", 300),
        *shown("label", "slow", "idle", 300),  # fast was added because it counters the other
        *shown("label", "slow", "never", 2000),
    ]
    for record in records:
        if record["defense"] == "never":
            record["curve"] = [{**record["curve"][0]}]
    (comparison,) = compare(records)
    factors = {d: f.value for d in comparison.defenses if (f := comparison.multiplier(d))}
    assert factors == {"none": 1.0, "watched": pytest.approx(1.94, abs=0.05), "idle": 1.0, "never": math.inf}
    assert comparison.more_than("never") == pytest.approx(999 / 300, rel=0.1)
    assert comparison.absent("watched") is None
    assert (
        "fast, the best without a defense, did not meet idle, never: their multipliers compare the attacks that did"
        in (crosstab(comparison).notes)
    )


def test_a_level_that_one_constant_answer_gets_to_tells_no_theft() -> None:
    records = [
        *shown("label", "fast", "none", 7, majority=0.992),
        *shown("label", "fast", "noise", 8, majority=0.992),
    ]
    (comparison,) = compare(records)
    assert comparison.tells(0.999)
    assert not comparison.tells(0.99)
    assert comparison.multiplier("noise") is None
    assert comparison.multiplier("noise", 0.999) is not None
    assert winner(comparison, "none") is None
    assert any("0.99 tells no theft: one constant answer agrees on 0.99" in note for note in crosstab(comparison).notes)
    assert worth(comparison, "noise").texts[3].startswith("no theft: ")


def test_records_of_several_plans_stay_apart(registry: mex.Registry) -> None:
    curve = [(10, 0.5), (100, 1.0)]
    noisy = [
        measured("a", "noise", seed, curve, defense_params={"rho": rho}) for seed in range(2) for rho in (0.1, 0.2)
    ]
    plan = Plan.of({"attacks": ["passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["heart"]})
    (comparison,) = compare(noisy, plan.resolve(registry))
    assert comparison.defenses == ["noise:rho=0.1", "noise:rho=0.2"]
    budgets = [measured("a", "none", seed, curve, budget=budget) for budget in (100, 200) for seed in range(2)]
    assert [comparison.dataset for comparison in compare(budgets)] == ["d (budget 100)", "d (budget 200)"]
    assert all(len(comparison.groups["a", "none"].records) == 2 for comparison in compare(budgets))


def shown(kind: str, attack: str, defense: str, queries: int, **fields: Any) -> list[Record]:
    curve = [(8, 0.5), (queries, 1.0)]
    return [measured(attack, defense, seed, curve, answers=kind, budget=999, **fields) for seed in range(2)]


def skipped(kind: str, attack: str, defense: str) -> list[Record]:
    records = shown(kind, attack, defense, 9)
    return [unfinished({name: r[name] for name in IDENTITY}, "skipped", "no such answers") for r in records]


def test_kinds_of_answers_are_rows_of_one_table_and_the_best_attacker_chooses() -> None:
    (comparison,) = compare(
        [
            *shown("label", "a", "none", 100, answers_changed=0.0),
            *shown("proba", "a", "none", 20, answers_changed=0.0),
            *shown("proba", "b", "none", 30, answers_changed=0.0),
            *skipped("label", "b", "none"),
            *skipped("leaf", "a", "none"),
            *skipped("leaf", "c", "none"),
            *shown("label", "a", "round", 100, answers_changed=0.0),
            *shown("proba", "a", "round", 60, answers_changed=1.0),
            *shown("label", "a", "hide", 100, answers_changed=0.0),
            *skipped("proba", "a", "hide"),
        ]
    )
    assert comparison.attacks == ["a (label)", "a (proba)", "b (proba)"]
    assert comparison.left_out == {"c": "no such answers"}
    assert comparison.best("none") == "a (proba)"
    factors = [factor.value for d in ("round", "hide") if (factor := comparison.multiplier(d))]
    assert factors == pytest.approx([2.93, 4.84], abs=0.01), "both against the attacker who chooses probabilities"
    table = crosstab(comparison)
    assert "cannot work on this model: c" in table.notes
    footer = {row[0]: row[1:] for row in table.footer}
    assert footer["answers changed (label)"] == ["0 %", "0 %", "0 %"]
    assert footer["answers changed (proba)"] == ["0 %", "100 %", ""]
    assert not any("changed no answer" in note for note in table.notes), "one rounds, the other withholds"
    assert [(row["attack"], row["answers"]) for row in rows([comparison])][:2] == [("a", "label"), ("a", "proba")]


def test_a_confidence_defense_where_labels_are_shown_is_said_to_have_done_nothing() -> None:
    records = [*shown("label", "a", "none", 100), *shown("label", "a", "round", 100, answers_changed=0.0)]
    (comparison,) = compare(records)
    assert crosstab(comparison).notes[-1] == (
        "round changed no answer of honest users: label answers were shown here; --answers all runs each kind that the "
        "model gives"
    )
    (comparison,) = compare(
        [*shown("label", "a", "none", 100), *shown("label", "a", "watch", 100, answers_changed=0.0, refused=3)]
    )
    assert "changed no answer" not in crosstab(comparison).notes[-1]
