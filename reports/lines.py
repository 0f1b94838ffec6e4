"""A line of a table: one op with its options, asked of one target; how lines are told apart, sorted and named."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from harness.model import KINDS, Score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.model import Implementation, Result, Target

Line = tuple[str, "Target"]  # op, who answered
Names = tuple["Implementation", ...]
FRAMEWORKS = ("torch", "jax", "tensorflow")  # in this order, then others by name, and the control last
CONTROL = "numpy"


def line(result: Result) -> Line:
    """Return the line a result belongs to."""
    return str(result.case.op), result.target


def order(line: Line) -> tuple[object, ...]:
    """Sort lines by op, framework, kind (fused first), name, mode."""
    op, target = line
    implementation = target.implementation
    kind = list(KINDS).index(implementation.kind)
    return op, framework(implementation.framework), kind, implementation.name, target.mode, target.device


def framework(name: str) -> tuple[int, str]:
    """Sort frameworks."""
    return FRAMEWORKS.index(name) if name in FRAMEWORKS else len(FRAMEWORKS) + (name == CONTROL), name


def functions(results: Iterable[Result]) -> dict[Implementation, Implementation]:
    """Return of each fused implementation the plainest of its names, itself where it has no other.

    Names are of one function where they were asked the same in the same modes and answered the same, bit by bit. A run
    that kept no bits tells of none. Checks and options are left out: names of one function may offer different ones.
    """
    rooms: dict[tuple[str, str], list[Result]] = {}  # of a framework and op, beyond which no two names are of one
    for result in results:
        one, case = result.target.implementation, result.case
        if one.kind == "fused" and not case.check and case.source.kind != "options":
            rooms.setdefault((one.framework, one.op), []).append(result)
    return {each: _plainest(names) for room in rooms.values() for names in _alike(room) for each in names}


def _alike(results: Iterable[Result]) -> Iterable[Sequence[Implementation]]:
    """Return the implementations that answered in groups, each of one function."""
    asked: dict[Implementation, set[Any]] = {}
    told: set[Implementation] = set()  # apart from others by their bits
    for result in results:
        target, outcome = result.target, result.outcome
        bits = outcome.bits if isinstance(outcome, Score) else ""
        came = bits or type(outcome).__name__
        asked.setdefault(target.implementation, set()).add((result.case, target.mode, target.device, came))
        if bits:
            told.add(target.implementation)
    named: dict[Any, list[Implementation]] = {}
    for one, seen in asked.items():
        named.setdefault(frozenset(seen) if one in told else one, []).append(one)
    return named.values()


def _plainest(names: Sequence[Implementation]) -> Implementation:
    """Return the shortest name, of the package that most of the names are of."""
    packages = Counter(one.name.partition(".")[0] for one in names)
    return min(
        names,
        key=lambda one: (
            *("(" in one.name, -packages[one.name.partition(".")[0]]),
            *(one.name.count("."), len(one.name), one.name),
        ),
    )


def where(target: Target) -> str:
    """Return the mode, with the device where it is not the cpu."""
    return target.mode if target.device == "cpu" else f"{target.mode} on {target.device}"


def names(found: Mapping[Implementation, Implementation]) -> Mapping[Implementation, Names]:
    """Return of each fused implementation all names of its function, as `functions` found them, the plainest first."""
    groups: dict[Implementation, list[Implementation]] = {}
    for one, plainest in found.items():
        groups.setdefault(plainest, []).append(one)
    named = {plainest: (plainest, *(one for one in every if one != plainest)) for plainest, every in groups.items()}
    return {one: named[plainest] for plainest, every in groups.items() for one in every}


def meaning(result: Result) -> str:
    """Return the options of a case as text; axes of one rank share a line."""
    options = dict(result.case.op.params)
    if set(options) == {"axis", "rank"}:
        return f"rank {options['rank']}, every axis"
    return ", ".join(f"{name} = {value}" for name, value in options.items()) or "none"
