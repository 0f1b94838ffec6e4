"""How a run went, in a table and a few lines, and as an exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from harness.history import counting
from harness.history.verdict import of_run
from harness.model import Recorded, Result
from suites.questions import plan
from xentbench.screen import Exit, harmless, say, show

SHOWN = 10  # new deviations listed in the terminal


def summarise(recorded: Recorded, failed: Mapping[str, str]) -> None:
    """Print a short table, what is new, what failed, and what was not run."""
    show(_counts(recorded.results))
    say(counting.in_words(counting.count(recorded.results)))
    news = [result for result in recorded.results if result.judgement == "deviates"]
    for result in news[:SHOWN]:
        say(f"new: {result.case} {result.target}: {result.reason}")
    if len(news) > SHOWN:
        say(f"and {len(news) - SHOWN} more; the report has them all")
    for name, reason in failed.items():
        say(f"failed: {name}: {reason}")
    for entry in recorded.not_run:
        say(f"not run: {entry.framework} {entry.mode} {entry.device}: {entry.reason}")


def _counts(results: Sequence[Result]) -> Table:
    """Return the states of all answers, a line a framework, mode and device."""
    counts = counting.by_target(results)
    shown = counting.occurring(counts.values())
    table = Table("framework", "mode", "device", *shown, title="answers", title_justify="left")
    for column in table.columns[3:]:
        column.justify = "right"
    for where, count in counts.items():
        table.add_row(*map(harmless, where), *(str(count[column]) for column in shown))
    return table


def missing(wanted: plan.Wanted, recorded: Recorded) -> list[str]:
    """Return the frameworks and engines that were named, and of which nothing was asked."""
    asked = {result.target.implementation.framework for result in recorded.results}
    return [name for name in wanted.frameworks if wanted.pairs and name not in asked]


def exit_code(recorded: Recorded, absent: Sequence[str], *, broken: bool) -> Exit:
    """Return the exit code: machinery first, because a broken run proves nothing."""
    grade = of_run(recorded).grade
    if broken or grade == "died":
        return Exit.MACHINERY
    if grade == "worse":
        return Exit.DEVIATES
    return Exit.NOTHING_RAN if absent or grade == "unjudged" else Exit.CONFORMS
