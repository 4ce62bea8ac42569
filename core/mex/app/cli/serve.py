"""``mex serve``: a model behind HTTP and a defense."""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from mex.app.cli.flags import number, seconds
from mex.app.cli.output import plugins_aside, print_line, say
from mex.errors import UsageError
from mex.registry import Registry

if TYPE_CHECKING:
    from mex.app.gateway import Served
    from mex.serving.gateway.app import Doors


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    command = commands.add_parser("serve", help="answer for a model over HTTP, behind a defense")
    add = command.add_argument
    add("model", metavar="MODEL", help="a file, python:object=…, endpoint:url=…, or a model that is fitted on --data")
    add("-d", "--defense", default="none", help="what answers instead of it; nest with ' + '")
    add("--data", metavar="DATASET", help="rows that its users send: a defense may learn from them")
    add("--seed", default=0, type=number, metavar="S", help="of a model that is fitted for this (default 0)")
    add("--name", help="of the model in URLs (default: of its file, or component)")
    add("--host", default="127.0.0.1", help="where to listen (default 127.0.0.1: this machine only)")
    add("--port", default=8080, type=number, help="default 8080; 0 takes a free one, which is printed")
    add("--workers", default=1, type=number, metavar="N", help="processes that answer (default 1)")
    add("--answers", choices=("label", "proba", "value"), metavar="KIND", help="unless a request says: label or proba")
    add("--store", metavar="PLACE", help="keep what clients asked, over restarts: a file, or redis://HOST/NUMBER")
    add("--renew", type=seconds, metavar="SECONDS", help="after which a client is new to the defense (default: never)")
    add("--clients", type=Path, metavar="FILE", help="who may ask: a line NAME KEY for each (header X-API-Key)")
    add("--client-header", metavar="NAME", help="the header with the key; without --clients, one that a proxy sets")
    add("--forwarded", action="store_true", help="believe the address that a proxy adds to X-Forwarded-For")
    add("--metrics-from", action="append", default=[], metavar="NETWORK", help="who else may read /metrics")
    add("--log", type=Path, metavar="FILE", help="write requests, rows and answers there, for recorded:path=FILE")
    add("--secret", metavar="NAME", help="variable of the environment with the key of sticky noise (default: drawn)")
    add("--max-rows", default=10_000, type=number, metavar="N", help="rows of a request at most (default 10000)")
    add("--max-bytes", default=1 << 24, type=number, metavar="N", help="bytes of a request at most (default 16 MiB)")
    command.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry) -> int:
    """Serve until told to end, which is a success."""
    try:
        from mex.serving.gateway.workers import bound, serve
    except ImportError as error:
        raise UsageError(f"mex serve needs {error.name}: pip install 'model-extraction[serve]'") from None
    for name, value in (("--workers", args.workers), ("--max-rows", args.max_rows), ("--max-bytes", args.max_bytes)):
        if value < 1:
            raise UsageError(f"{name} must be at least 1, not {value}")
    if not 0 <= args.port < 1 << 16:
        raise UsageError(f"--port must be between 0 and 65535, not {args.port}")
    if args.renew is not None and not 0 < args.renew < float("inf"):
        raise UsageError(f"--renew must be more than 0 seconds, not {args.renew:g}")
    with tempfile.TemporaryDirectory(prefix="mex-serve-") as folder:
        served = _served(args, registry, Path(folder))
        with bound(args.host, args.port) as listening:
            host, port = listening.getsockname()[:2]

            def ready(out: TextIO) -> None:
                where = f"[{host}]" if ":" in host else host
                _warn(args, served)
                say(f"{served.name} is served; Ctrl-C ends it")
                print_line(f"http://{where}:{port}/v2/models/{served.name}/infer", out)

            try:
                make = served if args.workers > 1 else lambda: served.application(registry)
                with plugins_aside() as out:
                    serve(make, listening, args.workers, lambda: ready(out))
            except KeyboardInterrupt:
                say("ended")
    return 0


def _served(args: argparse.Namespace, registry: Registry, folder: Path) -> Served:
    """What the arguments say is to be served."""
    from mex.app.gateway import Served
    from mex.registry.spec import Spec

    model = registry.resolve("model", Spec.parse(args.model, "model"))
    path = model.params.get("path")
    name = args.name or (Path(path).stem if isinstance(path, str) else model.name)
    if not re.fullmatch(r"[\w.-]+", name, re.ASCII):
        raise UsageError(f"--name must be letters, digits, points, dashes and underscores, not {name!r}")
    return Served(
        model=model,
        defense=registry.resolve("defense", Spec.parse(args.defense, "defense")),
        dataset=None if args.data is None else registry.resolve("dataset", Spec.parse(args.data, "dataset")),
        seed=args.seed,
        name=name,
        answers=args.answers,
        store=args.store or str(folder / "store"),
        renew=args.renew,
        secret=_secret(args.secret),
        doors=_doors(args),
        most=args.max_rows,
        log=args.log,
    )


def _doors(args: argparse.Namespace) -> Doors:
    from mex.serving.gateway.app import Doors
    from mex.serving.gateway.clients import Clients, read_clients

    header = args.client_header or ("X-API-Key" if args.clients else None)
    if header is not None and args.forwarded:
        raise UsageError("clients are told apart by a header or by an address: leave --forwarded out")
    names = read_clients(args.clients) if args.clients else {}
    try:
        networks = tuple(map(ipaddress.ip_network, args.metrics_from))
    except ValueError as error:
        raise UsageError(f"--metrics-from must be a network, such as 10.0.0.0/8: {error}") from None
    clients = Clients(header=header, names=names, forwarded=args.forwarded)
    return Doors(clients=clients, most_bytes=args.max_bytes, metrics=networks)


def _secret(name: str | None) -> bytes | None:
    if name is None:
        return None
    if not (value := os.environ.get(name)):
        raise UsageError(f"the environment has no {name}, which --secret names")
    return value.encode()


def _warn(args: argparse.Namespace, served: Served) -> None:
    """Say what an operator might take for granted."""
    clients = served.doors.clients
    if args.store is None and args.defense != "none":
        say("what clients asked, and the key of sticky noise, are forgotten when this ends: --store FILE keeps them")
    for layer in served.defense.layers:
        if layer.params.get("sticky") is False and not layer.params.get("cell"):
            say(f"{layer.name} answers a question that is repeated anew, which averages out: sticky=true does not")
    if clients.header is not None and not clients.names:
        say(f"the header {clients.header} is believed: whoever may set it is as many clients as he likes")
    if clients.forwarded:
        say("X-Forwarded-For is believed: requests must come through a proxy that adds to it")
    if args.host not in ("localhost", "::1") and not args.host.startswith("127."):
        say("other machines can ask; the connection is not encrypted, which a proxy in front would do")
