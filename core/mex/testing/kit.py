"""What every trial of a component is made of: its checks, one promise each, and what they look at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar, overload

import attrs

from mex.errors import LentError, writes_nothing

T = TypeVar("T")


class once(Generic[T]):
    """A property that is computed once, however many checks look at it; its error is kept too, and raised again."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"_{name}"

    @overload
    def __get__(self, instance: None, owner: type) -> once[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> once[T] | T:
        if instance is None:
            return self
        kept = vars(instance)
        if self.name not in kept:
            try:
                kept[self.name] = (self.compute(instance), None, None)
            except Exception as error:
                kept[self.name] = (None, error, error.__traceback__)
        value, raised, trace = kept[self.name]
        if raised is not None:
            raise raised.with_traceback(trace)
        found: T = value
        return found


class Trial(Protocol):
    """A component on trial: what several of its checks look at is computed once."""

    kind: ClassVar[str]

    @property
    def component(self) -> Any: ...

    @property
    def checks(self) -> Sequence[Callable[[Any], None]]:
        """The functions that check it, in the order in which a broken promise is best told."""
        ...


@attrs.frozen(eq=False)
class Check:
    """One promise of a component, and what tries it. pytest names it ``component-name``.

    Attributes:
        component: how the component is written.
        name: of the check, such as ``repeats-itself``.
        promise: what is promised, in one sentence.
    """

    component: str
    name: str
    promise: str
    _attempt: Callable[[], None] = attrs.field(repr=False)

    @property
    def __name__(self) -> str:
        return f"{self.component}-{self.name}"

    def __call__(self) -> None:
        """Try it.

        Raises:
            AssertionError: if the promise is broken, with what to do about it.
            MexError: with the sentence that the component's cells of a matrix would fail with.
        """
        self._attempt()


def named(trial: Trial, component: str) -> list[Check]:
    """The checks of a trial, each by its name."""

    def one(function: Callable[[Any], None]) -> Check:
        promise = (function.__doc__ or "").partition("\n")[0]
        return Check(component, function.__name__.replace("_", "-"), promise, lambda: attempt(trial, function))

    return [one(function) for function in trial.checks]


def attempt(trial: Trial, function: Callable[[Any], None]) -> None:
    """Try one promise of a component that may write nothing into what it is lent."""
    with writes_nothing(f"the {trial.kind}"):
        function(trial)


def check_all(trial: Trial) -> None:
    """Try all that a component promises.

    Raises:
        AssertionError, MexError: with the first promise that is broken.
    """
    for function in trial.checks:
        attempt(trial, function)


def raise_if_written(trial: Trial, *looks: Callable[[], object]) -> None:
    """Raise the error of a look that wrote into what it was lent; what else goes wrong in one, other checks tell."""
    for look in looks:
        try:
            attempt(trial, lambda _, look=look: look())  # type: ignore[misc]
        except LentError:
            raise
        except Exception:
            continue
