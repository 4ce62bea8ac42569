"""Warnings, each shown once."""

from __future__ import annotations

import warnings
from typing import Any


def show_each_once() -> None:
    """Show each warning once in this process, which is ours: a model that warns is asked a thousand times.

    Python does so by itself, but forgets which it has shown whenever a library looks away for a moment.
    """
    show, seen = warnings.showwarning, set[tuple[str, type[Warning]]]()

    def once(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if (str(message), category) not in seen:
            seen.add((str(message), category))
            show(message, category, *where, **more)

    warnings.showwarning = once
