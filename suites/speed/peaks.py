"""Peak memory of every target, read in processes that time nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from harness.model import Case
from harness.timing.duel.fairness import WARM_MALLOC, Peak
from harness.timing.duel.gateways import Place, Refused, Staff, Worker, WorkerLost
from harness.timing.traffic import logits_bytes
from suites.speed import contestants
from suites.speed.contestants import Contestant

# TensorFlow with oneDNN lends from a pool of its own, out of which a second call takes no more of the system's memory.
SYSTEM_ALLOCATOR = ("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")
PEAK_BYTES = 64 << 20  # of logits, beside which what an allocator rounds up to is nothing


@dataclass
class Witnesses:
    """A process a framework, kept from one case to the next; on a device one a target, as jax forgets no peak there."""

    staff: Staff
    place: Place
    _hired: dict[str, Worker] = field(default_factory=dict)
    _known: dict[tuple[object, str], Peak | None] = field(default_factory=dict)

    def peaks(self, entrants: Sequence[Contestant], case: Case) -> dict[str, Peak]:
        """Return the peak of a call of every entrant by its name, where one could be read.

        It is read once, on as many rows as make logits of PEAK_BYTES, and stands for every shape of a question; on the
        cpu in all frameworks at once.
        """
        large = replace(case, rows=math.ceil(PEAK_BYTES / logits_bytes(replace(case, rows=1))))
        question = (case.op, case.dtype, case.quantity)
        new = [one for one in entrants if (question, str(one.target)) not in self._known]
        found = self._read([one for one in new if one.target.device == "cpu"], large)
        for one in new:
            if one.target.device != "cpu":
                found |= self._read([one], large)
                self.end(*self._hired)
        self.staff.deposit.forget(contestants.drawn(large))
        self._known |= {(question, str(one.target)): found.get(str(one.target)) for one in new}
        peaks = {str(one.target): self._known[question, str(one.target)] for one in entrants}
        return {name: peak for name, peak in peaks.items() if peak}

    def _read(self, entrants: Sequence[Contestant], large: Case) -> dict[str, Peak]:
        questions = [one.question(self.staff, large, alone=True) for one in entrants]
        names = list(dict.fromkeys(one.target.implementation.framework for one in entrants))
        for name in names:
            if name not in self._hired:
                self._hired[name] = self.staff.hire(_plain(self.place))
            self.staff.deposit.send(self._hired[name], questions[0].arrays)
        for question in questions:
            with suppress(WorkerLost):  # which is heard below
                self._hired[question.target.implementation.framework].tell("peak", question.told)
        found: dict[str, Peak] = {}
        lost: set[str] = set()
        for question in questions:
            name = question.target.implementation.framework
            try:
                found[str(question.target)] = Peak(self._hired[name].hear(), logits_bytes(large))
            except Refused:
                continue
            except WorkerLost:
                lost.add(name)
        self.end(*lost)
        return found

    def end(self, *names: str) -> None:
        """End the processes of some frameworks."""
        self.staff.dismiss([self._hired.pop(name) for name in names])


def _plain(place: Place) -> Place:
    """Return a place where what is freed is given back at once, else the next call would seem to need less."""
    kept = [(name, value) for name, value in place.variables if name not in WARM_MALLOC]
    return replace(place, variables=(*kept, SYSTEM_ALLOCATOR))
