"""The gateway as an ASGI application: routes, who may ask what, and limits on what is read."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import mex
from mex.errors import MexError
from mex.serving.gateway.answering import Gateway
from mex.serving.gateway.clients import Clients, Unknown
from mex.serving.gateway.metrics import CONTENT_TYPE, prometheus
from mex.serving.gateway.replies import Protocol, Reply
from mex.serving.gateway.requests import BadRequest

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
PATIENCE = 30.0
"""Seconds that a client may take to send its body."""


@attrs.frozen(kw_only=True)
class Doors:
    """Who may ask, and how much at once.

    Attributes:
        clients: how clients are told apart.
        most_bytes: of a body.
        metrics: networks that may read the counters, whatever headers they send; this machine may as well, unless the
            request comes through a proxy that says so.
    """

    clients: Clients
    most_bytes: int
    metrics: Sequence[Network] = ()


def application(gateway: Gateway, doors: Doors) -> Starlette:
    """The application of one worker."""
    model = f"/v2/models/{gateway.name}"
    infer = functools.partial(_infer, gateway, doors)
    routes = [
        Route(f"{model}/infer", functools.partial(infer, "v2"), methods=["POST"]),
        Route("/invocations", functools.partial(infer, "mlflow"), methods=["POST"]),
        Route(model, _said(gateway.metadata)),
        Route("/v2", _said(lambda: {"name": "mex", "version": mex.__version__, "extensions": []})),
        Route("/v2/health/live", _said(lambda: {"live": True})),
        Route("/v2/health/ready", _said(lambda: {"ready": True})),
        Route(f"{model}/ready", _said(lambda: {"name": gateway.name, "ready": True})),
        *(Route(path, _fine) for path in ("/ping", "/health")),
        Route("/version", functools.partial(_plain, mex.__version__)),
        Route("/metrics", functools.partial(_metrics, gateway, doors)),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _unknown})


async def _infer(gateway: Gateway, doors: Doors, protocol: Protocol, request: Request) -> Response:
    client = None
    try:
        client = doors.clients.of(_headers(request), request.client.host if request.client else None)
        body = await _body(request, doors.most_bytes)
    except Unknown as error:
        return _response(await run_in_threadpool(gateway.refuse, protocol, 401, str(error)), close=True)
    except BadRequest as error:
        said = functools.partial(gateway.refuse, protocol, error.status, str(error), client)
        return _response(await run_in_threadpool(said), close=True)
    except ClientDisconnect:
        return Response(status_code=400)
    return _response(await run_in_threadpool(gateway.infer, protocol, body, client))


async def _body(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        BadRequest: if it is not JSON by its headers, is too long, or does not come.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
        raise BadRequest("the body must be application/json, not compressed", 415)
    if "inference-header-content-length" in request.headers:
        raise BadRequest("binary tensors are not taken: send JSON", 415)
    too_long = BadRequest(f"the body is longer than {most} bytes", 413)
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise too_long
    parts, total = [], 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                total += len(part)
                if total > most:
                    raise too_long
                parts.append(part)
    except TimeoutError:
        raise BadRequest("the body did not come in time", 408) from None
    return b"".join(parts)


def _headers(request: Request) -> Mapping[str, str]:
    """The headers of a request; of one that is there several times, all values."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


async def _metrics(gateway: Gateway, doors: Doors, request: Request) -> Response:
    if not _may_count(doors, request):
        raise HTTPException(404)
    try:
        counters = await run_in_threadpool(gateway.counters)
    except MexError:
        raise HTTPException(503) from None
    return PlainTextResponse(prometheus(counters), media_type=CONTENT_TYPE)


def _may_count(doors: Doors, request: Request) -> bool:
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    if any(address in network for network in doors.metrics):
        return True
    return address.is_loopback and not {"x-forwarded-for", "forwarded"} & set(request.headers)


def _said(what: Callable[[], Mapping[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return JSONResponse(dict(what()))

    return endpoint


async def _fine(request: Request) -> Response:
    return PlainTextResponse("\n")


async def _plain(text: str, request: Request) -> Response:
    return PlainTextResponse(text)


async def _unknown(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = {404: "there is nothing at this path", 405: "this path does not take this method"}.get(status, "it fails")
    return JSONResponse({"error": said}, status_code=status, headers=getattr(error, "headers", None))


def _response(reply: Reply, *, close: bool = False) -> Response:
    headers = dict(reply.headers) | ({"Connection": "close"} if close else {})  # what was not read is not skipped
    return Response(reply.content, reply.status, headers, "application/json")
