"""Make all goldens of a plan beforehand, in as many processes as an executor has, here or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.model import Case
from harness.running.spread import workers
from harness.running.spread.executors import Cluster
from reference.cache import Cache
from suites.questions import cases, corpus, families


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

    A group is a picklable task and stays in one process, because its goldens share their row sums. A process here
    writes to the cache itself; a worker elsewhere sends what it would have written. Raises Mismatch, of such a worker.
    """
    every = sum(map(len, groups))
    done = 0
    # The dearest first, so that no process is left alone with one at the end.
    ordered = sorted(groups, key=lambda group: -group[0].rows * group[0].classes * len(group))
    try:
        futures = _submitted(ordered, cache, executor)
        for future in as_completed(futures):
            cache.put(future.result())
            done += futures[future]
            progress(done, every)
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nobody waits for the rest
        raise
    return done


def _submitted(
    groups: Iterable[list[Case]], cache: Cache, executor: Executor
) -> dict[Future[Mapping[str, bytes]], int]:
    """Hand groups out; return how many cases each future is of."""
    if not isinstance(executor, Cluster):
        return {executor.submit(make_group, group, cache): len(group) for group in groups}
    own, program = corpus.text(), workers.program()
    return {executor.submit(send_group, group, cache.reference, own, program): len(group) for group in groups}


def make_group(group: list[Case], cache: Cache) -> Mapping[str, bytes]:
    """Compute and keep the goldens of cases that share their logits; return what is still to be kept: nothing."""
    for case in group:
        cache.golden(case.op, case.quantity, cases.inputs(case), families.audit(case.source))
    return {}


def send_group(group: list[Case], reference: str, own: str, program: Mapping[str, str]) -> dict[str, bytes]:
    """Compute such goldens for another machine's cache; return files by their names in it.

    own: the corpus that is asked there. program: facts that this worker's have to equal, else Mismatch is raised.
    """
    workers.check(workers.program(), program, "where the goldens are wanted")
    with TemporaryDirectory(prefix="xentbench-") as folder, corpus.lent(own):
        cache = Cache(Path(folder), reference)
        make_group(group, cache)
        return files(group, cache)


def files(some: Iterable[Case], cache: Cache) -> dict[str, bytes]:
    """Return the files of cases' goldens that are in a cache, by their names in it."""
    return dict(found for case in some if (found := cache.file(case.op, case.quantity, cases.inputs(case))))
