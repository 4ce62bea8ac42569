"""Counters as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def prometheus(counters: Mapping[str, int]) -> str:
    """The text of some counters of :class:`mex.serving.gateway.answering.Gateway`.

    >>> print(prometheus({"requests 200": 2, "rows answered": 30, "microseconds": 1500}))
    # HELP mex_requests_total Requests by the status of their reply.
    # TYPE mex_requests_total counter
    mex_requests_total{status="200"} 2
    # HELP mex_rows_total Rows of well-formed requests, by whether they were answered.
    # TYPE mex_rows_total counter
    mex_rows_total{outcome="answered"} 30
    # HELP mex_alarms_total Clients over whom a defense has raised the alarm.
    # TYPE mex_alarms_total counter
    mex_alarms_total 0
    # HELP mex_request_seconds_total Time from a request's last byte to its reply.
    # TYPE mex_request_seconds_total counter
    mex_request_seconds_total 0.0015
    <BLANKLINE>
    """
    return "".join(
        [
            *_head("mex_requests_total", "Requests by the status of their reply."),
            *_each("mex_requests_total", "status", "requests ", counters),
            *_head("mex_rows_total", "Rows of well-formed requests, by whether they were answered."),
            *_each("mex_rows_total", "outcome", "rows ", counters),
            *_head("mex_alarms_total", "Clients over whom a defense has raised the alarm."),
            f"mex_alarms_total {counters.get('alarms', 0)}\n",
            *_head("mex_request_seconds_total", "Time from a request's last byte to its reply."),
            f"mex_request_seconds_total {counters.get('microseconds', 0) / 1e6}\n",
        ]
    )


def _head(name: str, said: str) -> list[str]:
    return [f"# HELP {name} {said}\n", f"# TYPE {name} counter\n"]


def _each(name: str, label: str, prefix: str, counters: Mapping[str, int]) -> list[str]:
    found = [(key.removeprefix(prefix), value) for key, value in counters.items() if key.startswith(prefix)]
    return [f'{name}{{{label}="{key}"}} {value}\n' for key, value in found]
