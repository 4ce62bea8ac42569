"""What an attack promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import attrs
import numpy as np

from mex.errors import sentence
from mex.extraction import Extraction, extract
from mex.learner import Attack
from mex.target import Target
from mex.testing.attack_runs import ANSWERED, AttackRun, accepted_runs
from mex.testing.declarations import DECLARATIONS
from mex.testing.kit import check_all, once, raise_if_written
from mex.toolkit.metrics import agreement


@attrs.frozen(eq=False, slots=False)
class AttackTrial:
    """An attack, and its runs at the example targets of the first family that it accepts, or at a target of yours."""

    component: Attack
    target: Target | None = attrs.field(default=None, kw_only=True)
    least_agreement: float | None = attrs.field(default=None, kw_only=True)
    kind: ClassVar[str] = "attack"

    @property
    def checks(self) -> Sequence[Callable[[Any], None]]:
        """Each promise; that it learns, if it was said how much."""
        return ATTACK if self.least_agreement is None else (*ATTACK, learns)

    @once
    def runs(self) -> list[AttackRun]:
        """A run for each target and kind of answer that it accepts."""
        return accepted_runs(self.component, self.target)

    @property
    def first(self) -> AttackRun:
        """The run at the first target."""
        accepts_a_target(self)
        return self.runs[0]


def accepts_a_target(trial: AttackTrial) -> None:
    """It starts at the target that it is tried on, or at one of the example targets."""
    assert trial.runs, (
        "the attack accepts none of the targets: widen its scope, raise mex.Incompatible only where it cannot work, or"
        " give the check a target=... of the kind that it is made for"
    )


def leaves_what_it_was_lent(trial: AttackTrial) -> None:
    """It writes into no array that it was given, nor does its hypothesis into the rows that it predicts."""
    for run in trial.runs:
        raise_if_written(trial, lambda run=run: run.extraction)  # type: ignore[misc]
        raise_if_written(trial, *(seen.predicted for seen in run.seen))


def has_a_hypothesis_at_once(trial: AttackTrial) -> None:
    """It has a hypothesis before the first answer."""
    for run in trial.runs:
        assert hasattr(run.initial, "predict"), (
            "there must be a hypothesis before the first answer: return an estimator, such as"
            " mex.toolkit.estimators.constant(classes[0], n_features), until there is a better one"
        )


def asks_the_same_until_told(trial: AttackTrial) -> None:
    """It asks the same rows until it is told their answers."""
    for run in trial.runs:
        asked, again = run.asked_twice
        same = asked is again if asked is None or again is None else np.array_equal(asked, again)
        assert same, (
            "ask must return the same rows until told: keep the batch, and choose the next one in tell, as"
            " mex.GeneratorLearner does"
        )


def runs_to_its_end(trial: AttackTrial) -> None:
    """It asks rows that the interface takes, until it is done or its budget is, and raises nothing on the way."""
    for run in trial.runs:
        assert run.extraction.hypothesis is not None


def predicts_what_the_target_could_answer(trial: AttackTrial) -> None:
    """Each hypothesis gives one label of the target, or one number, for each row."""
    for run in trial.runs:
        run.predict(run.initial)
        for seen in run.seen:
            seen.predicted()


def leaves_its_hypotheses_alone(trial: AttackTrial) -> None:
    """A hypothesis that was returned does not change any more."""
    for run in trial.runs:
        for seen in run.seen:
            assert np.array_equal(run.predict(seen.hypothesis), seen.predicted()), (
                f"the hypothesis returned after {seen.queries} queries has changed since: return an estimator of its"
                " own, such as a copy, as the curve of a matrix shows each as it was"
            )


def notes_a_sentence(trial: AttackTrial) -> None:
    """What it notes for the record is a text."""
    for run in trial.runs:
        with suppress(Exception):
            run.extraction  # noqa: B018 - what goes wrong there is for the next check
        note = getattr(run.learner, "note", "")
        assert isinstance(note, str), f"the note must be a string, one sentence or '', not {note!r}"


def repeats_itself(trial: AttackTrial) -> None:
    """With the same seed it asks the same rows, whether or not its hypotheses are looked at on the way."""
    repeated = extract(*trial.first.start(), snapshots=False)
    assert np.array_equal(repeated.transcript.X, trial.first.extraction.transcript.X), (
        "the same seed must ask the same rows, whether or not hypotheses are looked at on the way: draw from the"
        " generator that learner(...) was given and no other, and from a stream of its own (rng.spawn) in hypothesis"
    )


def ends_when_it_is_shut_out(trial: AttackTrial) -> None:
    """Where a defense answers no more, it has a hypothesis of the answers until then."""
    run = trial.first
    try:
        run.predict(extract(*run.start(shut_out=True), snapshots=False).hypothesis)
    except Exception as error:
        raise AssertionError(
            f"where a defense answers no more, there must be a hypothesis of the {ANSWERED} answers until then: take"
            f" fewer answers than rows asked in tell, or in cut ({sentence(error)})"
        ) from error


def learns(trial: AttackTrial) -> None:
    """It agrees with the target on uniform points as much as it was said to."""
    run = trial.first
    share = agreement(run.predict(run.extraction.hypothesis), run.truth, run.classes is None)
    assert trial.least_agreement is None or share >= trial.least_agreement, (
        f"agreement {share:.3f} is below {trial.least_agreement} after {run.extraction.queries} queries: look for a"
        " wrong sign or a fit that leaves answers out, or expect less"
    )


ATTACK: tuple[Callable[[AttackTrial], None], ...] = (
    *DECLARATIONS,
    accepts_a_target,
    leaves_what_it_was_lent,
    has_a_hypothesis_at_once,
    asks_the_same_until_told,
    notes_a_sentence,
    runs_to_its_end,
    predicts_what_the_target_could_answer,
    leaves_its_hypotheses_alone,
    repeats_itself,
    ends_when_it_is_shut_out,
)


def check_attack(attack: Attack, target: Target | None = None, *, least_agreement: float | None = None) -> Extraction:
    """Check that an attack is a well-behaved learner, and return what it got.

    It stays within its budget, asks only what the interface accepts, has a hypothesis before the first answer and
    after the last, asks the same until told, and repeats itself for the same seed, whether or not its hypotheses are
    looked at. It changes nothing that it was lent. A hypothesis answers rows as the target does, one label or value a
    row, leaves the rows as they are, and does not change any more once it was returned.

    Args:
        attack: the component.
        target: what to attack; by default the example targets of the first family that it accepts.
        least_agreement: how much the stolen model has to agree with the target on uniform points.

    Raises:
        AssertionError: with the promise that is broken.
        MexError: with the sentence that its cells of a matrix would fail with.
    """
    trial = AttackTrial(attack, target=target, least_agreement=least_agreement)
    check_all(trial)
    return trial.first.extraction
