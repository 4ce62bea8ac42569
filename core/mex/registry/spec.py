"""How people write a component: ``name:key=value,key=value``, the values as in TOML."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import attrs

from mex.errors import UsageError
from mex.registry.files import FILES, reader_of
from mex.registry.provided import is_of_a_format

_BARE = re.compile(r"(?=.*[^\W\d])[^\s\"'\[\]{},]([^\"'\[\]{},\x00-\x1f\x7f]*[^\s\"'\[\]{},\x00-\x1f\x7f])?")
"""A word or a path: with a letter, without quotes, brackets and commas."""
_COMPONENT = re.compile(r"(\s*[\w-]+ \+ )*\s*[\w-]+\s*:\s*\w+\s*=")
_OPEN, _CLOSE = "[{(", "]})"


def _split(text: str, separator: str) -> list[str]:
    """Split on ``separator`` where it stands outside quotes and brackets."""
    parts, depth, quote, escaped, start = [], 0, "", False, 0
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote and not escaped else quote
            escaped = c == "\\" and quote == '"' and not escaped
        elif c in "\"'":
            quote = c
        elif c in _OPEN or c in _CLOSE:
            depth += 1 if c in _OPEN else -1
        elif depth == 0 and text.startswith(separator, i):
            parts.append(text[start:i])
            start = i + len(separator)
    return [*parts, text[start:]]


def _value(text: str, where: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        if _BARE.fullmatch(text):
            return text  # a bare word is a string: nobody wants to quote quotes in a shell
        raise UsageError(f"{where}: {text!r} is not a value; write it as in TOML") from None


def _is_bare(text: str) -> bool:
    """Whether a string is read as itself without quotes."""
    if not _BARE.fullmatch(text) or " + " in text or set("()#") & set(text):
        return False
    with contextlib.suppress(tomllib.TOMLDecodeError):
        tomllib.loads(f"value = {text}")
        return False
    return True


def plain(value: Any) -> Any:
    """A copy of ``value`` as JSON has it: tables are dictionaries, sequences lists, numbers of numpy Python's own."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(inner) for inner in value]
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "dtype") else value


def fits_json(value: Any) -> bool:
    """Whether JSON can hold ``value`` and give it back: no infinity, no array, no key that is not a text."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


@attrs.frozen(eq=False, slots=False)
class Spec:
    """A component by name with the parameters given for it (not yet checked, defaults not filled in).

    Nested defenses are one spec whose parameter ``nest`` lists them from the inside out. A spec is a value: it
    keeps a copy of the parameters, and two specs are equal if they are written alike (1 and 1.0 are not).

    >>> Spec.parse("bounded-noise:rho=0.2,sticky=true")
    Spec(name='bounded-noise', params={'rho': 0.2, 'sticky': True})
    >>> Spec.parse("passive:learner={use='logistic', C=1000.0}").params["learner"]
    {'use': 'logistic', 'C': 1000.0}
    >>> Spec.parse("bounded-noise:rho=0.1 + none").params["nest"]
    [{'use': 'bounded-noise', 'rho': 0.1}, {'use': 'none'}]
    """

    name: str
    params: Mapping[str, Any] = attrs.field(factory=dict, converter=plain)

    @functools.cached_property
    def text(self) -> str:
        """The canonical text of the spec, by which it is hashed and compared."""
        return json.dumps([self.name, self.params], sort_keys=True, default=repr)

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, Spec) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    @classmethod
    def parse(cls, text: str, kind: str | None = None) -> Spec:
        """Read ``name:key=value,…`` or several of them joined by ``' + '``; the name of a file is the file.

        Args:
            text: what was typed.
            kind: of the component: a dataset in a table, a model in a file of its own; by default either.

        Raises:
            UsageError: if the text is not of that form.
        """
        path = "" if _COMPONENT.match(text) else text.strip()
        for reader in filter(None, [reader_of(reads, path) for reads in (FILES if kind is None else [kind])]):
            return cls(reader, {"path": path})
        if kind in (None, "model") and is_of_a_format(path):
            return cls("file", {"path": path})
        layers = [cls._parse_one(part.strip(), text) for part in _split(text, " + ")]
        return layers[0] if len(layers) == 1 else cls.nested(layers)

    @classmethod
    def _parse_one(cls, part: str, whole: str) -> Spec:
        name, _, rest = part.partition(":")
        if not name:
            raise UsageError(f"{whole!r} names no component; write name or name:key=value,key=value")
        params: dict[str, Any] = {}
        for item in _split(rest, ",") if rest.strip() else []:
            key, equals, value = (piece.strip() for piece in item.partition("="))
            if not (key and equals and value):
                raise UsageError(f"{part!r}: {item.strip()!r} is not of the form key=value")
            if key in params:
                raise UsageError(f"{part!r}: {key} is given twice")
            params[key] = _value(value, part)
        return cls(name, params)

    @classmethod
    def of(cls, value: Any, kind: str | None = None) -> Spec:
        """A spec from any of its forms: itself, the text (:meth:`parse`), or a table with the key ``use``."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.parse(value, kind)
        if isinstance(value, Mapping) and isinstance(value.get("use"), str):
            return cls(value["use"], {k: v for k, v in value.items() if k != "use"})
        raise UsageError(f"{value!r} is not a component; write name, name:key=value or {{use='name', key=value}}")

    @classmethod
    def nested(cls, layers: list[Spec]) -> Spec:
        """One spec for several defenses, the first nearest to the model."""
        return cls(" + ".join(s.name for s in layers), {"nest": [{"use": s.name, **s.params} for s in layers]})

    @property
    def layers(self) -> list[Spec]:
        """The specs this one is made of: itself, unless defenses are nested."""
        if "nest" not in self.params:
            return [self]
        nest = self.params["nest"]
        if not isinstance(nest, list) or not nest:
            raise UsageError(f"nest must be a list of defenses, not {nest!r}")
        return [Spec.of(layer) for layer in nest]

    def __str__(self) -> str:
        """The spec as :meth:`parse` reads it.

        >>> str(Spec("bounded-noise", {"rho": 0.2, "sticky": True}))
        'bounded-noise:rho=0.2,sticky=true'
        """
        if "nest" in self.params:
            return " + ".join(str(layer) for layer in self.layers)
        given = ",".join(f"{k}={to_toml(v, bare=True)}" for k, v in self.params.items() if v is not None)
        return f"{self.name}:{given}" if given else self.name


def to_toml(value: Any, bare: bool = False) -> str:
    """``value`` as TOML writes it, without the quotes that :func:`_value` does not need if ``bare``."""
    if isinstance(value, str):
        if bare and _is_bare(value):
            return value
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}={to_toml(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(to_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)
