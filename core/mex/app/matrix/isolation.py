"""Settings of the process that a plugin may change, put back as they were before."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import sys
import threading
import warnings
from collections.abc import Iterator

import numpy as np
import sklearn
from threadpoolctl import ThreadpoolController

from mex.types import stream

_turn = threading.RLock()
if hasattr(os, "register_at_fork"):  # a copy of this process has one thread, which must not wait for another's
    os.register_at_fork(after_in_child=lambda: globals().update(_turn=threading.RLock()))


@contextlib.contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Run plugins inside as if nothing had run before, and undo afterwards what they did to settings of the process.

    These are scikit-learn's configuration, numpy's error state and print options, the filters of warnings, the
    working directory, and the global generators of ``random`` and ``numpy.random``, which start from ``seed``.
    Numeric libraries get one thread each: the same bytes in every worker, and no fight over cores.

    The settings are those of the process: of several threads, one at a time is inside.

    Environment variables and what a plugin patches or imports stay: plugins are trusted code.
    """
    with _turn, contextlib.ExitStack() as stack:
        stack.enter_context(_libraries(len(sys.modules)).limit(limits=1))
        stack.enter_context(sklearn.config_context())
        stack.enter_context(np.errstate())
        stack.enter_context(np.printoptions())
        stack.enter_context(_same_warnings())
        stack.enter_context(_same_directory())
        stack.enter_context(_seeded(int(stream(seed, "global generators").integers(2**32))))
        yield


@functools.lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """The numeric libraries that are loaded; looked up again only when a module has come, for it takes milliseconds."""
    return ThreadpoolController()


@contextlib.contextmanager
def _same_warnings() -> Iterator[None]:
    # Not warnings.catch_warnings: each time, it makes Python forget which warnings were shown already.
    before, show = list(warnings.filters), warnings.showwarning
    try:
        yield
    finally:
        warnings.showwarning = show
        if list(warnings.filters) != before:
            warnings.resetwarnings()
            warnings.filters[:] = before  # type: ignore[index]


@contextlib.contextmanager
def _same_directory() -> Iterator[None]:
    before = _directory()
    try:
        yield
    finally:
        if before is not None and _directory() != before:
            os.chdir(before)


def _directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it has been deleted
        return None


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    numpys, pythons = np.random.get_state(), random.getstate()
    np.random.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(numpys)
        random.setstate(pythons)
