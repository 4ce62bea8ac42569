"""Plan files as JSON Schema, so that editors complete and check them."""

from __future__ import annotations

from typing import Any

from mex.answers import answer_kinds
from mex.app.matrix.paid import EVALUATION
from mex.app.matrix.plan import AXES, COUNTERS, GATE, MADE_WITH
from mex.errors import UsageError
from mex.hooks import KINDS
from mex.params import Check, default, fields
from mex.registry import Registry
from mex.registry.spec import plain

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The one that editors of TOML know."""
WHOLE = {"type": "integer", "minimum": 1}


def plan_schema(registry: Registry) -> dict[str, Any]:
    """The schema of plans with what is installed, as JSON-ready values.

    What it refuses, a matrix refuses too; of parameters whose validators do not say their schema it takes any value.
    """
    definitions: dict[str, Any] = {}
    for kind in KINDS:
        names = [p.component.name for p in registry.provided(kind)]
        for name in names:
            definitions[f"{kind} {name}"] = _component(registry, kind, name)
        definitions[kind] = _used(kind, names)
    return {
        "$schema": DRAFT,
        "title": "a plan of mex matrix",
        "type": "object",
        "additionalProperties": False,
        "required": list(AXES),
        "properties": {axis: _axis(registry, kind) for axis, kind in AXES.items()} | _settings(),
        "definitions": definitions,
    }


def _settings() -> dict[str, Any]:
    answers = {"enum": list(answer_kinds())}
    texts = {"type": "array", "items": {"type": "string"}}
    return {
        "budget": WHOLE | {"description": "queries at most in each cell"},
        "seeds": {
            "description": "how many seeds, or which",
            "anyOf": [WHOLE, {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}}],
        },
        "answers": {
            "description": "the kinds of answer that attackers get",
            "anyOf": [answers, {"const": "all"}, {"type": "array", "minItems": 1, "items": answers}],
        },
        "price_per_query": {"type": "number", "minimum": 0, "description": "US dollars"},
        EVALUATION: WHOLE | {"description": "rows at most that a model which costs money is asked to measure"},
        COUNTERS: {"type": "boolean", "description": "whether attacks are added that know a defense of the plan"},
        GATE: {
            "type": "object",
            "additionalProperties": False,
            "properties": {"fail_if": texts, "fail_on": {"enum": ["any", "median"]}},
        },
        MADE_WITH: {"type": "object", "description": "versions, for the record"},
    }


def _axis(registry: Registry, kind: str) -> dict[str, Any]:
    """Components by label, which is the name of one where the table does not say ``use``; or a list."""
    labels = {
        p.component.name: {
            "description": p.component.summary,
            "if": {"type": "object", "anyOf": [{"required": ["use"]}, {"required": ["nest"]}]},
            "then": {"$ref": f"#/definitions/{kind}"},
            "else": {"$ref": f"#/definitions/{kind} {p.component.name}"},
        }
        for p in registry.provided(kind)
    }
    listed = {
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [{"type": "string"}, {"$ref": f"#/definitions/{kind}"}]},
    }
    named = {
        "type": "object",
        "minProperties": 1,
        "properties": labels,
        "additionalProperties": {"$ref": f"#/definitions/{kind}"},
    }
    return {"if": {"type": "array"}, "then": listed, "else": named}


def _used(kind: str, names: list[str]) -> dict[str, Any]:
    """A table that says which component it is: the parameters are those of that one."""
    one: dict[str, Any] = {
        "type": "object",
        "required": ["use"],
        "properties": {"use": {"enum": names}},
        "allOf": [
            {
                "if": {"properties": {"use": {"const": name}}, "required": ["use"]},
                "then": {"$ref": f"#/definitions/{kind} {name}"},
            }
            for name in names
        ],
    }
    if kind != "defense":
        return one
    layer = {"anyOf": [{"type": "string"}, {"$ref": "#/definitions/defense"}]}
    nest = {"nest": {"type": "array", "minItems": 1, "items": layer, "description": "defenses, the innermost first"}}
    nested = {"type": "object", "properties": nest, "additionalProperties": False}
    return {"if": {"type": "object", "required": ["nest"]}, "then": nested, "else": one}


def _component(registry: Registry, kind: str, name: str) -> dict[str, Any]:
    """The parameters of a component, and lists of their values under ``sweep``."""
    try:
        cls = registry.load(kind, name)
    except UsageError:  # a matrix with it says why
        return {"type": "object"}
    params: dict[str, Any] = {}
    for field in fields(cls):
        if inner := field.metadata.get("component"):
            of = {"anyOf": [{"type": "string"}, {"$ref": f"#/definitions/{inner}"}]}
        else:
            of = dict(field.validator.schema) if isinstance(field.validator, Check) else {}
        about = {"description": field.metadata.get("doc", "")}
        usual = {} if default(field) is None else {"default": plain(default(field))}
        params[field.name] = of | about | usual
    sweeps = {key: {"type": "array", "minItems": 1, "items": of} for key, of in params.items()}
    sweep = {"type": "object", "properties": sweeps, "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"use": {"const": name}, **params, "sweep": sweep},
        "additionalProperties": False,
    }
