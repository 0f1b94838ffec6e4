"""Write the guide's questions as pages of the documentation, with the figures of a run: part of `nox -s demo`.

python tools/questions.py STORE
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.store import Store
from reports import gfm, site
from reports.material import Material, Piece
from reports.pages.guide.questions import QUESTIONS
from xentbench import report

PAGES = Path(__file__).resolve().parent.parent / "docs/questions"
PACKAGES = ("torch", "jax", "optax", "tensorflow", "keras", "numpy")
LONGEST = 10_000  # characters of a paragraph
HEAD = """# Questions

What people ask about these functions, answered by what was measured. The report's page *Guide* has the same questions
with the figures of your own run, each with a link to the answer that gives it.
"""


def main(words: Sequence[str]) -> int:
    """Write every page anew; return an exit code."""
    if len(words) != 1 or not Path(words[0]).is_file():
        sys.stderr.write("error: expected the path of a store; try: nox -s demo\n")
        return 2
    with Store(Path(words[0])) as store:
        material = site.gathered(store, store.run("latest").uid, **report.words())
    written = dict(pages(material, measured(material)))
    for old in PAGES.glob("*.md"):
        old.unlink()
    PAGES.mkdir(exist_ok=True)
    for name, text in written.items():
        (PAGES / f"{name}.md").write_text(text, "utf-8")
    (PAGES / "index.md").write_text(index(written), "utf-8")
    sys.stdout.write(f"{len(written)} pages: {PAGES / 'index.md'}\n")
    return 0


def measured(material: Material) -> str:
    """Return what the figures were measured with, as Markdown."""
    facts = {name: fact for one in material.environments.values() for name, fact in one.items() if name in PACKAGES}
    versions = ", ".join(f"{name} {facts[name].partition('+')[0]}" for name in PACKAGES if name in facts)
    machine = gfm.plain(material.run.host.get("processor", "a CPU"))
    return (
        "`✓` within the bound, `!` a known deviation, `✗` a new one, `○` shown and not judged. "
        f"Measured on {material.run.started[:10]} with {versions}, on {machine}, by `nox -s demo`. "
        "Times are of that machine, and of what else it did."
    )


def pages(material: Material, source: str) -> Iterator[tuple[str, str]]:
    """Yield name and Markdown of each question that the run has asked; source: what its figures were measured with."""
    for question in QUESTIONS:
        answer = question(material)
        if answer.rows:
            title, words = (inspect.getdoc(question) or "").split("\n\n", 1)
            table = gfm.table(answer.columns, [[cell(piece) for piece in row] for row in answer.rows])
            parts = (f"# {title}", gfm.plain(answer.sentence, LONGEST), gfm.plain(words, LONGEST), table, source)
            yield question.__name__.replace("_", "-"), "\n\n".join(part.strip() for part in parts if part) + "\n"


def cell(piece: Piece) -> str:
    """Return a piece on one line: what it says, its mark, and what stands beside it."""
    said = gfm.plain(piece.text) or "-"
    mark = f" {piece.symbol}" if len(piece.symbol) == 1 else ""
    return f"{said}{mark}" + (f" ({gfm.plain(piece.note)})" if piece.note else "")


def index(written: Mapping[str, str]) -> str:
    """Return the page that lists the others."""
    titles = {name: text.partition("\n")[0].removeprefix("# ") for name, text in written.items()}
    links = "\n".join(f"- [{title}]({name}.md)" for name, title in titles.items())
    tree = "\n".join(["```{toctree}", ":hidden:", "", *titles, "```"])
    return f"{HEAD}\n{links}\n\n{tree}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
