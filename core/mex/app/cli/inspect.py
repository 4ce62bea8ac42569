"""``mex list-plugins`` and ``mex show``."""

from __future__ import annotations

import argparse
import inspect
import json
from typing import Any

import attrs

from mex.app.cli.tables import print_table
from mex.hooks import KINDS
from mex.registry import Registry


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add both commands."""
    listing = commands.add_parser("list-plugins", help="every component, who provides it, and what failed to load")
    listing.add_argument("--kind", choices=KINDS, help="only the components of this kind")
    listing.add_argument("--json", action="store_true", help="JSON lines on stdout")
    listing.set_defaults(run=list_plugins)
    show = commands.add_parser("show", help="a component's parameters, what it works on, its paper")
    show.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    show.add_argument("name", metavar="NAME")
    show.add_argument("--json", action="store_true", help="one JSON object on stdout")
    show.set_defaults(run=show_component)


def list_plugins(args: argparse.Namespace, registry: Registry) -> int:
    """Print every component, then the plugins that failed to load, with why."""
    found = [
        {**attrs.asdict(p.component, filter=_no_target), "provider": p.provider, "version": p.version, "status": "ok"}
        for p in registry.provided(args.kind)
    ]
    broken = [{**attrs.asdict(b), "status": "failed"} for b in registry.broken]
    if args.json:
        for line in [*found, *broken]:
            print(json.dumps(line))
        return 0
    print_table(
        ["kind", "name", "summary", "provider"],
        [[str(f[c]) for c in ("kind", "name", "summary", "provider")] for f in found],
    )
    if broken:
        print_table(
            ["failed plugin", "provider", "reason"], [[b["plugin"], b["provider"], b["reason"]] for b in broken]
        )
    return 0


def _no_target(attribute: attrs.Attribute[Any], _: Any) -> bool:
    return attribute.name != "target"


def show_component(args: argparse.Namespace, registry: Registry) -> int:
    """Print what a component is and takes."""
    about = describe(registry, args.kind, args.name)
    if args.json:
        print(json.dumps(about))
        return 0
    print(f"{args.kind} {args.name}: {about['summary']} ({about['provider']} {about['version']})\n")
    print(about["doc"] + "\n")
    for key in ("works on", "source", "licence", "paper"):
        if about.get(key):
            print(f"{key}: {about[key]}")
    print()
    if about["parameters"]:
        print_table(
            ["parameter", "default", "allowed", "meaning"],
            [[p["name"], json.dumps(p["default"]), p["allowed"], p["doc"]] for p in about["parameters"]],
        )
    else:
        print("no parameters")
    return 0


def describe(registry: Registry, kind: str, name: str) -> dict[str, Any]:
    """All that is known about a component, as JSON-ready values."""
    from mex.params import default, fields

    provided = registry.find(kind, name)
    cls = registry.load(kind, name)
    scope = getattr(cls, "scope", None)
    return {
        "kind": kind,
        "name": name,
        "summary": provided.component.summary,
        "provider": provided.provider,
        "version": provided.version,
        "doc": (inspect.getdoc(cls) or "").partition("\n\n>>>")[0],
        "works on": str(scope) if scope is not None else "",
        "paper": getattr(cls, "paper", ""),
        "source": getattr(cls, "source", ""),
        "licence": getattr(cls, "licence", ""),
        "parameters": [
            {
                "name": f.name,
                "default": default(f),
                "allowed": f"a {f.metadata['component']}" if "component" in f.metadata else repr(f.validator),
                "doc": f.metadata.get("doc", ""),
            }
            for f in fields(cls)
        ],
    }
