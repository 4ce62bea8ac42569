"""``mex show`` of what plugins add beside components: kinds of answer, samplers, formats, prices and the like."""

from __future__ import annotations

import argparse
import inspect
from typing import Any

from mex.app.cli.output import plugins_aside, print_json
from mex.registry import Registry


def show_extension(args: argparse.Namespace, registry: Registry) -> int:
    """Print what it is, and who provides it."""
    with plugins_aside():
        about = described(registry, args.kind, args.name)
    if args.json:
        print_json(about)
        return 0
    print(f"{args.kind} {args.name}: {about['summary']} ({about['provider']} {about['version']})\n")
    if about["doc"]:
        print(about["doc"] + "\n")
    for key, value in about["facts"].items():
        print(f"{key}: {value}")
    return 0


def described(registry: Registry, kind: str, name: str) -> dict[str, Any]:
    """All that is known about an extension, as JSON-ready values."""
    provided, target = registry.find(kind, name), registry.target(kind, name)
    documented = inspect.isclass(target) or inspect.isroutine(target) or inspect.ismodule(target)
    return {
        "kind": kind,
        "name": name,
        "summary": provided.component.summary,
        "provider": provided.provider,
        "version": provided.version,
        "doc": (inspect.getdoc(target) or "").partition("\n\n>>>")[0] if documented else "",
        "facts": {"target": provided.component.target, **_facts(kind, target)},
    }


def _facts(kind: str, target: Any) -> dict[str, str]:
    """What can be told of a kind of answer, a sampler, a format or a price."""
    if kind == "answer":
        beside = "the label or value is shown beside them" if target.beside else ""
        read = "they tell the label or value" if target.labels is not None else ""
        return {"answers": target.words, "labels": "; ".join(filter(None, (beside, read))) or "none"}
    if kind == "sampler":
        return {"needs a pool": "yes" if target.needs_pool else "no"}
    if kind == "format":
        return {"endings": ", ".join(sorted(target.ENDINGS)) or "none: format= says it"}
    return {"US dollars a query": f"{target:g}"} if kind == "price" else {}
