"""What the benchmark scripts share: parts by name, run in one go."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence

Part = Callable[[int], None]


def run(
    doc: str | None,
    parts: Mapping[str, Part],
    option: str = "seeds",
    default: int = 3,
    parents: Sequence[argparse.ArgumentParser] = (),
) -> None:
    """Run the parts named on the command line, or all of them; each is given the value of ``--option``.

    ``parents`` are parsers of options that a script reads by itself.
    """
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=doc, formatter_class=formatter, parents=parents)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], help="default: all")
    parser.add_argument(f"--{option}", type=int, default=default)
    args = parser.parse_args()
    for name in args.parts or parts:
        print(f"\n== {name}: {parts[name].__doc__}", flush=True)
        parts[name](getattr(args, option))
