"""What comes from the environment, and must not be told."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import attrs

from mex import UsageError

_NAME = re.compile(r"\$(\w+)|\$\{(\w+)\}")


@attrs.frozen(repr=False)
class Secrets:
    """A URL and headers with what the environment holds filled in.

    Attributes:
        url, headers: to be sent, never to be shown.
        names: what was filled in, by its value.
    """

    url: str
    headers: Mapping[str, str]
    names: Mapping[str, str]

    @classmethod
    def of(cls, url: str, headers: Mapping[str, str]) -> Secrets:
        """Fill in what ``$NAME`` stands for.

        Raises:
            UsageError: if the environment has no such name.
        """
        names: dict[str, str] = {}

        def fill(text: str) -> str:
            return _NAME.sub(lambda found: _value(found, names), text)

        return cls(fill(url), {name: fill(value) for name, value in headers.items()}, names)

    def redacted(self, text: str) -> str:
        """The text with names where it has the values."""
        for value in sorted(self.names, key=len, reverse=True):
            text = text.replace(value, self.names[value])
        return text


def _value(found: re.Match[str], names: dict[str, str]) -> str:
    name = found[1] or found[2]
    value = os.environ.get(name, "")
    if not value.strip():
        raise UsageError(f"the environment has no {name}, which a header or the URL of the endpoint asks for")
    if not value.isprintable() or not value.isascii():
        raise UsageError(f"{name} in the environment has characters that no header may have")
    names[value] = f"${name}"
    return value


def check_url(url: str) -> None:
    """Raise :class:`UsageError` unless ``url`` is one that is asked: of HTTP, with a host, without a password."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UsageError(f"url must be a URL, not {url!r}") from None
    if "@" in parts.netloc:
        raise UsageError("url must have no name and password in it: say headers={Authorization='Basic $NAME'}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"url must begin with http:// or https:// and a host, not {url!r}")


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise :class:`UsageError` unless every value has a ``$NAME`` of the environment, or is no secret."""
    for name, value in headers.items():
        told = name.lower() in ("accept", "content-type", "user-agent")
        if not told and not _NAME.search(value):
            raise UsageError(f"header {name} must come from the environment, as '$NAME': it would stand in records")
