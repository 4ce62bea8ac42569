"""What a defended target promises."""

from __future__ import annotations

import copy
from collections.abc import Collection
from contextlib import suppress
from functools import partial

import attrs
import numpy as np

from mex.dataset import Rows
from mex.defense import Defended, Defense
from mex.errors import Incompatible, UsageError, writes_nothing
from mex.params import fields
from mex.target import Target, checked_answers, knowledge, labels
from mex.testing.declarations import check_declarations
from mex.testing.examples import example_target
from mex.testing.noise import Protected, alike, check_labels_beside, check_rho, check_sticky
from mex.toolkit.perturbation.rules import class_index
from mex.types import Answer, Array, FloatArray


def check_defense(
    defense: Defense,
    target: Target | None = None,
    *,
    expect_change: bool = True,
    untouched: Collection[str] = ("label",),
    nests: bool = True,
) -> None:
    """Check that a defended target keeps the promises of :class:`mex.Target`.

    A batch is answered, and admitted, as its rows one by one; answers are well formed; a copy for honest users answers
    alike without disturbing the original; domain and classes stand; something changes. Rows that it is given stay as
    they are. No public attribute is the target behind or its estimator, only answers ``untouched`` are as they were,
    and no probability tells a label that was changed. Labels are wrong no more often than ``rho`` declares. A
    parameter ``sticky`` keeps its word, whatever else is asked. The defense nests: it protects the answers of another
    defense, not those of f*.

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
    check_declarations(defense)
    with writes_nothing("the defense"):
        _check_protected(defense, target or _accepted(defense), expect_change, untouched, nests)


def _accepted(defense: Defense) -> Target:
    for task in ("binary", "regression"):
        target = example_target(task)
        with suppress(Incompatible):
            defense.scope.check(type(defense).__name__, knowledge(target))
            defense.protect(target, _rows(target), np.random.default_rng(1))
            return target
    raise AssertionError("the defense accepts none of the example targets: give check_defense one")


def _rows(target: Target) -> Rows:
    X = target.domain.sample(200, np.random.default_rng(0))
    return Rows(X, labels(target, X))


def _check_protected(
    defense: Defense, target: Target, expect_change: bool, untouched: Collection[str], nests: bool
) -> None:
    train = _rows(target)
    X = train.X

    def protected(behind: Target = target, seed: int = 1, component: Defense = defense) -> Target:
        return component.protect(behind, train, np.random.default_rng(seed))

    shown = protected()
    assert isinstance(shown, Target), "protect must return a mex.Target"
    _check_face(shown, target)
    _check_hidden(shown, target)
    _check_admit(protected(), protected(), X)
    changed = shown.answers != target.answers
    for kind in shown.answers:
        batch, other = protected(), protected()
        honest = copy.deepcopy(batch)
        answers = batch.answer(X, kind)
        checked_answers(answers, len(X), kind, shown.classes)
        one_by_one = np.concatenate([other.answer(row[None], kind) for row in X])
        assert alike(answers, one_by_one), f"{kind}: a batch must be answered as its rows one by one"
        assert np.array_equal(honest.answer(X, kind), answers), f"{kind}: a deep copy must answer alike"
        if kind in target.answers:
            differs = not np.array_equal(answers, target.answer(X, kind))
            assert differs or kind in untouched or not expect_change, f"{kind}: every answer is that of f* itself"
            changed = changed or differs
        if nests:
            _check_nest(protected, target, X, kind, answers)
    assert changed or not expect_change, "the defense changes nothing"
    assert nests or _refuses(protected, _Nest(target, turn=False)), (
        "a defense that has to stand first in a nest must raise mex.Incompatible where it does not"
    )
    check_labels_beside(protected, target, train)
    check_rho(protected, target, train)
    for form in _sticky_forms(defense):
        check_sticky(partial(protected, component=form), X)


def _check_face(shown: Target, target: Target) -> None:
    """Domain and classes are those of the model, and there are answers."""
    assert shown.answers, "a defended target must give some kind of answer"
    assert shown.domain.n_features == target.domain.n_features, "a defense must not change the number of features"
    for name in ("lower", "upper", "integer", "groups", "incomplete"):
        assert np.array_equal(getattr(shown.domain, name), getattr(target.domain, name)), (
            f"the domain must stand, and its {name} differs: clients ask the rows that the model takes; "
            "change rows in answer, or refuse some in admit"
        )
    same = shown.classes is target.classes or np.array_equal(shown.classes, target.classes)  # type: ignore[arg-type]
    assert same, f"the classes must stand: they are {target.classes}, not {shown.classes}"


def _check_hidden(shown: Target, target: Target) -> None:
    secrets = [] if shown is target else [target, getattr(target, "estimator", target)]
    for name in {*dir(shown), *dir(target)}:
        public = None if name.startswith("_") else getattr(shown, name, None)
        assert all(public is not secret for secret in secrets), f"the attribute {name} shows what is to be protected"


def _check_admit(batch: Target, single: Target, X: FloatArray) -> None:
    """Rows are admitted one by one, whatever the batch; ``batch`` and ``single`` are alike."""
    admitted = np.asarray(batch.admit(X))
    assert admitted.shape == (len(X),), (
        f"admit must answer for each of the {len(X)} rows, shape ({len(X)},), not {admitted.shape}"
    )
    assert admitted.dtype == np.bool_, f"admit must answer True or False for each row, not {admitted.dtype}"
    alone = np.concatenate([np.asarray(single.admit(row[None])) for row in X])
    differ = np.flatnonzero(admitted != alone)
    assert not len(differ), (
        f"row {differ[0]} of a batch is {'admitted' if admitted[differ[0]] else 'refused'}, and not so where the same "
        "rows come one by one: go by the row and the client's rows so far, not by the place in a batch"
    )


def _check_nest(protected: Protected, target: Target, X: FloatArray, kind: Answer, answers: Array) -> None:
    try:
        nested, turned = (protected(_Nest(target, turn)).answer(X, kind) for turn in (False, True))
    except Incompatible as refusal:
        raise AssertionError(
            f"it refuses to stand before another defense ({refusal}): change what the target behind answers, whatever"
            " that is; if it has to stand first in a nest, say so: check_defense(..., nests=False)"
        ) from None
    assert alike(answers, nested), f"{kind}: it must protect another defense's answers as it does those of f*"
    assert not alike(answers, turned), f"{kind}: it must answer by what the defense behind it answers"


def _refuses(protected: Protected, target: Target) -> bool:
    try:
        protected(target)
    except Incompatible:
        return True
    return False


def _sticky_forms(defense: Defense) -> list[Defense]:
    """The forms of a defense that promise the same answer to the same row for ever."""
    names = [field.name for field in fields(type(defense))]
    if "sticky" in names:
        with suppress(UsageError):  # beside another parameter that excludes it
            return [attrs.evolve(defense, sticky=True)]  # type: ignore[misc]
    return []


class _Nest(Defended):
    """A defense that does nothing, or turns every answer round."""

    def __init__(self, target: Target, turn: bool) -> None:
        super().__init__(target)
        self._turn = turn

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        answers = self._target.answer(X, kind)
        if not self._turn:
            return answers
        if kind == "label" and self.classes is not None:
            return np.asarray(self.classes[::-1][class_index(self.classes, answers)])
        return np.asarray(answers[:, ::-1] if kind == "proba" else -answers)
