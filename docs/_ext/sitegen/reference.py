"""Pages about what users type and read: commands, plan files, the fields of a record."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from mex.app.cli import parser
from mex.app.matrix.plan import AXES
from mex.app.matrix.plan_schema import plan_schema
from mex.app.matrix.record import DERIVED, FIELDS, IDENTITY, Field
from mex.hooks import KINDS
from mex.registry import Registry
from sitegen.rst import code, definitions, heading, link, literal, paragraphs, sentence, table, text


def commands(registry: Registry) -> str:
    """Every command with its arguments, as ``--help`` has them."""
    (known,) = (a for a in parser(registry)._actions if isinstance(a, argparse._SubParsersAction))
    said = {action.dest: action.help or "" for action in known._choices_actions}
    parts = []
    for name, command in known.choices.items():
        arguments = [a for a in command._actions if not isinstance(a, argparse._HelpAction)]
        rows = [[_argument(argument), text((argument.help or "").replace("%%", "%"))] for argument in arguments]
        parts += [
            f".. _command-{name}:",
            heading(f"mex {name}", "-"),
            sentence(said.get(name, "")),
            text(command.description or ""),
            table(["argument", "meaning"], rows, "40 60"),
        ]
    return paragraphs(
        heading("Commands"),
        "``mex COMMAND --help`` prints the same. Before the command, ``--no-third-party`` leaves out all plugins but "
        "those of mex itself, and ``--version`` prints the version. A component with parameters is written "
        "``name:key=value,key=value``, with values as in TOML; nested defenses are joined by ``' + '``.",
        *parts,
    )


def _argument(argument: argparse.Action) -> str:
    choices = "{" + ",".join(map(str, argument.choices or ())) + "}"
    value = argument.metavar or (choices if argument.choices else argument.dest.upper())
    takes = "" if argument.nargs == 0 else f" {value}"
    names = argument.option_strings
    return ", ".join(code(name + takes) for name in names) if names else code(str(value))


def record() -> str:
    """The fields of a record, from the description that everything else reads."""
    identity, result = ([f for f in FIELDS.values() if (f.name in IDENTITY) is part] for part in (True, False))
    return paragraphs(
        heading("The fields of a record"),
        "A matrix writes one record for each cell: one attack against one defense of one model on one dataset with one "
        "seed. ``mex matrix --json`` prints them, ``DIR/results.jsonl`` keeps them, ``mex.matrix`` returns them, and "
        "``mex show record`` prints this page. Read :doc:`/start/concepts` first for what the main numbers mean.",
        heading("What was measured", "-"),
        "Two cells that differ in none of these are one.",
        _fields(identity),
        heading("What came of it", "-"),
        "Where there is no result, because the cell was skipped or failed, numbers are null. "
        "Fields marked † differ between two runs of the same cell; all others are the same, whatever the number of "
        "workers.",
        _fields(result),
        heading("Computed from records", "-"),
        "LEVEL is an agreement, such as 0.99.",
        table(["name", "unit", "meaning"], [[code(n), u, text(m)] for n, (u, m) in DERIVED.items()]),
        "Over seeds, medians are told with intervals whose ends are order statistics: 95 % from six seeds on; with "
        "fewer, the range of the seeds. Shares have no more digits than the held-out rows allow and are rounded down. "
        "An agreement below that of one constant answer is marked ↓.",
    )


def _fields(fields: list[Field]) -> str:
    return definitions(
        (
            f"{code(f.name)} · {text(f.kind.unit or f.kind.noun.removesuffix(', or null'))}{' †' if f.timing else ''}",
            sentence(f.meaning) + (f" *Null if {text(f.null.when)}.*" if f.null and f.null.when != "no result" else ""),
        )
        for f in fields
    )


def plan(registry: Registry) -> str:
    """The keys of a plan, from its JSON Schema."""
    schema = plan_schema(registry)
    settings = {key: value for key, value in schema["properties"].items() if key not in AXES}
    kinds = [
        f"{KINDS[list(AXES).index(axis)]}s: "
        + ", ".join(link(kind, p.component.name) for p in registry.provided(kind) if p.provider == "model-extraction")
        for axis, kind in AXES.items()
    ]
    return paragraphs(
        heading("Plan files"),
        "A plan says what a matrix measures; :doc:`/howto/matrix` shows how to write one. It is TOML; from Python "
        "it is a mapping with the same keys. ``mex show plan`` prints its JSON Schema; editors complete and check by:",
        literal("mex show plan > plan.schema.json", "sh"),
        "and ``#:schema plan.schema.json`` as the first line of the plan.",
        heading("Axes", "-"),
        f"{', '.join(code(axis) for axis in AXES)} are required. Each is a list of components as on the command line, "
        "or a table with one table for each component, by its name:",
        literal(
            "[attacks.version-space]        # a component by its name, with its parameters\n"
            "[attacks.trees]                # a label of your own …\n"
            'use = "passive"                # … for a component\n'
            'model = "decision-tree"\n'
            "[defenses.bounded-noise]\n"
            "sweep.rho = [0.1, 0.3]         # one column for each value\n"
            "[defenses.both]\n"
            'nest = ["rounding", "query-budget:limit=1000"]   # defenses, the innermost first',
            "toml",
        ),
        "Beside the component's own parameters a table takes ``use``, ``sweep`` (lists of values, one component for "
        "each combination) and, of defenses, ``nest``. The parameters are on the page of each component:",
        "\n".join(f"* {line}" for line in kinds),
        heading("Settings", "-"),
        table(
            ["key", "type", "meaning"],
            [[code(key), text(_type(value)), text(value.get("description", ""))] for key, value in settings.items()],
            "25 35 40",
        ),
        heading("Gate", "-"),
        "``fail_if`` in the table ``gate`` holds conditions as ``--fail-if`` takes them, and ``fail_on`` says whether "
        "one seed is enough (``any``) or the median counts (``median``); see :doc:`/howto/gate`.",
    )


def _type(schema: dict[str, Any]) -> str:
    """What a value may be, in words."""
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return f"“{schema['const']}”"
    if "anyOf" in schema:
        return ", or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"a list of: {_type(schema['items'])}"
    if schema.get("type") == "object":
        return "a table" + (f" with {' and '.join(schema['properties'])}" if "properties" in schema else "")
    least = f" of at least {schema['minimum']}" if "minimum" in schema else ""
    return {"integer": "a whole number", "number": "a number", "string": "a text", "boolean": "true or false"}[
        schema["type"]
    ] + least


def pages(registry: Registry) -> Iterator[tuple[str, str]]:
    """Their paths and texts."""
    yield "commands", commands(registry)
    yield "record", record()
    yield "plan", plan(registry)
