"""Where whoever sends requests writes each of them down."""

from __future__ import annotations

from typing import Protocol

from mex.errors import MexError

UNCHARGED = ("unreached", "throttled")
"""Outcomes of attempts that nobody charges: nothing listened there, or the server said *too many requests*."""


class BatchFailed(MexError):
    """A request of several rows failed, and one of them may be the reason: they are asked again in parts."""


class Journal(Protocol):
    """Where attempts are written down: a :class:`Ledger`, for one purpose and kind of answer."""

    def begin(self, rows: int) -> int:
        """Write down that so many rows are about to be sent; return the number of the attempt.

        Raises:
            BudgetSpent: if they would go past the budget.
        """
        ...

    def end(self, attempt: int, outcome: str, code: int | None = None) -> None:
        """Write down how an attempt ended that brought no answers, and the status of the reply if there was one.

        Outcomes: ``unreached`` (nothing listened), ``throttled`` (too many requests), ``lost`` (no whole reply came),
        ``failed`` (an error), ``malformed`` (a reply that does not answer the rows).
        """
        ...
