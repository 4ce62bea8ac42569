"""A process that has no network, for as long as a dataset loads."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any, NoReturn
from unittest import mock


class NetworkUsed(AssertionError):
    """A dataset asked the network."""


@contextlib.contextmanager
def no_network(name: str) -> Iterator[None]:
    """No connection is opened and no host looked up in this process."""

    def refused(*_: Any, **__: Any) -> NoReturn:
        raise NetworkUsed(f"{name}.load must not use a network: ship the data with the plugin, or take a path")

    with contextlib.ExitStack() as stack:
        for owner, attribute in (
            (socket.socket, "connect"),
            (socket.socket, "connect_ex"),
            (socket.socket, "sendto"),
            (socket, "getaddrinfo"),
            (socket, "gethostbyname"),
            (socket, "create_connection"),
        ):
            stack.enter_context(mock.patch.object(owner, attribute, refused))
        yield
