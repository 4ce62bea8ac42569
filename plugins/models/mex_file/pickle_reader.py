"""Pickles, plain or of joblib: only where the user says so."""

from __future__ import annotations

from pathlib import Path

from mex import UsageError
from mex.toolkit.saved import Reading, Wishes, telling


def read(path: Path, wishes: Wishes) -> Reading:
    """Read a file.

    Raises:
        UsageError: unless ``unsafe`` says that whoever wrote the file may run code here.
    """
    if not wishes.unsafe:
        raise UsageError(
            f"{path} is a pickle, and opening one runs whatever code its author put into it: say"
            f" file:path={path},unsafe=true only if you know who wrote it, or save the model with skops"
        )
    import joblib

    with telling(path, "a pickle"):
        return Reading(model=joblib.load(path), facts={"trusted": "all of it: unsafe=true"})
