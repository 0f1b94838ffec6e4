"""Results of two runs that are held once where both have the same: a pair takes little more memory than one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.model import Case, Result


def shared(results: Iterable[Result], beside: Sequence[Result]) -> Iterator[Result]:
    """Yield results, in the place of one that equals another run's the other run's own; a nan equals none."""
    here: dict[Case, list[Result]] = {}
    for result in beside:
        here.setdefault(result.case, []).append(result)
    for result in results:
        others = here.get(result.case, [])
        # Mostly the first: runs are asked in one order, and what has been met is taken out.
        place = next((k for k, other in enumerate(others) if other.target == result.target), None)
        other = None if place is None else others.pop(place)
        yield result if other is None or other != result else other
