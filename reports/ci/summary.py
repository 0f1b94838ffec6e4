"""The summary of a GitHub Actions step, in Markdown.

GitHub refuses a summary of more than 1 MiB as a whole, so the text ends at a line before LIMIT, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from harness.history import counting
from harness.model import Recorded
from reports import gfm
from reports.ci import tally

LIMIT_BYTES = 900_000
LISTED = 100  # deviations
CUT = "\n\nThe rest was cut here; `xentbench export` has all of it.\n"
MARKS = {"red": "❌", "orange": "⚠️", "green": "✅", "grey": "⚪"}


def write(recorded: Recorded, to: BinaryIO) -> None:
    """Write a run: the verdict, counts, versions, what was not run, and the new deviations, the worst first."""
    to.write(within(_lines(recorded)).encode())


def within(lines: Iterator[str], limit: int = LIMIT_BYTES) -> str:
    """Join as many lines as fit, and say where the rest was cut."""
    taken: list[str] = []
    size = len(CUT.encode())
    for line in lines:
        size += len(line.encode()) + 1
        if size > limit:
            return "\n".join(taken) + CUT
        taken.append(line)
    return "\n".join(taken) + "\n"


def _lines(recorded: Recorded) -> Iterator[str]:
    colour, sentence = tally.headline(recorded)
    yield f"## {MARKS[colour]} xentbench: {gfm.plain(sentence)}"
    yield ""
    run = recorded.run
    yield f"Run {gfm.code(run.uid)}, preset {gfm.code(run.preset)}, {gfm.plain(run.started)}."
    yield ""
    yield from _deviations(recorded)
    yield from _counts(recorded)
    for entry in recorded.not_run:
        where = " ".join(filter(None, (entry.framework, entry.mode, entry.device)))
        yield f"- not run: {gfm.code(where)}: {gfm.plain(entry.reason)}"
    yield ""
    yield from _environments(recorded)


def _counts(recorded: Recorded) -> Iterator[str]:
    counts = counting.by_target(recorded.results)
    shown = counting.occurring(counts.values())
    cells = [[*map(gfm.plain, where), *(str(count[s]) for s in shown)] for where, count in counts.items()]
    yield from gfm.table(("framework", "mode", "device", *shown), cells).splitlines()
    yield ""


def _deviations(recorded: Recorded) -> Iterator[str]:
    new = tally.news(recorded.results)
    if not new:
        return
    cells = [
        [
            gfm.code(str(r.case)),
            gfm.code(str(r.target)),
            gfm.plain(r.target.implementation.framework),
            gfm.plain(r.reason),
        ]
        for r in new[:LISTED]
    ]
    yield from gfm.table(("new deviation", "target", "framework", "why"), cells).splitlines()
    yield ""
    if len(new) > LISTED:
        yield f"and {len(new) - LISTED} more; the report has them all"
        yield ""


def _environments(recorded: Recorded) -> Iterator[str]:
    yield "<details><summary>Environment</summary>"
    yield ""
    cells = [["machine", gfm.plain(fact), gfm.plain(value)] for fact, value in recorded.run.host.items()]
    for facts in recorded.environments.values():
        where = f"{facts.get('framework', '')} {facts.get('device', '')}".strip()
        cells += [[gfm.plain(where), gfm.plain(fact), gfm.plain(value)] for fact, value in facts.items() if value]
    yield from gfm.table(("where", "fact", "value"), cells).splitlines()
    yield ""
    yield "</details>"
