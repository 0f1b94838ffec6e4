"""How a run is carried out: goldens first, then every framework, in processes here or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.running.progress import Progress
from harness.running.runner import Judge, Runner
from harness.running.spread import executors, workers
from harness.running.spread.executors import Cluster
from harness.store import Location, Store
from reference.cache import FOLDER, Cache
from suites.judging.shards.piece import Settings
from suites.judging.shards.run import Sharded
from suites.questions import corpus, goldens, jobs, plan
from xentbench.screen import console, refusing, warn


@dataclass(frozen=True)
class Request:
    """What a run is to do, all of it checked. judge: of what the processes themselves cannot tell any more."""

    wanted: plan.Wanted
    store: Location
    uid: str
    begun: bool  # here, and not by an earlier command
    reference: str
    known: Sequence[Path]
    strict: bool
    judge: Judge
    timeout_seconds: float
    threads: int
    at_once: int
    pythons: Mapping[str, str]  # of frameworks that have an interpreter of their own

    @property
    def words(self) -> list[str]:
        """Options of each framework's process beside what is wanted and what is known."""
        return ["--reference", self.reference, *(["--strict-answers"] if self.strict else [])]

    @property
    def arguments(self) -> list[str]:
        """Options of each framework's process beside what is wanted."""
        return [*self.words, *(word for path in self.known for word in ("--known", str(path)))]

    @property
    def cache(self) -> Cache:
        """Where its goldens are kept."""
        return Cache(self.store.folder / FOLDER, self.reference)


@dataclass(frozen=True)
class Answered:
    """What became of the frameworks: why some gave up, and what is off of an option that only they can tell."""

    failed: Mapping[str, str]
    misused: str


@contextmanager
def opened(where: str, at_once: int) -> Iterator[Executor]:
    """Yield an executor; where there is none, the command ends with a line, and nothing is begun."""
    with ExitStack() as stack:
        with refusing():
            executor = stack.enter_context(executors.opened(where, at_once))
        yield executor


@contextmanager
def cluster(where: str) -> Iterator[Cluster | None]:
    """Yield the cluster of an address; nothing of none."""
    with ExitStack() as stack:
        found = stack.enter_context(opened(where, 1)) if where else None
        assert found is None or isinstance(found, Cluster)
        yield found


def make_goldens(request: Request, on: Cluster | None) -> None:
    """Compute what the cache lacks, before any framework starts."""
    cache = request.cache
    with Progress(console(stderr=True)) as progress:
        progress.doing("reading goldens")
        groups = goldens.missing(wanted := plan.wanted_cases(request.wanted), cache)
    with Store(request.store) as store:
        store.add_notes(request.uid, goldens.told(wanted, groups))
    if spoiled := cache.spoiled:
        warn(f"goldens are made anew: {len(spoiled)} were damaged or another question's, the first {spoiled[0]}")
    if not groups:
        return
    with ExitStack() as stack:
        executor = on or stack.enter_context(executors.opened("", min(request.at_once, len(groups))))
        progress = stack.enter_context(Progress(console(stderr=True)))
        goldens.make(groups, cache, executor, partial(progress.simple, f"goldens ({cache.reference})"))


def answer(request: Request, on: Cluster | None) -> Answered:
    """Ask every framework."""
    if on:
        return _apart(request, on)
    with Progress(console(stderr=True), request.store.folder, request.at_once) as progress:
        runner = Runner(
            store=request.store,
            uid=request.uid,
            logs=request.store.folder / "logs",
            judge=request.judge,
            timeout_seconds=request.timeout_seconds,
            threads=request.threads,
            progress=progress,
        )
        asked = jobs.accuracy(request.wanted, request.arguments)
        own = [replace(job, python=request.pythons.get(job.name, job.python)) for job in asked]
        finished = runner.run(own, at_once=request.at_once)
    failed = {process.job.name: process.reasons[-1] for process in finished if process.failed}
    return Answered(failed, next((process.misused for process in finished if process.misused), ""))


def _apart(request: Request, on: Cluster) -> Answered:
    """Ask in pieces, each by a worker."""
    settings = Settings(
        uid=request.uid,
        arguments=tuple(request.words),
        known=tuple(path.read_text(encoding="utf-8") for path in request.known),
        strict=request.strict,
        corpus=corpus.text(),
        timeout_seconds=request.timeout_seconds,
        threads=request.threads,
        program=workers.program(),
        logs=str(request.store.folder / "logs"),
    )
    sharded = Sharded(request.store, request.wanted, settings, request.cache)
    with Progress(console(stderr=True)) as progress:
        sharded.run(on, partial(progress.simple, f"pieces, on {on.workers} workers"))
    return Answered(sharded.failed, sharded.misused)
