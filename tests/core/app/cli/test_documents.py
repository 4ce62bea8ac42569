"""Markdown, LaTeX and JUnit say the labels of a plan, whatever these hold, and stay what their readers can read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from records import measured

from mex.app.analysis.aggregate import compare
from mex.app.analysis.crosstab import TextTable, crosstab
from mex.app.analysis.gate import Gate
from mex.app.analysis.junit import write_junit
from mex.app.cli.documents import latex, markdown, one_line
from mex.app.cli.summary import print_comparisons

LABELS = st.one_of(
    st.text(min_size=1, max_size=12),
    st.text(alphabet="\\|`*_[]<>~$&{}%#^\"'-+.!():/ \n\r\t\0\x1bab1é★±\ud800", min_size=1, max_size=12),
)
PARSER = MarkdownIt("commonmark").enable("table")
TABLE = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])


def table_of(labels: Sequence[str]) -> TextTable:
    """A table whose title, header, rows and footer hold the labels."""
    first, second, third = labels
    return TextTable(f"{first} on {second}", ["attack", first, second], [[third, first, ""]], [[second, "1", third]])


three = st.tuples(LABELS, LABELS, LABELS)


def cells(table: TextTable) -> list[list[str]]:
    return [[one_line(cell) for cell in row] for row in [table.header, *table.rows, *table.footer]]


@TABLE
@given(labels=three)
@example(labels=("a\\|b", "`a", "b`\\"))
@example(labels=("**a**", "<b>", "[c](d)"))
@example(labels=("_a_", "a_b", "| --- |"))
@example(labels=("# a", "- a", "&amp;"))
def test_a_reader_of_markdown_reads_the_labels(labels: Sequence[str]) -> None:
    table = table_of(labels)
    tokens = PARSER.parse(markdown(table))
    assert [token.type for token in tokens[:4]] == ["paragraph_open", "inline", "paragraph_close", "table_open"]
    title = [child for child in tokens[1].children or [] if child.type == "text"]
    assert "".join(part.content for part in title) == one_line(table.title)
    read: list[list[str]] = []
    for token in tokens[3:]:
        if token.type == "tr_open":
            read.append([])
        elif token.type == "inline":
            children = token.children or []
            assert {child.type for child in children} <= {"text", "text_special"}, "no markup"
            read[-1].append("".join(child.content for child in children))
    assert read == cells(table)


SIGNS = {r"\textbackslash{}": "\\", r"\^{}": "^", r"\~{}": "~", r"\textless{}": "<", r"\textgreater{}": ">"}
SIGNS |= {r"\textbar{}": "|", "{[}": "[", "{*}": "*", r"$\star$": "★", r"$\pm$": "±", r"$\times$": "×"}
SIGNS |= {f"\\{sign}": sign for sign in "&%$#_{}"}
SIGN = re.compile("|".join(map(re.escape, sorted(SIGNS, key=len, reverse=True))) + r"|[^\\{}$&%#_^~\[*\n]")


def read_latex(text: str) -> str:
    """What TeX typesets of escaped text; fails at anything that TeX would take for a command, a comment or a group."""
    assert SIGN.sub("", text) == "", f"no plain text: {text!r}"
    return SIGN.sub(lambda match: SIGNS.get(match[0], match[0]), text)


@TABLE
@given(labels=three)
@example(labels=("[a]", "*", "a & b"))
@example(labels=("100 %", "\\end{tabular}", "{"))
@example(labels=("a\n\nb", "$x$", "#1^2~"))
def test_a_reader_of_latex_reads_the_labels(labels: Sequence[str]) -> None:
    table = table_of([label.replace("–", "-") for label in labels])
    begin, caption, tabular, *lines, end, last = latex(table).split("\n")
    assert (begin, tabular, end, last) == (
        r"\begin{table}",
        r"\begin{tabular}{lrr}",
        r"\end{tabular}",
        r"\end{table}",
    )
    assert read_latex(caption.removeprefix(r"\caption{").removesuffix("}")) == one_line(table.title)
    rows = [line for line in lines if line != r"\hline"]
    assert all(row.endswith(r" \\") for row in rows)
    read = [[read_latex(cell) for cell in re.split(r" (?<!\\)& ", row.removesuffix(r" \\"))] for row in rows]
    assert read == cells(table)


@TABLE
@given(labels=three)
@example(labels=("a b", "\ufffe", "]]>"))
def test_a_reader_of_junit_reads_the_labels(tmp_path: Path, labels: Sequence[str]) -> None:
    attack, defense, model = labels
    records = [measured(attack, defense, 0, [(8, 0.5), (16, 1.0)], model=model, dataset=defense)]
    records += [measured(attack, defense, 0, [(8, 0.5)], model=model, dataset="d", status="failed", reason=attack)]
    path = tmp_path / "junit.xml"
    write_junit(path, compare(records), Gate.parse(["agreement\x1c> 0.5"]))
    writable = {label: "".join(c for c in label if _in_xml(c)) for label in labels}
    first, second = ElementTree.parse(path).getroot()
    assert first.attrib["name"] == f"{writable[model]} on {writable[defense]}"
    assert [case.attrib["name"] for case in (first[0], second[0])] == [writable[attack]] * 2
    assert (first[0][0].tag, second[0][0].tag) == ("failure", "error")
    assert second[0][0].attrib["message"] == writable[attack]


def _in_xml(c: str) -> bool:
    return c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_a_label_reaches_no_terminal_as_a_command(capsys: Any, form: str) -> None:
    found = compare([measured("a\x1b[31m\nb", "none", 0, [(8, 0.5), (16, 1.0)])])
    print_comparisons(found, form)
    shown = capsys.readouterr().out
    assert "\x1b[31m" not in shown
    assert re.search(r"a \{?\\?\[\}?31m b", shown), "on one line"
    assert crosstab(found[0]).rows[0][0] == "a\x1b[31m\nb"
