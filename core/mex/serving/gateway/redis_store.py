"""A store in Redis, for workers on several machines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import redis

from mex.errors import UsageError
from mex.serving.gateway.store import WAIT, StoreFailed

COMPARE_AND_SET = """
local version = redis.call('hget', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return 0 end
redis.call('hset', KEYS[1], 'memory', ARGV[2], 'version', version + 1)
return 1
"""


class RedisStore:
    """A :class:`mex.serving.gateway.store.Store` in Redis. What survives its restart is what Redis itself persists."""

    def __init__(self, url: str, name: str) -> None:
        """Connect; keys begin with ``mex:NAME:``.

        Raises:
            UsageError: if nothing answers there.
        """
        self._prefix = f"mex:{name}"
        try:
            self._redis: Any = redis.Redis.from_url(
                url, decode_responses=True, socket_timeout=WAIT, socket_connect_timeout=WAIT
            )
            self._redis.ping()
            self._set = self._redis.register_script(COMPARE_AND_SET)
        except (redis.RedisError, ValueError) as error:  # the URL may have a password in it
            raise UsageError(f"the store in Redis cannot be used ({type(error).__name__})") from None

    def read(self, client: str) -> tuple[str | None, int]:
        """As :meth:`Store.read`."""
        with self._using() as db:
            memory, version = db.hmget(self._client(client), "memory", "version")
        return memory, int(version or 0)

    def write(self, client: str, memory: str, version: int) -> bool:
        """As :meth:`Store.write`."""
        with self._using():
            return bool(self._set(keys=[self._client(client)], args=[version, memory]))

    def count(self, amounts: Mapping[str, int]) -> None:
        """As :meth:`Store.count`."""
        with self._using() as db, db.pipeline(transaction=False) as pipe:
            for name, amount in amounts.items():
                pipe.hincrby(f"{self._prefix}:counters", name, amount)
            pipe.execute()

    def counters(self) -> dict[str, int]:
        """As :meth:`Store.counters`."""
        with self._using() as db:
            return {name: int(value) for name, value in sorted(db.hgetall(f"{self._prefix}:counters").items())}

    def fact(self, name: str, value: str) -> str:
        """As :meth:`Store.fact`."""
        with self._using() as db:
            db.hsetnx(f"{self._prefix}:facts", name, value)
            return str(db.hget(f"{self._prefix}:facts", name))

    def _client(self, client: str) -> str:
        return f"{self._prefix}:client:{client}"

    @contextlib.contextmanager
    def _using(self) -> Iterator[Any]:
        try:
            yield self._redis
        except redis.RedisError as error:
            raise StoreFailed(f"the store in Redis cannot be used ({type(error).__name__})") from None
