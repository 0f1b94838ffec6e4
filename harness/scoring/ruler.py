"""Exact values and bounds in units of ulps, computed once for the many answers to a case.

An element is regular where the distance, (got * per_ulp - hi) - lo as in `ulp.error`, is smaller than its reach: at
most half an ulp, or less than that of a 0. Then the answer is a finite number and no verdict can speak of it, because
an answer of the other sign is as far off as a 0 or further, and any number for a 0 at least one ulp.

A 0 that is not regular has that same distance. Where it can only be a flushed one (`flushes`), it has that verdict
alone and counts against no bound.

The largest distance / width of a class is rarely in a given block, and is not looked for where it cannot be: in no
block is a ratio larger than the largest distance * steep over `narrowest`, the smallest width * steep. That holds
whatever steep is. It is tight where steep is near 1 / width but for a factor, and the widths of all classes are much
alike: mostly an exact value times something, and some ulps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harness.model import BUDGET_CLASSES, Array, BudgetClass, Format, Golden
from harness.scoring import ulp

BLOCK = 128  # elements that a ratio is looked for in or not, as many as numpy adds up at once, in eight sums
CHUNK = 1 << 14  # elements at work, some blocks: all that is at hand lies in a core's L2 cache, and calls are few
HALF = np.nextafter(0.5, 1)  # a distance is smaller where it is at most half
TINY = 2.0**-1022  # a distance is smaller where it is 0
LARGEST_POWER = 1023  # of two, in float64
STEEPEST = 2.0  # real widths are half an ulp or more
FLATTEST = 2.0**-60  # so that float32 holds a distance * steep unless it is FAINT
FAINT = 2.0**-120  # at least so much is the largest distance * steep of a block taken for
ROUNDING = 2.0**-20  # more than roundings to float32, of a distance, of steep's product and of both, can take away


@dataclass(frozen=True, eq=False)
class Ruler:
    """Exact values and bounds, flat: as they are, and in units of the exact values' ulps."""

    shape: tuple[int, ...]
    form: Format
    golden: Golden
    bounds: Mapping[BudgetClass, Array]
    flushable: Array
    power: Array  # 1 / ulp, a power of two: the upper 16 bits of its float64, a quarter of the memory to read
    hi: Array  # in ulps, as is all that follows
    lo: Array
    reach: Array  # 0 where nothing is regular
    flushes: Array  # where a 0 that is not regular is flushed and no more
    least: Array  # the smallest reach of every block
    widths: Array  # the bounds, class by class; infinite where no ratio is more than 0
    steep: Array  # float32
    narrowest: Array  # the smallest width * steep, and a little less, of every class and block
    room: Array  # to work in, one answer at a time: new memory costs as much as a pass over it


def make(golden: Golden, form: Format, bounds: Mapping[BudgetClass, Array], flushable: Array) -> Ruler:
    """Make the ruler of a golden; bounds and flushable are shaped like it."""
    shape, size = golden.hi.shape, golden.hi.size
    exponent = None if golden.exponent is None else golden.exponent.reshape(-1)
    flat = Golden(golden.hi.reshape(-1), golden.lo.reshape(-1), exponent, golden.radius)
    blocks = -(-size // BLOCK)
    ruler = Ruler(
        shape=shape,
        form=form,
        golden=flat,
        bounds={kind: _flat(bound, shape) for kind, bound in bounds.items()},
        flushable=_flat(flushable, shape),
        power=np.empty(size, np.int16),
        hi=np.empty(size),
        lo=np.empty(size),
        reach=np.empty(size),
        flushes=np.zeros(size, bool),
        least=np.empty(blocks),
        widths=np.empty((len(bounds), size)),
        steep=np.empty(size, np.float32),
        narrowest=np.empty((len(bounds), blocks)),
        room=np.empty((3, min(CHUNK, size))),
    )
    with np.errstate(invalid="ignore", over="ignore", under="ignore", divide="ignore"):
        for part in parts(size):
            each, *work = ruler.room[:, : part.stop - part.start]
            _fill(ruler, part, each)
            if bounds:
                _fill_widths(ruler, part, each, *work)
            ruler.least[in_blocks(part)] = np.minimum.reduceat(ruler.reach[part], starts(len(each)))
    return ruler


def _flat(values: Array, shape: tuple[int, ...]) -> Array:
    return (values if values.shape == shape else np.broadcast_to(values, shape)).reshape(-1)


def _fill(ruler: Ruler, part: slice, each: Array) -> None:
    """Fill in a chunk of exact values, and 1 / ulp in `each`."""
    some, form, reach = chosen(ruler.golden, part), ruler.form, ruler.reach[part]
    shift = -ulp.ulp_exponent(some, form)
    hi, lo = ulp.scaled(some, shift)
    ruler.hi[part], ruler.lo[part] = hi, lo
    np.abs(np.add(hi, lo, out=reach), out=reach)
    normal = reach.min() >= 2.0 ** (form.precision - 1)
    np.maximum(reach, HALF, out=reach)
    if form.emin - form.precision + 1 < -LARGEST_POWER:
        # Where float64 does not hold 1 / ulp, nothing but a 0 for a 0 is regular.
        np.copyto(reach, np.where(hi == 0, TINY, 0.0), where=shift > LARGEST_POWER)
        shift = np.minimum(shift, LARGEST_POWER)
    ruler.power[part] = (shift + LARGEST_POWER) << 4
    per_ulp(ruler, part, out=each)
    if not normal:
        flushed = np.minimum(ruler.flushable[part], 2.0**form.emin) * each
        np.logical_and(reach >= HALF, np.abs(hi) < flushed, out=ruler.flushes[part])


def _fill_widths(ruler: Ruler, part: slice, each: Array, steep: Array, product: Array) -> None:
    """Fill in a chunk of widths, and what a block has of them. each: 1 / ulp."""
    # Not like the tightest, because that is unlike the others where an argument is large.
    alike = [kind for kind in BUDGET_CLASSES if kind in ruler.bounds][:2][-1]
    np.divide(1, np.multiply(ruler.bounds[alike][part], each, out=steep), out=steep)
    ruler.steep[part] = np.fmin(np.fmax(steep, FLATTEST, out=steep), STEEPEST, out=steep)
    np.copyto(steep, ruler.steep[part])
    zero = ruler.hi[part] == 0  # its distance, if regular, is 0
    if zero.any():
        steep[zero] = np.inf
    begins = starts(len(steep))
    every = (ruler.widths[:, part], ruler.bounds.values(), ruler.narrowest[:, in_blocks(part)])
    for width, bound, narrowest in zip(*every, strict=True):
        np.multiply(bound[part], each, out=width)
        np.minimum.reduceat(np.multiply(width, steep, out=product), begins, out=narrowest)
        if not narrowest.min() > 0:  # some have no quotient
            none = ~(width > 0)
            width[none] = np.inf
            ruler.reach[part][none] = 0
            ruler.flushes[part][none] = False
            np.minimum.reduceat(np.multiply(width, steep, out=product), begins, out=narrowest)
        np.multiply(narrowest, 1 - ROUNDING, out=narrowest)


def per_ulp(ruler: Ruler, part: slice, out: Array) -> Array:
    """Fill in 1 / ulp of a chunk."""
    bits = out.view(np.int64)
    np.copyto(bits, ruler.power[part])
    np.left_shift(bits, 48, out=bits)
    return out


def parts(size: int) -> Iterator[slice]:
    """Yield the chunks of a flat array."""
    return (slice(start, min(start + CHUNK, size)) for start in range(0, size, CHUNK))


def in_blocks(part: slice) -> slice:
    """Return which blocks a chunk is."""
    return slice(part.start // BLOCK, -(-part.stop // BLOCK))


@lru_cache(maxsize=8)
def starts(size: int) -> Array:
    """Return where the blocks of a chunk begin."""
    return np.arange(0, size, BLOCK)


def chosen(golden: Golden, where: slice | Array) -> Golden:
    """Return some elements of a flat golden."""
    exponent = None if golden.exponent is None else golden.exponent[where]
    return Golden(golden.hi[where], golden.lo[where], exponent, golden.radius)
