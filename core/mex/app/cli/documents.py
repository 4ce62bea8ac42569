"""A table as Markdown or LaTeX: well-formed, and the same text to its reader, whatever the labels hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from mex.app.analysis.crosstab import TextTable

_MARKDOWN = re.compile(r"[\\|`*\[\]<>~$&]|(?<!\w)_|_(?!\w)")
"""What Markdown would take for markup; inside a word an underscore is none."""
_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "^": r"\^{}",
    "~": r"\~{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # behind the end of a row it would begin its height
    "*": "{*}",
    "★": r"$\star$",
    "–": "--",
    "↓": r"$\downarrow$",
    "×": r"$\times$",
}


def one_line(text: str) -> str:
    """``text`` without line breaks, control characters and what no encoding can write.

    >>> one_line("a\\n\\tb\\x1b[0m\\udce9")
    'a b [0m�'
    """
    kinds = {"Cc": " ", "Zl": " ", "Zp": " ", "Cs": "\ufffd"}
    return " ".join("".join(kinds.get(unicodedata.category(c), c) for c in text).split())


def markdown(table: TextTable) -> str:
    """The table in GitHub's Markdown, below its title.

    >>> print(markdown(TextTable("t", ["attack", "a|b"], [["*", "1"]], [])))
    **t**
    <BLANKLINE>
    | attack | a\\|b |
    | --- | ---: |
    | \\* | 1 |
    """

    def escaped(text: str) -> str:
        return _MARKDOWN.sub(r"\\\g<0>", one_line(text))

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(map(escaped, cells)) + " |"

    rule = "| --- |" + " ---: |" * (len(table.header) - 1)
    notes = [f"\n{escaped(note)}" for note in table.notes]
    rows = map(line, table.rows + table.footer)
    return "\n".join([f"**{escaped(table.title)}**\n", line(table.header), rule, *rows, *notes])


def latex(table: TextTable) -> str:
    """The table in a LaTeX ``table`` environment, with its title as the caption."""

    def escaped(text: str) -> str:
        return "".join(_LATEX.get(c, c) for c in one_line(text))

    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(escaped, cells)) + r" \\"

    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{escaped(table.title)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(table.header) - 1)}}}",
            r"\hline",
            line(table.header),
            r"\hline",
            *map(line, table.rows),
            r"\hline",
            *map(line, table.footer),
            r"\hline",
            r"\end{tabular}",
            *(rf"\par {escaped(note)}" for note in table.notes),
            r"\end{table}",
        ]
    )
