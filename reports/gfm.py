"""GitHub-flavoured Markdown that shows texts as they are written, whatever signs of Markdown are in them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

LONGEST = 300  # characters of a cell; a reason may quote a whole compiler
UNFENCED = frozenset("`<>&|\\")
SPECIAL = re.compile(r"([\\`*\[\]|~])")


def plain(text: str, longest: int = LONGEST) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    escaped = html.escape(line(text, longest), quote=False)
    return SPECIAL.sub(r"\\\1", escaped)


def code(text: str) -> str:
    """Return a text in a fixed-width font: a code span, or, with signs in it that could end one, escaped HTML."""
    flat = line(text)
    return f"<code>{plain(flat)}</code>" if set(flat) & UNFENCED else f"`{flat}`"


def line(text: str, longest: int = LONGEST) -> str:
    """Return a text on one line, printable, its middle left out where it is long."""
    short = text if len(text) <= longest else f"{text[: longest // 2]} ... {text[-longest // 2 :]}"
    return "".join(sign if sign.isprintable() else " " for sign in short)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
