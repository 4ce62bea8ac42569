"""Learners: active learning by query synthesis, which is what an extraction attack is (paper, Observation 1)."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np

from mex.answers import checked_answers
from mex.errors import writes_nothing
from mex.knowledge import Knowledge, Scope
from mex.types import Array, Estimator, FloatArray, read_only

__all__ = [
    "Attack",
    "GeneratorLearner",
    "Learner",
    "Steps",
    "closed_after",
    "predictions",
    "without_noise",
]

Steps: TypeAlias = Generator[FloatArray, Array, None]
"""What :meth:`GeneratorLearner.steps` is: it yields rows and receives their answers."""


@runtime_checkable
class Learner(Protocol):
    """An attack under way: it says what to ask, is told the answers, and has a hypothesis at any time.

    One that holds a thread or a file may have a method ``close()``, which is called when its run is over.
    """

    def ask(self) -> FloatArray | None:
        """Return the rows to ask now, shape (n, d); None means done. The same rows until told."""
        ...

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Take the answers to the rows of ``X``: those asked, or the first of them if the budget cut the rest."""
        ...

    def hypothesis(self) -> Estimator:
        """Return f^ so far, a fitted scikit-learn estimator of its own; changes nothing in the learner.

        It may have a method ``describe()``, which returns lines for people; ``mex attack --describe`` writes them.
        """
        ...


@runtime_checkable
class Attack(Protocol):
    """What an attack component is: a value that starts learners.

    A learner may have a string attribute ``note``: one sentence for the record, such as an assumption
    of the attack that the scenario breaks.
    """

    scope: ClassVar[Scope]
    paper: ClassVar[str]

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start an attack on what ``knowledge`` describes.

        Raises:
            Incompatible: if the attack cannot work there; the reason is printed.
        """
        ...


@contextlib.contextmanager
def closed_after(learner: Learner) -> Iterator[None]:
    """Call ``close()`` of a learner that has one at the end, whatever happens."""
    try:
        yield
    finally:
        getattr(learner, "close", lambda: None)()


class GeneratorLearner(ABC):
    """A learner written as straight code: :meth:`steps` yields rows and receives their answers.

    >>> from sklearn.dummy import DummyRegressor
    >>> class Twice(GeneratorLearner):
    ...     total = 0.0
    ...     def steps(self):
    ...         for x in (1.0, 2.0):
    ...             answers = yield np.array([[x]])
    ...             self.total += float(answers[0])
    ...     def hypothesis(self):
    ...         return DummyRegressor(strategy="constant", constant=self.total).fit([[0]], [0])
    >>> learner = Twice()
    >>> while (X := learner.ask()) is not None:
    ...     learner.tell(X, 10 * X[:, 0])
    >>> learner.total
    30.0
    """

    _steps: Steps | None = None
    _pending: FloatArray | None = None

    @abstractmethod
    def steps(self) -> Steps:
        """Yield rows, receive their answers, keep in ``self`` what :meth:`hypothesis` needs."""

    @abstractmethod
    def hypothesis(self) -> Estimator:
        """Return f^ so far."""

    def ask(self) -> FloatArray | None:
        """Return the rows the generator waits for."""
        if self._steps is None:
            self._steps = self.steps()
            self._pending = next(self._steps, None)
        return self._pending

    def cut(self, X: FloatArray, answers: Array) -> None:  # noqa: B027 - most learners have no use for half a batch
        """Take the answers to ``X``, the first rows of a batch that the budget cut; by default they are lost."""

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Send the answers to the generator; a batch that the budget cut ends it."""
        if self._steps is None or self._pending is None:
            raise RuntimeError("tell without ask")
        if len(answers) < len(self._pending):
            self._steps.close()
            self._pending = None
            self.cut(X, answers)
            return
        try:
            self._pending = self._steps.send(answers)
        except StopIteration:
            self._pending = None


def without_noise(attack: str, rho: float | None) -> str:
    """The note of an attack that assumes right answers, where they may be wrong with probability ``rho``.

    >>> without_noise("version-space", 0.1)
    'version-space assumes answers without noise, while up to 10% of them may be wrong'
    """
    if rho == 0:
        return ""
    wrong = "an unknown share" if rho is None else f"up to {rho:.0%}"
    return f"{attack} assumes answers without noise, while {wrong} of them may be wrong"


def predictions(hypothesis: Estimator, X: FloatArray, classes: Array | None) -> Array:
    """What a hypothesis predicts for the rows of ``X``, shape (n,): labels among ``classes``, values if there are none.

    A column of shape (n, 1) counts as shape (n,).

    Raises:
        AnswerError: if it predicts anything else.
        MexError: if it writes into the rows.
    """
    who = f"the hypothesis, a {type(hypothesis).__name__},"
    with writes_nothing(who):
        given = np.asarray(hypothesis.predict(read_only(X)))
    column = given.ndim == 2 and given.shape[1] == 1
    return checked_answers(
        given[:, 0] if column else given, len(X), "value" if classes is None else "label", classes, who
    )
