"""Who answers a question of the guide: the figures of one way to compute something, each with its place."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from harness.model import FORMATS, Failed, Result, Score
from reports import marks, numbers
from reports.material import FORMAT, Piece, place

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from harness.model import Implementation
    from reports.material import Material
    from reports.ranked import RankedTarget

COLUMNS = ("function", "right on ordinary inputs", "first fails on", "error over bound", "time", "peak memory")
ORDINARY = "normal"  # the family
DIGITS = " digits"


@dataclass(frozen=True)
class Contender:
    """One way to compute something. results: its values in one dtype. timed: its fastest mode, where it was timed.

    families: as they get harder. ordinary: the family that stands for usual inputs. names: how many the function has.
    """

    name: str
    framework: str
    note: str
    results: Sequence[Result]
    families: Sequence[str]
    timed: RankedTarget | None = None
    ordinary: str = ORDINARY
    names: int = 1

    @cached_property
    def breadth(self) -> int:
        """Of how many families it was asked."""
        return len({one.case.family for one in self.results})

    @cached_property
    def usual(self) -> Result | None:
        """The worst answer to ordinary inputs."""
        found = [one for one in self.results if one.case.family == self.ordinary and isinstance(one.outcome, Score)]
        return max(found, key=marks.weight, default=None)

    @cached_property
    def digits(self) -> float | None:
        """Decimal digits that are right in the worst answer to ordinary inputs."""
        return digits(self.usual) if self.usual else None

    @cached_property
    def failing(self) -> Result | None:
        """The first answer that fails, as families get harder and, within one, sizes grow."""
        return min(filter(marks.fails, self.results), key=lambda one: marks.hardness(one, self.families), default=None)

    def on(self, families: Container[str]) -> Contender:
        """Return the same with its answers to some families alone."""
        return replace(self, results=[one for one in self.results if one.case.family in families])

    @property
    def hardness(self) -> tuple[float, float]:
        """How hard the inputs are that it first fails on; infinite where it fails on none."""
        return marks.hardness(self.failing, self.families) if self.failing else (math.inf, math.inf)

    @property
    def strength(self) -> tuple[float, ...]:
        """How well it did, more being better: how far it gets, its digits on ordinary inputs, its names."""
        return *self.hardness, math.floor(10 * (self.digits or 0.0)), self.names

    @cached_property
    def furthest(self) -> tuple[float, Result] | None:
        """The largest error over its bound, with its answer."""
        found = [
            (math.inf if math.isnan(over) else over, one)
            for one in self.results
            if isinstance(one.outcome, Score) and (over := marks.ratio(one.outcome)[0]) is not None
        ]
        return max(found, key=lambda pair: pair[0], default=None)

    @property
    def cells(self) -> tuple[Piece, ...]:
        """The line of the table: COLUMNS."""
        return (
            Piece(self.name, symbol=self.framework, note=self.note),
            Piece(in_digits(self.digits), place(self.usual)) if self.usual and self.digits is not None else Piece(""),
            self._fails(),
            self._over(),
            *self._timed(),
        )

    def _timed(self) -> tuple[Piece, Piece]:
        """Return time and peak memory of its fastest mode."""
        if self.timed is None:
            return Piece("", note="not timed"), Piece("", note="not measured")
        time = Piece(numbers.duration(self.timed.seconds), "#speed", note=self.timed.result.target.mode)
        peak = self.timed.peak
        memory = Piece(f"{numbers.short(peak)} times the logits", "#speed") if peak is not None else None
        return time, memory or Piece("", note="not measured")

    def _fails(self) -> Piece:
        if self.failing is None:
            return Piece("none asked")
        return Piece(self.failing.case.family, place(self.failing), marks.symbol(self.failing), said(self.failing))

    def _over(self) -> Piece:
        if self.furthest is None:
            return Piece("")
        over, result = self.furthest
        assert isinstance(result.outcome, Score)
        return Piece(f"{numbers.short(over)} S", place(result), note=result.case.family)


def digits(result: Result) -> float:
    """Return how many decimal digits of an answer are right: of its worst element, at most those of its format."""
    assert isinstance(result.outcome, Score)
    precision = FORMATS[result.case.dtype].precision
    off = result.outcome.max_ulp
    if math.isnan(off) or math.isinf(off):
        return 0.0
    return max(0.0, (precision - 1) * math.log10(2) - math.log10(max(off, 0.5)))


def in_digits(count: float | None) -> str:
    """Print a number of digits to a tenth, rounded down."""
    return "" if count is None else f"{math.floor(10 * count) / 10:g}{DIGITS}" if count >= 0.1 else "no digit"


def said(result: Result) -> str:
    """Say what came of an answer instead of what is exact, as `inf instead of 122.87`; nothing where it is not kept."""
    if isinstance(result.outcome, Failed):
        return result.outcome.error or "an error"
    worst = result.outcome.worst if isinstance(result.outcome, Score) else None
    return f"{' instead of '.join(_apart(worst.got, worst.exact))}" if worst else ""


def _apart(*texts: str) -> list[str]:
    """Print numbers, stored as hex or as decimal digits, with as many digits as tell them apart, at least five."""
    values = [_number(text) for text in texts]
    for precision in range(5, 18):
        shown = [f"{value:.{precision}g}" if isinstance(value, float) else value for value in values]
        if len({*shown}) == len(shown):
            break
    return shown


def _number(text: str) -> float | str:
    try:
        return float.fromhex(text) if "x" in text.lower() else float(text)
    except ValueError:
        return text


def contenders(
    material: Material,
    *ops: str,
    kinds: Sequence[str] = ("fused",),
    dtype: str = FORMAT,
    ordinary: str = ORDINARY,
    family: str = "",
    wanted: Callable[[Implementation], bool] = lambda _: True,
    by_mode: bool = False,
) -> list[Contender]:
    """Return the functions that answered ops, the strongest first; names of one function are one.

    What was asked less than half the families that another function of its framework and op was is left out.
    family: the only one, where one is asked about. wanted: tells of an implementation. by_mode: a contender a mode.
    """
    members: dict[tuple[Implementation, str], list[Result]] = {}
    for answer in material.answers:
        case, target = answer.case, answer.target
        if case.quantity != "value" or case.dtype != dtype or str(case.op) not in ops:
            continue  # as most are
        implementation = material.functions.get(target.implementation, target.implementation)
        asked = case.source.kind in {"family", "sweep"} and (not family or case.family == family)
        answered = isinstance(answer.outcome, Score) or marks.fails(answer)
        if asked and answered and implementation.kind in kinds and wanted(implementation):
            members.setdefault((implementation, target.mode if by_mode else ""), []).append(answer)
    times = fastest(material)
    found = [
        Contender(
            f"{one.name}@{mode}" if mode else one.name,
            one.framework,
            f"{one.op}, {one.kind}",
            results,
            list(material.descriptions),
            next((times[key] for each in _names(material, one) if (key := (each, mode)) in times), None),
            ordinary,
            len(_names(material, one)),
        )
        for (one, mode), results in members.items()
    ]
    most: dict[tuple[str, str], int] = {}
    for one in found:
        most[one.framework, one.note] = max(one.breadth, most.get((one.framework, one.note), 0))
    found = [one for one in found if 2 * one.breadth >= most[one.framework, one.note]]
    return sorted(found, key=lambda one: (*(-each for each in one.strength), one.framework, one.name))


def _names(material: Material, implementation: Implementation) -> list[Implementation]:
    return [each for each, stands in material.functions.items() if stands == implementation] or [implementation]


def fastest(material: Material) -> dict[tuple[Implementation, str], RankedTarget]:
    """Return of each implementation, and of each of its modes, the least time of a value of the largest size timed."""
    found: dict[tuple[Implementation, str], RankedTarget] = {}
    largest: dict[str, int] = {}
    plain = [one for one in material.rankings if (one.case.quantity, one.case.dtype) == ("value", FORMAT)]
    for ranking in plain:
        op, size = str(ranking.case.op), ranking.case.rows * ranking.case.classes
        largest[op] = max(largest.get(op, 0), size)
    for ranking in plain:
        if ranking.case.rows * ranking.case.classes == largest[str(ranking.case.op)]:
            for one in ranking.targets:
                implementation = one.result.target.implementation
                for key in ((implementation, ""), (implementation, one.result.target.mode)):
                    if key not in found or one.seconds < found[key].seconds:
                        found[key] = one
    return found


def champions(every: Iterable[Contender]) -> list[Contender]:
    """Return the strongest of each framework, op and kind."""
    found: dict[tuple[str, str], Contender] = {}
    for one in every:
        found.setdefault((one.framework, one.note), one)
    return sorted(found.values(), key=lambda one: (one.note, one.framework))


def together(members: Sequence[Contender], where: str = " on ordinary inputs") -> str:
    """Say in words how some contenders did: digits right, how many fail, and what fails first.

    where: on which inputs digits are right.
    """
    if not members:
        return "not asked"
    words, known = [], [one.digits for one in members if one.digits is not None]
    if known:
        low, high = in_digits(min(known)), in_digits(max(known))
        words.append(f"{high if low == high else f'{low.removesuffix(DIGITS)} to {high}'} right{where}")
    failing = [(one.hardness, failed) for one in members if (failed := one.failing)]
    if failing:
        first = min(failing, key=lambda pair: pair[0])[1]
        came = said(first)
        fails = "it fails" if len(members) == 1 else f"{len(failing)} of {len(members)} fail{'s'[len(failing) - 1 :]}"
        words.append(f"{fails}, first on {first.case.family}{f' ({came})' if came else ''}")
    else:
        words.append("it fails on none asked" if len(members) == 1 else f"none of {len(members)} fails on any asked")
    return ", ".join(words)


def best(groups: Mapping[str, Sequence[Contender]]) -> list[str]:
    """Return the names of the groups whose strongest member gets furthest before it fails."""
    reached = {name: max(one.hardness for one in members) for name, members in groups.items()}
    return [name for name, found in reached.items() if found == max(reached.values())]
