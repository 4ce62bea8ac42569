"""The errors of mex: each message is one sentence for the person who typed."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator

from attrs.exceptions import FrozenError

__all__ = [
    "AnswerError",
    "Incompatible",
    "MexError",
    "QueryError",
    "Refused",
    "UsageError",
    "sentence",
    "suggest",
    "writes_nothing",
]


class MexError(Exception):
    """Base of every error that mex raises on purpose."""


class UsageError(MexError, ValueError):
    """A user's mistake: an unknown name, a bad value, an unreadable file. The command line exits with 2."""


class Incompatible(MexError):
    """Two components that cannot work together: the matrix skips the cell with this reason."""


class QueryError(MexError, ValueError):
    """The oracle refused rows before asking the target; nothing was charged."""


class AnswerError(MexError):
    """The target gave an answer that its public interface does not allow."""


class Refused(MexError):
    """A defense refused a request; a server answers 429, *too many requests*."""


def sentence(error: BaseException) -> str:
    """What an error says: ours as they are, others with their type."""
    try:
        said = str(error)
    except Exception:
        said = "an error that cannot be printed"
    return said if isinstance(error, MexError) else f"{type(error).__name__}: {said}"


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the nearest known one, or all there are.

    >>> suggest("halfspce", ["halfspace", "passive"])
    "; did you mean 'halfspace'?"
    >>> suggest("zzz", ["a", "b"])
    '; there are: a, b'
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are: {', '.join(names)}" if names else "; there are none"


@contextlib.contextmanager
def writes_nothing(who: str) -> Iterator[None]:
    """Name ``who`` changes what it was lent, where Python's own error says only that it cannot be changed.

    Raises:
        MexError: instead of the error of a read-only array or a frozen field.
    """
    try:
        yield
    except (ValueError, FrozenError) as error:
        if isinstance(error, MexError) or not (isinstance(error, FrozenError) or "read-only" in str(error)):
            raise
        raise MexError(f"{who} changes what it was lent ({error}): it has to work on a copy") from error
