"""A gateway in a thread of this process, and what it is asked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

import mex
from mex.app.gateway import Served
from mex.registry.spec import Spec
from mex.serving.gateway.app import Doors
from mex.serving.gateway.clients import Clients
from mex.serving.gateway.workers import bound, server_of

NOBODY = Doors(clients=Clients(), most_bytes=1 << 20)


class Running:
    """A gateway on a free port."""

    def __init__(self, registry: mex.Registry, folder: Path, model: str, **given: Any) -> None:
        defaults: dict[str, Any] = {
            "defense": "none",
            "dataset": None,
            "seed": 0,
            "name": "m",
            "answers": None,
            "store": str(folder / "store"),
            "renew": None,
            "secret": b"of the test",
            "doors": NOBODY,
            "most": 1000,
            "log": None,
        }
        given = defaults | given
        dataset = given.pop("dataset")
        self.served = Served(
            model=registry.resolve("model", Spec.parse(model, "model")),
            defense=registry.resolve("defense", Spec.parse(given.pop("defense"), "defense")),
            dataset=None if dataset is None else registry.resolve("dataset", Spec.parse(dataset, "dataset")),
            **given,
        )
        self._server = server_of(self.served.application(registry))
        self._socket = bound("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=60)

    def ask(self, rows: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The reply to some rows, by MLflow's form."""
        return self.http.post("/invocations", json={"inputs": rows}, headers=headers)

    def close(self) -> None:
        """Stop it."""
        self.http.close()
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
