"""Parts of a page in reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"[\\*`|]|_(?!\w)|(?<=\w)\^")


def text(plain: str) -> str:
    """``plain`` so that it is read as it stands, on one line."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(plain.split()))


def sentence(plain: str) -> str:
    """``plain``, a noun in lower case as docs of parameters are, as a sentence."""
    first = plain[:1].upper() if re.match(r"[a-z]{2}|a ", plain) else plain[:1]
    return text(f"{first}{plain[1:].rstrip('.')}.")


def code(plain: str) -> str:
    """``plain`` in the type of code; a dash for nothing."""
    return f"``{plain}``" if plain else "–"


def link(kind: str, name: str) -> str:
    """A link to the page of a component."""
    return f":doc:`{name} </generated/components/{kind}/{name}>`"


def heading(title: str, underline: str = "=") -> str:
    """A title with the line below it."""
    return f"{title}\n{underline * len(title)}\n"


def paragraphs(*parts: str) -> str:
    """Parts with an empty line between each two; those that are empty are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def indented(block: str, by: int = 3) -> str:
    """A block as the content of a directive."""
    return "\n".join(" " * by + line if line else "" for line in block.splitlines())


def table(header: Sequence[str], rows: Iterable[Sequence[str]], widths: str = "auto") -> str:
    """A table whose cells are markup; nothing if it has no rows."""
    lines = [header, *rows]
    if len(lines) == 1:
        return ""
    body = "\n".join(("* - " if i == 0 else "  - ") + (cell or "–") for line in lines for i, cell in enumerate(line))
    return f".. list-table::\n   :header-rows: 1\n   :widths: {widths}\n\n{indented(body)}"


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Terms, each with what it means below it: what would be a wide table can be read on a phone."""
    return "\n\n".join(f"{term}\n{indented(meaning)}" for term, meaning in pairs)


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """A list of names with what belongs to them; pairs with nothing are left out."""
    return "\n".join(f":{name}: {value}" for name, value in pairs if value)


def literal(block: str, language: str) -> str:
    """A block of code."""
    return f".. code-block:: {language}\n\n{indented(block)}"


def toctree(names: Iterable[str], options: str = ":hidden:") -> str:
    """The pages below this one."""
    return f".. toctree::\n   {options}\n\n{indented(chr(10).join(names))}"
