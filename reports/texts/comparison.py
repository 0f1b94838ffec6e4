"""A comparison in words: Markdown for people, JSON for programs, a screen for who is in a hurry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.history import counting, ratio
from harness.history.change import Change, same_bits
from harness.history.compare import Comparison
from harness.history.counting import number
from harness.history.difference import Difference
from harness.history.news import WORSE, News
from harness.history.state import incomplete
from harness.history.verdict import of_comparison
from harness.model import Recorded, Result, Run, Timing
from reports import export, gfm

ASKED = (
    *("case", "check", "op", "options", "quantity", "family", "dtype", "shape", "seed"),
    *("framework", "mode", "device"),
)
FIGURES = (
    *("judgement", "reason", "outcome", "outcome_reason", "elements", "max_ulp", "mean_ulp", "bias_ulp", "over_bound"),
    *("budget_class", "verdicts", "bits", "over_allowance", "policy", "seconds", "calls_a_sample"),
)
LISTED = 6  # groups of news in the first screen
FACTS_LISTED = 8
SENTENCE = 2000  # characters, of which none is left out
FIRST: tuple[News, ...] = (*WORSE, "bits", "untold")  # news that the first screen names


def markdown(found: Comparison, rows: int) -> str:
    """Return the whole comparison, at most so many rows a table; environments first, because they explain most."""
    parts = [
        f"# {gfm.plain(found.before.uid)} → {gfm.plain(found.after.uid)}\n",
        f"**{gfm.plain(of_comparison(found).sentence, SENTENCE)}**\n",
        "".join(f"- {gfm.plain(text)}\n" for text in first(found)),
        f"{counts(found) or 'No question'}; a time counts as changed from {found.size:.0%} on, beyond its interval.\n",
        f"Bit by bit: {bits(found)}.\n",
        f"In the later run: {counting.in_words(answered(found))}.\n",
    ]
    parts += [f"**{gfm.plain(warning)}**\n" for warning in warnings(found)]
    parts.append(_environments(found.environments))
    if found.not_run:
        cells = [[gfm.code(e.framework), *map(gfm.plain, (e.mode, e.device, e.reason))] for e in found.not_run]
        parts.append(f"## Not run\n\n{gfm.table(('framework', 'mode', 'device', 'reason'), cells)}")
    parts += [_section(title, changes, rows) for title, changes in found.sections.items()]
    return "\n".join(filter(None, parts))


def first(found: Comparison) -> list[str]:
    """Return the news that matters most in a few lines, of each kind the group of changes that moved furthest at least.

    A group is one target in one op, quantity and dtype.
    """
    groups: list[tuple[int, int, News, list[Change]]] = []
    for rank, kind in enumerate(FIRST):
        gathered: dict[tuple[object, ...], list[Change]] = {}
        for one in found.of_news(kind):
            case = one.result.case
            gathered.setdefault((one.result.target, case.op, case.quantity, case.dtype), []).append(one)
        groups += [(place, rank, kind, members) for place, members in enumerate(gathered.values())]
    shown = sorted(groups, key=lambda group: group[:2])[:LISTED]
    lines = [_line(kind, members) for *_, kind, members in sorted(shown, key=lambda group: (group[1], group[0]))]
    rest = sum(len(members) for *_, members in groups) - sum(len(members) for *_, members in shown)
    return lines + ([f"and {number(rest)} more of these kinds"] if rest else [])


def _line(kind: News, members: Sequence[Change]) -> str:
    furthest, count = members[0], len(members)
    more = f" and {number(count - 1)} more like it" if count > 1 else ""
    return f"{TAGS[kind]}: {furthest.result.case} {furthest.result.target}{more}: {furthest.reason}"


TAGS: Mapping[News, str] = {
    "judgement": "judged otherwise",
    "lost": "lost",
    "error": "larger error",
    "slower": "slower",
    "bits": "other bits",
    "untold": "time",
}


def counts(found: Comparison, *aspects: str) -> str:
    """Return how many questions there are under each word, those without any left out; nothing where there is none."""
    counted = found.counts_of(*(aspects or ("accuracy", "speed")))
    return ", ".join(f"{number(count)} {word}" for word, count in counted.items() if count)


def answered(found: Comparison) -> Counter[str]:
    """Return how many results of the later run are in each state."""
    return counting.count(now for _, now in found.pairs if now)


def bits(found: Comparison) -> str:
    """Return how many answers are the same bit by bit."""
    both = sum(found.bits.values())
    return f"{found.bits['same']} of {both} answers are the same" if both else "no answer's bits were kept in both runs"


def warnings(found: Comparison) -> list[str]:
    """Return what makes the comparison worth less."""
    runs = (found.before, found.after)
    return [
        *(text for run in runs for text in unfinished(run)),
        *(f"run {run.uid} is {text}" for run in runs if (text := incomplete(run))),
    ]


def _environments(differences: Sequence[Difference]) -> str:
    if not differences:
        return "The environments are the same.\n"
    cells = [[gfm.plain(d.where), gfm.plain(d.fact), gfm.code(d.before), gfm.code(d.after)] for d in differences]
    return f"## Environment\n\n{gfm.table(('where', 'fact', 'before', 'after'), cells)}"


def _section(title: str, changes: Sequence[Change], rows: int) -> str:
    if not changes:
        return ""
    cells = [
        [
            one.status,
            gfm.code(str(one.result.case)),
            gfm.code(str(one.result.target)),
            gfm.plain(one.result.target.implementation.framework),
            gfm.plain(one.reason),
        ]
        for one in changes[:rows]
    ]
    more = len(changes) - len(cells)
    rest = f"\nand {more} more; --json has them all, --rows shows more\n" if more else ""
    return f"## {title} ({len(changes)})\n\n{gfm.table(('', 'case', 'target', 'framework', 'why'), cells)}{rest}"


def plain(found: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON takes it, without what stayed as it was."""
    return {
        "before": asdict(found.before),
        "after": asdict(found.after),
        "verdict": asdict(of_comparison(found)),
        "speed_counts_from": found.size,
        "counts": found.counts,
        "bits": found.bits,
        "answers": dict(answered(found)),
        "environments": [asdict(difference) for difference in found.environments],
        "not_run": [asdict(entry) for entry in found.not_run],
        "changes": [_change(one, found) for one in found.moved],
    }


def _change(one: Change, found: Comparison) -> dict[str, Any]:
    return {
        "status": one.status,
        "turn": one.turn,
        "news": one.news,
        "aspect": one.aspect,
        **_chosen(one.result, ASKED),
        "target": str(one.result.target),
        "reason": one.reason,
        "same_bits": same_bits(one.before, one.after),
        "times_as_long": _ratio(one, (found.before.uid, found.after.uid)),
        "before": _figures(one.before),
        "after": _figures(one.after),
    }


def _ratio(one: Change, runs: tuple[str, str]) -> dict[str, float] | None:
    match one.before, one.after:
        case Result(outcome=Timing() as old), Result(outcome=Timing() as new):
            found = ratio.of_runs(old, new, runs)
            return asdict(found) if found else None
    return None


def _figures(result: Result | None) -> dict[str, Any] | None:
    return _chosen(result, FIGURES) if result else None


def _chosen(result: Result, names: Iterable[str]) -> dict[str, Any]:
    fields = export.flat(result, {})
    return {name: fields[name] for name in names}


def screen(found: Comparison, latest: Recorded, in_full: str) -> str:
    """Return how the last run stands against the one before, in one screen; in_full: the command that shows all."""
    lines = [
        about(latest.run, counting.count(latest.results)),
        *noted(latest.run),
        f"before: {found.before.uid} ({_when(found.before)})",
        *(f"environment: {text}" for text in _facts(found.environments)),
        *(f"warning: {warning}" for warning in warnings(found)),
        *(f"not run: {entry.framework} {entry.mode} {entry.device}: {entry.reason}" for entry in found.not_run),
    ]
    lines += [f"{aspect}: {text}" for aspect in ("accuracy", "speed") if (text := counts(found, aspect))]
    lines.append(f"bits:   {bits(found)}")
    listed = first(found)
    lines += [f"  {text}" for text in listed]
    if listed:
        lines.append(f"all of it: {in_full}")
    return "\n".join(gfm.line(text) for text in lines)


def about(run: Run, counts: Mapping[str, int]) -> str:
    """Return a line on a run by itself; counts: how many of its results are in each state."""
    said = ", ".join(filter(None, [counting.in_words(counts), incomplete(run)]))
    return f"last:   {run.uid} ({_when(run)}): {said}"


def unfinished(run: Run) -> list[str]:
    """Return what is said of a run that has not finished; nothing of one that has."""
    return [] if run.finished else [f"run {run.uid} is not finished"]


def noted(run: Run) -> list[str]:
    """Return a line for each thing that was said of how a run was asked, as what was taken from a cache."""
    return [f"note:   {note}" for note in run.notes]


def _when(run: Run) -> str:
    return f"{run.preset}, {run.started.replace('T', ' ').removesuffix('+00:00')} UTC"


def _facts(differences: Sequence[Difference]) -> Iterable[str]:
    for one in differences[:FACTS_LISTED]:
        yield f"{one.where}: {one.fact} {one.before} -> {one.after}"
    if len(differences) > FACTS_LISTED:
        yield f"and {len(differences) - FACTS_LISTED} more differences"
