"""Markdown of names that others chose: shown as written, whatever they hold."""

import re

import pytest

from reports import gfm
from tests.made.records import HOSTILE


def test_plain_is_shown_and_not_obeyed():
    """Tags, links, emphasis and table bars lose their meaning."""
    assert gfm.plain("<b>|`*x*`[y](z)~~") == r"&lt;b&gt;\|\`\*x\*\`\[y\](z)\~\~"
    assert gfm.plain("grad_logits 2 > 1") == "grad_logits 2 &gt; 1"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("-(x * y)[k]", "`-(x * y)[k]`"),
        ("a|b", r"<code>a\|b</code>"),
        ("a`b", r"<code>a\`b</code>"),
        ("<b>", "<code>&lt;b&gt;</code>"),
    ],
)
def test_code_ends_where_it_should(text, code):
    """A code span holds nothing that could end it or a table's cell; what does is escaped."""
    assert gfm.code(text) == code


@pytest.mark.parametrize("show", [gfm.plain, gfm.code, gfm.line])
def test_control_characters_are_gone(show):
    """No escape sequence reaches a terminal, and no line break a table."""
    assert show(HOSTILE + "\r\u2028\u202e").isprintable()


def test_long_text_keeps_both_ends():
    """A text too long for a cell loses its middle."""
    assert gfm.line("a" * 999 + "b", 10) == "aaaaa ... aaaab"


def test_table_has_a_cell_a_column():
    """A hostile name is one cell of its row."""
    head, rule, row = gfm.table(("a", "b"), [[gfm.plain(HOSTILE), gfm.code(HOSTILE)]]).splitlines()

    assert (head, rule) == ("| a | b |", "| --- | --- |")
    assert len(re.findall(r"(?<!\\)\|", row)) == 3
    assert "<script>" not in row
