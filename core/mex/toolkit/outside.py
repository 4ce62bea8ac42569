"""What code of other libraries needs: calls that become queries, and draws from the global generators."""

from __future__ import annotations

import contextvars
import queue
import random
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from mex.types import Array, FloatArray

Ask: TypeAlias = Callable[[FloatArray], Array]
"""Takes rows, shape (n, d), and returns their answers."""


class GlobalRandom:
    """A stream of its own that the global generators of ``numpy.random`` and ``random`` are inside ``with``.

    A copy draws what the original would have drawn.

    >>> mine, before = GlobalRandom(np.random.default_rng(0)), np.random.get_state()[1].copy()
    >>> with mine:
    ...     first = np.random.rand()
    >>> with mine:
    ...     second = np.random.rand()
    >>> first != second, bool((np.random.get_state()[1] == before).all())
    (True, True)
    """

    def __init__(self, rng: np.random.Generator) -> None:
        seed = int(rng.integers(2**32))
        self._mine: tuple[Any, Any] = np.random.RandomState(seed).get_state(), random.Random(seed).getstate()
        self._before: tuple[Any, Any] | None = None

    def __enter__(self) -> GlobalRandom:
        self._before = np.random.get_state(), random.getstate()
        _set(self._mine)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._before is not None
        self._mine = np.random.get_state(), random.getstate()
        _set(self._before)


def _set(state: tuple[Any, Any]) -> None:
    np.random.set_state(state[0])
    random.setstate(state[1])


class _Ended(BaseException):
    """Raised where a function asks after its run has ended."""


class CallingThread:
    """A function that asks by calling, turned into what a learner does: say what to ask, be told the answers.

    The function runs in a thread, and only while the learner waits for it: never are two at work. The global random
    generators are its own. What it raises is raised by :meth:`ask` or :meth:`tell`.

    >>> def search(ask):
    ...     low, high = 0.0, 1.0
    ...     for _ in range(3):
    ...         middle = (low + high) / 2
    ...         low, high = (low, middle) if ask(np.array([[middle]]))[0] else (middle, high)
    >>> thread = CallingThread(search, np.random.default_rng(0))
    >>> while (X := thread.ask()) is not None:
    ...     print(X[0, 0])
    ...     thread.tell(X, X[:, 0] > 0.3)
    0.5
    0.25
    0.375
    """

    def __init__(self, function: Callable[[Ask], object], rng: np.random.Generator) -> None:
        self._function = function
        self._random = GlobalRandom(rng)
        self._asked: queue.SimpleQueue[FloatArray | BaseException | None] = queue.SimpleQueue()
        self._answered: queue.SimpleQueue[Array | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._pending: FloatArray | None = None
        self._over = False

    def ask(self) -> FloatArray | None:
        """The rows that the function waits for, the same until told; None at its end."""
        if self._thread is None and not self._over:
            context = contextvars.copy_context()
            self._thread = threading.Thread(target=context.run, args=(self._run,), daemon=True)
            self._until_it_asks(self._thread.start)
        return self._pending

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Let the function go on with the answers; those to the first rows of a batch end it."""
        if self._pending is None:
            raise RuntimeError("tell without ask")
        if len(answers) < len(self._pending):
            self.close()
        else:
            self._until_it_asks(lambda: self._answered.put(answers))

    def close(self) -> None:
        """End the function where it waits; a learner's ``close`` calls it."""
        waits, self._pending, self._over = self._pending is not None, None, True
        if waits and self._thread is not None:
            self._answered.put(None)
            self._thread.join(1.0)

    def _until_it_asks(self, go_on: Callable[[], object]) -> None:
        with self._random:
            go_on()
            asked = self._asked.get()
        self._over = not isinstance(asked, np.ndarray)
        self._pending = None if isinstance(asked, BaseException) else asked
        if isinstance(asked, BaseException):
            raise asked

    def _run(self) -> None:
        try:
            self._function(self._ask)
        except _Ended:
            return
        except BaseException as error:
            self._asked.put(error)
        else:
            self._asked.put(None)

    def _ask(self, X: FloatArray) -> Array:
        if self._over:
            raise _Ended
        self._asked.put(np.asarray(X, dtype=np.float64))
        answers = self._answered.get()
        if answers is None:
            raise _Ended
        return answers
