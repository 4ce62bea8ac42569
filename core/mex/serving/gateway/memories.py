"""What the defenses of a served model remember of each of many clients."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import attrs

from mex.defense import Defended
from mex.errors import Incompatible
from mex.fitted import FittedTarget
from mex.serving.gateway.store import Store, StoreFailed
from mex.target import Target
from mex.types import BoolArray, FloatArray

TRIES = 1000
"""How often a change is tried while others change the memory of the same client."""


@attrs.frozen
class Admission:
    """What became of the rows of a request.

    Attributes:
        admitted: which of them are answered, shape (n,).
        alarm: after how many rows of the client an alarm was raised, None if none was.
        raised: whether it was raised by this request.
        since: when the memory of the client began, in seconds since 1970.
    """

    admitted: BoolArray
    alarm: int | None
    raised: bool
    since: float


class Memories:
    """Lets one defended target watch many clients: their memories are in a store, and one at a time is in the target.

    A change is computed from what was read and written if nobody else has written meanwhile; else it is computed
    again. So the rows of a request are counted before they are answered, once, whatever the number of workers.
    """

    def __init__(
        self, target: Target, store: Store, renew: float | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Take a target that nobody has asked.

        Args:
            target: behind its defenses.
            store: of the memories.
            renew: seconds after which a client is new again; None for never.
            clock: seconds since 1970.

        Raises:
            Incompatible: if a defense remembers its client and does not say what.
        """
        self._target = target
        self._store = store
        self._renew = renew
        self._clock = clock
        self._lock = threading.Lock()
        self._layers = layers_that_watch(target)
        self._fresh = json.dumps([layer.memory for layer in self._layers])

    @property
    def watching(self) -> bool:
        """Whether any defense remembers its clients."""
        return bool(self._layers)

    def admit(self, X: FloatArray, client: str) -> Admission:
        """Which rows of a request are answered; if not all are, none will be, and limits get these back.

        Raises:
            StoreFailed: if the memory of the client cannot be read or written: then nobody is answered.
        """

        def change() -> tuple[BoolArray, int | None, bool]:
            before = self._target.alarm
            admitted = self._target.admit(X.copy())
            if not admitted.all():
                self._give_back(int(admitted.sum()))
            return admitted, self._target.alarm, before is None and self._target.alarm is not None

        (admitted, alarm, raised), since = self._changed(client, change)
        return Admission(admitted, alarm, raised, since)

    def unanswered(self, client: str, rows: int) -> None:
        """So many rows that were admitted were not answered after all, as the model failed."""
        self._changed(client, lambda: self._give_back(rows))

    def renews_in(self, since: float) -> float | None:
        """Seconds until a client whose memory began then is new again; None for never."""
        return None if self._renew is None else max(0.0, since + self._renew - self._clock())

    def _give_back(self, rows: int) -> None:
        for layer in self._layers:
            layer.unanswered(rows)

    def _changed(self, client: str, change: Callable[[], Any]) -> tuple[Any, float]:
        if not self._layers:
            return change(), self._clock()
        for _ in range(TRIES):
            memory, version = self._store.read(client)
            now = self._clock()
            since, told = (now, None) if memory is None else json.loads(memory)
            if told is None or (self._renew is not None and now >= since + self._renew):
                since, told = now, json.loads(self._fresh)
            with self._lock:
                for layer, own in zip(self._layers, told, strict=True):
                    layer.memory = own
                done = change()
                after = json.dumps([since, [layer.memory for layer in self._layers]])
            if self._store.write(client, after, version):
                return done, since
        raise StoreFailed(f"the memory of a client was changed by others {TRIES} times")


def layers_that_watch(target: Target) -> list[Defended]:
    """The defenses that remember their client, the outermost first.

    Raises:
        Incompatible: if one does and does not say what.
    """
    found = []
    while isinstance(target, Defended):
        if type(target).admit is not Defended.admit:
            if type(target).memory is Defended.memory:
                raise Incompatible(
                    f"{type(target).__name__} remembers its client and has no memory to be kept: override "
                    "mex.Defended.memory, or it cannot be served to many"
                )
            found.append(target)
        target = target._target
    if not isinstance(target, FittedTarget):
        raise Incompatible(f"{type(target).__name__} does not show what its defense remembers of a client")
    return found
