"""A verdict in lines, for a terminal and for the message of an assertion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.scoring import tolerances
from suites.judging.findings import Finding
from suites.judging.verdict import Judged

SHOWN = 5  # findings a function
FEW = 4  # families, checks or dtypes
INPUTS = ("logits", "label", "upstream")


def of(judged: Judged, shown: int = SHOWN) -> Iterator[str]:
    """Yield a function's verdict, its first findings, and what is not judged of it."""
    name = f"{judged.implementation} ({judged.op}, {judged.framework})"
    yield f"{name}: {judged.verdict}, {of_planned(judged)}"
    for note in judged.notes:
        yield f"  note: {note}"
    for number, finding in enumerate(judged.findings[:shown], 1):
        head, *rest = finding_lines(finding)
        yield f"  {number}. {head}"
        yield from (f"     {line}" for line in rest)
    if (more := len(judged.findings) - shown) > 0:
        yield f"  and {count(more, 'more finding')}; --json has them all"
    spared = judged.not_asked - sum(finding.not_asked for finding in judged.findings)
    if spared > 0:
        yield f"  {count(spared, 'question')} not asked"
    for entry in judged.not_judged:
        yield f"  not judged: {entry.what}: {entry.reason} ({count(entry.questions, 'question')})"
    for line in judged.recorded:
        yield f"  recorded, and no deviation unless strict: {line}"


def of_planned(judged: Judged) -> str:
    """Say how many answers came, and of how many questions where some have no outcome."""
    if judged.came >= judged.planned:
        return count(judged.answers, "answer")
    return f"{judged.came} of {judged.planned} questions answered"


def finding_lines(finding: Finding) -> Iterator[str]:
    """Yield what a finding is, what came back of which input, and what to run to see more."""
    yield f"{finding.mechanism} ({finding.family}, {finding.dtype}, {finding.mode})"
    facts = {name: finding.decimals[name] for name in ("got", "expected") if finding.decimals.get(name)}
    inputs = [f"{name} {finding.decimals[name]}" for name in INPUTS if name in finding.decimals]
    if inputs:
        facts["input"] = ", ".join(inputs)
    if finding.reason.removeprefix("the answer: ") not in finding.mechanism:
        facts["why"] = finding.reason
    facts["seen in"] = seen(finding)
    if finding.noticed:
        facts["noticed by"] = tolerances.in_words(finding.noticed)
    if finding.explain:
        facts["more"] = finding.explain
    width = max(map(len, facts))
    yield from (f"{name:{width}}  {text}" for name, text in facts.items())


def seen(finding: Finding) -> str:
    """Say in how many answers a cause is seen, of what, and how many were not asked for it."""
    parts = [count(finding.answers, "answer")]
    if finding.not_asked:
        parts.append(f"{finding.not_asked} more not asked")
    parts += [some(words) for words in (finding.families, finding.dtypes, finding.modes) if words]
    others = [check for check in finding.checks if check not in {finding.check, "accuracy", "gradient", "published"}]
    if others:
        parts.append(f"also breaks {some(others)}")
    return "; ".join(parts)


def some(words: Sequence[str]) -> str:
    """List the first few words."""
    more = f" and {len(words) - FEW} more" if len(words) > FEW else ""
    return ", ".join(words[:FEW]) + more


def count(number: int, what: str) -> str:
    """Return a number of things."""
    return f"{number} {what}" + ("" if number == 1 else "s")
