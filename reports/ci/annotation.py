"""Annotations of GitHub Actions: commands on standard output, at most ten, because GitHub drops more without a word."""

from __future__ import annotations

from harness.history.state import state
from harness.history.verdict import dead
from harness.model import Recorded
from reports.ci import tally

AT_MOST = 10  # errors a step
LONGEST = 500  # characters of a message


def commands(recorded: Recorded) -> list[str]:
    """Return a command a new deviation or death, the worst first; the last of ten says how many more there are."""
    died = [result for result in recorded.results if dead(result)]
    others = [result for result in tally.news(recorded.results) if not dead(result)]
    every = died + others
    shown = every if len(every) <= AT_MOST else every[: AT_MOST - 1]
    lines = [
        error(f"{result.target} {result.case}", result.reason or f"{state(result)}: no answer") for result in shown
    ]
    if len(every) > len(shown):
        lines.append(error("xentbench", f"and {len(every) - len(shown)} more; the report has them all"))
    return lines


def error(title: str, message: str) -> str:
    """Return one command; what others named cannot end it or begin another."""
    return f"::error title={_escaped(title, ':,')}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    """Escape as actions/toolkit does (core/src/command.ts): `%` and line ends, in a property `:` and `,` too."""
    flat = "".join(sign if sign.isprintable() or sign in "\r\n" else " " for sign in text[:LONGEST])
    return "".join(f"%{ord(sign):02X}" if sign in f"%\r\n{more}" else sign for sign in flat)
