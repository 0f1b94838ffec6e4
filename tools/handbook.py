"""What the documentation takes from the code: a Sphinx extension that fills in `<!-- code: NAME -->` on its pages.

What a command takes, what a family provokes and what a bound is made of stand in docstrings and records, once; the site
shows them from there. Links to files of the checkout that are no pages are shown as the files' names.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import reference.bounds
from harness import options
from harness.ops import OPS
from harness.scoring.metrics import VERDICTS
from reports import gfm
from suites import parts
from suites.checks.check import Suite
from suites.checks.invariance import INVARIANCE
from suites.checks.laws import LAWS
from suites.checks.special import SPECIAL
from suites.questions import cases
from xentbench import __main__ as front_door
from xentbench.screen import Exit

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
MARK = re.compile(r"^<!-- code: (\w+) -->$", re.MULTILINE)
LINK = re.compile(r"\[([^\]\n]+)\]\(([^)#:\s]+)(#[^)\s]*)?\)")
EXITS: Mapping[Exit, str] = {
    Exit.CONFORMS: "it conforms, or deviates in known ways only",
    Exit.DEVIATES: "a new deviation; of `compare` a change for the worse",
    Exit.USAGE: "an option is off, or a file",
    Exit.NOTHING_RAN: "nothing ran, or nothing could be judged",
    Exit.MACHINERY: "the machinery failed: a crash, a hang, a store; never a score",
    Exit.INTERRUPTED: "interrupted",
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Fill in pages as Sphinx reads them."""
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", _starred)
    return {"parallel_read_safe": True}


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = filled(source[0], Path(app.srcdir) / f"{page}.md")


def _starred(*docstring: Any) -> None:
    """Let stars of a docstring be stars: ours hold formulas and arguments, and no emphasis."""
    lines = docstring[-1]
    lines[:] = [line.replace("*", "\\*") for line in lines]


def filled(text: str, page: Path) -> str:
    """Return a page with what it takes from the code. Raises KeyError for a name that there is nothing of."""
    text = MARK.sub(lambda found: "\n".join(WRITTEN[found[1]]()), text)
    return LINK.sub(lambda found: found[0] if _is_page(page.parent / found[2]) else _named(found, page), text)


def _is_page(path: Path) -> bool:
    return (path.suffix == ".md" and path.resolve().is_relative_to(ROOT / "docs")) or path.suffix in {".png", ".webp"}


def _named(found: re.Match[str], page: Path) -> str:
    """Return a link's text with the path of the file that it leads to, from the top of the checkout."""
    path = (page.parent / found[2]).resolve()
    return f"{found[1]} (`{path.relative_to(ROOT).as_posix()}`)" if path.is_relative_to(ROOT) else found[0]


def plain(text: str) -> str:
    """Return a docstring's words in one line, as Markdown that shows them as they are; code stays code."""
    words = " ".join(text.split())
    parts = re.split("(`[^`]*`)", words)
    return "".join(part if i % 2 else gfm.plain(part, len(words)) for i, part in enumerate(parts))


def table(columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """Yield a Markdown table."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def commands() -> Iterator[str]:
    """Yield every command's own help, by group."""
    group = typer.main.get_command(front_door.app)
    top = typer.Context(group, info_name="xentbench")
    for title in dict.fromkeys(command.group for command in front_door.COMMANDS.values()):
        yield f"## {title}\n"
        for name, command in front_door.COMMANDS.items():
            if command.group == title:
                yield from _help(front_door.load(name), name, top)


def _help(command: Any, name: str, parent: typer.Context) -> Iterator[str]:
    context = typer.Context(command, info_name=name, parent=parent)
    yield f"### {context.command_path}\n"
    yield f"```text\n{inspect.cleandoc(command.get_help(context))}\n```\n"
    for inner, each in getattr(command, "commands", {}).items():
        yield from _help(each, inner, context)


def exit_codes() -> Iterator[str]:
    """Yield the exit codes; what each command means by them stands in its help."""
    return table(("code", "meaning"), ((str(int(code)), EXITS[code]) for code in Exit))


def ops() -> Iterator[str]:
    """Yield the ops, and what is asked of each."""
    rows = (
        (f"`{name}`", plain(op.caption), ", ".join(f"`{each}`" for each in op.quantities)) for name, op in OPS.items()
    )
    return table(("op", "what one gets", "quantities"), rows)


def asked_options() -> Iterator[str]:
    """Yield the options and the reductions."""
    texts = {**options.OPTIONS, **{f"reduction={name}": text for name, text in options.REDUCTIONS.items()}}
    return table(("option", "what it means"), ((f"`{name}`", plain(text)) for name, text in texts.items()))


def families() -> Iterator[str]:
    """Yield the families and what each provokes."""
    rows = ((f"`{name}`", plain(text)) for name, text in cases.descriptions().items())
    return table(("family", "what it provokes"), rows)


def checks() -> Iterator[str]:
    """Yield the claims beside accuracy."""
    suites: tuple[tuple[str, Suite], ...] = (("Special values", SPECIAL), ("Laws", LAWS), ("Invariance", INVARIANCE))
    assert {each.name for each in parts.PARTS} >= {"special_values", "laws", "invariance"}
    for title, suite in suites:
        yield f"## {title}\n"
        rows = (
            (f"`{check.name}`", plain(check.claim), "judged" if check.judges else "recorded")
            for check in suite.checks.values()
        )
        yield from table(("check", "claim", ""), rows)
        yield ""


def verdicts() -> Iterator[str]:
    """Yield the verdicts on single elements."""
    rows = ((f"`{name}`", plain(inspect.getdoc(rule) or "")) for name, rule in VERDICTS.items())
    return table(("verdict", "meaning"), rows)


def bounds() -> Iterator[str]:
    """Yield the derivations of the error bounds, as the modules that compute them have them."""
    found = pkgutil.iter_modules(reference.bounds.__path__, "reference.bounds.")
    modules = [reference.bounds, *(importlib.import_module(one.name) for one in found)]
    for module in modules:
        caption, _, rest = inspect.cleandoc(module.__doc__ or "").partition("\n\n")
        if rest:
            yield f"## `{module.__name__}`\n\n{plain(caption)}\n\n```text\n{rest}\n```\n"


WRITTEN: Mapping[str, Callable[[], Iterator[str]]] = {
    "commands": commands,
    "exit_codes": exit_codes,
    "ops": ops,
    "options": asked_options,
    "families": families,
    "checks": checks,
    "verdicts": verdicts,
    "bounds": bounds,
}
