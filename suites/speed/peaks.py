"""Peak memory of every target, read in processes that time nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from harness.model import Case
from harness.timing.duel.fairness import WARM_MALLOC, Peak
from harness.timing.duel.gateways import Refused, Worker, WorkerLost, Workers
from harness.timing.duel.site import Site
from harness.timing.traffic import logits_bytes
from suites.speed import candidates
from suites.speed.candidates import Candidate

# TensorFlow with oneDNN lends from a pool of its own, out of which a second call takes no more of the system's memory.
SYSTEM_ALLOCATOR = ("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")
PEAK_BYTES = 64 << 20  # of logits, beside which what an allocator rounds up to is nothing


@dataclass
class PeakMemory:
    """A process a framework, kept from one case to the next; on a device one a target, as jax forgets no peak there."""

    workers: Workers
    site: Site
    _by_framework: dict[str, Worker] = field(default_factory=dict)
    _known: dict[tuple[object, str], Peak | None] = field(default_factory=dict)

    def peaks(self, timed: Sequence[Candidate], case: Case) -> dict[str, Peak]:
        """Return the peak of a call of every candidate by its name, where one could be read.

        It is read once, on as many rows as make logits of PEAK_BYTES, and stands for every shape of a case; on the cpu
        in all frameworks at once.
        """
        large = replace(case, rows=math.ceil(PEAK_BYTES / logits_bytes(replace(case, rows=1))))
        kind = (case.op, case.dtype, case.quantity)
        new = [one for one in timed if (kind, str(one.target)) not in self._known]
        read = self._read([one for one in new if one.target.device == "cpu"], large)
        for one in new:
            if one.target.device != "cpu":
                read |= self._read([one], large)
                self.stop(*self._by_framework)
        self.workers.arrays.forget(candidates.arrays_name(large))
        self._known |= {(kind, str(one.target)): read.get(str(one.target)) for one in new}
        peaks = {str(one.target): self._known[kind, str(one.target)] for one in timed}
        return {name: peak for name, peak in peaks.items() if peak}

    def _read(self, timed: Sequence[Candidate], large: Case) -> dict[str, Peak]:
        orders = [one.order(self.workers, large, alone=True) for one in timed]
        for framework in dict.fromkeys(one.framework for one in timed):
            if framework not in self._by_framework:
                self._by_framework[framework] = self.workers.start(_plain(self.site))
            self._by_framework[framework].upload(orders[0].arrays)
        for order in orders:
            with suppress(WorkerLost):  # which is received below
                self._by_framework[order.target.implementation.framework].send("peak", order.fields)
        peaks: dict[str, Peak] = {}
        lost: set[str] = set()
        for one in timed:
            try:
                peaks[str(one.target)] = Peak(self._by_framework[one.framework].receive(), logits_bytes(large))
            except Refused:
                continue
            except WorkerLost:
                lost.add(one.framework)
        self.stop(*lost)
        return peaks

    def stop(self, *frameworks: str) -> None:
        """Stop the processes of some frameworks."""
        self.workers.stop([self._by_framework.pop(framework) for framework in frameworks])


def _plain(site: Site) -> Site:
    """Return a site where what is freed is given back at once, else the next call would seem to need less."""
    kept = [(name, value) for name, value in site.variables if name not in WARM_MALLOC]
    return replace(site, variables=(*kept, SYSTEM_ALLOCATOR))
