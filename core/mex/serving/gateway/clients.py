"""Who asks: a client by the key in a header, or by address."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from pathlib import Path

import attrs

from mex.errors import MexError, UsageError

IPV6_PREFIX = 64
"""Bits of an address of version 6 that tell its holder, who has all addresses that begin so."""


class Unknown(MexError):
    """A request that does not say who asks."""


@attrs.frozen(kw_only=True)
class Clients:
    """How clients are told apart. What is kept and logged of a key is its owner's name, or a digest.

    Attributes:
        header: that holds a key, None for the address of the connection.
        names: of the clients by the digests of their keys; without any, every key is a client of its own: the header
            is then one that a proxy in front sets, which clients cannot.
        forwarded: take the address that a proxy in front added last to ``X-Forwarded-For``.
    """

    header: str | None = None
    names: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    forwarded: bool = False

    def of(self, headers: Mapping[str, str], address: str | None) -> str:
        """Who sent a request with these headers, their names in lower case, from an address.

        Raises:
            Unknown: if it does not say who asks.
        """
        if self.header is not None:
            key = headers.get(self.header.lower(), "").strip()
            if self.header.lower() == "authorization":
                key = key[7:].strip() if key[:7].lower() == "bearer " else ""
            if not key:
                raise Unknown(f"the header {self.header} must say who asks")
            digest = digest_of(key)
            if self.names and digest not in self.names:
                raise Unknown(f"the key in the header {self.header} is nobody's")
            return self.names.get(digest, f"key {digest[:16]}")
        if self.forwarded:
            address = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        return _holder(address)


def _holder(address: str | None) -> str:
    """Whoever has an address."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        raise Unknown("the request does not tell an address") from None
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(found), IPV6_PREFIX), strict=False))
        return str(found.ipv4_mapped)
    return str(found)


def digest_of(key: str) -> str:
    """What stands for a key."""
    return hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=32).hexdigest()


def read_clients(path: Path) -> dict[str, str]:
    """The names of clients by the digests of their keys: a file with ``NAME KEY`` on each line, ``#`` for remarks.

    Raises:
        UsageError: if it cannot be read, or is something else; no key stands in the error.
    """
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"the clients in {path} cannot be read: {reason}") from None
    names: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2:
            raise UsageError(f"{path}, line {number}: a client is written NAME KEY")
        name, digest = words[0], digest_of(words[1])
        if digest in names:
            raise UsageError(f"{path}, line {number}: {name} has the key of {names[digest]}")
        names[digest] = name
    if not names:
        raise UsageError(f"{path} names no client: write NAME KEY on each line")
    return names
