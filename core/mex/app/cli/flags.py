"""What flags take: a text becomes a value, or the complaint about it one sentence."""

from __future__ import annotations

import argparse

from mex.errors import UsageError
from mex.hooks import extension, extensions

PRICES = {"amazon": 0.0001, "microsoft": 0.0005}
"""US dollars for one online prediction (paper, Table 1). Google asks by the hour of a node, which is no such price."""
PRICE_HELP = f"a number, or {' or '.join(PRICES)} (default 0.0001, Amazon's)"
EVALUATION_HELP = "rows at most that a model which costs money is asked to measure the stolen one (default 500)"


def number(text: str) -> int:
    """A whole number; its range is checked where it is used."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}") from None


def answers(text: str) -> str | list[str]:
    """Kinds of answer, which are checked where they are used."""
    return text.split(",") if "," in text else text


def price(text: str) -> float:
    """US dollars, or the name of a provider, ours or of a plugin."""
    try:
        if text in PRICES:
            return PRICES[text]
        return float(extension("price", text) if text in (theirs := extensions("price")) else text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    except (TypeError, ValueError):
        names = ", ".join([*PRICES, *theirs])
        raise argparse.ArgumentTypeError(f"must be US dollars or one of {names}, not {text!r}") from None


def seconds(text: str) -> float:
    """A time; its range is checked where it is used."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, not {text!r}") from None


def level(text: str) -> float:
    """An agreement to reach."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"must be an agreement above 0 and at most 1, not {text!r}")
    return value
