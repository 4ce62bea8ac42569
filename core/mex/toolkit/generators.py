"""Generators that ask: they yield queries and are sent the answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeAlias, TypeVar

import numpy as np

from mex.types import Array, FloatArray

Query = TypeVar("Query")
Answer = TypeVar("Answer")
Result = TypeVar("Result")

RowSearch: TypeAlias = Generator[FloatArray, Any, None]
"""Yields one row at a time, shape (d,), and receives its answer."""


def relay(
    inner: Generator[Query, Answer, Result], ask: Callable[[Query], Generator[FloatArray, Array, Answer]]
) -> Generator[FloatArray, Array, Result]:
    """Run ``inner`` inside another generator: what it yields is passed to ``ask``, whose result is sent back.

    So ``inner`` need not know how its queries become rows, nor what else is done with the answers. Returns what
    ``inner`` returns.

    >>> def total():
    ...     first = yield 1.0
    ...     return first + (yield 2.0)
    >>> def asked_as_row(x):
    ...     answers = yield np.array([[x]])
    ...     return float(answers[0])
    >>> outer = relay(total(), asked_as_row)
    >>> next(outer), outer.send(np.array([10.0]))
    (array([[1.]]), array([[2.]]))
    >>> try:
    ...     outer.send(np.array([20.0]))
    ... except StopIteration as end:
    ...     print(end.value)
    30.0
    """
    try:
        query = next(inner)
        while True:
            query = inner.send((yield from ask(query)))
    except StopIteration as end:
        result: Result = end.value
        return result


def lockstep(searches: Iterable[RowSearch]) -> Generator[FloatArray, Array, None]:
    """Run searches side by side: yields a row of each that is not finished, shape (n, d), receives their answers."""
    waiting: list[tuple[RowSearch, FloatArray]] = []
    for search in searches:
        row = next(search, None)
        if row is not None:
            waiting.append((search, row.copy()))
    while waiting:
        answers = yield np.array([row for _, row in waiting])
        unfinished = []
        for (search, _), answer in zip(waiting, answers, strict=True):
            try:
                unfinished.append((search, search.send(answer).copy()))
            except StopIteration:
                continue
        waiting = unfinished
