"""The state of a result in one word: its judgement where there is an answer, else why there is none."""

from __future__ import annotations

from collections.abc import Iterable

from harness.model import Judgement, NotRun, Result, Run
from harness.store.outcomes import NAMES

STATES = ("conforms", "known", "deviates", "shown", "timed", "unsupported", "failed", "crashed", "timed out")
DEAD = ("crashed", "timed out")  # a process died or hung, which is no score and no pass


def state(result: Result) -> str:
    """Return one of STATES; an answer that is not judged is `shown`."""
    return state_of(NAMES[type(result.outcome)], result.judgement)


def state_of(outcome: str, judgement: Judgement) -> str:
    """Return the state of an outcome by the name it is stored under.

    What deviates is told by its judgement, whatever came: a call that raises where it must answer is a deviation.
    """
    match outcome:
        case "timing":
            return "timed"
        case "crashed" | "timed out" if judgement != "known":
            return outcome
        case "score" | "checked":
            return "shown" if judgement == "unjudged" else judgement
    return judgement if judgement in {"known", "deviates"} else outcome


UNANSWERED = "incomplete: "  # beginning of why something was not run: of so many questions, some have an outcome


def unanswered(not_run: Iterable[NotRun]) -> str:
    """Say of how many questions a process had no outcome, of the first that did so; nothing where all have one."""
    reasons = [entry.reason for entry in not_run if entry.reason.startswith(UNANSWERED)]
    return reasons[0].partition(";")[0] if reasons else ""


def incomplete(run: Run) -> str:
    """Say how many parts of a run came, as `incomplete: 1 of 2`; nothing where all did, or it was asked as a whole."""
    came: dict[int, set[str]] = {}
    for shard in run.shards:
        part, _, parts = shard.partition("/")
        came.setdefault(int(parts), set()).update({part} - {"0"})
    if not came or any(len(part) == parts for parts, part in came.items()):
        return ""
    most = max(came, key=lambda parts: (len(came[parts]) / parts, parts))
    return f"incomplete: {len(came[most])} of {most}"
