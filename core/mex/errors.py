"""The errors of mex: each message is one sentence for the person who typed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from attrs.exceptions import FrozenError

__all__ = [
    "AnswerError",
    "BudgetSpent",
    "Incompatible",
    "LentError",
    "MexError",
    "QueryError",
    "Refused",
    "UsageError",
    "sentence",
    "suggest",
    "writes_nothing",
]


RAISED_BY_MODEL = "raised by the model"
"""How the note of an error begins that neither mex nor a plugin made."""


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


class BudgetSpent(MexError):
    """As many rows were sent as may be, those that had to be sent again among them."""


class LentError(MexError):
    """A plugin changed what it was lent: an array, or a field, that others read."""


class Refused(MexError):
    """A defense refused a request; a server answers 429, *too many requests*."""


def sentence(error: BaseException) -> str:
    """What an error says: ours as they are, others with their type."""
    try:
        said = str(error)
    except Exception:
        said = "an error that cannot be printed"
    return said if isinstance(error, MexError) else f"{type(error).__name__}: {said}"


def by_model(error: BaseException) -> str:
    """What was noted of an error that the model itself raised (:data:`RAISED_BY_MODEL`); "" of any other."""
    return next((note for note in getattr(error, "__notes__", ()) if note.startswith(RAISED_BY_MODEL)), "")


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the one it is a slip of, up to three like it, or all there are.

    >>> suggest("halfspce", ["halfspace", "passive"])
    "; did you mean 'halfspace'?"
    >>> suggest("tree", ["boosted-trees", "decision-tree", "passive"])
    "; did you mean 'boosted-trees' or 'decision-tree'?"
    >>> suggest("zzz", ["a", "b"])
    '; there are: a, b'
    """
    names = sorted(known)
    slip = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
    within = [other for other in names if min(len(name), len(other)) > 2 and (name in other or other in name)]
    near = slip or list(dict.fromkeys([*within, *difflib.get_close_matches(name, names)]))[:3]
    if near:
        *others, last = map(repr, near)
        return f"; did you mean {', '.join(others) + ' or ' if others else ''}{last}?"
    return f"; there are: {', '.join(names)}" if names else "; there are none"


class writes_nothing:
    """A context in which ``who`` changes nothing that it was lent: the error of one that does says so.

    Python's own says only that something is read-only.

    Raises:
        LentError: instead of the error of a read-only array or a frozen field.
    """

    def __init__(self, who: str) -> None:
        self.who = who

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MexError) or not isinstance(error, ValueError | FrozenError):
            return
        if isinstance(error, FrozenError) or "read-only" in str(error):
            raise LentError(f"{self.who} changes what it was lent ({error}): it has to work on a copy") from error
