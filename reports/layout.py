"""Jinja2 as every section uses it: escaped by default, strict about names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import numbers

HERE = Path(__file__).parent
STYLES = ("style.css", "matrix.css", "detail.css", "print.css")
SCRIPTS = ("numbers.js", "block.js", "matrix.js", "detail.js", "page.js")


def fill(template: str, **values: Any) -> str:
    """Fill a template of templates/ and return HTML."""
    return _environment.get_template(template).render(**values)


def static(names: tuple[str, ...]) -> str:
    """Join files of static/, to be put into the page as they are: they are ours."""
    return "\n".join((HERE / "static" / name).read_text("utf-8") for name in names)


def link(text: str) -> str:
    """Return the fragment that opens a result."""
    return "#r=" + quote(text, safe="")


def pieces(text: str) -> list[str]:
    """Split a long name where a line may end: after its punctuation. static/matrix.js splits the same."""
    return re.split(r"(?<=[._(,])", text)


_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {
    "short": numbers.short,
    "duration": numbers.duration,
    "count": numbers.count,
    "plural": numbers.plural,
    "link": link,
    "pieces": pieces,
}
