"""Which defense an audit prefers: none that is known to be broken, however well it did, nor one that was not tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import attrs
import pytest
from audited import TINY, plane
from sklearn.linear_model import LinearRegression

import mex
from mex.app.analysis.group import Group
from mex.app.audit.defending import recommended, trades
from mex.app.audit.document import document
from mex.app.audit.limits import resolution
from mex.app.audit.measuring import Measured
from mex.app.audit.running import Outcome
from mex.app.audit.stages import defended
from mex.app.audit.text import defense_rows
from mex.app.audit.thieves import strongest
from mex.app.audit.trade import Trade
from mex.app.audit.verdict import cap
from mex.app.matrix.record import Record

FRESH, STICKY = "bounded-noise:rho=0.05", "bounded-noise:rho=0.05,sticky=true"


def changed(outcome: Outcome, defense: str, change: Callable[[Record], dict[str, Any]]) -> Outcome:
    """The same audit with other records of the attacks on a defense."""

    def other(m: Measured) -> Measured:
        if m.shield is None or str(m.shield.spec) != defense:
            return m
        records = [cast("Record", {**r, **change(r)}) for r in m.group.records]
        return attrs.evolve(m, group=Group(m.group.attack, m.group.defense, records))

    return attrs.evolve(outcome, defended=[other(m) for m in outcome.defended])


def perfect(record: Record) -> dict[str, Any]:
    """No attack gets anywhere, and no honest user notices."""
    if record["status"] != "ok":
        return {}
    free = dict.fromkeys(("accuracy_lost", "answers_changed", "answer_shift", "repeats_differ", "honest_refused"), 0.0)
    return {"curve": [{"queries": 120, "agreement": 0.5}], "agreement": 0.5, "false_alarms": 0.0, **free}


def trade_of(outcome: Outcome, defense: str) -> Trade:
    return next(t for t in trades(outcome) if str(t.shield.spec) == defense)


@pytest.fixture(scope="module")
def labels_only(outcome: Outcome) -> Outcome:
    """The audit of the same model, were it to show labels alone."""
    return attrs.evolve(
        outcome, subject=attrs.evolve(outcome.subject, target=attrs.evolve(outcome.subject.target, answers=("label",)))
    )


def test_fresh_flips_meet_a_majority_vote_and_sticky_ones_do_not(outcome: Outcome) -> None:
    votes = {str(m.shield.spec) for m in outcome.defended if m.shield and m.choice.spec.name == "majority-vote"}
    assert votes == {FRESH}
    few = defended(outcome.stay, (), outcome.shields, attrs.evolve(TINY, broken=False))
    assert STICKY in {label for stage in few for label in stage.shields}
    assert FRESH not in {label for stage in few for label in stage.shields}


def test_fresh_flips_are_not_preferred_though_nothing_that_ran_got_past_them(labels_only: Outcome) -> None:
    perfect_noise = changed(changed(labels_only, FRESH, perfect), STICKY, perfect)
    fresh, sticky = trade_of(perfect_noise, FRESH), trade_of(perfect_noise, STICKY)
    assert fresh.pessimistic == sticky.pessimistic > 1.5  # by their numbers they are alike
    assert "Proposition 1" in fresh.objection
    assert sticky.objection == ""
    best = recommended(trades(perfect_noise))
    assert best is not None
    assert str(best.shield.spec) == STICKY
    assert document(perfect_noise)["recommendation"]["defense"] == STICKY


def test_labels_that_are_less_like_the_models_than_a_thiefs_copy_are_not_recommended(labels_only: Outcome) -> None:
    def stuck(record: Record) -> dict[str, Any]:
        """A copy that stays just below the level at which defenses are told."""
        curve = [{"queries": 100, "agreement": 0.955}, {"queries": 120, "agreement": 0.98}]
        return {**perfect(record), "curve": curve, "agreement": 0.98} if record["status"] == "ok" else {}

    for changed_labels, worth in ((0.01, True), (0.05, False)):
        noisy = changed(labels_only, STICKY, lambda r, c=changed_labels: {**stuck(r), "answers_changed": c})
        trade = trade_of(noisy, STICKY)
        assert (trade.best, trade.reached) == (None, 0.98)
        assert trade.sooner is not None
        assert (trade.sooner.level, trade.sooner.queries) == (0.95, 100)
        told = document(noisy)
        row = next(row for row in defense_rows(told) if row[0] == STICKY)
        assert row[2] == f"none got there; the best to 0.980; {trade.sooner.factor:.1f} times to 0.95"
        assert (told["recommendation"]["defense"] == STICKY) == worth
        if worth:
            assert "got to 0.99 (the best to 0.980)" in told["recommendation"]["sentence"]
            assert "(to 0.95 100 queries" in told["recommendation"]["sentence"]
        else:
            assert trade.objection == (
                "honest users pay too much: 5.0 % of the labels that they get are not the model's, and of those of a "
                "thief's copy 2.0 %"
            )


def test_rounding_buys_no_more_than_labels_do_though_nothing_got_past_its_probabilities(outcome: Outcome) -> None:
    best = changed(outcome, "rounding:decimals=1", perfect)
    trade = trade_of(best, "rounding:decimals=1")
    assert trade.factor is not None
    assert trade.level is not None
    labels, every = (strongest(best, shown).best(trade.level) for shown in ("label", "proba"))
    assert labels is not None
    assert every is not None
    assert trade.factor.value == pytest.approx(labels[1].value / every[1].value)
    assert trade.best == labels[0].choice.label


def test_a_defense_on_which_an_attack_came_to_no_result_is_not_recommended(labels_only: Outcome) -> None:
    perfect_noise = changed(labels_only, STICKY, perfect)
    late = attrs.evolve(perfect_noise, defended=[*perfect_noise.defended, _late(_on(perfect_noise, STICKY))])
    assert trade_of(perfect_noise, STICKY).objection == ""
    trade = trade_of(late, STICKY)
    assert trade.missing
    assert "what it buys is not known" in trade.objection
    assert document(late)["recommendation"]["defense"] != STICKY


def test_a_defense_that_no_attack_met_in_time_stopped_none_and_is_not_said_to(labels_only: Outcome) -> None:
    told = document(attrs.evolve(labels_only, defended=[]))
    assert told["recommendation"]["sentence"].endswith("as no attack came to a result against one.")
    assert {row[2] for row in defense_rows(told)} == {"none ran"}
    assert all("not measured" in row[3] or row[3] == "nothing measured" for row in defense_rows(told))
    assert not any("got anywhere" in trade["objection"] for trade in told["defenses"])


def test_the_variance_explained_has_no_steps(outcome: Outcome) -> None:
    assert "it has steps of" in resolution(outcome)[0]
    X, _ = plane(20)
    values = mex.FittedTarget.wrap(LinearRegression().fit(X, X[:, 0]))
    said = resolution(attrs.evolve(outcome, subject=attrs.evolve(outcome.subject, target=values)))
    assert not any("steps" in sentence or "all of them agree" in sentence for sentence in said)


def test_a_defense_that_the_fastest_attack_did_not_meet_is_not_recommended(labels_only: Outcome) -> None:
    perfect_noise = changed(labels_only, STICKY, perfect)
    fastest = strongest(perfect_noise, "label").best(trade_of(perfect_noise, STICKY).level or 0.0)
    assert fastest is not None
    name = fastest[0].choice.label
    met_by_others = attrs.evolve(perfect_noise, defended=[m for m in perfect_noise.defended if m.choice.label != name])
    trade = trade_of(met_by_others, STICKY)
    assert trade.missing == (name,)
    assert "what it buys is not known" in trade.objection


def test_labels_alone_are_not_recommended_where_the_attacks_on_labels_were_not_judged(outcome: Outcome) -> None:
    fine = trade_of(outcome, "label-only")
    assert not fine.missing
    late = [_late(m) if m.choice.label == "pivot" else m for m in outcome.raced]
    judged = [m for m in outcome.judged if m.choice.label != "pivot"]
    trade = trade_of(attrs.evolve(outcome, raced=late, judged=judged), "label-only")
    assert trade.missing == ("pivot",)
    assert trade.pessimistic >= fine.pessimistic
    assert trade.objection.startswith("what it buys is not known")


def test_an_exact_attack_that_was_raced_on_few_rows_is_named_and_holds_up_only_what_no_other_tested(
    outcome: Outcome,
) -> None:
    def few(m: Measured) -> Measured:
        records = [cast("Record", {**r, "budget": TINY.race_budget}) for r in m.group.records]
        return attrs.evolve(m, group=Group(m.group.attack, m.group.defense, records))

    raced = [few(m) if m.choice.label == "pivot" else m for m in outcome.raced]
    judged = [m for m in outcome.judged if m.choice.label != "pivot"]
    alone = attrs.evolve(outcome, raced=raced, judged=judged)
    assert document(alone)["unjudged"] == ["pivot (label)"]
    assert trade_of(alone, "label-only").missing == ("pivot",)
    exact = [attrs.evolve(m, choice=attrs.evolve(m.choice, made_for=True)) for m in judged if m.choice.reads == "label"]
    beside = attrs.evolve(outcome, raced=raced, judged=[*judged, *exact])
    assert document(beside)["unjudged"] == ["pivot (label)"]
    assert trade_of(beside, "label-only").missing == ()


def _on(outcome: Outcome, defense: str) -> Measured:
    return next(m for m in outcome.defended if m.shield and str(m.shield.spec) == defense)


def _late(m: Measured) -> Measured:
    reason = "took longer than 5 seconds of CPU time"
    records = [cast("Record", {**r, "status": "failed", "reason": reason, "curve": None}) for r in m.group.records]
    return attrs.evolve(m, group=Group(m.group.attack, m.group.defense, records))


def test_kinds_of_answers_that_no_judged_attack_reads_are_not_said_to_be_safe(outcome: Outcome) -> None:
    target = attrs.evolve(outcome.subject.target, answers=(*outcome.subject.kinds, "leaf"))
    told = document(attrs.evolve(outcome, subject=attrs.evolve(outcome.subject, target=target)))
    assert "leaf" not in {thief["shown"] for thief in told["thieves"]}
    assert any(said.startswith("No attack that was judged reads leaf ids") for said in told["resolution"])
    assert not any("recovered exactly" in finding["sentence"] for finding in told["findings"])


def test_where_attacks_on_the_only_good_defense_came_to_no_result_it_is_said_that_nothing_is_known(
    labels_only: Outcome,
) -> None:
    perfect_noise = changed(labels_only, STICKY, perfect)
    late = attrs.evolve(perfect_noise, defended=[*perfect_noise.defended, _late(_on(perfect_noise, STICKY))])
    said = document(late)["recommendation"]["sentence"]
    assert said.startswith(f"No defense is known to be worth deploying: what {STICKY}")


def test_no_defense_makes_a_theft_cheaper(outcome: Outcome) -> None:
    for trade in trades(outcome):
        if trade.objection == "" or "factor" in trade.objection:
            assert trade.factor is None or trade.factor.value >= 1
            assert trade.sooner is None or trade.sooner.factor >= 1


def test_a_cap_does_not_count_on_more_days_than_it_takes(outcome: Outcome) -> None:
    told = document(outcome)
    for low, days, rows in ((6, 6, 1), (45, 30, 1), (3000, 30, 100)):
        thief = next(t for t in told["thieves"] if t["shown"] == told["shown"])
        levels = {"0.95": {"queries": {"low": low}}}
        found = cap([{**thief, "levels": levels}], told["shown"])
        assert found is not None
        assert (found["days"], found["rows_a_day"]) == (days, rows)
