"""What of a change is news, and which news fails a gate: the one rule of every command, page and workflow.

Between two releases most answers move without a meaning: a sum in another order moves the last bits, and with them the
largest error. So news is ordered by what it means to who calls the function, and only the first kinds fail a gate
unless another is asked for. What promises nothing (composed, naive, misused, control) is shown and never counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from harness.model import Judgement, Recorded, Result

FailOn = Literal["deviation", "new", "any", "never"]
Turn = Literal["worse", "better", "different", "none"]
News = Literal[
    "judgement",
    "lost",
    "error",
    "slower",
    "accepted",
    "better",
    "untold",
    "settled",
    "bits",
    "figures",
    "unjudged",
    "added",
    "removed",
    "none",
]


class Accepted(NamedTuple):
    """What a list of one's own says of an answer. seen: the versions of its entry, where the answer is of others."""

    reason: str
    seen: str = ""


Accepts = Callable[[Result, Mapping[str, str]], Accepted | None]  # an answer, and the facts of its environment

# The bound covers any order of the sums, so a healthy release moves errors below it by less than a bit. An error that
# doubles takes one bit of what the bound leaves, and above half of the bound the next bit taken is a deviation.
FACTOR = 2.0  # of error over bound, from which it counts
LEVEL = 0.5  # of the bound, up to which it does not

NEWS: Mapping[News, str] = {  # in the order of weight, with the title of each
    "judgement": "Worse: judged otherwise, or another policy",
    "lost": "Worse: answers lost",
    "error": "Worse: larger errors",
    "slower": "Worse: slower",
    "accepted": "Worse, and accepted",
    "better": "Better",
    "untold": "Times that cannot be told",
    "settled": "Times that a duel found the same",
    "bits": "Other bits, as accurate as before",
    "figures": "Other figures, below what counts",
    "unjudged": "Not judged, and not counted",
    "added": "Added",
    "removed": "Removed",
    "none": "Unchanged",
}
WORSE: tuple[News, ...] = ("judgement", "lost", "error", "slower")
ACCEPTABLE: tuple[News, ...] = ("judgement", "lost", "error")
COUNTED: Mapping[str, tuple[News, ...]] = {  # the words under which questions are counted, wherever that is
    "worse": WORSE,
    "accepted": ("accepted",),
    "better": ("better",),
    "cannot tell": ("untold",),
    "other bits": ("bits",),
    "other figures": ("figures",),
    "not judged": ("unjudged",),
    "added": ("added",),
    "removed": ("removed",),
    "unchanged": ("none", "settled"),
}
GATES: Mapping[FailOn, tuple[News, ...]] = {
    "deviation": ("judgement",),
    "new": WORSE,
    "any": (*WORSE, "better", "bits", "figures", "added", "removed"),
    "never": (),
}
FAIL_ON: Mapping[FailOn, str] = {
    "deviation": "a judgement or a policy that changed for the worse fails",
    "new": f"that, a lost answer, an error {FACTOR:g} times as large and above {LEVEL:g} of its bound, a slower call",
    "any": "any difference of what is judged fails, its bits too",
    "never": "nothing fails",
}
RAISED = "error "  # how a policy begins whose call raised
RANKS: Mapping[Judgement, int] = {"conforms": 0, "unjudged": 0, "known": 1, "deviates": 2}


def counted(*results: Result | None) -> bool:
    """Tell whether a question counts: the latest of its results is of a function that is judged, or one deviates."""
    there = [result for result in results if result]
    return there[-1].target.implementation.kind == "fused" or any(one.judgement == "deviates" for one in there)


def nothing(_answer: Result, _facts: Mapping[str, str]) -> None:
    """Accept nothing: there is no list of one's own."""


def judged(run: Recorded, accepts: Accepts) -> Sequence[Result]:
    """Return the results of a run; a deviation that is accepted, with these versions, is a known one."""
    if accepts is nothing:
        return run.results
    results = []
    for one in run.results:
        said = accepts(one, run.environments.get(one.environment, {})) if one.judgement == "deviates" else None
        results.append(one if said is None or said.seen else replace(one, judgement="known", reason=said.reason))
    return results


def turned(was: float, now: float) -> Turn:
    """Return which way a figure went of which less is better."""
    if math.isnan(now) or math.isnan(was):
        return "different"
    return "worse" if now > was else "better" if now < was else "different"


def policy_turned(was: str, now: str) -> Turn:
    """Return which way a policy went: another one is worse, none is better; of which type an error is, is a detail."""
    if was == now or (was.startswith(RAISED) and now.startswith(RAISED)):
        return "different"
    return "worse" if now else "better"


def error_turned(was: float, now: float) -> Turn:
    """Return which way an error over its bound went, where that counts."""
    larger = now > LEVEL and now > was and now >= FACTOR * was
    smaller = was > LEVEL and was > now and was >= FACTOR * now
    return "worse" if larger else "better" if smaller else "different"
