"""Sum up the errors of cells: by numpy, or by a compiled loop that gives the same.

An element whose error is not certain to lie on its side of 0.5 ulp, and one that is no plain distance, is left to
whoever asks, who measures it by the definitions and adds it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.jit import Loops
from harness.model import Array, Format, Golden
from harness.scoring import metrics, ulp
from harness.scoring.bits import digest
from harness.scoring.swept import BINS, EDGES, FINE, MOST, REGIONS, Of, Region, Swept
from harness.scoring.ulp import Truth

LOOPS = Loops(
    "harness.scoring.cell_loops",
    ("harness.jit", "harness.scoring.swept", "harness.scoring.cells", "harness.scoring.cell_loops"),
)
PLAIN = "plain"
CELLS = 512  # of a line, about
DIGITS = 8  # of a row's digest; that of the whole answer has more
CODES = (PLAIN, *metrics.VERDICTS)
SLACK = 2.0**-50  # relative: what measuring itself may lose
LOST = 2.0**-56  # of an ulp: beside half of one it is lost, here and in the definitions
EDGE = 2.0**-20  # relative: nearer than this to where a format ends, what an answer is is left to the definitions
WIDEST = 2.0**-10  # ulps that a float64 value may be off by to be measured against


class Sums(NamedTuple):
    """What some elements come to. worst: the signed error of the largest size; place: where it is, the first of equals.

    size, lean: sums of errors and of signed errors, in FINE. low, high: the least and the largest signed error.
    """

    elements: int
    bins: tuple[int, ...]
    worst: float
    place: int
    size: int
    lean: int
    low: float
    high: float

    def plus(self, other: Sums) -> Sums:
        """Return what both come to."""
        first = max(self, other, key=lambda one: (one.elements > 0, abs(one.worst), -one.place))
        return Sums(
            self.elements + other.elements,
            tuple(a + b for a, b in zip(self.bins, other.bins, strict=True)),
            first.worst,
            first.place,
            self.size + other.size,
            self.lean + other.lean,
            min(self.low, other.low),
            max(self.high, other.high),
        )

    def behind(self, places: int) -> Sums:
        """Return the same of elements that lie so many places further on."""
        return self._replace(place=self.place + places)


NONE = Sums(0, (0,) * BINS, 0.0, 0, 0, 0, math.inf, -math.inf)


def measure(got: Array, truth: Truth, form: Format) -> tuple[Sums, Array]:
    """Sum up what is certain and plain of an answer in its own dtype, flat, and return where the others are."""
    wide = got if got.dtype.itemsize >= 4 else got.astype(np.float32)  # which a compiled loop reads
    loops: Any = LOOPS.get(got.size)
    if loops is None:
        return _by_numpy(wide, truth, form)
    found: tuple[Sums, Array] = LOOPS.proved(
        "measure", lambda: _by_loop(loops, wide, truth, form), lambda: _by_numpy(wide, truth, form)
    )
    return found


def _by_loop(loops: Any, got: Array, truth: Truth, form: Format) -> tuple[Sums, Array]:
    whole, bins, fractions, left = loops.measure(got, *truth, (form.precision, form.emin, form.emax))
    count, place, size, lean = whole.tolist()
    worst, low, high = (fractions + 0.0).tolist()  # no -0.0
    return (Sums(count, tuple(bins.tolist()), worst, place, size, lean, low, high) if count else NONE), left


def _by_numpy(got: Array, truth: Truth, form: Format) -> tuple[Sums, Array]:
    with np.errstate(invalid="ignore", over="ignore"):
        ulps, sure = apart(got, truth, form)
        kept = sure & ((np.abs(ulps) <= 0.5) | ((got != 0) & np.isfinite(got) & (got * truth.value >= 0)))
    return some(ulps[kept], np.flatnonzero(kept)), np.flatnonzero(~kept)


def some(ulps: Array, places: Array) -> Sums:
    """Sum up elements by their signed errors, nan as infinitely far above, and by their places."""
    if not len(ulps):
        return NONE
    (sums,) = each(ulps.reshape(1, -1))
    return sums._replace(place=int(places[sums.place]))


def each(ulps: Array) -> list[Sums]:
    """Sum up each row of signed errors; a place is that within the row."""
    lost = np.isnan(ulps)
    signed = np.where(lost, np.inf, ulps) + 0.0  # no -0.0
    sizes = np.abs(signed)
    top = sizes.argmax(axis=1)
    upto = [np.zeros(len(ulps), np.int64), *(np.count_nonzero(sizes <= edge, axis=1) for edge in EDGES)]
    bins = np.diff([*upto, np.full(len(ulps), ulps.shape[1])], axis=0).T.tolist()
    whole = np.rint(np.minimum(sizes, MOST) / FINE).astype(np.int64)
    leans = np.where(lost, 0, np.where(signed < 0, -whole, whole)).sum(axis=1)
    worst = signed[np.arange(len(ulps)), top].tolist()
    lows, highs = signed.min(axis=1).tolist(), signed.max(axis=1).tolist()
    columns = zip(bins, worst, top.tolist(), whole.sum(axis=1).tolist(), leans.tolist(), lows, highs, strict=True)
    return [Sums(ulps.shape[1], tuple(counts), *rest) for counts, *rest in columns]


def apart(got: Array, truth: Truth, form: Format) -> tuple[Array, Array]:
    """Return the signed errors in ulps, and which are certain to lie on their side of 0.5."""
    bits = truth.value.view(np.int64)
    exponent = ((bits >> 52) & 0x7FF) - 1023 - (truth.below & ((bits & 0x000FFFFFFFFFFFFF) == 0))
    exponent = np.clip(exponent, form.emin, form.emax)
    scale = ((form.precision - 1 - exponent + 1023) << 52).view(np.float64)
    error = ((got - truth.base) - truth.part) * scale
    size, reach = np.abs(error), np.abs(truth.part) * scale
    off = (truth.radius + SLACK) * reach
    sure = (np.abs(size - 0.5) > off + SLACK * size) | ((size == 0.5) & (reach < LOST))
    return error, sure & (off <= WIDEST)


def overflow(form: Format) -> float:
    """Return the number from which on a number rounds to infinity."""
    return 2.0 ** (form.emax + 1) - 2.0 ** (form.emax - form.precision)


def judged(got: Array, golden: Golden, form: Format, flushable: Array) -> tuple[Array, Array]:
    """Return signed errors in ulps and the place in CODES of each element's verdict, by the definitions."""
    wide = got.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        ulps = ulp.error(wide, golden, form)
        size = np.abs(ulp.scale(golden.hi, 0 if golden.exponent is None else golden.exponent))
        answers = metrics.Answers(wide, golden, form, ulps, flushable, size)
        codes = np.zeros(got.shape, np.uint8)
        for code, name in reversed(list(enumerate(CODES))):
            if name != PLAIN:
                codes[metrics.VERDICTS[name](answers)] = code
    return ulps, codes


def whole(got: Array, golden: Golden, form: Format, flushable: Array) -> Swept:
    """Sum up an answer to a whole line, (rows, numbers of a row), whose exact values are all certified."""
    ulps, codes = judged(got, golden, form, flushable)
    rows, width = got.shape
    parts = max(1, CELLS // rows)
    cells = each(ulps.reshape(rows * parts, -1))
    placed = [sums.behind(number * (width // parts)) for number, sums in enumerate(cells)]
    return swept(placed, parts, [digest(row)[:DIGITS] for row in got], *regions(codes.reshape(-1), 0))


def swept(
    cells: Sequence[Sums],
    parts: int,
    digests: Sequence[str],
    found: Sequence[Region],
    turns: int,
    of: Of = "numbers",
) -> Swept:
    """Return the sums of cells, of which a row has so many parts."""
    return Swept(
        parts,
        tuple(sums.elements for sums in cells),
        tuple(tuple(sums.bins[k] for sums in cells) for k in range(BINS)),
        tuple(sums.worst for sums in cells),
        tuple(sums.place for sums in cells),
        tuple(sums.size for sums in cells),
        tuple(sums.lean for sums in cells),
        tuple(sums.low for sums in cells),
        tuple(sums.high for sums in cells),
        tuple(digests),
        tuple(found),
        turns,
        of,
    )


def regions(codes: Array, first: int) -> tuple[list[Region], int]:
    """Return the neighbours of one verdict, up to REGIONS, and how many there are; plain distances are none."""
    ends = np.flatnonzero(np.diff(codes)) + 1
    starts, stops = np.concatenate([[0], ends]), np.concatenate([ends, [len(codes)]])
    odd = codes[starts] != 0
    found = [
        Region(CODES[codes[start]], first + int(start), first + int(stop) - 1)
        for start, stop in zip(starts[odd][:REGIONS], stops[odd][:REGIONS], strict=True)
    ]
    return found, int(odd.sum())
