"""Who asks: by a key or by an address, never by what anybody may write into a request."""

from __future__ import annotations

from pathlib import Path

import pytest

import mex
from mex.serving.gateway.clients import Clients, Unknown, digest_of, read_clients


@pytest.fixture
def named(tmp_path: Path) -> dict[str, str]:
    """Two clients by their keys."""
    (tmp_path / "clients").write_text("# who may ask\nbank  k-1\n\nshop k-2\n", encoding="utf-8")
    return read_clients(tmp_path / "clients")


def test_a_key_is_its_owners_and_no_other_is_taken(named: dict[str, str]) -> None:
    clients = Clients(header="Authorization", names=named)
    assert clients.of({"authorization": "Bearer k-2"}, "1.2.3.4") == "shop"
    for headers in (
        {},
        {"authorization": "Bearer k-3"},
        {"authorization": "k-2"},
        {"authorization": "Bearer k-1, k-2"},
    ):
        with pytest.raises(Unknown) as told:
            clients.of(headers, "1.2.3.4")
        assert "k-3" not in str(told.value)
    assert "k-1" not in repr(clients)


def test_a_key_without_a_name_is_known_by_a_digest() -> None:
    who = Clients(header="X-API-Key").of({"x-api-key": "secret"}, "1.2.3.4")
    assert who == f"key {digest_of('secret')[:16]}"


@pytest.mark.parametrize(
    ("address", "holder"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ],
)
def test_an_address_is_that_of_its_holder(address: str, holder: str) -> None:
    assert Clients().of({"x-forwarded-for": "9.9.9.9"}, address) == holder


def test_of_a_proxy_only_the_address_that_it_added_is_believed() -> None:
    clients = Clients(forwarded=True)
    assert clients.of({"x-forwarded-for": "6.6.6.6, 10.0.0.7"}, "127.0.0.1") == "10.0.0.7"
    with pytest.raises(Unknown, match="does not tell an address"):
        clients.of({"x-forwarded-for": "10.0.0.7, anybody"}, "127.0.0.1")


@pytest.mark.parametrize("lines", ["", "bank\n", "bank k-1\nshop k-1\n", "bank k 1\n"])
def test_a_file_of_clients_that_is_none_is_a_sentence_without_keys(tmp_path: Path, lines: str) -> None:
    (tmp_path / "clients").write_text(lines, encoding="utf-8")
    with pytest.raises(mex.UsageError) as told:
        read_clients(tmp_path / "clients")
    assert "k-1" not in str(told.value)
