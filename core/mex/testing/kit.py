"""Named checks of a component, one promise each, for ``pytest.mark.parametrize``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar, overload

import attrs

from mex.errors import LentError, writes_nothing
from mex.hooks import KINDS
from mex.registry import Registry
from mex.registry.spec import Spec

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


def checks(kind: str, component: Any, **options: Any) -> list[Check]:
    """The checks of one component, for ``pytest.mark.parametrize``::

        @pytest.mark.parametrize("check", checks("attack", "corner-guess:rounds=5", least_agreement=0.8))
        def test_it_keeps_the_promises_of_an_attack(check):
            check()

    What several checks look at, such as the run of an attack, is computed once.

    Args:
        kind: attack, defense, model, dataset or answer.
        component: as on the command line, of a plugin that is installed; or the component itself.
        options: what the function that does all of them at once takes: :func:`mex.testing.check_attack`,
            :func:`~mex.testing.check_defense`, :func:`~mex.testing.check_model` (and ``table``, the table that a
            deployed model opens, as in :func:`~mex.testing.check_deployed`), :func:`~mex.testing.check_dataset`,
            :func:`~mex.testing.check_answer`.

    Raises:
        UsageError: if there is no such kind, component or option.
    """
    from mex.registry.loader import installed

    if isinstance(component, str | Mapping | Spec):
        return checks_of(installed(), kind, component, options)
    from mex.testing.trials import trial_of

    return named(trial_of(kind, component, options), type(component).__name__)


def checks_of(
    registry: Registry, kind: str, spec: str | Mapping[str, Any] | Spec, options: Mapping[str, Any]
) -> list[Check]:
    """The checks of a component of a registry."""
    from mex.testing.trials import trial_of

    spec = Spec.of(spec, kind)
    component = registry.build(kind, spec) if kind in KINDS else registry.target(kind, spec.name)
    return named(trial_of(kind, component, options), str(spec))
