"""The one way in which answers are counted, and the words that counts are told by, wherever that is.

An answer is what came of a question, whatever it is; a time is none. Each is in one state, so the states of a run sum
to its answers. What was not run came to no answer: it is no state, and is told beside the counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from harness.history.state import STATES, state, state_of
from harness.model import Judgement, Result

WORDS: Mapping[str, tuple[str, str]] = {  # of one, of many
    "conforms": ("conforms", "conform"),
    "known": ("known deviation", "known deviations"),
    "deviates": ("new deviation", "new deviations"),
    "shown": ("shown, not judged", "shown, not judged"),
    "unsupported": ("unsupported", "unsupported"),
    "failed": ("failed", "failed"),
    "crashed": ("crashed", "crashed"),
    "timed out": ("timed out", "timed out"),
}
Where = tuple[str, str, str]  # framework, mode, device


def count(results: Iterable[Result]) -> Counter[str]:
    """Return how many results are in each state."""
    return Counter(map(state, results))


def of_kinds(kinds: Mapping[tuple[str, Judgement], int]) -> Counter[str]:
    """Return the same of counts by (outcome, judgement), as a store has them."""
    counts: Counter[str] = Counter()
    for (outcome, judgement), n in kinds.items():
        counts[state_of(outcome, judgement)] += n
    return counts


def by_target(results: Iterable[Result]) -> dict[Where, Counter[str]]:
    """Return these counts of each framework, mode and device."""
    found: dict[Where, Counter[str]] = {}
    for result in results:
        target = result.target
        where = (target.implementation.framework, target.mode, target.device)
        found.setdefault(where, Counter())[state(result)] += 1
    return dict(sorted(found.items()))


def occurring(counts: Iterable[Mapping[str, int]]) -> list[str]:
    """Return the states that occur in any of some counts, in their order."""
    every = list(counts)
    return [name for name in STATES if any(each.get(name) for each in every)]


def answers(counts: Mapping[str, int]) -> int:
    """Return how many answers there are of all states."""
    return sum(counts.get(name, 0) for name in WORDS)


def in_words(counts: Mapping[str, int]) -> str:
    """Return counts in words: how many answers, how many of each state that occurs, and the times beside them."""
    states = [f"{number(n)} {WORDS[name][n > 1]}" for name in WORDS if (n := counts.get(name, 0))]
    said = f"{plural(answers(counts), 'answer')}: {', '.join(states)}" if states else "no answers"
    times = counts.get("timed", 0)
    return said + (f"; {plural(times, 'time')}" if times else "")


def plural(count: int, noun: str, many: str = "") -> str:
    """Print a count with its noun."""
    return f"{number(count)} {noun if count == 1 else many or noun + 's'}"


def number(count: int) -> str:
    """Print a count with its thousands apart."""
    return f"{count:,}".replace(",", " ")
