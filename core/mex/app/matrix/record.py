"""The record of a cell: each field described once, by its type, unit and meaning, and by when it is null.

A record is one JSON object, the same in memory, in ``results.jsonl``, in what ``mex.matrix`` returns and in what hooks
are told. What checks, prints, judges or explains records reads it off this description.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypedDict, get_args, get_type_hints

import attrs

from mex.app.matrix.typed_json import Kind, Number, kind_of
from mex.app.matrix.units import (
    Curve,
    Distance,
    Dollars,
    Features,
    Finding,
    Lost,
    Params,
    Plane,
    Queries,
    Rows,
    Score,
    Seconds,
    Share,
    Shift,
)
from mex.types import Answer

Status: TypeAlias = Literal["ok", "skipped", "failed"]
Stopped: TypeAlias = Literal["done", "budget", "refused", "interrupted", "failed", "time"]


@attrs.frozen
class Null:
    """Mark of a field that may be null: when it is, and in cells of which statuses."""

    when: str
    statuses: tuple[Status, ...] = get_args(Status)


POINTS = 2000
"""How many near and uniform points agreement is measured on: a standard error of at most 1.1 points."""
NO_RESULT = Null("no result", ("skipped", "failed"))
NO_TRUTH = Null("the data has no labels")
RECORDED = Null("the model is a record, which answers what was asked of it")
NOT_DEPLOYED = Null("the model is not a deployed one that is asked through a ledger")
TIMING = "timing"
"""Mark of a field that differs between two runs of one cell."""


class Identity(TypedDict):
    """Which measurement a record is of: two cells that differ in none of these fields are one."""

    cell: Annotated[str, "digest of the fields below, down to mex_version, as the plan gives them"]
    attack: Annotated[str, "name of the attack"]
    attack_params: Annotated[Params, "parameters of the attack, defaults filled in"]
    defense: Annotated[str, "name of the defense; of nested ones, all names from the inside out, joined by ' + '"]
    defense_params: Annotated[Params, "parameters of the defense; of nested ones, the list nest"]
    model: Annotated[str, "name of the model that is f*"]
    model_params: Annotated[Params, "parameters of the model"]
    dataset: Annotated[str, "name of the dataset on which f* is fitted and measured"]
    dataset_params: Annotated[Params, "parameters of the dataset"]
    seed: Annotated[int, Number("", 0), "seed of every random draw"]
    answers: Annotated[Answer | None, "kind of answer that the interface gives", NO_RESULT]
    budget: Annotated[int, Number("queries", 1), "rows that the attacker may ask at most"]
    price_per_query: Annotated[Dollars, "price of a row"]
    mex_version: Annotated[str, "version of mex that measured"]


class Record(Identity):
    """What a cell came to. Agreement is with the undefended f*, measured outside the oracle."""

    status: Annotated[Status, "ok: a result; skipped: components that cannot work together; failed: an error"]
    reason: Annotated[str | None, "why there is no result, or what the attack notes about it", Null("no note", ("ok",))]
    features: Annotated[Features | None, "features of a row that the attacker asks", NO_RESULT]
    rho: Annotated[Share | None, "public bound on the share of wrong labels", Null("none is public")]
    queries: Annotated[Queries | None, "rows charged", NO_RESULT]
    unique_queries: Annotated[Queries | None, "how many of them differ", NO_RESULT]
    rows_answered: Annotated[Queries | None, "rows that a deployed model answered to the attack", NOT_DEPLOYED]
    rows_sent: Annotated[
        Queries | None,
        "rows sent to a deployed model, those sent again too: what may have been charged at most",
        NOT_DEPLOYED,
        TIMING,
    ]
    evaluation_rows: Annotated[Queries | None, "rows sent to it to measure, for all attacks", NOT_DEPLOYED, TIMING]
    findings: Annotated[
        list[Finding] | None,
        "what an endpoint tells beside its answers: a kind, a sentence and evidence without secrets, each",
        Null("the model is not an endpoint"),
        TIMING,
    ]
    refused: Annotated[Queries | None, "queries of the attacker that the defense refused; they are paid for", NO_RESULT]
    alarm: Annotated[
        Queries | None, "queries of the attacker after which the defense raised the alarm", Null("no alarm")
    ]
    price_usd: Annotated[Dollars | None, "price of the queries", NO_RESULT]
    agreement: Annotated[Score | None, "share of held-out real rows on which the stolen model and f* agree", NO_RESULT]
    points: Annotated[Rows | None, "rows between held-out ones, and as many uniform ones, that are measured", RECORDED]
    held_out: Annotated[Rows | None, "held-out real rows on which agreement is measured", NO_RESULT]
    majority: Annotated[
        Share | None,
        "share of held-out rows that get f*'s most common label: what one constant answer agrees on",
        Null("f* gives values"),
    ]
    class_agreement: Annotated[Share | None, "the same, averaged over the classes of f*", Null("f* gives values")]
    near_agreement: Annotated[
        Score | None,
        "agreement between held-out rows: convex pairs, or crossovers for trees, integers and one-hot groups",
        RECORDED,
    ]
    uniform_agreement: Annotated[
        Score | None, "agreement on uniform points of the domain; read it beside uniform_majority", RECORDED
    ]
    uniform_majority: Annotated[
        Share | None, "share of uniform points that get f*'s most common label", Null("f* gives values, or is a record")
    ]
    geometric_error: Annotated[
        Distance | None, "‖ŵ − w*‖₂ of unit normals, in the domain's unit coordinates", Null("no halfspaces")
    ]
    target_accuracy: Annotated[Score | None, "accuracy of f*, by the true labels", NO_TRUTH]
    defended_accuracy: Annotated[Score | None, "accuracy of what honest users get", NO_TRUTH]
    accuracy_lost: Annotated[
        Lost | None, "what the defense costs honest users: target_accuracy − defended_accuracy", NO_TRUTH
    ]
    stolen_accuracy: Annotated[Score | None, "accuracy of the stolen model", NO_TRUTH]
    answers_changed: Annotated[Share | None, "share of honest answers that the defense changes", NO_RESULT]
    answer_shift: Annotated[
        Shift | None,
        "how far it changes them: labels as above, total variation of probabilities, standard deviations of values",
        NO_RESULT,
    ]
    repeats_differ: Annotated[Share | None, "share of honest questions answered otherwise when asked again", NO_RESULT]
    honest_refused: Annotated[Share | None, "share of honest rows refused", NO_RESULT]
    false_alarms: Annotated[
        Share | None, "share of honest clients (500 rows each) over whom the alarm is raised", NO_RESULT
    ]
    latency_added: Annotated[Seconds | None, "time that the defense adds to a row", NO_RESULT, TIMING]
    stopped: Annotated[
        Stopped | None,
        "what ended the attack: itself (done), the budget, a defense that shut it out (refused), Ctrl-C (interrupted), "
        "an error of the target (failed), the time that the cell had (time)",
        NO_RESULT,
    ]
    seconds: Annotated[Seconds | None, "time of the cell", NO_RESULT, TIMING]
    learner_seconds: Annotated[Seconds | None, "time of the attack's own work", NO_RESULT, TIMING]
    oracle_seconds: Annotated[Seconds | None, "time of the answers", NO_RESULT, TIMING]
    cpu_seconds: Annotated[Seconds | None, "CPU time of the cell, of all threads of its process", NO_RESULT, TIMING]
    curve: Annotated[Curve | None, "the scores along the way, at geometrically spaced counts of queries", NO_RESULT]
    asked: Annotated[Plane | None, "where the attack asked, in order: at most 400 rows", Null("features are not two")]


@attrs.frozen
class Field:
    """One field of a record, described."""

    name: str
    kind: Kind
    meaning: str
    null: Null | None
    timing: bool

    @classmethod
    def of(cls, name: str, hint: Any) -> Field:
        """The field that an annotation of :class:`Record` describes."""
        marks = hint.__metadata__
        meaning, *timing = (mark for mark in marks if isinstance(mark, str))
        null = next((mark for mark in marks if isinstance(mark, Null)), None)
        return cls(name, kind_of(hint), meaning, null, TIMING in timing)

    @property
    def measured(self) -> bool:
        """Whether it is a number that a cell measures, the same in every run of it."""
        return self.name in RESULTS and self.kind.is_number and not self.timing


KIND = kind_of(Record)
FIELDS = {name: Field.of(name, hint) for name, hint in get_type_hints(Record, include_extras=True).items()}
IDENTITY = tuple(Identity.__annotations__)
RESULTS = tuple(name for name in FIELDS if name not in IDENTITY)
"""The fields that say what the cell came to."""
TIMINGS = tuple(field.name for field in FIELDS.values() if field.timing)
"""The fields that differ between two runs of one cell."""
MEASURED = tuple(field.name for field in FIELDS.values() if field.measured)
"""The numbers that a gate may judge and whose medians over seeds are printed."""

DERIVED = {
    "queries_to_LEVEL": (
        "queries",
        "queries after which agreement is LEVEL or more and stays so, interpolated between two points of the curve; "
        "infinite if not within the budget",
    ),
    "usd_to_LEVEL": ("US dollars", "price of these queries"),
    "multiplier": ("times", "queries of the best of these attacks to LEVEL, over those without a defense"),
}
"""Unit and meaning of the numbers computed from records, LEVEL being an agreement such as 0.99."""
