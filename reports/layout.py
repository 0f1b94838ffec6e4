"""Fill the templates of pages, escaped by default and strict about names, and join styles and scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
STATIC = HERE / "static"
PAGES = HERE / "pages"
STYLES = ("style.css", "matrix.css", "detail.css", "chart.css", "print.css")
# Before the pages' own, and page.js behind them.
SCRIPTS = ("numbers.js", "block.js", "element.js", "form.js", "chart.js", "detail.js")


def fill(template: str, **values: Any) -> str:
    """Fill a template, named by its path from here or in templates/, and return HTML."""
    return _environment.get_template(template).render(**values)


def styles() -> str:
    """Join the style sheets, those of pages last; all are ours, and go into the file as they are."""
    return join([*(STATIC / name for name in STYLES), *sorted(PAGES.glob("*/page.css"))])


def scripts(pages: Iterable[str]) -> str:
    """Join the scripts: what all share, those of the pages that there are, and what sets it going."""
    own = [path for name in pages if (path := PAGES / name / "page.js").exists()]
    return join([*(STATIC / name for name in SCRIPTS), *own, STATIC / "page.js"])


def join(paths: Iterable[Path]) -> str:
    """Join files."""
    return "\n".join(path.read_text("utf-8") for path in paths)


def link(text: str) -> str:
    """Return the fragment that opens a result."""
    return "#case?r=" + quote(text, safe="")


def pieces(text: str) -> list[str]:
    """Split a long name where a line may end: after its punctuation. pages/matrix/page.js splits the same."""
    return re.split(r"(?<=[._(,])", text)


_environment = Environment(
    loader=FileSystemLoader([HERE, HERE / "templates"]),
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
