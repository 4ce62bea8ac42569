"""Where the system gives the command no semaphores."""

from __future__ import annotations

import importlib
import os

from mex.app.cli.output import say


def do_without_semaphores() -> None:
    """Where the system gives none, as without a /dev/shm, let libraries work with one job, and say so.

    Worker processes of ours need none. Called before joblib is imported, which would complain at each import.
    """
    try:
        semaphore = importlib.import_module("_multiprocessing").SemLock
        semaphore(1, 1, 1, f"/mex-{os.getpid()}-{os.urandom(4).hex()}", True)
    except (ImportError, AttributeError, OSError) as error:
        os.environ["JOBLIB_MULTIPROCESSING"] = "0"
        why = getattr(error, "strerror", None) or error
        say(f"the system gives no semaphores ({why}; see /dev/shm): what uses joblib inside a cell works with one job")
