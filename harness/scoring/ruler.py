"""Exact values and bounds in units of ulps, computed once for the many answers to a case.

An element is regular where the distance, (got * per_ulp - hi) - lo as in `ulp.error`, is smaller than its reach: at
most half an ulp, or less than that of a 0. Then the answer is a finite number and no verdict can speak of it, because
an answer of the other sign is as far off as a 0 or further, and any number for a 0 at least one ulp.

A 0 that is not regular has that same distance. Where it can only be a flushed one (`flushes`), it has that verdict
alone and counts against no bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from harness.model import Array, BudgetClass, Format, Golden
from harness.scoring import ulp

CHUNK = 1 << 14  # elements at work: all that is at hand lies in a core's L2 cache, and calls of numpy are few
HALF = np.nextafter(0.5, 1)  # a distance is smaller where it is at most half
TINY = 2.0**-1022  # a distance is smaller where it is 0
LARGEST_POWER = 1023  # of two, in float64
NARROWEST = 2.0**-20  # width of a regular element; real ones are half an ulp or wider
LEAST_RATIO = 2.0**-60  # from here on a ratio of a regular element is below distance * steep


@dataclass(frozen=True, eq=False)
class Ruler:
    """Exact values and bounds, flat: as they are, and in units of the exact values' ulps."""

    shape: tuple[int, ...]
    form: Format
    golden: Golden
    bounds: Mapping[BudgetClass, Array]
    flushable: Array
    per_ulp: Array
    power: Array  # log2 of that, in int16: a quarter of the memory to read
    hi: Array  # in ulps, as is all that follows
    lo: Array
    widths: Mapping[BudgetClass, Array]  # the bounds; infinite where nothing is regular
    steep: Mapping[BudgetClass, Array]  # just above 1 / width, in float32: half the memory to read
    reach: Array  # 0 where nothing is regular
    flushes: Array  # where a 0 that is not regular is flushed and no more
    least: Array  # the smallest reach of every chunk
    room: tuple[Array, ...]  # to work in, one answer at a time: new memory costs as much as a pass over it
    past: Array  # hi, lo and reach, in one array, as a compiled loop is handed few sooner than many
    scales: tuple[Array, Array]  # widths and steep of all classes likewise


def make(golden: Golden, form: Format, bounds: Mapping[BudgetClass, Array], flushable: Array) -> Ruler:
    """Make the ruler of a golden; bounds and flushable are shaped like it."""
    shape, size = golden.hi.shape, golden.hi.size
    exponent = None if golden.exponent is None else golden.exponent.reshape(-1)
    flat = Golden(golden.hi.reshape(-1), golden.lo.reshape(-1), exponent, golden.radius)
    level = {kind: np.broadcast_to(bound, shape).reshape(-1) for kind, bound in bounds.items()}
    flushed = np.broadcast_to(flushable, shape).reshape(-1)
    per_ulp, past = np.empty(size), np.empty((3, size))
    hi, lo, reach = past
    flushes, power = np.empty(size, bool), np.empty(size, np.int16)
    scales: tuple[Array, Array] = np.empty((len(bounds), size)), np.empty((len(bounds), size), np.float32)
    widths, steep = ({kind: scale[k] for k, kind in enumerate(bounds)} for scale in scales)
    with np.errstate(invalid="ignore", over="ignore"):
        for part in parts(size):
            some = chosen(flat, part)
            shift = -ulp.ulp_exponent(some, form)
            power[part] = np.minimum(shift, LARGEST_POWER)
            per_ulp[part] = ulp.scale(1.0, power[part])
            hi[part], lo[part] = ulp.scaled(some, shift)
            # Where float64 does not hold 1 / ulp, nothing but a 0 for a 0 is regular.
            fine = np.where(hi[part] == 0, TINY, 0.0)
            reach[part] = np.where(shift > LARGEST_POWER, fine, np.maximum(np.abs(hi[part] + lo[part]), HALF))
            for kind, bound in level.items():
                width = ulp.scale(bound[part], shift)
                wide = width >= NARROWEST
                widths[kind][part] = np.where(wide, width, np.inf)
                steep[kind][part] = _steep(widths[kind][part])
                reach[part] *= wide
            exact = np.abs(ulp.scale(some.hi, 0 if some.exponent is None else some.exponent))
            flushes[part] = (reach[part] >= HALF) & (exact < np.minimum(flushed[part], 2.0**form.emin))
    least = np.minimum.reduceat(reach, np.arange(0, size, CHUNK))
    room = tuple(np.empty(min(CHUNK, size), dtype) for dtype in (np.float64, np.float64, np.float32, np.float32))
    return Ruler(
        shape,
        form,
        flat,
        level,
        flushed,
        per_ulp,
        power,
        hi,
        lo,
        widths,
        steep,
        reach,
        flushes,
        least,
        room,
        past,
        scales,
    )


def _steep(width: Array) -> Array:
    """Return 1 / width, and more by more than the roundings to float32, of a product and of its rival, can take away.

    What underflows in float32 belongs to a ratio below LEAST_RATIO: widths are at least NARROWEST.
    """
    return np.maximum((1 + 2.0**-20) / width, 2.0**-100).astype(np.float32)


def parts(size: int) -> Iterator[slice]:
    """Yield the chunks of a flat array."""
    return (slice(start, min(start + CHUNK, size)) for start in range(0, size, CHUNK))


def chosen(golden: Golden, where: slice | Array) -> Golden:
    """Return some elements of a flat golden."""
    exponent = None if golden.exponent is None else golden.exponent[where]
    return Golden(golden.hi[where], golden.lo[where], exponent, golden.radius)
