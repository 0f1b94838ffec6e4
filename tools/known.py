"""Read a run against the lists of known deviations, pattern by pattern: `python -m tools.known STORE [NAME...]`.

For each pattern of a list in `suites/expected/` (NAME, without its ending; all that the run asked where none is given):
how many answers it names, how many of these deviate, and the furthest of these over its bound. A pattern that names
answers of which none deviates is to be taken out, one that names many more than deviate is to be narrowed, and where
the furthest is known to be all that there is, it is to be bounded.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.model import Result, Timing
from harness.store import Location, Store
from suites.judging import judge
from suites.judging.judge import Known


@dataclass(frozen=True)
class Told:
    """What a run has of one pattern. apart: the conforming answers that it names, by op, quantity and family."""

    pattern: str
    asked: int
    deviating: int
    worst: float
    apart: Counter[str]

    def __str__(self) -> str:
        """Print as a line, and what conforms below it."""
        mark = "DEAD" if self.asked and not self.deviating else "    "
        text = f"  {mark} {self.pattern}: {self.deviating} of {self.asked} deviate, at most {self.worst:.3g}"
        conforming = ", ".join(f"{name} {count}" for name, count in self.apart.most_common(8))
        return text + (f"\n         conform: {conforming}" if conforming and self.deviating else "")


def patterns(entry: Known) -> Sequence[str]:
    """Return the globs of an entry's cases."""
    return (entry.case,) if isinstance(entry.case, str) else entry.case


def told(entries: Sequence[Known], results: Sequence[Result]) -> Iterator[tuple[Known, list[Told]]]:
    """Yield what a run has of each pattern of entries that it asked; each deviation is of the first that covers it."""
    off = [judge.deviation(one.target, one.outcome) is not None for one in results]
    first = {
        place: next((entry for entry in entries if entry.covers(one.case, one.target, one.outcome)), None)
        for place, one in enumerate(results)
        if off[place]
    }
    for entry in entries:
        found = []
        for pattern in patterns(entry):
            alone = replace(entry, case=pattern)
            named = [place for place, one in enumerate(results) if alone.names(str(one.case), str(one.target))]
            own = [place for place in named if off[place] and first[place] is entry]
            apart = Counter(_group(results[place]) for place in named if not off[place])
            worst = max((judge.over(results[place].outcome) or 0.0 for place in own), default=0.0)
            found.append(Told(pattern, len(named), len(own), worst, apart))
        if any(one.asked for one in found):
            yield entry, found


def _group(result: Result) -> str:
    case = result.case
    return f"{case.check + ':' if case.check else ''}{case.op}-{case.quantity}-{case.family}-{case.dtype}"


def main(words: Sequence[str]) -> int:
    """Print what the last run of a store has of the lists."""
    with Store(Location.of(words[0])) as store:
        results = [one for one in store.results(store.run().uid) if not isinstance(one.outcome, Timing)]
    for path in sorted(judge.EXPECTED.with_suffix("").glob("*.toml")):
        if len(words) > 1 and path.stem not in words[1:]:
            continue
        for entry, found in told(judge.listed(Path(path)), results):
            sys.stdout.write(f"{path.stem}: {entry.reason[:90]}\n" + "".join(f"{one}\n" for one in found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
