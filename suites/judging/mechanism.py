"""What went wrong, in a key that is equal where the cause probably is: findings are grouped by it."""

from __future__ import annotations

import re

from harness.model import Case, Checked, Crashed, Failed, Result, Score, TimedOut

NUMBER = re.compile(r"[-+]?\d[\d.]*(e[-+]?\d+)?")
LAYOUT = frozenset({"axis", "rank"})
LOST = ("nan", "overflow", "infinite")  # beginnings of verdicts on elements that are no number

Key = tuple[str, ...]


def group(case: Case) -> Key:
    """Return what is asked, apart from numbers and dtype: a check, an op's options, or a quantity of plain inputs."""
    if case.check:
        return "check", case.check, case.quantity
    if case.source.kind == "options":
        names = case.op.options.keys()
        return "options", case.quantity, *(["layout"] if names <= LAYOUT else sorted(names - LAYOUT))
    return "plain", case.quantity


def of(result: Result) -> Key:
    """Return the key of a result that deviates."""
    match result.outcome:
        case Crashed():
            return ("died",)
        case TimedOut():
            return ("hung",)
        case Failed(kind="raised", error=error, message=message):
            return "raised", error, NUMBER.sub("#", message)
        case Failed(kind=kind):
            return (kind,)
        case Checked():
            return group(result.case)[:2]
        case Score(verdicts=verdicts):
            lost = any(name.startswith(LOST) for name in verdicts)
            return *group(result.case), "no number" if lost else "off"
    return (type(result.outcome).__name__,)
