"""Answers to every number of a line, summed up: by cells of a binade what errors there are, and what a chart shows.

A line is all finite numbers of a format in order, or equally many of each binade. A row is one binade of one sign, a
cell an equal part of a row. Of all pairs of numbers a row is one binade of their gap, and a cell. All that is kept of
an element is the same in whatever order elements are added, so that the same answers give the same text, however the
work was cut.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, Literal, TypeVar, get_args

from harness.scoring.line import WIDTHS

T = TypeVar("T")
Of = Literal["numbers", "gaps", "widths"]  # what rows are binades of, or neighbours of

EDGES = (0.5, 1.0, 2.0, 4.0, 16.0, 256.0, 65_536.0)  # ulps; the last bin of a histogram is all beyond, nan among it
BINS = len(EDGES) + 1
FINE = 2.0**-12  # ulps: sums are of whole numbers of these
MOST = 2.0**20  # ulps that an element counts in a sum at most
REGIONS = 256  # that are kept, from the line's lower end; an answer that changes more often is told by its count
LONGEST = 1 << 24  # bytes of a text, unpacked


@dataclass(frozen=True, slots=True)
class Region:
    """Neighbours of one verdict, by their places on the line, both ends included."""

    verdict: str
    first: int
    last: int


@dataclass(frozen=True)
class Swept:
    """An answer to a line, or to some rows of it, cell by cell.

    cells: of a row. counts, bins, worst, places, sizes, leans, lows, highs: a number a cell; bins a list a bin of
    EDGES. worst: the signed error of the element furthest off, in ulps, infinite for nan; places: where it is, from
    the line's beginning. sizes, leans: sums of errors and of signed errors, in units of FINE. lows, highs: the least
    and the largest signed error. digests: of the answer's bits, a row each. regions: what is no plain distance, and
    turns: how many there were.

    of: what rows are of. Of gaps all rows are there, some of them maybe empty; a place is the pair's, times its
    outputs; a region lasts from the least to the greatest gap of neighbouring rows in which a verdict is found, by
    `line.place_of_gap`; digests are sums, 16 hexadecimal digits each. Of widths a row is so many neighbours, and a
    place is a width less one.
    """

    cells: int
    counts: Sequence[int]
    bins: Sequence[Sequence[int]]
    worst: Sequence[float]
    places: Sequence[int]
    sizes: Sequence[int]
    leans: Sequence[int]
    lows: Sequence[float]
    highs: Sequence[float]
    digests: Sequence[str]
    regions: Sequence[Region]
    turns: int
    of: Of = "numbers"

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.digests)

    @property
    def first(self) -> int:
        """Which row of the line is the first here."""
        if self.of == "gaps":
            return 0
        if self.of == "widths":
            return self.places[0] // WIDTHS
        return self.places[0] // (self.elements // self.rows)

    @property
    def elements(self) -> int:
        """How many elements there are."""
        return sum(self.counts)

    @property
    def mean_ulp(self) -> float:
        """The mean error, an element's counted up to MOST."""
        return sum(self.sizes) * FINE / self.elements

    @property
    def bias_ulp(self) -> float:
        """The mean signed error, likewise."""
        return sum(self.leans) * FINE / self.elements

    @property
    def furthest(self) -> int:
        """The cell of the largest error, the first of several."""
        return max(range(len(self.worst)), key=lambda cell: (abs(self.worst[cell]), -cell))

    def histogram(self) -> list[int]:
        """Return how many elements each bin has."""
        return [sum(one) for one in self.bins]


def joined(parts: Iterable[Swept]) -> Swept:
    """Put rows one behind the other. Raises ValueError for none."""
    every = list(parts)
    if not every:
        raise ValueError("a sweep has no part, expected one or more")
    if every[0].of == "gaps":
        return _added(every)
    regions, turns = put_together((part.regions, part.turns) for part in every)
    return Swept(
        every[0].cells,
        _chain(part.counts for part in every),
        tuple(_chain(part.bins[k] for part in every) for k in range(BINS)),
        _chain(part.worst for part in every),
        _chain(part.places for part in every),
        _chain(part.sizes for part in every),
        _chain(part.leans for part in every),
        _chain(part.lows for part in every),
        _chain(part.highs for part in every),
        _chain(part.digests for part in every),
        regions,
        turns,
        every[0].of,
    )


def _added(parts: Sequence[Swept]) -> Swept:
    """Put parts together that have the same rows: of pairs of which each part had some."""
    rows = range(parts[0].rows)
    top = [max(parts, key=lambda part: (part.counts[row] > 0, abs(part.worst[row]), -part.places[row])) for row in rows]

    def summed(lists: Iterable[Sequence[int]]) -> tuple[int, ...]:
        return tuple(map(sum, zip(*lists, strict=True)))

    digests = [sum(int(part.digests[row], 16) for part in parts) % 2**64 for row in rows]
    regions = met([region for part in parts for region in part.regions])
    return Swept(
        1,
        summed(part.counts for part in parts),
        tuple(summed(part.bins[k] for part in parts) for k in range(BINS)),
        tuple(part.worst[row] for row, part in zip(rows, top, strict=True)),
        tuple(part.places[row] for row, part in zip(rows, top, strict=True)),
        summed(part.sizes for part in parts),
        summed(part.leans for part in parts),
        tuple(map(min, zip(*(part.lows for part in parts), strict=True))),
        tuple(map(max, zip(*(part.highs for part in parts), strict=True))),
        tuple(f"{digest:016x}" for digest in digests),
        tuple(regions[:REGIONS]),
        len(regions),
        "gaps",
    )


def met(regions: Sequence[Region]) -> list[Region]:
    """Put regions of gaps together, by the binades that they are in and those beside these."""
    found: list[Region] = []
    for one in sorted(regions, key=lambda one: (one.verdict, one.first, one.last)):
        if found and found[-1].verdict == one.verdict and _binade(one.first) - _binade(found[-1].last) <= 1:
            found[-1] = Region(one.verdict, found[-1].first, max(found[-1].last, one.last))
        else:
            found.append(one)
    return sorted(found, key=lambda one: (one.first, one.verdict))


def _binade(place: int) -> int:
    """Return a number for a gap's binade that neighbours have next to one another, but for those of 0."""
    return place >> 52 if place >= 0 else -(-place >> 52)


def _chain(lists: Iterable[Sequence[T]]) -> tuple[T, ...]:
    return tuple(chain.from_iterable(lists))


def put_together(parts: Iterable[tuple[Sequence[Region], int]]) -> tuple[tuple[Region, ...], int]:
    """Return the regions of parts, with how many each had: those that meet at an end of parts are one."""
    found: list[Region] = []
    turns = 0
    for regions, more in parts:
        turns += more
        for region in regions:
            if found and found[-1].verdict == region.verdict and found[-1].last + 1 == region.first:
                found[-1] = Region(region.verdict, found[-1].first, region.last)
                turns -= 1
            else:
                found.append(region)
    return tuple(found[:REGIONS]), turns


def coarser(whole: Swept, most: int) -> Swept:
    """Return the same with neighbouring cells of a row put together, so that there are about `most` at most."""
    step = 1
    while whole.cells % (2 * step) == 0 and len(whole.counts) // step > most:
        step *= 2
    groups = [range(start, start + step) for start in range(0, len(whole.counts), step)]
    top = [max(group, key=lambda cell: (abs(whole.worst[cell]), -cell)) for group in groups]

    def summed(numbers: Sequence[int]) -> tuple[int, ...]:
        return tuple(sum(numbers[group.start : group.stop]) for group in groups)

    return Swept(
        whole.cells // step,
        summed(whole.counts),
        tuple(map(summed, whole.bins)),
        tuple(whole.worst[cell] for cell in top),
        tuple(whole.places[cell] for cell in top),
        summed(whole.sizes),
        summed(whole.leans),
        tuple(min(whole.lows[group.start : group.stop]) for group in groups),
        tuple(max(whole.highs[group.start : group.stop]) for group in groups),
        whole.digests,
        whole.regions,
        whole.turns,
        whole.of,
    )


def by_row(whole: Swept) -> Swept:
    """Return the same with one cell a row."""
    return coarser(whole, 0)


def pack(whole: Swept) -> str:
    """Return the text that a score holds: compressed JSON in base64."""
    plain = asdict(whole)
    plain["lows"], plain["highs"] = (list(map(_short, plain[name])) for name in ("lows", "highs"))
    plain["bins"] = [one if any(one) else [] for one in plain["bins"]]
    plain["regions"] = [list(region.values()) for region in plain["regions"]]
    text = json.dumps(plain, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 6)).decode("ascii")


def _short(value: float) -> float:
    """Return what a chart shows of a number."""
    return float(f"{value:.4g}")


def unpack(text: str) -> Swept:
    """Return what was packed. Raises ValueError for a text that is none, or longer than any."""
    try:
        unpacking = zlib.decompressobj()
        plain: dict[str, Any] = json.loads(unpacking.decompress(base64.b64decode(text, validate=True), LONGEST))
        number = len(plain["counts"])
        plain["bins"] = tuple(tuple(one) if one else (0,) * number for one in plain["bins"])
        plain["regions"] = tuple(Region(*region) for region in plain["regions"])
        lists: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in plain.items()}
        found = Swept(**lists)
        every = (found.worst, found.places, found.sizes, found.leans, found.lows, found.highs, *found.bins)
        whole = number == found.cells * found.rows > 0 and len(found.bins) == BINS and found.of in get_args(Of)
        if not (whole and all(len(one) == number for one in every) and all(map(math.isfinite, found.counts))):
            raise ValueError(f"{number} cells of {found.rows} rows")  # noqa: TRY301 - said below
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise ValueError(f"a sweep is damaged ({error}), expected what this program stores") from error
    return found


def differing(one: Swept, other: Swept) -> list[int]:
    """Return the rows whose answers differ in bits; all where the lines do."""
    if (one.of, one.rows, one.first) != (other.of, other.rows, other.first):
        return list(range(max(one.rows, other.rows)))
    return [row for row in range(one.rows) if one.digests[row] != other.digests[row]]
