"""The way of a request through the gateway, whatever carries it."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from mex.defense import undefended
from mex.errors import MexError, sentence
from mex.serving.gateway.log import AccessLog
from mex.serving.gateway.memories import Memories
from mex.serving.gateway.replies import Protocol, Reply, error_reply, metadata_of, mlflow_reply, v2_reply
from mex.serving.gateway.requests import OUTPUTS, Asked, BadRequest, parsed, read_mlflow, read_v2
from mex.serving.gateway.rows import rows_of
from mex.serving.gateway.store import Store, StoreFailed
from mex.target import Target, labels
from mex.toolkit.ledger.target import Remote
from mex.types import Answer, Array, FloatArray

NEVER = 86_400.0
"""Seconds that a client is asked to wait whose limit does not renew: nothing but its operator changes that."""
BUSY = 1.0
"""Seconds to wait for a store or a model that does not answer."""


def kinds_shown(target: Target) -> tuple[Answer, ...]:
    """The kinds of answer that a gateway gives, the usual one first: a label can be read off probabilities."""
    if "value" in target.answers:
        return ("value",)
    return ("label", "proba") if "proba" in target.answers else ("label",)


class Gateway:
    """Answers requests of many clients from one defended target: each is checked, counted, answered and written down.

    Attributes:
        name: of the served model.
        shown: the kinds of answer it gives, the usual one first.
    """

    def __init__(
        self,
        target: Target,
        store: Store,
        memories: Memories,
        *,
        name: str,
        usual: Answer | None = None,
        most: int = 10_000,
        log: AccessLog | None = None,
    ) -> None:
        """Take a target that nobody has asked.

        Args:
            target: behind its defenses.
            store, memories: what is counted, and what is remembered of clients.
            name: of the model.
            usual: the kind of answer to requests that do not say which.
            most: rows of a request.
            log: where requests are written down.
        """
        self.name = name
        shown = kinds_shown(target)
        self.shown = shown if usual is None else (usual, *(kind for kind in shown if kind != usual))
        self._target = target
        self._model = undefended(target)
        self._store = store
        self._memories = memories
        self._most = most
        self._log = log
        remote = isinstance(self._model.estimator, Remote)
        self._lock = contextlib.nullcontext() if remote else threading.Lock()

    def metadata(self) -> Mapping[str, Any]:
        """What is told of the model."""
        return metadata_of(self.name, self._model, self.shown)

    def counters(self) -> Mapping[str, int]:
        """What all workers have counted."""
        return self._store.counters()

    def infer(self, protocol: Protocol, body: bytes, client: str) -> Reply:
        """Answer a request: all of its rows, or none and a sentence."""
        work = _Work(protocol, client)
        try:
            reply = self._answered(work, body)
        except BadRequest as error:
            reply = error_reply(protocol, error.status, str(error))
        except StoreFailed as error:
            _tell(error)
            reply = error_reply(
                protocol, 503, "the limits of clients cannot be looked up now: nothing is answered", BUSY
            )
        except MexError as error:
            _tell(error)
            reply = error_reply(protocol, 502, "the model does not answer", BUSY)
        except Exception as error:
            _tell(error)
            reply = error_reply(protocol, 500, "the model fails at this request")
        self.note(work, reply)
        return reply

    def refuse(self, protocol: Protocol, status: int, said: str, client: str | None = None) -> Reply:
        """Reply to a request that is not looked at any further."""
        reply = error_reply(protocol, status, said)
        self.note(_Work(protocol, client), reply)
        return reply

    def note(self, work: _Work, reply: Reply) -> None:
        """Count a request and write it down; what fails there is told, and changes no reply."""
        took = time.perf_counter() - work.started
        amounts = {f"requests {reply.status}": 1, "microseconds": int(1e6 * took), "alarms": int(work.raised)}
        amounts |= {f"rows {'answered' if reply.status == 200 else 'not answered'}": len(work.X)}
        try:
            self._store.count({name: amount for name, amount in amounts.items() if amount})
            if self._log is not None:
                self._log.request(work.client, work.protocol, reply.status, took, work.X, work.given, work.alarm)
        except (MexError, OSError) as error:
            _tell(error)

    def _answered(self, work: _Work, body: bytes) -> Reply:
        read = {"v2": read_v2, "mlflow": read_mlflow}[work.protocol]
        asked: Asked = read(parsed(body), self.shown)
        X = work.X = rows_of(asked.table, self._model, self._most)
        assert work.client is not None
        admission = self._memories.admit(X, work.client)
        work.alarm, work.raised = admission.alarm, admission.raised
        if not admission.admitted.all():
            out = int((~admission.admitted).sum())
            said = f"a defense refuses {out} of the {len(X)} rows of this request, so none is answered"
            wait = self._memories.renews_in(admission.since)
            return error_reply(work.protocol, 429, said, NEVER if wait is None else wait)
        outputs = asked.kinds or ((_output(self.shown[0]), self.shown[0]),)
        try:
            given = {kind: self._told(X, kind) for _, kind in outputs}
        except BaseException:
            self._memories.unanswered(work.client, len(X))
            raise
        work.given = given
        if work.protocol == "mlflow":
            return mlflow_reply(given[outputs[0][1]])
        return v2_reply(self.name, asked.name, [(output, given[kind]) for output, kind in outputs])

    def _told(self, X: FloatArray, kind: Answer) -> Array:
        with self._lock:
            return labels(self._target, X.copy()) if kind == "label" else self._target.answer(X.copy(), kind)


@attrs.define
class _Work:
    """What is known of a request so far."""

    protocol: Protocol
    client: str | None
    started: float = attrs.field(factory=time.perf_counter)
    X: Sequence[Any] | FloatArray = ()
    given: Mapping[Answer, Array] = attrs.field(factory=dict)
    alarm: int | None = None
    raised: bool = False


def _output(kind: Answer) -> str:
    return next(name for name, kinds in OUTPUTS.items() if kind in kinds)


def _tell(error: BaseException) -> None:
    """Tell the operator, and no client, in one line."""
    print(f"mex: {' '.join(sentence(error).split())}", file=sys.stderr, flush=True)
