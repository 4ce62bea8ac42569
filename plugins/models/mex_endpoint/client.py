"""A client of one endpoint: each request is an attempt in a journal, and is sent again where that may help."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import attrs
import numpy as np

from mex import AnswerError, MexError
from mex.toolkit.ledger.journal import UNCHARGED, BatchFailed, Journal
from mex.types import Answer, Array
from mex_endpoint import columns, findings
from mex_endpoint.answers import Reply, as_kind, read
from mex_endpoint.columns import Told
from mex_endpoint.findings import Finding
from mex_endpoint.template import Records, Template
from mex_endpoint.waiting import LEAST, Rate, back_off, now, one_of, retry_after
from mex_endpoint.wire import Settings, Wire

AGAIN = 5
"""How often a request that a server has answered before is sent again after 400, 500 and their like."""
FATAL = (401, 403, 404, 405, 410, 413, 415)
"""Statuses that do not go away."""
READ = 1 << 16
"""Bytes of a server's own words that are read."""
SHOWN = 200
"""Characters of a server's own words that an error shows."""


@attrs.define
class Tally:
    """A journal that counts the rows that may be charged, and keeps nothing else."""

    rows: int = 0
    _last: int = 0

    def begin(self, rows: int) -> int:
        """Count the rows."""
        self.rows += rows
        self._last = rows
        return 0

    def end(self, attempt: int, outcome: str, code: int | None = None) -> None:
        """Count them no more if nobody charges them."""
        self.rows -= self._last * (outcome in UNCHARGED)


class HTTPEndpoint:
    """An estimator whose answers come from an endpoint.

    Attributes:
        classes_: the labels, in the order of the probabilities; None for a regressor.
        outside: the rows sent outside of any ledger.
        probing: until it is known what the endpoint answers, the first reply is kept as ``reply``.
        told: the columns that an error of the endpoint has told.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.classes: Array | None = None
        self.probing = True
        self.reply: Reply | None = None
        self.outside = Tally()
        self.told: list[Told] = []
        self._found: dict[str, Finding] = {}
        self._wire = Wire(settings)
        self._note(findings.in_url(settings.url))
        self._proven = False
        self._shared: Path | None = None
        self._rate = Rate(settings.rate)

    @property
    def batch(self) -> int:
        """Rows of a request at most."""
        return self.settings.batch

    @property
    def threads(self) -> int:
        """Requests at once."""
        return self.settings.threads

    @property
    def preflight(self) -> int:
        """Rows sent outside of any ledger."""
        return self.outside.rows

    @property
    def findings(self) -> list[dict[str, str]]:
        """What the endpoint has told beside its answers, one of each kind: ``kind``, ``sentence``, ``evidence``."""
        return [finding._asdict() for finding in self._found.values()]

    def _note(self, found: Iterable[Finding]) -> None:
        for finding in found:
            if finding.kind not in self._found:
                evidence = finding.evidence and self._wire.secrets.redacted(finding.evidence)
                self._found[finding.kind] = finding._replace(evidence=evidence)

    def __deepcopy__(self, memo: dict[int, Any]) -> HTTPEndpoint:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_rate"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _rate=Rate(state["settings"].rate, path=state["_shared"]))

    def share_rate(self, path: Path) -> None:
        """Keep to the rate, and to the number of requests at once, together with all processes given this path."""
        self._shared = path
        self._rate = Rate(self.settings.rate, path=path)

    def predict(self, table: Records) -> Array:
        """The labels, or values, of some rows."""
        return self._in_batches(table, "value" if self.classes is None else "label")

    def predict_proba(self, table: Records) -> Array:
        """The probabilities of some rows."""
        return self._in_batches(table, "proba")

    def _in_batches(self, table: Records, kind: Answer) -> Array:
        parts = [table[i : i + self.batch] for i in range(0, len(table), self.batch)]
        return np.concatenate([self.exchange(part, kind, self.outside)[0] for part in parts])

    def exchange(self, table: Records, kind: Answer, journal: Journal) -> tuple[Array, int]:
        """Ask the rows of a table in one request; as :class:`mex.toolkit.ledger.target.Remote` says.

        Raises:
            MexError: if no attempt brings answers: at once if none ever did, else after a while.
            BatchFailed: if the server fails over several rows, which one may be the reason of.
        """
        given, attempt = self.ask(table, kind, journal)
        if self.probing:
            self.reply = self.reply or given
            return np.zeros(len(table)), attempt
        try:
            answers = as_kind(given, kind, self.classes)
        except AnswerError:
            journal.end(attempt, "malformed", 200)
            raise
        if kind == "proba" and "precision" not in self._found:
            self._note(findings.in_probabilities(answers))
        return answers, attempt

    def probe(self, table: Records, kind: Answer) -> None:
        """Ask a row without one of its columns, once: what the error tells is a finding."""
        short = [dict(list(row.items())[:-1]) for row in table[:1]]
        if not short or not short[0]:
            return
        template = self.settings.template
        self._rate.wait()
        attempt = self.outside.begin(template.least)
        outcome, code, _, _ = self._send(template.request(short, kind), template, template.least, kind)
        self.outside.end(attempt, outcome, code)
        if outcome == "answered":
            self._note([findings.UNCHECKED])
        time.sleep(LEAST)  # some servers cut the connection after an error

    def described(self) -> list[Told]:
        """The columns that the endpoint describes itself, where it is asked of them by version 2 of the protocol."""
        url = self._wire.secrets.url
        if not url.endswith("/infer"):
            return []
        self._rate.wait()
        sent = self._wire.get(url.removesuffix("/infer"))
        if sent.code == 200 and sent.content:
            with contextlib.suppress(ValueError, LookupError, TypeError):
                return columns.described(json.loads(sent.content))
        return []

    def ask(self, table: Records, kind: Answer, journal: Journal) -> tuple[Reply, int]:
        """The same, the answers as they came."""
        template = self.settings.template
        try:
            body = template.request(table, kind)
        except ValueError:
            raise AnswerError("a row has a number that JSON cannot hold: an infinity") from None
        until = 0.0
        failures = 0
        while True:
            with one_of(self.threads, self._shared):
                self._rate.wait()
                until = until or time.monotonic() + self.settings.deadline  # waiting for one's turn is no failure
                attempt = journal.begin(max(len(table), template.least))
                outcome, code, asked, said = self._send(body, template, max(len(table), template.least), kind)
            if isinstance(said, Reply):
                self._proven = True
                return Reply(said.values[: len(table)], said.floating), attempt
            journal.end(attempt, outcome, code)
            failures += 1
            wait = back_off(failures, asked)
            if self._hopeless(outcome, code, failures) or time.monotonic() + wait > until:
                in_parts = self._proven and outcome == "failed" and not _fatal(code) and len(table) > 1
                self._give_up(said, failures, in_parts)
            time.sleep(wait)

    def _hopeless(self, outcome: str, code: int | None, failures: int) -> bool:
        if outcome in ("unreached", "throttled"):
            return not self._proven and outcome == "unreached" and failures > AGAIN
        return not self._proven or _fatal(code) or failures > AGAIN

    def _give_up(self, said: str, failures: int, in_parts: bool) -> NoReturn:
        times = "" if failures == 1 else f" ({failures} times)"
        sentence = f"{self.settings.url}: {said}{times}"
        raise BatchFailed(sentence) if in_parts else MexError(sentence)

    def _send(
        self, body: bytes, template: Template, n: int, kind: Answer
    ) -> tuple[str, int | None, float | None, Reply | str]:
        """Send a request: its outcome, its status, how long the server asks to wait, and the answers or a sentence."""
        sent = self._wire.post(body, template.content_type)
        if sent.outcome != "replied" or sent.code is None:
            return sent.outcome, sent.code, None, sent.said
        self._note(findings.in_headers(sent.headers))
        if sent.code == 200:
            try:
                content_type = sent.headers.get("content-type", "")
                return "answered", 200, None, read(template, sent.content, content_type, n, kind)
            except AnswerError as error:
                return "malformed", 200, None, str(error)
        asked = retry_after(sent.headers.get("retry-after"), now())
        said = f"it answers {sent.code} {sent.reason}".rstrip()
        if 300 <= sent.code < 400:
            said += ", and redirections are not followed"
        whole = self._wire.secrets.redacted(sent.content[:READ].decode("utf-8", "replace"))
        self._note(findings.in_error(whole))
        self.told = self.told or columns.described(findings.schema_in_error(whole))
        words = " ".join(whole[: 4 * SHOWN].split())[:SHOWN]
        throttled = sent.code == 429 or (sent.code == 503 and asked is not None)
        return "throttled" if throttled else "failed", sent.code, asked, f"{said}: {words}" if words else said


def _fatal(code: int | None) -> bool:
    return code in FATAL or (code is not None and 300 <= code < 400)
