"""What an attacker knows before the first query, and what a component works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from mex.answers import OURS, USUAL, answer_kind
from mex.domain import Domain
from mex.errors import Incompatible
from mex.types import Answer, Array, Estimator, FloatArray, read_only

__all__ = [
    "KINDS",
    "Family",
    "Knowledge",
    "Scope",
]

KINDS = ("linear", "polynomial", "kernel", "tree", "forest", "boosted", "neural")
"""The classes of models that attacks know."""
AXIS_PARALLEL = ("tree", "forest", "boosted")
"""Those of them whose boundaries are parallel to the axes."""


@attrs.frozen(eq=False)
class Family:
    """The public class F of f*: what Experiment 1 lets everyone know.

    Attributes:
        kind: one of :data:`KINDS`, or a name of your own.
        public: public hyper-parameters that attacks ask about, such as ``{"intercept": False}``.
        learner: an unfitted estimator that learns over F with the public hyper-parameters, if there is one.
        reason: where the kind is a name of its own, why it is none of those that attacks know; or "".
        axis_parallel: whether the boundaries of f* are parallel to the axes, as those of rules are: rows between two
            others then take each feature from either. Known of :data:`KINDS`; say it of a kind of your own.
    """

    kind: str
    public: Mapping[str, Any] = attrs.field(factory=dict)
    learner: Estimator | None = None
    reason: str = ""
    axis_parallel: bool = attrs.field(kw_only=True)

    @axis_parallel.default
    def _by_kind(self) -> bool:
        return self.kind in AXIS_PARALLEL


@attrs.frozen(eq=False, kw_only=True)
class Knowledge:
    """All that an attack is given beside the answers (paper, Experiment 1): nothing else reaches it.

    Arrays are read-only, and the family is a copy: an attack that wants to change something makes a copy of its own.

    Attributes:
        domain: the rows the interface accepts.
        classes: the labels it can answer with, or None for a regressor.
        answers: the kind of answer it gives to this attacker.
        family: the public class F of f* with its public hyper-parameters.
        pool: unlabeled rows from the data distribution, shape (n, d), if the scenario grants any.
        rho: a public bound on the probability that a label is wrong; 0 without a defense, None if unknown.
        budget: how many rows the attacker may ask, or None for no limit.
    """

    domain: Domain
    classes: Array | None = attrs.field(converter=attrs.converters.optional(read_only))
    answers: Answer
    family: Family
    pool: FloatArray | None = attrs.field(default=None, converter=attrs.converters.optional(read_only))
    rho: float | None = 0.0
    budget: int | None = None

    @property
    def task(self) -> str:
        """``binary``, ``multiclass`` or ``regression``."""
        if self.classes is None:
            return "regression"
        return "binary" if len(self.classes) == 2 else "multiclass"


def _words(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _common(what: str, some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    if not (some and others):
        return some or others
    common = tuple(word for word in some if word in others)
    if not common:
        raise Incompatible(f"one works on {' and '.join(some)} {what}, the other on {' and '.join(others)}")
    return common


@attrs.frozen(kw_only=True)
class Scope:
    """What a component works on, as data: `mex show` prints it, the matrix skips by it.

    An empty field means *any*, of answers any of the four kinds of mex: those of plugins are taken by name. ``one &
    other`` is what both work on. A model whose scope is ``incomplete`` learns from rows with missing values as well;
    others are given the complete ones.

    >>> print(Scope(tasks="binary", families="linear", answers="label"))
    binary targets, linear models, label answers
    >>> print(Scope())
    any target
    >>> print(Scope(tasks=("binary", "multiclass")) & Scope(tasks="binary", answers="label"))
    binary targets, label answers
    """

    tasks: tuple[str, ...] = attrs.field(default=(), converter=_words)
    families: tuple[str, ...] = attrs.field(default=(), converter=_words)
    answers: tuple[str, ...] = attrs.field(default=(), converter=_words)
    needs_pool: bool = False
    incomplete: bool = False

    def __str__(self) -> str:
        named = ((self.tasks, "targets"), (self.families, "models"), (self.answers, "answers"))
        parts = [f"{' and '.join(words)} {what}" for words, what in named if words]
        parts = parts + ["a pool of unlabeled rows"] * self.needs_pool or ["any target"]
        return ", ".join(parts + ["also rows with missing values"] * self.incomplete)

    def __and__(self, other: Scope) -> Scope:
        """What both work on.

        Raises:
            Incompatible: if there is nothing.
        """
        return Scope(
            tasks=_common("targets", self.tasks, other.tasks),
            families=_common("models", self.families, other.families),
            answers=_common("answers", self.answers, other.answers),
            needs_pool=self.needs_pool or other.needs_pool,
            incomplete=self.incomplete and other.incomplete,
        )

    def told(self, shown: Answer, given: Sequence[Answer]) -> Answer:
        """The kind of answer that the component reads off an interface that gives some kinds, one of them ``shown``.

        If it does not take that one, it is the label or value beside it; where the interface has none, the label that
        the answers tell, such as the most probable class. A kind of a plugin is taken where its name is in the scope.

        >>> Scope(answers="label").told("proba", ("proba",)), Scope(answers="label").told("leaf", ("leaf", "value"))
        ('label', 'leaf')
        """
        taken = self.answers or OURS
        if shown in taken or shown in USUAL:
            return shown
        readable = given if answer_kind(shown).labels is None else ("label", *given)
        return next((kind for kind in USUAL if kind in taken and kind in readable), shown)

    def check(self, label: str, known: Knowledge) -> None:
        """Raise :class:`Incompatible` if the component called ``label`` does not work in this scenario."""
        if self.tasks and known.task not in self.tasks:
            single = known.classes is not None and len(known.classes) == 1
            task = "has a single class" if single else f"is {known.task}"
            raise Incompatible(f"{label} works on {' and '.join(self.tasks)} targets; this one {task}")
        if self.families and (kind := known.family.kind) not in self.families:
            why = f", as {known.family.reason}" if known.family.reason else ""
            way_out = "" if kind in KINDS else f" (declare family={self.families[0]!r} if it is one all the same)"
            raise Incompatible(
                f"{label} works on {' and '.join(self.families)} models; this is a {kind} one{why}{way_out}"
            )
        if known.answers not in (taken := self.answers or OURS):
            raise Incompatible(f"{label} takes {' or '.join(taken)} answers; this interface gives {known.answers}")
        if self.needs_pool and known.pool is None:
            raise Incompatible(f"{label} needs a pool of unlabeled rows, and this scenario grants none")
