"""What an audit says: the best attack wins, the worst seed counts, and a broken defense is not preferred."""

from __future__ import annotations

import json
import math
from typing import cast

import attrs
import pytest
from audited import TINY, plane
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.app.analysis.group import Group
from mex.app.audit import choosing
from mex.app.audit.defending import recommended, trades
from mex.app.audit.depth import DEPTHS
from mex.app.audit.document import document, dumped
from mex.app.audit.measuring import Measured
from mex.app.audit.racing import finish
from mex.app.audit.running import Audit, Outcome
from mex.app.audit.text import verdict_text
from mex.app.audit.thieves import strongest, thieves
from mex.app.matrix.record import Record


def test_equations_steal_a_linear_model_whose_probabilities_are_shown(outcome: Outcome) -> None:
    best = strongest(outcome, "proba").best(0.99)
    assert best is not None
    measured, queries = best
    assert measured.choice.label == "equation-solving"
    assert queries.high <= 10


def test_a_thief_who_knows_more_is_never_worse_off(outcome: Outcome) -> None:
    found = {(t.shown, t.rows, t.family): t for t in thieves(outcome)}
    for shown in ("label", "proba"):
        for level in (0.95, 0.99):
            most = found[shown, True, True].best(level)
            assert most is not None
            for knows in ((True, False), (False, True), (False, False)):
                less = found[shown, *knows].best(level)
                assert less is None or (most[1].value <= less[1].value and most[1].low <= less[1].low)


def test_the_verdict_counts_on_the_lowest_end_of_any_attack(outcome: Outcome) -> None:
    thief = strongest(outcome, "label")
    best = thief.best(0.95)
    assert best is not None
    lows = [e.low for m in thief.attacks if (e := m.group.median("queries_to_0.95"))]
    assert best[1].low == min(lows)


def test_seeds_that_decide_the_race_judge_nothing(outcome: Outcome) -> None:
    raced = {r["seed"] for m in outcome.raced for r in m.group.records}
    judged = {r["seed"] for m in outcome.measured for r in m.group.records}
    assert raced.isdisjoint(judged)
    assert judged == set(range(TINY.seeds))


def test_fresh_flips_are_not_preferred_however_well_they_did(outcome: Outcome) -> None:
    found = {str(t.shield.spec): t for t in trades(outcome)}
    assert "Proposition 1" in found["bounded-noise:rho=0.05"].objection
    best = recommended(trades(outcome))
    assert best is None or not (best.shield.effect and best.shield.effect.fresh)


def test_rounding_buys_no_more_than_labels_alone(outcome: Outcome) -> None:
    found = {t.shield.spec.name: t for t in trades(outcome)}
    labels, rounding = found["label-only"], found["rounding"]
    assert labels.factor is not None
    assert rounding.factor is not None
    assert rounding.factor.value <= labels.factor.value
    order = [t.shield.spec.name for t in trades(outcome)]
    assert order.index("label-only") < order.index("rounding")


def test_label_only_buys_no_more_than_the_fastest_reader_of_labels_whoever_that_is(outcome: Outcome) -> None:
    trade = next(t for t in trades(outcome) if t.shield.spec.name == "label-only")
    assert trade.level is not None
    assert trade.factor is not None
    by_labels, by_all = (strongest(outcome, shown).best(trade.level) for shown in ("label", "proba"))
    assert by_labels is not None
    assert by_all is not None
    assert trade.factor.value <= by_labels[1].value / by_all[1].value


def test_rounding_is_not_preferred_where_only_labels_are_shown(outcome: Outcome) -> None:
    target = attrs.evolve(outcome.subject.target, answers=("label",))
    labels_only = attrs.evolve(outcome, subject=attrs.evolve(outcome.subject, target=target))
    best = recommended(trades(labels_only))
    assert best is None or best.shield.spec.name not in ("rounding", "label-only")


def test_what_is_infinite_is_null_in_the_document_and_never_in_words(outcome: Outcome) -> None:
    told = json.loads(dumped(document(outcome)))
    assert told["format"] == "mex-audit/1"
    text = verdict_text(told)
    assert "inf" not in text.split()
    assert "nan" not in text.split()
    ends = [a["queries"] for t in told["thieves"] for a in t["levels"].values() if a]
    assert ends
    assert all(e is None or math.isfinite(e) for end in ends for e in end.values())


def test_a_second_run_measures_nothing_again(ready: Audit, outcome: Outcome) -> None:
    kept = []
    again = ready.run(lambda name, run: kept.append((run.kept, len(run.cells))), lambda sentence: None)
    assert all(before == cells for before, cells in kept)
    assert document(again) == document(outcome)


def test_what_was_not_tried_is_told_with_its_reason(outcome: Outcome) -> None:
    told = document(outcome)
    assert all(entry["reason"] for entry in told["not_tried"])
    assert any(entry["name"].startswith("kushilevitz-mansour") for entry in told["not_tried"])


def test_the_document_says_how_to_repeat_it(outcome: Outcome) -> None:
    told = document(outcome)
    assert set(told["method"]["recipes"]) >= {"race-label.toml", "judged-proba.toml"}
    assert told["depth"]["race_seed"] not in told["depth"]["seeds"]
    assert all(value.partition(":")[2] for value in told["subject"]["hashes"].values())


@pytest.mark.parametrize("shown", ["label", "proba"])
def test_the_first_sentences_say_what_a_theft_takes(outcome: Outcome, shown: str) -> None:
    told = document(outcome)
    words = {"label": "Where only labels are shown", "proba": "Where probabilities are shown"}[shown]
    assert any(sentence.startswith(words) for sentence in told["verdict"])


def test_from_python_it_takes_objects_and_refuses_what_costs_money(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEPTHS, "tiny", attrs.evolve(TINY, race_budget=12, budget=30, seeds=1, defenses=("none",)))
    X, y = plane(120)
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    registry = mex.load_registry()
    monkeypatch.setattr(choosing, "_variants", lambda registry: ["passive", "tree-structure"])
    found = mex.audit(model, X, y, depth="tiny", registry=registry)
    assert {(a["attack"], a["reads"]) for a in found.document["attacks"]} >= {("tree-structure", "leaf")}
    assert found.verdict.startswith("Where")
    assert "leaf ids" in repr(found)
    assert found.recommendation is None
    with pytest.raises(mex.UsageError, match="no depth named 'deep'"):
        mex.audit(model, X, y, depth="deep", registry=registry)


def test_an_attack_that_took_too_long_is_named_in_the_verdict_and_baselines_are_judged_all_the_same(
    outcome: Outcome,
) -> None:
    def slow(m: Measured) -> Measured:
        records = [
            {**r, "status": "failed", "reason": "took longer than 1 seconds", "curve": None} for r in m.group.records
        ]
        return attrs.evolve(m, group=Group(m.group.attack, m.group.defense, cast("list[Record]", records)))

    late = [slow(m) if m.choice.label in ("pivot", "passive") else m for m in outcome.raced]
    finished = {m.choice: m.group.ran[0] for m in late if m.group.ran}
    stay = finish([c for c in outcome.choices if c.reads], finished, TINY).stay
    assert [c.label for c in stay if c.reads == "label"] == ["passive"]
    told = document(attrs.evolve(outcome, raced=late, judged=[m for m in outcome.judged if m.choice.label != "pivot"]))
    assert told["unjudged"] == ["pivot (label)"]
    assert any("pivot (label)" in sentence and "may do better" in sentence for sentence in told["verdict"])
