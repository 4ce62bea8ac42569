"""The command on a model that costs money: it asks first, keeps what it paid for, and goes on where a server died."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import servers
from audited import TINY, plane
from sklearn.linear_model import LogisticRegression

from mex.app.audit import choosing
from mex.app.audit.depth import DEPTHS
from mex.app.cli import main

pytest.importorskip("httpx")
pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[servers.Server, list[str]]]:
    """A V2 server of a linear model, and the command that audits it, quickly."""
    monkeypatch.setitem(DEPTHS, "tiny", attrs.evolve(TINY, race_budget=12, budget=40, seeds=1, defenses=("rounding",)))
    monkeypatch.setattr(choosing, "_variants", lambda registry: ["passive", "pivot"])
    X, y = plane(120)
    model = LogisticRegression(C=100.0).fit(X, y)
    server = servers.Server(lambda body: servers.v2(model, body))
    rows = [",".join(map(str, row)) + f",{label}" for row, label in zip(X.round(3).tolist(), y, strict=True)]
    (tmp_path / "rows.csv").write_text("a,b,c,y\n" + "\n".join(rows), encoding="utf-8")
    url = server.url.replace("invocations", "v2/models/mine/infer")
    where = f"endpoint:url={url},preset=v2,classes=['no','yes'],family=linear,evaluation_budget=40,deadline=0.1"
    data = f"csv:path='{tmp_path / 'rows.csv'}',target='y'"
    try:
        yield server, ["audit", where, data, "--depth", "tiny", "--jobs", "1"]
    finally:
        server.close()


def rows_of(server: servers.Server) -> int:
    return sum(json.loads(body)["inputs"][0]["shape"][0] for _, _, body in server.requests)


def test_no_row_is_paid_for_without_consent(
    answering: tuple[servers.Server, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, command = answering
    out = ["--out", str(tmp_path / "out")]
    for more, sentence in (([], "--out DIR"), (out, "say --yes"), ([*out, "--yes", "--max-usd", "0.001"], "--max-usd")):
        before = rows_of(server)
        assert main([*command, *more]) == 2
        assert sentence in capsys.readouterr().err
        assert rows_of(server) - before <= 10  # what it takes to see what the endpoint answers


def test_what_was_paid_for_is_kept_and_a_dead_server_is_a_sentence(
    answering: tuple[servers.Server, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, command = answering
    command += ["--out", str(tmp_path / "out"), "--yes"]
    alive: Callable[[bytes], Any] = server.answer
    left = 100

    def dying(body: bytes) -> Any:
        nonlocal left
        left -= np.prod(json.loads(body)["inputs"][0]["shape"][:1])
        return alive(body) if left > 0 else (500, {}, b"gone")

    server.answer = dying
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "all that was paid for is kept" in said
    server.answer = alive
    assert main(command) == 0
    assert "Where only labels are shown" in capsys.readouterr().out
    asked = rows_of(server)
    told = json.loads((tmp_path / "out" / "audit.json").read_text(encoding="utf-8"))
    assert told["depth"]["rows_sent"] > 0
    assert told["subject"]["costs_money"]
    assert main(command) == 0
    assert rows_of(server) - asked <= 20  # rows that tell whether it is still the same model
    assert (tmp_path / "out" / "audit.html").exists()
