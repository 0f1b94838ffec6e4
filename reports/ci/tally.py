"""The counts of a run, its new deviations and its one sentence, as CI prints them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from harness.history.verdict import Grade, of_run
from harness.model import Checked, Recorded, Result, Score

Colour = Literal["red", "orange", "green", "grey"]
COLOURS: Mapping[Grade, Colour] = {
    **dict.fromkeys(("died", "worse", "incomplete"), "red"),
    "partly": "orange",
    "unjudged": "grey",
    "good": "green",
}


def news(results: Iterable[Result]) -> list[Result]:
    """Return the new deviations, the worst first: those without an answer, then by error over what is allowed."""
    return sorted((result for result in results if result.judgement == "deviates"), key=_over, reverse=True)


def headline(recorded: Recorded) -> tuple[Colour, str]:
    """Return a colour and a sentence. What did not answer, or was not run, is never green."""
    verdict = of_run(recorded)
    return COLOURS[verdict.grade], verdict.sentence


def _over(result: Result) -> float:
    match result.outcome:
        case Score(over_bound=over):
            found = over.get("S", math.inf)
        case Checked(over=over):
            found = over
        case _:
            return math.inf
    return math.inf if math.isnan(found) else found
