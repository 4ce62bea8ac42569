"""An audit as SARIF 2.1.0, the form in which code hosts take findings.

Source: OASIS, *Static Analysis Results Interchange Format (SARIF) Version 2.1.0*, 2020: Sections 3.13, 3.14, 3.27
and 3.49.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from mex.app.audit.subject import Subject
from mex.app.files import replacing

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RULES = {
    "requirement": "What is required of the model does not hold against some attack.",
    "theft": "A copy of the model can be trained through its interface.",
    "not-judged": "An attack that applies was not judged to the end, and may do better than those that were.",
}
"""The rules of every audit, with what each says; each kind of finding about the interface is one more."""


def sarif(told: Mapping[str, Any], subject: Subject, broken: Sequence[str]) -> dict[str, Any]:
    """A document as a SARIF log of one run.

    Args:
        told: the document.
        subject: where the results are located.
        broken: sentences on requirements that do not hold.
    """
    found = list(_found(told, broken))
    kinds = {rule: f"The interface of the model: {rule.replace('-', ' ')}." for rule, _, _ in found}
    rules = {**kinds, **RULES}
    order = {rule: i for i, rule in enumerate(rules)}
    place = {"locations": [_location(subject)]}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "mex",
                        "version": told["mex_version"],
                        "rules": [{"id": rule, "shortDescription": {"text": text}} for rule, text in rules.items()],
                    }
                },
                "invocations": [{"executionSuccessful": True}],
                "columnKind": "unicodeCodePoints",
                "results": [
                    {
                        "ruleId": rule,
                        "ruleIndex": order[rule],
                        "level": level,
                        "message": {"text": text},
                        "partialFingerprints": {"mex/v1": _fingerprint(told["subject"]["model"], rule, text)},
                        **place,
                    }
                    for rule, level, text in found
                ],
            }
        ],
    }


def write_sarif(path: Path, told: Mapping[str, Any], subject: Subject, broken: Sequence[str]) -> None:
    """Write it.

    Raises:
        UsageError: if the file cannot be written.
    """
    with replacing(path) as part:
        part.write_text(json.dumps(sarif(told, subject, broken), indent=1) + "\n", encoding="utf-8")


def _found(told: Mapping[str, Any], broken: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Rule, level and sentence of each result."""
    for sentence in broken:
        yield "requirement", "error", sentence
    for sentence in told["verdict"]:
        if sentence.startswith("Where "):
            yield "theft", "warning", sentence
    for name in told["unjudged"]:
        yield "not-judged", "note", f"{name} applies to this model and was not judged to the end: it may do better."
    for finding in told["findings"]:
        yield _slug(finding["kind"]), "warning", finding["sentence"]


def _slug(kind: str) -> str:
    """The id of a rule.

    >>> _slug("leaf ids")
    'leaf-ids'
    """
    return re.sub(r"[^a-z0-9]+", "-", kind.lower()).strip("-")


def _location(subject: Subject) -> dict[str, Any]:
    """The file or the address of the model; of one that has neither, its name."""
    params = subject.model.params
    name = {"logicalLocations": [{"name": subject.model.name, "kind": "module"}]}
    where = str(params.get("path") or params.get("url") or "")
    if not where:
        return name
    uri = quote(where, safe=":/?&=%") if urlsplit(where).scheme in ("http", "https") else quote(Path(where).as_posix())
    return {"physicalLocation": {"artifactLocation": {"uri": uri}}, **name}


def _fingerprint(model: str, rule: str, text: str) -> str:
    """What a result keeps from one audit to the next: its numbers may move."""
    return hashlib.sha256("|".join((model, rule, re.sub(r"[\d.,]+", "", text))).encode()).hexdigest()[:32]
