"""A sweep as a whole: cut into pieces, handed to an executor, put together, and judged like any answer."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.model import BUDGET_CLASSES, FORMATS, Case, Outcome, Score, Target
from harness.ops import OPS, VALUE_AND_GRADIENT
from harness.running.spread.pieces import Pieces
from harness.scoring import line, swept
from harness.store import NAMES, pack, unpack
from suites.judging.sweeps import account, furthest
from suites.judging.sweeps import piece as pieces
from suites.judging.sweeps.account import Furthest, Part
from suites.judging.sweeps.piece import Described, Done, Piece
from suites.questions import cases
from suites.questions.swept import pairs, widths
from suites.questions.swept.lines import LINES

ROWS = 6  # of float32's line in a piece: 50 million numbers
BESIDE = 16 * line.WIDTHS  # widths in a piece
NUMBERS = 1024  # of a short format in a piece, each beside all of them: 65 million pairs
CUT = "float32"  # whose line is asked in pieces; other lines are asked as a whole

Progress = Callable[[int, int, float], None]  # pieces done, all, numbers a second
Key = tuple[Case, Target]


class NotSwept(ValueError):  # noqa: N818 - said of an op
    """An op that has more inputs than can be asked."""


@dataclass(frozen=True)
class Wanted:
    """What is to be swept; quantities: nothing for all."""

    ops: tuple[str, ...]
    dtype: str
    quantities: tuple[str, ...] = ()
    binades: tuple[int, int] = (0, 0)  # rows of the line, from and up to; none for all
    widths: tuple[int, int] = (0, 0)  # of rows that are asked instead, both ends included; none for no such rows

    def cases(self) -> list[Case]:
        """Return the lines and pairs, or rows of every width. Raises NotSwept for an op that has none."""
        if self.widths[1]:
            return self._of_widths()
        points = [name for name, record in OPS.items() if record.elementwise and not record.apart]
        for name in self.ops:
            if name not in (*points, *pairs.ASKED):
                known = f"{', '.join(points)}, or two: {', '.join(pairs.ASKED)}"
                raise NotSwept(f"op is {name!r}, expected one whose answer is of one number: {known}")
            if name in pairs.ASKED and self.dtype not in (*pairs.SHORT, pairs.CUT):
                known = ", ".join((*pairs.SHORT, pairs.CUT))
                raise NotSwept(f"dtype of pairs is {self.dtype!r}, expected one of {known}")
        every = (
            case for name in LINES for case in cases.lines(name, self.dtype) if case.op.name in (self.ops or points)
        )
        of_pairs = (case for name in self.ops for case in pairs.cases(name, self.dtype))
        return [case for case in (*every, *of_pairs) if case.quantity in (self.quantities or VALUE_AND_GRADIENT)]

    def _of_widths(self) -> list[Case]:
        if off := [name for name in self.ops if name not in widths.ASKED]:
            raise NotSwept(f"op is {off[0]!r}, expected one that is asked every width: {', '.join(widths.ASKED)}")
        if self.quantities and "value" not in self.quantities:
            raise NotSwept(f"quantity is {', '.join(self.quantities)}, expected value, which is asked every width")
        return [case for name in self.ops or widths.ASKED for case in widths.cases(name, self.dtype)]

    def rows(self) -> tuple[int, int]:
        """Return the rows that are asked of what is cut, or the widths."""
        if self.widths[1]:
            return self.widths[0], self.widths[1] + 1
        first, last = self.binades
        return (first, last) if last else (0, line.shape(FORMATS[self.dtype])[0])


@dataclass
class Sweep:
    """The answers to one framework's pieces. asking_seconds and seconds: of the processors, in calls and in all."""

    wanted: Wanted
    pieces: list[Piece]
    asking_seconds: float = 0.0
    seconds: float = 0.0
    kept: int = 0  # pieces that an earlier try has left
    parts: dict[Key, list[Part]] = field(default_factory=dict)
    outcomes: dict[Key, Outcome] = field(default_factory=dict)

    def results(self) -> Iterator[tuple[Case, Target, Outcome]]:
        """Yield what each target came to, the lines put together."""
        for (case, target), outcome in self.outcomes.items():
            yield case, target, outcome
        for (case, target), parts in self.parts.items():
            if (case, target) not in self.outcomes:
                yield case, target, score(case, parts)


def described(executor: Executor, frameworks: Sequence[str]) -> dict[str, Described | str]:
    """Return what each framework is where the work is done, or why it cannot be asked."""
    waiting = {name: executor.submit(pieces.describe, name) for name in frameworks}
    found: dict[str, Described | str] = {}
    for name, future in waiting.items():
        try:
            found[name] = future.result()
        except Exception as error:  # noqa: BLE001 - NotInstalled, and whatever an import raises
            found[name] = str(error)
    return found


def cut(wanted: Wanted, framework: str, found: Described, modes: Sequence[str], kinds: Sequence[str]) -> list[Piece]:
    """Return the pieces of a framework. modes: nothing for all; kinds: of implementations that are asked."""

    def takes(case: Case, target: Target) -> bool:
        asked = target.implementation
        of_op = asked.op == case.op.name and asked.kind in kinds
        every = not (wanted.widths[1] and target.mode in found.compiling)  # a width is a compilation there
        return of_op and (target.mode in modes if modes else every)

    facts = tuple(sorted(found.facts.items()))
    asked = [
        (case, targets)
        for case in wanted.cases()
        if (targets := tuple(target for target in found.targets if takes(case, target)))
    ]
    of_each: dict[str, list[tuple[Case, tuple[Target, ...]]]] = {}
    for one in asked:  # all lines have the same numbers
        of_each.setdefault(one[0].family if one[0].family in (*pairs.PAIRS, *widths.WIDTHS) else "", []).append(one)
    return [piece for family, some in of_each.items() for piece in _pieces(wanted, framework, family, some, facts)]


def _pieces(
    wanted: Wanted,
    framework: str,
    family: str,
    asked: Sequence[tuple[Case, tuple[Target, ...]]],
    facts: tuple[tuple[str, str], ...],
) -> Iterator[Piece]:
    """Yield the pieces of lines, or of a family of pairs."""
    if not family and wanted.dtype != CUT:
        yield from (Piece(framework, (one,), None, facts) for one in asked)
        return
    first, last = wanted.rows()
    if family in widths.WIDTHS:
        while first < last:
            end = min((first - 1) // BESIDE * BESIDE + BESIDE + 1, last)
            yield Piece(framework, tuple(asked), (first, end), facts)
            first = end
        return
    every = NUMBERS // line.shape(FORMATS[wanted.dtype])[1] if family == pairs.EVERY_PAIR else ROWS
    for start in range(first, last, every):
        yield Piece(framework, tuple(asked), (start, min(start + every, last)), facts)


def run(wanted: Wanted, every: Sequence[Piece], executor: Executor, kept: Pieces, progress: Progress) -> Sweep:
    """Answer all pieces; those that are kept from an earlier try are not asked again. Raises what a worker raises."""
    sweep = Sweep(wanted, list(every))
    there = kept.get(piece.key for piece in every)
    found = {piece.key: unpacked(piece, there[piece.key]) for piece in every if piece.key in there}
    sweep.kept = len(found)
    left = [piece for piece in every if piece.key not in found]
    began, numbers = time.monotonic(), 0
    progress(len(found), len(every), 0.0)
    futures = {executor.submit(pieces.answer, piece): piece for piece in left}
    try:
        for future in as_completed(futures):
            done = future.result()
            piece = futures.pop(future)
            kept.add(piece.key, packed(done))
            found[piece.key] = done
            sweep.seconds += done.seconds
            sweep.asking_seconds += done.asking_seconds
            numbers += asked(piece)
            progress(len(found), len(every), numbers / (time.monotonic() - began))
    except BaseException:
        for future, piece in futures.items():
            if not future.cancel() and future.done() and not future.exception():
                kept.add(piece.key, packed(future.result()))  # nothing that is done is lost
        raise
    for piece in every:
        for case, target, one in found[piece.key].found:
            if isinstance(one, Part):
                sweep.parts.setdefault((case, target), []).append(one)
            else:
                sweep.outcomes.setdefault((case, target), one)
    return sweep


def asked(piece: Piece) -> int:
    """Return how many numbers a piece puts to targets."""
    targets = sum(len(targets) for _, targets in piece.questions)
    if piece.rows is None:
        return sum(case.rows * case.classes * len(targets) for case, targets in piece.questions)
    case = piece.questions[0][0]
    per_row = account.PER_ROW
    if case.family in widths.WIDTHS:
        first, last = piece.rows
        return (last - first) * (first + last - 1) // 2 * targets
    if case.family == pairs.EVERY_PAIR:
        per_row = case.rows // line.shape(FORMATS[case.dtype])[0]
    return (piece.rows[1] - piece.rows[0]) * per_row * targets


def score(case: Case, parts: Sequence[Part]) -> Score:
    """Put the parts of an answer together."""
    whole = swept.joined(swept.unpack(part.text) for part in parts)
    worst = max((part.worst for part in parts), key=lambda one: (abs(one.ulps), -one.place))
    kinds = dict.fromkeys(kind for part in parts for kind in part.over)
    over = {kind: max(part.over.get(kind, 0.0) for part in parts) for kind in kinds}
    verdicts: dict[str, int] = {}
    for part in parts:
        for name, count in part.verdicts.items():
            verdicts[name] = verdicts.get(name, 0) + count
    met = (kind for kind in BUDGET_CLASSES if over.get(kind, np.inf) <= 1)
    return Score(
        elements=whole.elements,
        max_ulp=abs(worst.ulps),
        mean_ulp=whole.mean_ulp,
        bias_ulp=whole.bias_ulp if np.isfinite(worst.ulps) else float("nan"),
        over_bound=over,
        budget_class=next(met, None),
        verdicts=verdicts,
        worst=furthest.row(case, worst),
        bits=_digest([part.bits for part in parts] if parts[0].bits else whole.digests),
        swept=swept.pack(whole),
    )


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:16]


def packed(done: Done) -> str:
    """Return what was done as a text, in the order of the piece's questions."""
    found = []
    for _, _, one in done.found:
        if isinstance(one, Part):
            worst = [one.worst.place, str(one.worst.ulps), str(one.worst.got)]
            over = {kind: str(number) for kind, number in one.over.items()}
            found.append(["part", [one.text, over, dict(one.verdicts), worst, one.bits]])
        else:
            found.append([NAMES[type(one)], list(pack(one))])
    return json.dumps([found, str(done.asking_seconds), done.seconds])


def unpacked(piece: Piece, text: str) -> Done:
    """Return what was packed of a piece."""
    found, asking_seconds, seconds = json.loads(text)
    keys = [(case, target) for case, targets in piece.questions for target in targets]
    done = [(case, target, _one(*one)) for (case, target), one in zip(keys, found, strict=True)]
    return Done(tuple(done), float(asking_seconds), seconds)


def _one(name: str, fields: Any) -> Outcome | Part:
    if name != "part":
        return unpack(name, *fields)
    text, over, verdicts, (place, ulps, got), bits = fields
    furthest = Furthest(place, float(ulps), float(got))
    return Part(text, {kind: float(number) for kind, number in over.items()}, verdicts, furthest, bits)
