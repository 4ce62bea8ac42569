"""An audit as a gate for CI: what no attack on the model may fall short of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mex.app.analysis.aggregate import Comparison
from mex.app.analysis.gate import Gate
from mex.app.audit.measuring import Measured
from mex.app.audit.running import Outcome
from mex.errors import UsageError

FAILS = {">=": "<", ">": "<=", "<=": ">", "<": ">="}
"""By the sign of what is required the sign at which it fails."""


def required(texts: Sequence[str]) -> Gate:
    """A gate that fails where one of the requirements, such as ``queries_to_0.99 >= 5000``, does not hold in any seed.

    Raises:
        UsageError: for a text that is no requirement.

    >>> required(["queries_to_0.99 >= 5000"]).conditions[0].text
    'queries_to_0.99 < 5000'
    """
    return Gate.parse([_failing(text) for text in texts])


def _failing(text: str) -> str:
    """The condition under which a requirement fails."""
    match = re.fullmatch(r"\s*(\S+)\s*(>=|<=|>|<)\s*(\S+)\s*", text)
    if match is None:
        raise UsageError(
            f"a requirement is FIELD >= NUMBER (or >, <=, <), such as queries_to_0.99 >= 5000, not {text!r}"
        )
    field, sign, number = match.groups()
    return f"{field} {FAILS[sign]} {number}"


def compared(outcome: Outcome) -> Comparison:
    """The attacks on the model as it stands, by thieves who know all, as a matrix has them."""
    subject = outcome.subject
    found = Comparison(subject.model.name, subject.dataset.name)
    for measured in outcome.judged:
        if measured.choice.rows and measured.choice.family:
            found.groups[_name(measured), "none"] = measured.group
    return found


def _name(measured: Measured) -> str:
    return f"{measured.choice.label} ({measured.choice.reads})"
