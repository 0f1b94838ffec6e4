"""A run on a cluster: cut into pieces, handed out, and merged as they come."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from harness.files import merge, runfile
from harness.files.fields import Part
from harness.running.spread.executors import Cluster
from harness.running.spread.workers import Mismatch
from harness.store import Location, Store
from reference.cache import Cache
from suites.judging.shards import piece as pieces
from suites.judging.shards.piece import Done, Piece, Settings
from suites.questions import goldens, jobs, plan
from suites.questions.plan import Wanted

Progress = Callable[[int, int], None]  # pieces done, all


@dataclass
class Sharded:
    """A run on a cluster, and what came of it. failed: why a framework gave up. misused: an option that is off."""

    store: Location
    wanted: Wanted
    settings: Settings
    cache: Cache
    failed: dict[str, str] = field(default_factory=dict)
    misused: str = ""
    asked: set[str] = field(default_factory=set)  # frameworks
    nothing: dict[str, str] = field(default_factory=dict)  # why others could not be asked
    _at_hand: tuple[tuple[int, int], Mapping[str, bytes]] = (0, 0), MappingProxyType({})  # goldens of a part

    def run(self, cluster: Cluster, progress: Progress) -> None:
        """Have all pieces answered, one a worker in hand and one at hand, each merged when it is done.

        Raises Mismatch where workers differ, and what a worker raises; what was merged stays.
        """
        parts = cut(self.wanted, cluster.workers)
        left = deque((part, name) for part in parts for name in jobs.slowest_first(self.wanted))
        count, done = len(left), 0
        in_hand: dict[Future[Done], str] = {}
        with Store(self.store) as store:
            store.forget_not_run(self.settings.uid, self.wanted.frameworks)
        while (left or in_hand) and not self.misused:
            while left and len(in_hand) < 2 * cluster.workers:
                part, name = left.popleft()
                in_hand[cluster.submit(pieces.answer, self.piece(part, name))] = name
            progress(done, count)
            for future in wait(in_hand, return_when=FIRST_COMPLETED).done:
                self.take(in_hand.pop(future), future.result())
                done += 1

    def piece(self, part: Wanted, framework: str) -> Piece:
        """Return a piece, which carries all that a worker cannot know."""
        own = tuple(pair for pair in part.pairs if pair[0] == framework) or ((framework, ""),)
        wanted = replace(part, pairs=own)
        return Piece(framework, wanted, self.settings, self._goldens(part), self._begun(wanted, framework))

    def _begun(self, wanted: Wanted, framework: str) -> bytes:
        """Return the run with those of its results that would be asked again."""
        file = io.BytesIO()
        with Store(self.store) as store:
            here = (
                one
                for one in store.results(self.settings.uid)
                if one.target.implementation.framework == framework and plan.in_shard(one.case, *wanted.shard)
            )
            begun = store.begun(self.settings.uid)
            runfile.write(Part(replace(begun, not_run=[], run=replace(begun.run, shards=())), here), file)
        return file.getvalue()

    def _goldens(self, part: Wanted) -> Mapping[str, bytes]:
        if self._at_hand[0] != part.shard:  # else the framework before has them, too
            self._at_hand = part.shard, goldens.files(plan.wanted_cases(part), self.cache)
        return self._at_hand[1]

    def take(self, framework: str, done: Done) -> None:
        """Merge what a piece came to. Raises Mismatch where it does not go with what is there."""
        self.misused = self.misused or done.misused
        if self.misused:
            return
        if done.failed:
            self.failed[framework] = done.failed
        if done.log:
            logs = Path(self.settings.logs)
            logs.mkdir(parents=True, exist_ok=True)
            with (logs / f"{framework}.log").open("a", encoding="utf-8") as log:
                log.write(done.log)
        with TemporaryDirectory(prefix="xentbench-") as folder, Store(self.store) as store:
            file = Path(folder) / "piece.run.jsonl.gz"
            file.write_bytes(done.file)
            self._agree(framework, done, store.begun(self.settings.uid).environments.values(), runfile.part(file))
            merge.merge(store, file)

    def _agree(self, framework: str, done: Done, here: Iterable[Mapping[str, str]], came: Part) -> None:
        """Raise Mismatch where one worker's framework is another's of other versions, or is not there."""
        known = {(facts["framework"], facts["device"]): facts for facts in here}
        for facts in came.begun.environments.values():
            other = known.get((facts["framework"], facts["device"]), facts)
            for name in sorted(facts.keys() | other.keys()):
                if facts.get(name) != other.get(name):
                    raise Mismatch(
                        f"a worker's {framework} has {name} {facts.get(name)!r}, expected {other.get(name)!r} as its "
                        "answers that are there; try: the same environment for all workers"
                    )
        if done.nothing:
            self.nothing[framework] = done.nothing
        elif came.begun.environments:
            self.asked.add(framework)
        if framework in self.asked and framework in self.nothing:
            raise Mismatch(
                f"a worker has no {framework} ({self.nothing[framework]}), expected it as another one has; "
                "try: the same environment for all workers"
            )


def cut(wanted: Wanted, count: int) -> list[Wanted]:
    """Return so many parts of what is wanted, of a shard its own parts."""
    part, parts = wanted.shard
    return [replace(wanted, shard=(part + parts * i, parts * count)) for i in range(count)]
