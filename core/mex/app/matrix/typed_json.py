"""Checking JSON values against type hints: what a hint allows, and a sentence about a value that it does not."""

from __future__ import annotations

import reprlib
import sys
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import attrs

LARGEST = sys.float_info.max


@attrs.frozen
class Number:
    """Mark of an ``Annotated`` number: its unit and its range, both ends allowed."""

    unit: str = ""
    low: float = -LARGEST
    high: float = LARGEST

    @property
    def noun(self) -> str:
        """The range as the end of a noun, such as `` between 0 and 1``."""
        if self.low > -LARGEST and self.high < LARGEST:
            return f" between {self.low:g} and {self.high:g}"
        if self.low > -LARGEST:
            return f" of at least {self.low:g}"
        return f" of at most {self.high:g}" if self.high < LARGEST else ""


@attrs.frozen
class Length:
    """Mark of an ``Annotated`` list: how many items it has."""

    low: int = 0
    high: int = sys.maxsize

    @property
    def noun(self) -> str:
        """The length as the end of a noun."""
        if self.low == self.high:
            return f" of {self.low}"
        return f" of at least {self.low}" if self.low else ""


def _blameless(where: str, value: Any) -> None:
    return None


@attrs.frozen
class Kind:
    """What a JSON value has to be.

    Attributes:
        noun: for people, such as ``a number between 0 and 1``.
        accepts: whether a value is one.
        inside: the sentence about a part of a value that is to blame, None if no part of it is.
        is_number: whether it is a number, null or not.
        unit: of a number.
    """

    noun: str
    accepts: Callable[[Any], bool]
    inside: Callable[[str, Any], str | None] = _blameless
    is_number: bool = False
    unit: str = ""

    def complaint(self, where: str, value: Any) -> str:
        """A sentence about a value that is none, which stands at the field ``where``."""
        return self.inside(where, value) or f"{where} must be {self.noun}, not {reprlib.repr(value)}"


def kind_of(hint: Any) -> Kind:
    """The kind of JSON value that a type hint describes.

    It may be made of ``str``, ``int``, ``float``, ``Literal`` of texts, ``X | None``, ``list[X]``, ``dict[str, Any]``
    and typed dictionaries, with :class:`Number` and :class:`Length` as marks. A whole number is a number as well;
    NaN, infinities and truth values are none.

    Raises:
        TypeError: for any other hint.

    >>> share = kind_of(Annotated[float, Number("share", 0, 1)] | None)
    >>> share.noun, share.accepts(0.5), share.accepts(None), share.accepts(True)
    ('a number between 0 and 1, or null', True, True, False)
    >>> share.complaint("agreement", "a lot")
    "agreement must be a number between 0 and 1, or null, not 'a lot'"
    """
    hint, marks = (hint.__origin__, hint.__metadata__) if get_origin(hint) is Annotated else (hint, ())
    origin, inner = get_origin(hint), get_args(hint)
    if hint in (int, float):
        return _number(hint, next((mark for mark in marks if isinstance(mark, Number)), Number()))
    if hint is str:
        return Kind("text", lambda value: isinstance(value, str))
    if origin is Literal:
        return Kind(f"one of {', '.join(inner)}", lambda value: isinstance(value, str) and value in inner)
    if origin in (Union, types.UnionType) and len(inner) == 2 and inner[1] is type(None):
        return _nullable(kind_of(inner[0]))
    if origin is dict:
        return Kind("an object", lambda value: isinstance(value, dict))
    if origin is list:
        return _list(kind_of(inner[0]), next((mark for mark in marks if isinstance(mark, Length)), Length()))
    if is_typeddict(hint):
        return _object({name: kind_of(of) for name, of in get_type_hints(hint, include_extras=True).items()})
    raise TypeError(f"no kind of JSON value is described by {hint!r}")


def _number(hint: type, mark: Number) -> Kind:
    low, high = mark.low, mark.high

    def is_whole(value: Any) -> bool:
        return type(value) is int and low <= value <= high

    def is_number(value: Any) -> bool:
        return (isinstance(value, float) or type(value) is int) and low <= value <= high

    noun, accepts = ("a whole number", is_whole) if hint is int else ("a number", is_number)
    return Kind(noun + mark.noun, accepts, is_number=True, unit=mark.unit)


def _nullable(kind: Kind) -> Kind:
    accepts = kind.accepts
    return attrs.evolve(kind, noun=f"{kind.noun}, or null", accepts=lambda value: value is None or accepts(value))


def _list(item: Kind, length: Length) -> Kind:
    def accepts(value: Any) -> bool:
        return isinstance(value, list) and length.low <= len(value) <= length.high and all(map(item.accepts, value))

    def inside(where: str, value: Any) -> str | None:
        bad = (i for i, one in enumerate(value) if not item.accepts(one)) if isinstance(value, list) else iter(())
        i = next(bad, None)
        return None if i is None else item.complaint(f"{where}[{i}]", value[i])

    return Kind(f"a list{length.noun}, each {item.noun}", accepts, inside)


def _object(fields: Mapping[str, Kind]) -> Kind:
    tests = [(name, kind.accepts) for name, kind in fields.items()]

    def accepts(value: Any) -> bool:
        if not isinstance(value, dict) or len(value) != len(tests):
            return False
        try:
            for name, test in tests:
                if not test(value[name]):
                    return False
        except KeyError:
            return False
        return True

    def inside(where: str, value: Any) -> str | None:
        if not isinstance(value, dict):
            return None
        has = f"{where} has" if where else "there is"
        for name in fields:
            if name not in value:
                return f"{has} no field {name!r}"
        for name in value:
            if name not in fields:
                return f"{has} an unknown field {reprlib.repr(name)}"
        bad = next(name for name, kind in fields.items() if not kind.accepts(value[name]))
        return fields[bad].complaint(f"{where}.{bad}" if where else bad, value[bad])

    return Kind(f"an object of {', '.join(fields)}", accepts, inside)
