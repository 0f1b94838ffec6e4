"""Known deviations that a run asked for and did not find, with versions that they were not seen with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten

from harness.model import Checked, Failed, Recorded, Score
from suites.judging.judge import Known

LONGEST = 120  # signs of a reason that are printed


@dataclass(frozen=True)
class Healed:
    """An entry of a list that matched none of so many answers. versions: those of the run."""

    known: Known
    versions: tuple[str, ...]
    asked: int

    def __str__(self) -> str:
        """Print as a line of the terminal; a run that asks little may have missed it, so it is a question."""
        why = shorten(self.known.reason, LONGEST, placeholder=" ...")
        seen = ", ".join(self.known.seen)
        return f"healed? {', '.join(self.versions)}: {why} (seen with {seen}; none of {self.asked} answers deviates so)"


def healed(recorded: Recorded, known: Sequence[Known]) -> Iterator[Healed]:
    """Yield the entries that a run asked for, with other versions than they were seen with, and did not find."""
    named = [(one, str(one.case), str(one.target)) for one in recorded.results]
    for entry in known:
        versions = {key: unseen(entry, facts) for key, facts in recorded.environments.items()}
        if not any(versions.values()):
            continue
        asked, found = Counter[tuple[str, ...]](), set()
        for one, case, target in named:
            here = versions.get(one.environment, ())
            if here and isinstance(one.outcome, Score | Checked | Failed) and entry.names(case, target):
                asked[here] += 1
                if one.judgement == "known" and entry.covers(one.case, one.target, one.outcome):
                    found.add(here)
        yield from (Healed(entry, here, count) for here, count in asked.items() if here not in found)


def unseen(entry: Known, facts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the versions of an environment, of the packages that an entry names, if it was not seen with them all."""
    packages = dict.fromkeys(version.partition(" ")[0] for version in entry.seen)
    here = tuple(f"{name} {facts[name].partition('+')[0]}" for name in packages if name in facts)
    return () if set(here) <= set(entry.seen) else here
