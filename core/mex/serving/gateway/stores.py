"""The store of a served model, opened by what its place says."""

from __future__ import annotations

from pathlib import Path

from mex.errors import UsageError
from mex.serving.gateway.store import SQLiteStore, Store


def open_store(place: str, name: str) -> Store:
    """The store of the served model ``name`` at a ``place``: a file, or ``redis://HOST/NUMBER``.

    Raises:
        UsageError: if it cannot be used.
    """
    if not place.startswith(("redis://", "rediss://", "unix://")):
        return SQLiteStore(Path(place).expanduser())
    try:
        from mex.serving.gateway.redis_store import RedisStore
    except ImportError as error:
        raise UsageError(f"a store in Redis needs {error.name}: pip install 'model-extraction[redis]'") from None
    return RedisStore(place, name)
