"""The check of a defense plugin."""

from __future__ import annotations

import copy
from collections.abc import Collection
from contextlib import suppress

import numpy as np

from mex.dataset import Rows
from mex.defense import Defended, Defense
from mex.errors import Incompatible, writes_nothing
from mex.target import Target, checked_answers, knowledge, labels
from mex.testing.declarations import check_declarations
from mex.testing.examples import example_target
from mex.types import Answer, Array, FloatArray


def check_defense(
    defense: Defense,
    target: Target | None = None,
    *,
    expect_change: bool = True,
    untouched: Collection[str] = ("label",),
) -> None:
    """Check that a defended target keeps the promises of :class:`mex.Target`.

    A batch is answered as its rows one by one, answers are well formed, a copy for honest users answers
    alike without disturbing the original, the domain stands, and something changes; rows are admitted alike. Rows that
    it is given stay as they are. No public attribute is the target behind or its estimator, and only answers
    ``untouched`` are as they were. The defense nests, or refuses to: it protects the answers of another defense, not
    those of f*.

    Args:
        defense: the component.
        target: what to protect; by default the first :func:`example_target` that it accepts.
        expect_change: whether some answer should differ from the undefended one.
        untouched: kinds of answer that it may leave as they are; a defense of labels passes ``()``.

    Raises:
        AssertionError: with the promise that is broken.
        MexError: with the sentence that its cells of a matrix would fail with.
    """
    check_declarations(defense)
    with writes_nothing("the defense"):
        _check_protected(defense, target or _accepted(defense), expect_change, untouched)


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


def _check_protected(defense: Defense, target: Target, expect_change: bool, untouched: Collection[str]) -> None:
    train = _rows(target)
    X = train.X

    def protected(behind: Target = target) -> Target:
        return defense.protect(behind, train, np.random.default_rng(1))

    shown = protected()
    assert isinstance(shown, Target), "protect must return a mex.Target"
    assert shown.domain.n_features == target.domain.n_features, "a defense must not change the number of features"
    assert shown.answers, "a defended target must give some kind of answer"
    _check_hidden(shown, target)
    _check_admission(protected(), protected(), X)
    changed = shown.answers != target.answers
    for kind in shown.answers:
        batch, other = protected(), protected()
        honest = copy.deepcopy(batch)
        answers = batch.answer(X, kind)
        checked_answers(answers, len(X), kind, shown.classes)
        one_by_one = np.concatenate([other.answer(row[None], kind) for row in X])
        assert _alike(answers, one_by_one), f"{kind}: a batch must be answered as its rows one by one"
        assert np.array_equal(honest.answer(X, kind), answers), f"{kind}: a deep copy must answer alike"
        if kind in target.answers:
            differs = not np.array_equal(answers, target.answer(X, kind))
            assert differs or kind in untouched or not expect_change, f"{kind}: every answer is that of f* itself"
            changed = changed or differs
        with suppress(Incompatible):  # a defense may say that it has to stand first in a nest
            nested, turned = (protected(_Nest(target, turn)).answer(X, kind) for turn in (False, True))
            assert _alike(answers, nested), f"{kind}: it must protect another defense's answers as it does those of f*"
            assert not _alike(answers, turned), f"{kind}: it must answer by what the defense behind it answers"
    assert changed or not expect_change, "the defense changes nothing"


def _check_hidden(shown: Target, target: Target) -> None:
    secrets = [] if shown is target else [target, getattr(target, "estimator", target)]
    for name in {*dir(shown), *dir(target)}:
        public = None if name.startswith("_") else getattr(shown, name, None)
        assert all(public is not secret for secret in secrets), f"the attribute {name} shows what is to be protected"


def _check_admission(batch: Target, other: Target, X: FloatArray) -> None:
    admitted = np.asarray(batch.admit(X))
    assert admitted.shape == (len(X),), "admit must say of each row whether it is answered, shape (n,)"
    assert admitted.dtype == np.bool_, "admit must say so with booleans"
    one_by_one = np.concatenate([other.admit(row[None]) for row in X])
    assert np.array_equal(admitted, one_by_one), "a batch must be admitted as its rows one by one"


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
            return np.asarray(self.classes[::-1][np.searchsorted(self.classes, answers)])
        return np.asarray(answers[:, ::-1] if kind == "proba" else -answers)


def _alike(a: Array, b: Array) -> bool:
    """Equal, but for the last digits that a matrix product may round otherwise for one row."""
    if a.dtype.kind == "f" and a.shape == b.shape:
        return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12))
    return np.array_equal(a, b)
