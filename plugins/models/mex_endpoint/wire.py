"""What goes over the wire: a request with its secrets filled in, and a reply of bounded size and time."""

from __future__ import annotations

import functools
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Any, Literal

import attrs
import httpx

from mex_endpoint.secrets import Secrets
from mex_endpoint.template import Template

LARGEST = 1 << 26
"""Bytes of a reply at most."""
_MAKING = threading.Lock()


@attrs.frozen(kw_only=True)
class Settings:
    """How an endpoint is asked.

    Attributes:
        url: with ``$NAME`` for what is in the environment.
        headers: the same.
        template: of bodies and replies.
        batch, threads, rate, timeout, deadline: as the parameters of :class:`mex_endpoint.model.Endpoint`.
        proxies: whether those of the environment are used.
    """

    url: str
    headers: dict[str, str]
    template: Template
    batch: int
    threads: int
    rate: float | None
    timeout: float
    deadline: float
    proxies: bool


@attrs.frozen
class Sent:
    """What came of a request.

    Attributes:
        outcome: ``replied``; ``unreached``, so that nobody saw it; ``lost``, so that nobody knows.
        said: for one that brought no reply, how, in a few words.
        code, reason, headers, content: the reply.
    """

    outcome: Literal["replied", "unreached", "lost"]
    said: str = ""
    code: int | None = None
    reason: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    content: bytes = b""


class Wire:
    """A connection to an endpoint, which a copy in another process opens anew."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __reduce__(self) -> tuple[Any, ...]:
        return Wire, (self.settings,)  # what the environment holds is read there

    @functools.cached_property
    def secrets(self) -> Secrets:
        """The URL and the headers as they are sent.

        Raises:
            UsageError: if the environment lacks what they ask for.
        """
        return Secrets.of(self.settings.url, self.settings.headers)

    def post(self, body: bytes, media_type: str) -> Sent:
        """Send a body of a media type, and take a reply of the same."""
        headers = {"Content-Type": media_type, "Accept": media_type, **self.secrets.headers}
        return self._exchange("POST", self.secrets.url, headers, 2 * self.settings.timeout, body)

    def get(self, url: str) -> Sent:
        """Read another address of the server."""
        return self._exchange("GET", url, self.secrets.headers, self.settings.timeout)

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], seconds: float, body: bytes | None = None
    ) -> Sent:
        try:
            with self._http.stream(method, url, content=body, headers=headers) as response:
                content = _content(response, time.monotonic() + seconds)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return Sent("unreached", "nothing answers there")
        except (httpx.HTTPError, httpx.StreamError) as error:
            return Sent("lost", f"the reply did not come ({type(error).__name__})")
        code = response.status_code
        if content is None:
            return Sent("lost", f"the reply is longer than {LARGEST >> 20} MiB, or takes too long", code)
        return Sent("replied", "", code, response.reason_phrase, response.headers, content)

    @functools.cached_property
    def _http(self) -> httpx.Client:
        with _MAKING:
            threads = self.settings.threads
            client = httpx.Client(
                timeout=httpx.Timeout(self.settings.timeout, connect=5.0, pool=None),
                limits=httpx.Limits(max_connections=threads, max_keepalive_connections=threads),
                verify=self.secrets.url.startswith("https:"),  # a context for TLS takes 50 ms
                trust_env=self.settings.proxies,
                follow_redirects=False,
            )
            weakref.finalize(self, client.close)
            return client


def _content(response: httpx.Response, until: float) -> bytes | None:
    """The body of a reply; None if it is too long or has not come in time."""
    parts, length = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        length += len(part)
        if length > LARGEST or time.monotonic() > until:
            return None
    return b"".join(parts)
