"""What may stand for the last word of a command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence

import attrs

from mex.app.completion.parameters import Parameter, parameters
from mex.errors import UsageError
from mex.hooks import EXTENSIONS, KINDS
from mex.registry import Registry

KIND_OF = {kind.upper(): kind for kind in KINDS} | {"DATA": "dataset"}
"""The kind of component that an argument takes, by how help pages call it."""


@attrs.frozen
class Candidate:
    """A word, and what is said of it; one that is not ``whole`` goes on, without a space."""

    word: str
    about: str = ""
    whole: bool = True


def candidates(words: Sequence[str], parser: argparse.ArgumentParser, registry: Registry) -> list[Candidate]:
    """What may stand for the last of ``words``, which may be begun or empty; the first is the command itself.

    None is where anything else may stand, such as the name of a file.
    """
    *before, last = words[1:] or [""]
    found = [c for c in _here(before, last, parser, registry) if c.word.startswith(last)]
    return list({c.word: c for c in found}.values())


def _here(before: list[str], last: str, parser: argparse.ArgumentParser, registry: Registry) -> Iterator[Candidate]:
    positionals = [action for action in parser._actions if not action.option_strings]
    options = {text: action for action in parser._actions for text in action.option_strings}
    given: list[str] = []
    waiting: argparse.Action | None = None
    for at, word in enumerate(before):
        here = positionals[len(given)] if len(given) < len(positionals) else None
        if waiting is not None:
            waiting = None
        elif word in options and options[word].nargs != 0:
            waiting = options[word]
        elif word.startswith("-"):
            continue
        elif isinstance(here, argparse._SubParsersAction):
            if word in here.choices:
                yield from _here(before[at + 1 :], last, here.choices[word], registry)
            return
        else:
            given.append(word)
    if waiting is not None:
        yield from _of_action(waiting, last, given, registry)
    elif last.startswith("-"):
        yield from (Candidate(text, action.help or "") for text, action in options.items() if text.startswith("--"))
        yield from (Candidate(text, action.help or "") for text, action in options.items() if last == "-" == text[:1])
    elif len(given) < len(positionals):
        yield from _of_action(positionals[len(given)], last, given, registry)


def _of_action(action: argparse.Action, last: str, given: list[str], registry: Registry) -> Iterator[Candidate]:
    """What the value of one argument may be."""
    called = str(action.metavar or action.dest).upper()
    if isinstance(action, argparse._SubParsersAction):
        yield from (Candidate(choice.dest, choice.help or "") for choice in action._choices_actions)
    elif action.choices:
        yield from map(Candidate, map(str, action.choices))
    elif called in KIND_OF:
        yield from specs(KIND_OF[called], last, registry)
    elif called == "NAME" and given and given[-1] in (*KINDS, *EXTENSIONS):
        yield from _names(given[-1], registry)


def _names(kind: str, registry: Registry) -> Iterator[Candidate]:
    yield from (Candidate(p.component.name, p.component.summary) for p in registry.provided(kind))


def specs(kind: str, text: str, registry: Registry) -> Iterator[Candidate]:
    """The components, or the parameters or values of one, that ``text`` may go on with; the last of nested defenses."""
    nested, _, last = text.rpartition(" + ")
    nested = nested + " + " if nested else ""
    name, colon, rest = last.partition(":")
    if not colon:
        yield from (Candidate(nested + c.word, c.about) for c in _names(kind, registry))
        return
    try:
        known = parameters(registry.find(kind, name).component.target)
    except UsageError:
        return
    *others, item = re.split(r",(?![^{\[]*[}\]])", rest)
    begun = nested + ",".join([f"{name}:{others[0]}", *others[1:]]) + "," if others else f"{nested}{name}:"
    taken = {other.partition("=")[0] for other in others}
    key, equals, _ = item.partition("=")
    for parameter in known:
        if not equals and parameter.name not in taken:
            yield Candidate(f"{begun}{parameter.name}=", parameter.doc, whole=False)
        elif equals and parameter.name == key:
            yield from (Candidate(f"{begun}{key}={value}", about) for value, about in _values(parameter, registry))


def _values(parameter: Parameter, registry: Registry) -> Iterator[tuple[str, str]]:
    yield from ((value, "") for value in parameter.values)
    if parameter.component:
        yield from ((c.word, c.about) for c in _names(parameter.component, registry))
