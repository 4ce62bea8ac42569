"""What an audit says: the best attack wins, the worst seed counts, and a broken defense is not preferred."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import attrs
import jsonschema
import pytest
from audited import TINY, plane, small_forests
from records import points, record
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.app.analysis.group import Group
from mex.app.audit import choosing
from mex.app.audit.choosing import Choice
from mex.app.audit.clock import Clock
from mex.app.audit.defending import recommended, trades
from mex.app.audit.depth import DEPTHS
from mex.app.audit.document import SCHEMA, document, dumped
from mex.app.audit.markdown import markdown
from mex.app.audit.measuring import Measured, UnderWay, further
from mex.app.audit.page import page
from mex.app.audit.planning import cells, most_rows
from mex.app.audit.racing import best_first, finish
from mex.app.audit.running import Audit, Outcome
from mex.app.audit.stages import Stage, race
from mex.app.audit.text import verdict_text
from mex.app.audit.thieves import strongest, thieves
from mex.app.matrix.record import Record
from mex.registry.spec import Spec


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
    with small_forests():
        again = ready.run(lambda name, run: kept.append((run.kept, len(run.cells))), lambda sentence: None)
    assert all(before == cells for before, cells in kept)
    assert document(again) == document(outcome)


def test_an_audit_asks_no_more_than_its_plan_said(ready: Audit, outcome: Outcome) -> None:
    in_race, judging = cells(ready)
    assert sum(len(m.group.records) for m in outcome.raced) == in_race
    assert 0 < sum(len(m.group.records) for m in outcome.measured) <= judging
    assert (
        0 < sum(r["queries"] or 0 for m in (*outcome.raced, *outcome.measured) for r in m.group.ran) <= most_rows(ready)
    )


def test_what_would_take_longer_to_judge_than_the_plan_has_is_left_out_and_named(outcome: Outcome) -> None:
    def slowed(m: Measured) -> Group:
        took = 1e6 if m.choice.label == "pivot" else 0.0
        records = [cast("Record", {**r, "cpu_seconds": took, "learner_seconds": took}) for r in m.group.ran]
        return Group(m.group.attack, m.group.defense, records)

    slow = {m.choice: slowed(m) for m in outcome.raced if m.group.ran}
    ended = finish([c for c in outcome.choices if c.reads], slow, TINY, limit=10.0)
    assert [c.label for c in ended.slow] == ["pivot"]
    assert all(c.label != "pivot" for c in ended.stay)
    assert any("CPU time" in sentence and "pivot" in sentence for sentence in ended.left)
    left_out = attrs.evolve(outcome, slow=ended.slow, judged=[m for m in outcome.judged if m.choice.label != "pivot"])
    assert document(left_out)["unjudged"] == ["pivot (label)"]
    assert finish([c for c in outcome.choices if c.reads], slow, TINY).slow == []


def test_attacks_made_for_the_class_race_as_long_as_they_are_judged(ready: Audit) -> None:
    budgets = {
        c.label: stage.budget for stage in race(ready.subject, ready.applying, TINY) for c in stage.choices.values()
    }
    assert budgets["pivot"] == TINY.budget
    assert budgets["passive"] == TINY.race_budget


def test_an_exact_attack_that_is_too_slow_is_raced_on_few_rows(ready: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first heat cuts every cell that asks as much as when it is judged."""
    asked: list[tuple[str, int, set[str]]] = []

    def each(self: UnderWay, todo: Sequence[Stage], part: str, longest: float) -> dict[str, list[Measured]]:
        asked.extend((stage.name, stage.budget, set(stage.choices)) for stage in todo)
        return {stage.name: [cell(choice, stage) for choice in stage.choices.values()] for stage in todo}

    def cell(choice: Choice, stage: Stage) -> Measured:
        late = {"status": "failed", "reason": "took longer than 5 seconds of CPU time", "curve": None}
        one = cast("Record", {**record(budget=stage.budget), **(late if stage.long else {})})
        return Measured(choice, None, Group(choice.label, "none", [one]))

    monkeypatch.setattr(UnderWay, "_each", each)
    under_way = UnderWay(ready.subject, ready.out, ready.workers, 0.0, Clock(), lambda name, run: None)
    raced = under_way.race(race(ready.subject, ready.applying, TINY), TINY.race_budget)
    assert ("short-long-race-label", TINY.race_budget, {"pivot"}) in asked
    assert all(m.group.ran for m in raced)
    assert [m.choice.label for m in raced].count("pivot") == 1


def test_the_fastest_to_each_level_stays(outcome: Outcome) -> None:
    def raced(m: Measured, curve: list[tuple[int, float]]) -> Group:
        ends = {"curve": points(*curve), "agreement": curve[-1][1], "near_agreement": curve[-1][1]}
        records = [cast("Record", {**r, **ends}) for r in m.group.ran]
        return Group(m.group.attack, m.group.defense, records)

    some = next(m for m in outcome.raced if m.group.ran)
    first, second, third = (
        attrs.evolve(some, choice=Choice(Spec(name), name, "label", made_for=name == "neither"))
        for name in ("quick", "exact", "neither")
    )
    groups = {
        first.choice: raced(first, [(10, 0.96), (90, 0.97)]),
        second.choice: raced(second, [(10, 0.5), (90, 1.0)]),
        third.choice: raced(third, [(10, 0.5), (90, 0.98)]),
    }
    one = attrs.evolve(TINY, keep=1)
    assert {c.label for c in finish(list(groups), groups, one).stay} >= {"quick", "exact"}
    near = raced(third, [(10, 0.5), (90, 0.6)])
    near.records[:] = [cast("Record", {**r, "near_agreement": 0.999}) for r in near.records]
    other = attrs.evolve(third.choice, label="between the rows", made_for=False)
    judged = finish([*groups, other], {**groups, second.choice: groups[first.choice], other: near}, one).stay
    assert "between the rows" in {c.label for c in judged}
    short = raced(second, [(10, 0.94)])
    short.records[:] = [cast("Record", {**r, "budget": 10}) for r in short.records]
    long = {first.choice: raced(first, [(10, 0.9), (90, 0.97)]), second.choice: short}
    assert {c.label for c in finish(list(long), long, one).stay} == {"quick", "exact"}


def test_an_attack_that_hands_over_to_another_is_judged_once(outcome: Outcome) -> None:
    some = next(m for m in outcome.raced if m.group.ran)
    first, second, third = (Choice(Spec(name), name, "label", made_for=True) for name in ("pivot", "its twin", "other"))
    curve = points((10, 0.9), (20, 0.95), (30, 0.96), (40, 0.98), (50, 1.0))

    def raced(curve: Sequence[object]) -> Group:
        ends = {"curve": curve, "agreement": 1.0, "near_agreement": 1.0}
        return Group("a", "none", [cast("Record", {**r, **ends}) for r in some.group.ran])

    groups = {first: raced(curve), second: raced(curve), third: raced([*curve[:-1], *points((51, 1.0))])}
    ended = finish(list(groups), groups, attrs.evolve(TINY, keep=3))
    assert {c.label for c in ended.stay} == {"pivot", "other"}
    assert "its twin on label answers left the race: it asks what pivot asks here" in ended.left
    for slow in groups[first].records:
        slow["cpu_seconds"] = slow["learner_seconds"] = 1e6
    assert {c.label for c in finish(list(groups), groups, TINY, limit=10.0).stay} >= {"its twin"}
    short = {choice: raced(points((97, 1.0))) for choice in (first, second)}
    assert len(finish(list(short), short, attrs.evolve(TINY, keep=2)).stay) == 2


def test_what_a_constant_answer_gets_to_is_no_theft(outcome: Outcome) -> None:
    def rare(m: Measured, majority: float) -> Measured:
        records = [cast("Record", {**r, "majority": majority}) for r in m.group.records]
        return attrs.evolve(m, group=Group(m.group.attack, m.group.defense, records))

    fraud = attrs.evolve(outcome, judged=[rare(m, 0.97) for m in outcome.judged])
    told = document(fraud)
    assert told["levels"] == [0.99, 0.999]
    assert all(thief["levels"]["0.95"] is None for thief in told["thieves"])
    assert told["cap"]["level"] == 0.99
    assert not any("95 % agreement" in sentence for sentence in told["verdict"])
    (rare_class,) = [sentence for sentence in told["verdict"] if sentence.startswith("One constant answer")]
    assert "agrees with the model on 0.97" in rare_class
    assert "With each class alike the best copy agrees on " in rare_class
    assert "no theft" in verdict_text(told)
    scarce = document(attrs.evolve(outcome, judged=[rare(m, 0.992) for m in outcome.judged]))
    assert {trade["level"] for trade in scarce["defenses"]} == {0.999}
    only = document(attrs.evolve(outcome, judged=[rare(m, 1.0) for m in outcome.judged]))
    assert only["levels"] == []
    assert only["cap"] is None
    assert any("no agreement on them tells a theft" in sentence for sentence in only["verdict"])
    assert all(trade["factor"] is None for trade in only["defenses"])
    assert "Audit of" in page(only)
    assert "Audit of" in markdown(only)
    jsonschema.validate(json.loads(dumped(only)), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_rows_too_few_to_tell_99_percent_are_a_sentence_of_the_verdict(outcome: Outcome) -> None:
    def on(m: Measured, rows: int) -> Measured:
        records = [cast("Record", {**r, "held_out": rows}) for r in m.group.records]
        return attrs.evolve(m, group=Group(m.group.attack, m.group.defense, records))

    for rows, few in ((60, True), (600, False)):
        told = document(attrs.evolve(outcome, judged=[on(m, rows) for m in outcome.judged]))
        assert any(sentence.startswith("All this was measured on 60 held-out") for sentence in told["verdict"]) is few


def test_the_best_when_judged_is_preferred_to_the_winner_of_the_race(outcome: Outcome) -> None:
    first = [c.label for c in best_first(outcome.stay, outcome.judged) if c.reads == "label"]
    behind = [m for m in outcome.judged if m.choice.label == first[0] and m.choice.reads == "label"]
    worse = [cast("Record", {**r, "curve": [], "agreement": 0.5}) for r in behind[0].group.records]
    judged = [
        attrs.evolve(m, group=Group(m.group.attack, m.group.defense, worse)) if m is behind[0] else m
        for m in outcome.judged
    ]
    assert [c.label for c in best_first(outcome.stay, judged) if c.reads == "label"][-1] == first[0]


def test_a_plan_that_is_over_judges_nothing_and_says_so(ready: Audit, tmp_path: Path) -> None:
    late = attrs.evolve(ready, minutes=1e-9, out=tmp_path).run(lambda name, run: None, lambda sentence: None)
    told = document(late)
    assert told["depth"]["cells_cut"] == sum(len(m.group.records) for m in (*late.raced, *late.measured))
    assert any("cells were not done in their time" in sentence for sentence in told["resolution"])
    assert any("nothing can be said" in sentence for sentence in told["verdict"])
    assert any("not judged" in sentence for sentence in told["verdict"])
    assert told["recommendation"]["defense"] is None
    assert told["cap"] is None
    assert "Audit of" in page(told)
    assert "Audit of" in markdown(told)


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


@pytest.mark.usefixtures("small")
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
    assert found.document["subject"]["name"] == "DecisionTreeClassifier"
    assert found.document["subject"]["data_name"] == "a table of 120 rows and 3 columns"
    assert repr(found).startswith("DecisionTreeClassifier on a table of 120 rows")
    with pytest.raises(mex.UsageError, match="no depth named 'deep'"):
        mex.audit(model, X, y, depth="deep", registry=registry)


def cut(m: Measured, rows: int) -> Measured:
    """The same, stopped after so many rows."""
    records = [
        {
            **r,
            "stopped": "time",
            "reason": f"took longer than 1 seconds: stopped after {rows} queries",
            "queries": rows,
            "curve": [point for point in r["curve"] or [] if point["queries"] <= rows],
        }
        for r in m.group.records
    ]
    return attrs.evolve(m, group=Group(m.group.attack, m.group.defense, cast("list[Record]", records)))


def test_what_an_attack_had_got_to_when_its_time_was_over_counts_and_it_is_named(outcome: Outcome) -> None:
    whole = next(m for m in outcome.judged if m.choice.label == "pivot" and m.choice.rows and m.choice.family)
    level = whole.group.median("queries_to_0.95")
    assert level is not None
    rows = math.ceil(level.high)
    part = cut(whole, rows)
    assert (part.late, part.asked, part.open) == (2, rows, True)
    assert not whole.open
    others = [m for m in outcome.judged if m is not whole and m.choice.reads != "proba"]
    told = document(attrs.evolve(outcome, judged=[part, *others]))
    assert told["unjudged"] == ["pivot (label)"]
    thief = next(t for t in told["thieves"] if t["shown"] == "label" and t["rows"] and t["class_known"])
    assert thief["levels"]["0.95"]["queries"]["median"] <= rows


def test_of_guesses_at_the_class_one_stays_though_few_rows_show_little_of_it(outcome: Outcome) -> None:
    def after(label: str, agreement: float, guess: str = "none") -> tuple[Choice, Group]:
        params = {} if guess == "none" else {"inner": {"use": label}, "guess": guess}
        choice = Choice(Spec("restricted" if params else label, params), label, "label")
        return choice, Group(label, "none", [record(label, curve=[(8, 0.6), (24, agreement)], budget=24)])

    raced = dict([after("margin", 0.9), after("pivot", 0.7, "linear"), after("tree-labels", 0.65, "tree")])
    assert [c.label for c in finish(list(raced), raced, TINY).stay] == ["margin", "pivot"]


def test_an_attack_that_the_rows_of_the_race_do_not_tell_from_the_best_stays_as_well() -> None:
    def after(label: str, agreement: float) -> tuple[Choice, Group]:
        raced = record(label, curve=[(8, 0.6), (24, agreement)], budget=24, held_out=534)
        return Choice(Spec(label), label, "label"), Group(label, "none", [raced])

    raced = dict([after("best", 0.94), after("close", 0.93), after("as close", 0.93), after("behind", 0.9)])
    stay = finish(list(raced), raced, attrs.evolve(TINY, keep=1)).stay
    assert [c.label for c in stay] == ["best", "close"], "one more, of 534 rows not told apart"


def test_of_two_heats_that_in_which_an_attack_asked_more_counts(outcome: Outcome) -> None:
    first = next(m for m in outcome.raced if m.choice.label == "pivot")
    least = cut(first, 16)
    records = [{**r, "status": "failed"} for r in least.group.records]
    lost = attrs.evolve(least, group=Group("pivot", "none", cast("list[Record]", records)))
    for one, two, best in ((first, lost, first), (lost, least, least), (least, first, first), (lost, lost, lost)):
        assert further([one], [two]) == [best]


def test_an_attack_that_took_too_long_is_named_in_the_verdict_and_baselines_are_judged_all_the_same(
    outcome: Outcome,
) -> None:
    def slow(m: Measured) -> Measured:
        records = [
            {**r, "status": "failed", "reason": "took longer than 1 seconds", "curve": None} for r in m.group.records
        ]
        return attrs.evolve(m, group=Group(m.group.attack, m.group.defense, cast("list[Record]", records)))

    late = [slow(m) if m.choice.label in ("pivot", "passive") else m for m in outcome.raced]
    finished = {m.choice: m.group for m in late if m.group.ran}
    stay = finish([c for c in outcome.choices if c.reads], finished, TINY).stay
    assert [c.label for c in stay if c.reads == "label"] == ["passive"]
    told = document(attrs.evolve(outcome, raced=late, judged=[m for m in outcome.judged if m.choice.label != "pivot"]))
    assert told["unjudged"] == ["pivot (label)"]
    assert any("pivot (label)" in sentence and "may do better" in sentence for sentence in told["verdict"])
