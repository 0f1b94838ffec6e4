"""What a list of one's own accepts: the deviations that it covers, with the versions that they were seen with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.history.news import Accepted, Accepts
from harness.model import Result, Target
from suites.judging.healed import unseen
from suites.judging.judge import Known


def accepting(own: Sequence[Known]) -> Accepts:
    """Return what says of an answer whether one's own list accepts it."""

    def accepts(answer: Result, facts: Mapping[str, str]) -> Accepted | None:
        covering = [entry for entry in own if entry.covers(answer.case, answer.target, answer.outcome)]
        for entry in covering:
            if not unseen(entry, facts):
                return Accepted(entry.reason)
        return Accepted(covering[0].reason, ", ".join(covering[0].seen)) if covering else None

    return accepts


def versions(target: Target, facts: Mapping[str, str]) -> list[str]:
    """Return the versions that a deviation of a target was seen with: of its package, and of the framework below it."""
    packages = dict.fromkeys([target.implementation.name.partition(".")[0], target.implementation.framework])
    return [f"{name} {facts[name].partition('+')[0]}" for name in packages if name in facts]
