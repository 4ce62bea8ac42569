"""What a server tells beside its answers, which an attacker reads too: findings for whoever audits it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from mex.types import Array

SHOWN = 160
"""Characters of evidence at most."""
DIGITS = 6
"""Significant digits of probabilities that need no remark."""
SOME = 20
"""How many probabilities of a reply are looked at."""
PRIVATE = ("localhost", "127.0.0.1", "::1")


class Finding(NamedTuple):
    """One thing that a server tells.

    Attributes:
        kind: a word for programs.
        sentence: for people.
        evidence: what was seen, without secrets; it may be empty.
    """

    kind: str
    sentence: str
    evidence: str = ""


_ESTIMATOR = r"[A-Z][A-Za-z]*(?:Classifier|Regressor|Regression|Scaler|Encoder|Imputer|Transformer|SV[CR]|NB|Booster)\b"
_ERRORS = (
    ("stack-trace", "an error shows the stack of its code, with paths and versions", r"Traceback|stack_trace|File \"/"),
    ("class-name", "an error names the class of the model or of a step before it", _ESTIMATOR),
    (
        "width",
        "an error tells how many columns the model takes",
        r"(?i)expect\w*:? \d+ (?:features|columns)|features? shape mismatch|number of features in (?:the )?data",
    ),
    ("columns", "an error tells the names of the columns", r"with schema '\[|missing inputs|columns are missing"),
)
"""Kinds of findings in the words of an error, and the pattern of each."""


def in_error(words: str) -> list[Finding]:
    """What the body of an error tells; secrets have to be redacted before.

    >>> [finding.kind for finding in in_error("X has 19 features, but StandardScaler is expecting 20 features")]
    ['class-name', 'width']
    """
    flat = " ".join(words.split())
    found = [(kind, sentence, re.search(pattern, flat)) for kind, sentence, pattern in _ERRORS]
    return [Finding(kind, sentence, _around(flat, match)) for kind, sentence, match in found if match]


def _around(text: str, match: re.Match[str]) -> str:
    start = max(0, min(match.start() - SHOWN // 4, len(text) - SHOWN))
    return text[start : start + SHOWN]


def in_headers(headers: Mapping[str, str]) -> list[Finding]:
    """What headers of a reply tell: software with its version."""
    named = {name: headers.get(name, "") for name in ("server", "x-powered-by", "x-aspnet-version")}
    told = [f"{name}: {value}"[:SHOWN] for name, value in named.items() if re.search(r"\d", value)]
    sentence = "replies name the software that serves, and its version"
    return [Finding("software", sentence, "; ".join(told))] if told else []


def in_url(url: str) -> list[Finding]:
    """What the address tells: that everybody on the way can read along."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in PRIVATE:
        return []
    return [Finding("plain-http", "rows, answers and tokens travel unencrypted: everybody on the way reads them")]


def in_probabilities(given: Array) -> list[Finding]:
    """What probabilities tell: their digits."""
    inside = given[(given > 0) & (given < 1)]
    longest = max(inside[:SOME].tolist(), key=_digits, default=0.5)
    if _digits(longest) <= DIGITS:
        return []
    sentence = (
        "probabilities come with all their digits, from which a linear model is solved exactly; few users need two"
    )
    return [Finding("precision", sentence, repr(longest))]


def _digits(value: float) -> int:
    """Significant digits of a number, written as shortly as possible in its own precision."""
    held = np.float32(value) if value == np.float32(value) else np.float64(value)
    return len(np.format_float_scientific(held, unique=True).partition("e")[0].replace(".", ""))


UNCHECKED = Finding("width-unchecked", "a row without one of its columns is answered like any other")


def schema_in_error(words: str) -> list[dict[str, Any]] | None:
    """The columns that an error of MLflow tells, as a signature has them; None if it tells none.

    >>> schema_in_error("data '1' with schema '['age': long (required), 'w x': string (optional)]'. Error: …")
    [{'name': 'age', 'type': 'long', 'required': True}, {'name': 'w x', 'type': 'string', 'required': False}]
    """
    with contextlib.suppress(ValueError, TypeError, LookupError):
        words = json.loads(words)["message"]
    match = re.search(r"with schema '\[(.*?)\]'", words, re.DOTALL)
    columns = re.findall(r"['\"](.+?)['\"]: (\w+) \((required|optional)\)", match[1]) if match else []
    return [{"name": n, "type": kind, "required": need == "required"} for n, kind, need in columns] or None
