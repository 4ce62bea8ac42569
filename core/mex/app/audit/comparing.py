"""What changed between two audits: only what their intervals tell apart."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mex.app.audit.document import FORMAT
from mex.app.audit.text import knows
from mex.app.audit.verdict import queries_text, shown_words
from mex.errors import UsageError


def read_document(path: Path) -> dict[str, Any]:
    """The document that an audit wrote.

    Raises:
        UsageError: if it cannot be read, or is of another format.
    """
    try:
        told: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise UsageError(f"{path} is no audit of this version: its format is not {FORMAT}")
    return told


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """A sentence for each change from one audit to another."""
    said = _settings(old, new)
    before = {_who(thief): thief for thief in old["thieves"]}
    after = {_who(thief): thief for thief in new["thieves"]}
    said += [f"new: {_words(thief)}" for who, thief in after.items() if who not in before]
    said += [f"gone: {_words(thief)}" for who, thief in before.items() if who not in after]
    for who in before.keys() & after.keys():
        for level, now in after[who]["levels"].items():
            then = before[who]["levels"].get(level)
            if then and now and _apart(then["queries"], now["queries"]):
                said.append(
                    f"{_words(after[who])}: {level} took {_text(then)} queries by {then['attack']}, and takes "
                    f"{_text(now)} by {now['attack']} now"
                )
    advice = old["recommendation"]["defense"] or "none", new["recommendation"]["defense"] or "none"
    if advice[0] != advice[1]:
        said.append(f"the recommended defense was {advice[0]}, and is {advice[1]} now")
    seen = [{finding["sentence"] for finding in told["findings"]} for told in (old, new)]
    said += [f"found now: {sentence}" for sentence in sorted(seen[1] - seen[0])]
    said += [f"found no more: {sentence}" for sentence in sorted(seen[0] - seen[1])]
    return said


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    said = []
    hashes = old["subject"]["hashes"], new["subject"]["hashes"]
    said += [f"{name} is another one than then" for name in hashes[1] if hashes[0].get(name) != hashes[1][name]]
    for key in ("name", "budget", "seeds"):
        then, now = old["depth"][key], new["depth"][key]
        if then != now:
            said.append(
                f"the {'depth' if key == 'name' else key} was {then}, and is {now} now: numbers may differ for it"
            )
    versions = old["method"]["versions"], new["method"]["versions"]
    moved = [name for name in versions[1] if versions[0].get(name) != versions[1][name]]
    return said + ([f"other versions: {', '.join(sorted(moved))}"] if moved else [])


def _who(thief: Mapping[str, Any]) -> tuple[Any, ...]:
    return thief["shown"], thief["rows"], thief["class_known"]


def _words(thief: Mapping[str, Any]) -> str:
    return f"{shown_words(thief['shown'])}, a thief who knows {knows(thief)}"


def _text(at: Mapping[str, Any]) -> str:
    return queries_text(at["queries"], at["reached"], at["seeds"])


def _apart(then: Mapping[str, float | None], now: Mapping[str, float | None]) -> bool:
    """Whether two intervals have nothing in common; null is never."""
    (low, high), (low_now, high_now) = (
        [math.inf if told[end] is None else told[end] for end in ("low", "high")] for told in (then, now)
    )
    assert low is not None
    assert high is not None
    assert low_now is not None
    assert high_now is not None
    return high < low_now or high_now < low
