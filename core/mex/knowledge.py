"""What an attacker knows before the first query, and what a component works on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from mex.domain import Domain
from mex.types import Answer, Array, FloatArray

if TYPE_CHECKING:
    from mex.target import Family


@attrs.frozen(eq=False, kw_only=True)
class Knowledge:
    """All that an attack is given beside the answers (paper, Experiment 1): nothing else reaches it.

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
    classes: Array | None
    answers: Answer
    family: Family
    pool: FloatArray | None = None
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


@attrs.frozen(kw_only=True)
class Scope:
    """What a component works on, as data: `mex show` prints it, the matrix skips by it.

    An empty field means *any*.

    >>> Scope(tasks="binary", answers="label")
    Scope(tasks=('binary',), families=(), answers=('label',), needs_pool=False)
    """

    tasks: tuple[str, ...] = attrs.field(default=(), converter=_words)
    families: tuple[str, ...] = attrs.field(default=(), converter=_words)
    answers: tuple[str, ...] = attrs.field(default=(), converter=_words)
    needs_pool: bool = False

    def objection(self, label: str, known: Knowledge) -> str | None:
        """Why the component called ``label`` does not work in this scenario, or None."""
        if self.tasks and known.task not in self.tasks:
            return f"{label} works on {' and '.join(self.tasks)} targets; this one is {known.task}"
        if self.families and known.family.kind not in self.families:
            return f"{label} works on {' and '.join(self.families)} models; this one is {known.family.kind}"
        if self.answers and known.answers not in self.answers:
            return f"{label} takes {' or '.join(self.answers)} answers; this interface gives {known.answers}"
        if self.needs_pool and known.pool is None:
            return f"{label} needs a pool of unlabeled rows, and this scenario grants none"
        return None
