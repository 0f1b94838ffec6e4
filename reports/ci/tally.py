"""The counts of a run, its new deviations and its one sentence, as CI prints them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from harness.model import Checked, Crashed, Recorded, Result, Score, TimedOut

Colour = Literal["red", "orange", "green", "grey"]


def news(results: Iterable[Result]) -> list[Result]:
    """Return the new deviations, the worst first: those without an answer, then by error over what is allowed."""
    return sorted((result for result in results if result.judgement == "deviates"), key=_over, reverse=True)


def broken(result: Result) -> bool:
    """Tell whether a process died or hung with a question in hand, and is not known to: no score, but no pass."""
    return isinstance(result.outcome, Crashed | TimedOut) and result.judgement != "known"


def headline(recorded: Recorded) -> tuple[Colour, str]:
    """Return a colour and a sentence. What did not answer, or was not run, is never green."""
    judged = Counter(result.judgement for result in recorded.results)
    dead = sum(map(broken, recorded.results))
    deviating = judged["deviates"] - sum(broken(r) for r in recorded.results if r.judgement == "deviates")
    said = [plural(deviating, "new deviation")] if deviating else []
    said += [plural(dead, "crash or time-out", "crashes or time-outs")] if dead else []
    if said:
        return "red", ", ".join(said)
    if not judged["conforms"] + judged["known"]:
        return "grey", "nothing judged"
    if recorded.not_run or not recorded.run.finished:
        return "orange", "no new deviation in what ran"
    known = f", {plural(judged['known'], 'known deviation')}" if judged["known"] else ""
    return "green", f"{judged['conforms']} conform{known}"


def plural(number: int, noun: str, many: str = "") -> str:
    """Print a count with its noun."""
    return f"{number} {noun if number == 1 else many or noun + 's'}"


def _over(result: Result) -> float:
    match result.outcome:
        case Score(over_bound=over):
            found = over.get("S", math.inf)
        case Checked(over=over):
            found = over
        case _:
            return math.inf
    return math.inf if math.isnan(found) else found
