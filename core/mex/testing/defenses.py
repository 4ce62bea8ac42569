"""What a defended target promises."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from mex.answers import checked_answers
from mex.defense import Defense
from mex.target import Target
from mex.testing.admission import admits_row_by_row, remembers_by_its_memory
from mex.testing.declarations import DECLARATIONS
from mex.testing.defense_trial import DefenseTrial, Nest
from mex.testing.kit import check_all, raise_if_written
from mex.testing.noise import alike, check_labels_beside, check_rho, check_sticky


def accepts_a_target(trial: DefenseTrial) -> None:
    """It protects the target that it is tried on, or one of the example targets."""
    assert trial.behind is not None


def leaves_what_it_was_lent(trial: CheckedDefense) -> None:
    """It writes neither into the operator's rows nor into those that it is asked."""
    raise_if_written(trial, trial.protected, lambda: trial.protected().admit(trial.X), lambda: trial.answered)


def gives_a_target(trial: DefenseTrial) -> None:
    """What it returns is a target that gives answers."""
    assert isinstance(trial.shown, Target), (
        f"protect must return a mex.Target, not {type(trial.shown).__name__}: start from mex.Defended"
    )
    assert trial.shown.answers, (
        "a defended target must give some kind of answer: raise mex.Incompatible in protect where it gives none"
    )


def keeps_the_face_of_the_model(trial: DefenseTrial) -> None:
    """Domain and classes are those of the model."""
    shown, target = trial.shown, trial.behind
    assert shown.domain.n_features == target.domain.n_features, "the number of features must stand: change it in answer"
    for name in ("lower", "upper", "integer", "groups", "incomplete"):
        assert np.array_equal(getattr(shown.domain, name), getattr(target.domain, name)), (
            f"the domain must stand, and its {name} differs: clients ask the rows that the model takes; "
            "change rows in answer, or refuse some in admit"
        )
    same = shown.classes is target.classes or np.array_equal(shown.classes, target.classes)  # type: ignore[arg-type]
    assert same, (
        f"the classes must stand: they are {target.classes}, not {shown.classes}; answer with the model's own labels"
    )


def hides_what_it_protects(trial: DefenseTrial) -> None:
    """No public attribute is the target behind it, or its estimator."""
    shown, target = trial.shown, trial.behind
    secrets = [] if shown is target else [target, getattr(target, "estimator", target)]
    for name in {*dir(shown), *dir(target)}:
        public = None if name.startswith("_") else getattr(shown, name, None)
        assert all(public is not secret for secret in secrets), (
            f"the attribute {name} shows what is to be protected: keep it in a name with an underscore"
        )


def answers_what_an_interface_may(trial: DefenseTrial) -> None:
    """Answers are labels of the model, probabilities that sum to one, or numbers, one for each row."""
    for kind, (answers, _) in trial.answered.items():
        checked_answers(answers, len(trial.X), kind, trial.shown.classes)


def answers_row_by_row(trial: DefenseTrial) -> None:
    """A batch is answered as its rows one by one, and with the same seed as before."""
    for kind, (answers, _) in trial.answered.items():
        other = trial.protected()
        parts = [*trial.X[:20, None], trial.X[20:]]  # whoever draws for a batch is out of step in the last part
        one_by_one = np.concatenate([other.answer(part, kind) for part in parts if len(part)])
        assert alike(answers, one_by_one), (
            f"{kind}: a batch must be answered as its rows one by one: draw for each row, in order, from the generator"
            " that protect was given and no other (mex.toolkit.perturbation.draws.Draws does)"
        )


def answers_as_its_copy(trial: DefenseTrial) -> None:
    """A deep copy, of which honest users ask, answers alike and disturbs nothing."""
    for kind, (answers, honest) in trial.answered.items():
        assert np.array_equal(honest.answer(trial.X, kind), answers), (
            f"{kind}: a deep copy must answer alike: keep generators and counters in the target, not in a module"
        )


def changes_something(trial: DefenseTrial) -> None:
    """Some answer is not that of f*, or a kind of answer is not given any more; so is each kind but the untouched."""
    if not trial.expect_change:
        return
    changed = trial.shown.answers != trial.behind.answers
    for kind in [kind for kind in trial.answered if kind in trial.behind.answers]:
        differs = not np.array_equal(trial.answered[kind][0], trial.behind.answer(trial.X, kind))
        assert differs or kind in trial.untouched, (
            f"{kind}: every answer is that of f* itself: protect it as well, or leave it out of answers"
        )
        changed = changed or differs
    assert changed, "the defense changes nothing; if it leaves answers as they are by intent, expect_change=False"


def nests(trial: DefenseTrial) -> None:
    """It protects another defense's answers as it does those of f*; or it refuses, and says that it stands first."""
    refusal = trial.refuses_to_nest()
    if not trial.nests:
        assert refusal is not None, (
            "a defense that has to stand first in a nest must raise mex.Incompatible where it does not"
        )
        return
    if refusal is not None:
        raise AssertionError(
            f"it refuses to stand before another defense ({refusal}): change what the target behind answers, whatever"
            " that is; if it has to stand first in a nest, say so: check_defense(..., nests=False)"
        )
    for kind, (answers, _) in trial.answered.items():
        nested, turned = (trial.protected(Nest(trial.behind, turn)).answer(trial.X, kind) for turn in (False, True))
        assert alike(answers, nested), f"{kind}: it must protect another defense's answers as it does those of f*"
        assert not alike(answers, turned), (
            f"{kind}: it must answer by what the defense behind it answers: ask self._target, not undefended(target)"
        )


def hides_the_labels_it_changes(trial: DefenseTrial) -> None:
    """The probabilities shown beside a changed label do not tell that it was changed."""
    check_labels_beside(trial.protected, trial.behind, trial.train)


def keeps_its_bound(trial: DefenseTrial) -> None:
    """Labels are wrong no more often than its rho declares."""
    check_rho(trial.protected, trial.behind, trial.train)


def keeps_sticky_noise(trial: DefenseTrial) -> None:
    """With sticky=true the same row gets the same answer, whatever was asked in between."""
    for form in trial.sticky_forms:
        check_sticky(partial(trial.protected, component=form), trial.X)


DEFENSE: tuple[Callable[[CheckedDefense], None], ...] = (
    *DECLARATIONS,
    accepts_a_target,
    leaves_what_it_was_lent,
    gives_a_target,
    keeps_the_face_of_the_model,
    hides_what_it_protects,
    admits_row_by_row,
    remembers_by_its_memory,
    answers_what_an_interface_may,
    answers_row_by_row,
    answers_as_its_copy,
    changes_something,
    nests,
    hides_the_labels_it_changes,
    keeps_its_bound,
)
STICKY = (keeps_sticky_noise,)


@attrs.frozen(eq=False, slots=False)
class CheckedDefense(DefenseTrial):
    """A defense, the target that it protects, and its checks."""

    @property
    def checks(self) -> Sequence[Callable[[Any], None]]:
        """Each promise; of sticky noise, if it has any."""
        return (*DEFENSE, *STICKY) if self.sticky_forms else DEFENSE


def check_defense(
    defense: Defense,
    target: Target | None = None,
    *,
    expect_change: bool = True,
    untouched: Collection[str] = ("label",),
    nests: bool = True,
) -> None:
    """Check that a defended target keeps the promises of :class:`mex.Target`.

    These are the promises of :data:`DEFENSE`, and of :data:`STICKY` with a parameter ``sticky``.

    Args:
        defense: the component.
        target: what to protect; by default the first :func:`example_target` that it accepts.
        expect_change: whether some answer should differ from the undefended one.
        untouched: kinds of answer that it may leave as they are; a defense of labels passes ``()``.
        nests: whether it stands before other defenses; one that has to stand first says so, and refuses the others.

    Raises:
        AssertionError: with the promise that is broken.
        MexError: with the sentence that its cells of a matrix would fail with.
    """
    trial = CheckedDefense(defense, target=target, expect_change=expect_change, untouched=untouched, nests=nests)
    check_all(trial)
