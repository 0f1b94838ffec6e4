"""Results of two runs that are held once where both have the same: a pair takes little more memory than one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.model import Case, Result, Target


def shared(results: Iterable[Result], beside: Sequence[Result]) -> Iterator[Result]:
    """Yield results, in the place of one that equals another run's the other run's own; a nan equals none."""
    here: dict[Case, dict[Target, Result]] = {}
    for result in beside:
        here.setdefault(result.case, {})[result.target] = result
    for result in results:
        other = here.get(result.case, {}).get(result.target)
        yield result if other is None or other != result else other
