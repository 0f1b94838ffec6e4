"""Fill the templates of pages, escaped by default and strict about names, and join styles and scripts."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE = Path(__file__).parent
# style: charts and the grid place their parts by attributes.
POLICY = (
    "default-src 'none'; script-src {}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
)
STATIC = HERE / "static"
PAGES = HERE / "pages"
STYLES = ("style.css", "matrix.css", "detail.css", "chart.css", "print.css")
# As templates/late.html.j2 marks a part; no name holds it, for names are escaped.
LATE = re.compile(r"<!--late-->(.*?)<!--/late-->", re.DOTALL)
LATER = (
    '<p class="note late">Without JavaScript this part is not here; <code>xentbench export</code> has its numbers.</p>'
)
# Before the pages' own, and page.js behind them.
SCRIPTS = ("numbers.js", "block.js", "element.js", "form.js", "chart.js", "take.js", "detail.js")


# The first of a page's scripts, before its content: what needs scripts is shown where they run.
LIVE = 'if ("DecompressionStream" in window) document.documentElement.classList.add("live");'


def page(template: str, script: str, libraries: Iterable[str] = (), **values: Any) -> str:
    """Fill the template of a whole page with its script; libraries: the code that the script may run beside itself.

    No other script runs in the page, whatever stands in it: the policy names each by its hash.
    """
    return "".join(pieces_of_page(template, script, libraries, **values))


def pieces_of_page(template: str, script: str, libraries: Iterable[str] = (), **values: Any) -> Iterator[str]:
    """Yield the same piece by piece: the whole of a large one is held once less."""
    policy = POLICY.format(" ".join(map(_hashed, (LIVE, script, *libraries))))
    return _environment.get_template(template).generate(live=LIVE, script=script, policy=policy, **values)


def without_late(html: str) -> tuple[str, list[str]]:
    """Return a page's HTML without what stands between marks of `late`, and these parts.

    A part that is folded costs a tenth when it is compressed with the data; static/page.js puts it back in its place.
    """
    return LATE.sub(LATER, html), LATE.findall(html)


def _hashed(script: str) -> str:
    """Return a script as a Content Security Policy names it (CSP Level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def fill(template: str, **values: Any) -> str:
    """Fill a template, named by its path from here or in templates/, and return HTML."""
    return _environment.get_template(template).render(**values)


def styles() -> str:
    """Join the style sheets, those of pages last; all are ours, and go into the file as they are."""
    return join([*(STATIC / name for name in STYLES), *sorted(PAGES.glob("*/page.css"))])


def scripts(pages: Iterable[str]) -> str:
    """Join the scripts: what all share, those of the pages that there are, and what sets it going."""
    own = [path for name in pages if (path := PAGES / name.replace("-", "_") / "page.js").exists()]
    return join([*(STATIC / name for name in SCRIPTS), *own, STATIC / "page.js"])


def join(paths: Iterable[Path]) -> str:
    """Join files."""
    return "\n".join(path.read_text("utf-8") for path in paths)


def link(text: str) -> str:
    """Return the fragment that opens a result."""
    return "#case?r=" + quote(text, safe="")


def explorer(**choices: str) -> str:
    """Return the fragment that opens the explorer with choices, the furthest off first; those left empty choose all."""
    return "#explorer?" + urlencode({name: word for name, word in choices.items() if word} | {"sort": "-bound"})


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
