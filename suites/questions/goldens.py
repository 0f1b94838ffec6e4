"""Make all goldens of a plan beforehand, in as many processes as an executor has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, as_completed
from itertools import groupby

from harness.model import Case
from reference.cache import Cache
from suites.questions import cases, families


def missing(wanted: Iterable[Case], cache: Cache) -> list[list[Case]]:
    """Return the cases whose golden is not in the cache, or not as it was kept, grouped by the logits they share."""
    absent = (case for case in wanted if cache.kept(case.op, case.quantity, cases.inputs(case)) is None)
    groups = groupby(absent, key=lambda case: (case.family, case.dtype, case.rows, case.classes, case.seed))
    return [list(group) for _, group in groups]


def told(wanted: Sequence[Case], groups: Iterable[Sequence[Case]]) -> list[str]:
    """Say how many goldens are not made anew, where any are; groups: the cases whose are."""
    kept = len(wanted) - sum(map(len, groups))
    return [f"{kept} of {len(wanted)} goldens are those that earlier runs have made"] if kept else []


def make(groups: list[list[Case]], cache: Cache, executor: Executor, progress: Callable[[int, int], None]) -> int:
    """Compute and keep the goldens of all groups; return how many. `progress` is told (done, all) cases.

    A group is a picklable task and stays in one process, because its goldens share their row sums.
    """
    every = sum(map(len, groups))
    done = 0
    # The dearest first, so that no process is left alone with one at the end.
    ordered = sorted(groups, key=lambda group: -group[0].rows * group[0].classes * len(group))
    try:
        for future in as_completed([executor.submit(make_group, group, cache) for group in ordered]):
            done += future.result()
            progress(done, every)
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nobody waits for the rest
        raise
    return done


def make_group(group: list[Case], cache: Cache) -> int:
    """Compute and keep the goldens of cases that share their logits."""
    for case in group:
        cache.golden(case.op, case.quantity, cases.inputs(case), families.audit(case.source))
    return len(group)
