"""``mex list-plugins`` and ``mex show``."""

from __future__ import annotations

import argparse
import inspect
import json
from typing import Any

import attrs

from mex.app.cli.extension import show_extension
from mex.app.cli.output import plugins_aside, print_json
from mex.app.cli.tables import print_table
from mex.errors import UsageError
from mex.hooks import EXTENSIONS, KINDS
from mex.registry import Registry
from mex.registry.spec import Spec

LISTED = ("kind", "name", "summary", "provider", "version")
"""What ``mex list-plugins`` says of each component."""
RECORD, PLAN = "record", "plan"
"""What ``mex show`` explains beside the components: the fields of a record; plan files, as JSON Schema."""


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add both commands."""
    listing = commands.add_parser("list-plugins", help="every component, who provides it, and what failed to load")
    listing.add_argument("--kind", choices=(*KINDS, *EXTENSIONS), help="only those of this kind")
    listing.add_argument("--for", dest="model", metavar="MODEL", help="say from which answers each attack works on it")
    listing.add_argument("--data", metavar="DATA", help="rows such as the users of that model send")
    listing.add_argument("--json", action="store_true", help="JSON lines on stdout")
    listing.set_defaults(run=list_plugins)
    show = commands.add_parser(
        "show", help="a component's parameters, what it works on, its paper; a record's fields; the schema of plans"
    )
    shown = (*KINDS, *EXTENSIONS)
    say = f"{', '.join(shown)}; or {RECORD} or {PLAN}, alone"
    show.add_argument("kind", choices=(*shown, RECORD, PLAN), metavar="KIND", help=say)
    show.add_argument("name", nargs="?", metavar="NAME", help="of a component of that kind")
    show.add_argument("--json", action="store_true", help="one JSON object on stdout")
    show.set_defaults(run=show_one)


def list_plugins(args: argparse.Namespace, registry: Registry) -> int:
    """Print every component, then the plugins that failed to load, with why."""
    found = [
        {
            **attrs.asdict(p.component, filter=lambda attribute, _: attribute.name != "target"),
            "provider": p.provider,
            "version": p.version,
            "status": "ok",
        }
        for p in registry.provided(args.kind)
    ]
    broken = [{**attrs.asdict(b), "status": "failed"} for b in registry.broken]
    columns = list(LISTED)
    if args.model is not None:
        if args.data is None:
            raise UsageError("say what the users of the model send: --data rows.csv")
        columns.insert(2, "applies")
        from mex.app.audit.planning import applying

        with plugins_aside():
            said = applying(registry, args.model, args.data)
        found = [{**f, "applies": said.get((str(f["kind"]), str(f["name"])), "")} for f in found]
    if args.json:
        for line in [*found, *broken]:
            print_json(line)
        return 0
    print_table(columns, [[str(f[c]) for c in columns] for f in found])
    if broken:
        failed = ("plugin", "provider", "reason")
        print_table(["failed plugin", *failed[1:]], [[b[column] for column in failed] for b in broken])
    return 0


def show_one(args: argparse.Namespace, registry: Registry) -> int:
    """Print what a component is and takes, or what the fields of a record mean."""
    if args.kind in (RECORD, PLAN):
        if args.name is not None:
            raise UsageError(f"there is one {args.kind}: mex show {args.kind}, without {args.name!r}")
        return show_record(args.json) if args.kind == RECORD else show_plan(registry, args.json)
    if args.name is None:
        raise UsageError("the following arguments are required: NAME (see mex show --help)")
    return show_extension(args, registry) if args.kind in EXTENSIONS else show_component(args, registry)


def show_record(as_json: bool) -> int:
    """Print the fields of a record, and the numbers that are computed from records."""
    from mex.app.matrix.record import DERIVED, FIELDS, IDENTITY

    fields = [
        {
            "name": field.name,
            "part": "identity" if field.name in IDENTITY else "result",
            "type": field.kind.noun.removesuffix(", or null"),
            "unit": field.kind.unit,
            "null": field.null.when if field.null else None,
            "timing": field.timing,
            "doc": field.meaning,
        }
        for field in FIELDS.values()
    ]
    derived = [{"name": name, "unit": unit, "doc": meaning} for name, (unit, meaning) in DERIVED.items()]
    if as_json:
        print_json({"kind": RECORD, "fields": fields, "derived": derived})
        return 0
    header = ["field", "type", "unit", "null if", "meaning"]
    print_table(header, [[str(f[key] or "") for key in ("name", "type", "unit", "null", "doc")] for f in fields])
    print()
    print_table(["computed from records", "unit", "meaning"], [[d["name"], d["unit"], d["doc"]] for d in derived])
    return 0


def show_plan(registry: Registry, as_json: bool) -> int:
    """Print the JSON Schema of plan files, indented for people."""
    from mex.app.matrix.plan_schema import plan_schema

    with plugins_aside():
        schema = plan_schema(registry)
    print(json.dumps(schema, ensure_ascii=False, indent=None if as_json else 2))
    return 0


def show_component(args: argparse.Namespace, registry: Registry) -> int:
    """Print what a component is and takes."""
    spec = Spec.of(args.name, args.kind)
    with plugins_aside():
        about = describe(registry, args.kind, spec.name)
        if args.kind == "model":
            from mex.app.cli.fits import interfaces

            about["interfaces"] = interfaces(registry, spec)
    if args.json:
        print_json(about)
        return 0
    print(f"{args.kind} {spec.name}: {about['summary']} ({about['provider']} {about['version']})\n")
    print(about["doc"] + "\n")
    for key in ("works on", "source", "licence", "paper"):
        if about.get(key):
            print(f"{key}: {about[key]}")
    for key in ("counters", "countered by"):
        if about[key]:
            print(f"{key}: {'; '.join(about[key])}")
    print()
    if about["parameters"]:
        print_table(
            ["parameter", "default", "allowed", "meaning"],
            [[p["name"], json.dumps(p["default"]), p["allowed"], p["doc"]] for p in about["parameters"]],
        )
    else:
        print("no parameters")
    if args.kind == "model":
        from mex.app.cli.fits import show_interfaces

        print()
        show_interfaces(about["interfaces"])
    return 0


def describe(registry: Registry, kind: str, name: str) -> dict[str, Any]:
    """All that is known about a component, as JSON-ready values."""
    from mex.params import default, fields

    provided = registry.find(kind, name)
    cls = registry.load(kind, name)
    scope = getattr(cls, "scope", None)
    told = [pair for p in registry.provided() for pair in p.component.counters]
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
        "counters": sorted(d for d, a in told if (kind, name) == ("attack", Spec.parse(a).name)),
        "countered by": sorted({a for d, a in told if (kind, name) == ("defense", d)}),
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
