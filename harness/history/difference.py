"""What differs in the environments of two runs: versions first, then what decides about answers, then the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.model import Recorded, Timing

NEVER_STORED = "-"  # a fact that one of the runs has not
CARD = "card: "  # how the facts of an environment begin that say what a time holds
MACHINE = ("processor", "cores", "memory")  # the facts of a host that make it another machine
# Threads, the kind of CPU, and flags: with another of these the same version gives other answers.
DECIDING = re.compile(
    r".*threads|processor|cpu_capability|isa|.*_?flags|deterministic|x64|softmax_custom_jvp|tf32|device|[A-Z][A-Z0-9_]+",
    re.ASCII,
)
VERSION = re.compile(r"\d+\.\d")  # how the value of a fact begins that is a version
MEMORY = re.compile(r"(\d+(?:\.\d+)?) GiB")
WOBBLE = 0.1  # relative: what two readings of one machine's memory may differ by, or a GiB


@dataclass(frozen=True)
class Difference:
    """A fact of the environment that the two runs do not share."""

    where: str  # framework and device, or `machine`
    fact: str
    before: str
    after: str

    @property
    def release(self) -> bool:
        """Whether it is the version of the framework itself."""
        return self.fact == self.where.partition(" ")[0]

    @property
    def version(self) -> bool:
        """Whether it is a version of anything."""
        return bool(VERSION.match(self.before) or VERSION.match(self.after))

    @property
    def decides(self) -> bool:
        """Whether answers may differ by it alone."""
        return DECIDING.fullmatch(self.fact) is not None

    def __str__(self) -> str:
        """Print as `threads 1 -> 2`."""
        return f"{self.fact} {self.before or 'none'} -> {self.after or 'none'}"


def between(before: Recorded, after: Recorded) -> tuple[Difference, ...]:
    """Return the facts that differ, of the machine and of each framework that both runs asked, in order of weight.

    What a time holds is compared where both runs took times there.
    """
    found = list(of_hosts(before.run.host, after.run.host))
    (old, old_timed), (new, new_timed) = _facts(before), _facts(after)
    for where in sorted(old.keys() & new.keys()):
        both = where in old_timed and where in new_timed
        found += [
            one for one in _apart(" on ".join(where), old[where], new[where]) if both or not one.fact.startswith(CARD)
        ]
    return tuple(sorted(found, key=lambda one: (not one.release, not one.decides, not one.version)))


def of_hosts(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    """Yield the facts of two hosts that differ; readings of one memory do not."""
    for one in _apart("machine", _each(before), _each(after)):
        if one.fact != "memory" or not _one_memory(one.before, one.after):
            yield one


def of_facts(where: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    """Yield the facts of two environments that differ."""
    yield from _apart(where, _each(before), _each(after))


def machines(hosts: Sequence[Mapping[str, str]]) -> list[str]:
    """Name the machine of each host by what makes it another one; its system, Python and libraries may change.

    A machine keeps the name that it was first seen under, because what it reads of its memory wobbles.
    """
    seen: list[Mapping[str, str]] = []
    names = []
    for host in hosts:
        first = next((other for other in seen if _one_machine(other, host)), None)
        if first is None:
            seen.append(first := host)
        said = (f"{fact} {first[fact]}" if fact == "cores" else first[fact] for fact in MACHINE if first.get(fact))
        names.append(", ".join(said))
    return names


def _one_machine(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    same = all(one.get(fact) == other.get(fact) for fact in MACHINE if fact != "memory")
    return same and _one_memory(one.get("memory", ""), other.get("memory", ""))


def _one_memory(one: str, other: str) -> bool:
    """Tell whether two texts such as `15 GiB` may be readings of one memory."""
    read = MEMORY.fullmatch(one), MEMORY.fullmatch(other)
    if not (read[0] and read[1]):
        return one == other
    sizes = [float(match[1]) for match in read if match]
    return abs(sizes[0] - sizes[1]) <= max(1.0, WOBBLE * max(sizes))


def _facts(recorded: Recorded) -> tuple[dict[tuple[str, str], dict[str, set[str]]], set[tuple[str, str]]]:
    """Return every value of every fact, by framework and device, and where times were taken.

    A run that was gone on with may hold two values of one fact.
    """
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    timed: set[tuple[str, str]] = set()
    used = dict.fromkeys(
        (r.target.implementation.framework, r.target.device, r.environment, isinstance(r.outcome, Timing))
        for r in recorded.results
    )
    for framework, device, key, is_time in used:
        facts = found.setdefault((framework, device), {})
        for fact, value in recorded.environments.get(key, {}).items():
            facts.setdefault(fact, set()).add(value)
        if is_time:
            timed.add((framework, device))
    return found, timed


def _each(facts: Mapping[str, str]) -> dict[str, set[str]]:
    return {fact: {value} for fact, value in facts.items()}


def _apart(where: str, old: Mapping[str, set[str]], new: Mapping[str, set[str]]) -> Iterator[Difference]:
    for fact in dict.fromkeys([*old, *new]):
        was, now = (", ".join(sorted(facts.get(fact, {NEVER_STORED}))) for facts in (old, new))
        if was != now:
            yield Difference(where, fact, was, now)
