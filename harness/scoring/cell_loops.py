"""The errors of a cell summed up, a strip at a time: what `harness.scoring.cells` does by numpy, bit for bit.

Sums, counts and extremes are of whole numbers, which LLVM may take in any order, and so in vectors; a float64 goes with
the order of its bits. Import this only by way of `harness.jit`: it needs numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.jit import loop
from harness.scoring.cells import LOST, SLACK, WIDEST
from harness.scoring.swept import BINS, EDGES, FINE, MOST

STRIP = 512
ROUNDER = 6755399441055744.0  # 1.5 * 2**52: added, it rounds to an integer, which is then in the lowest bits
ROUNDER_BITS = 4843621399236968448
SIZE = 0x7FFFFFFFFFFFFFFF  # all bits but the sign
FRACTION = 0x000FFFFFFFFFFFFF
LIMITS = np.array(EDGES)


@loop
def _errors(got: Any, truth: Any, form: Any, ulps: Any, kept: Any) -> Any:
    """Set the signed errors of a strip, and which are plain and certain; return how many these are."""
    base, part, radius, below = truth
    precision, emin, emax = form
    count = np.int64(0)
    for i in range(got.size):
        whole = base[i] + part[i]
        pattern = np.float64(whole).view(np.int64)
        lower = np.int64(below[i]) & np.int64((pattern & FRACTION) == 0)
        exponent = min(max(((pattern >> 52) & 0x7FF) - 1023 - lower, emin), emax)
        scale = np.int64((precision - 1 - exponent + 1023) << 52).view(np.float64)
        answer = np.float64(got[i])
        error = ((answer - base[i]) - part[i]) * scale
        size, reach = abs(error), abs(part[i]) * scale
        off = (radius[i] + SLACK) * reach
        sure = ((abs(size - 0.5) > off + SLACK * size) | ((size == 0.5) & (reach < LOST))) & (off <= WIDEST)
        plain = (size <= 0.5) | ((answer != 0) & (abs(answer) < np.inf) & (answer * whole >= 0))
        ulps[i] = error
        kept[i] = sure & plain
        count += np.int64(sure & plain)
    return count


@loop
def sums(ulps: Any, upto: Any) -> Any:
    """Return sums of sizes and of errors, and the bits of the largest size and of both ends; count what is within."""
    sizes, leans, largest = np.int64(0), np.int64(0), np.int64(-1)
    low, high = np.int64(SIZE), np.int64(-SIZE)
    for i in range(ulps.size):
        size = abs(ulps[i])
        pattern = np.float64(size).view(np.int64)
        largest = max(largest, pattern)
        ordered = np.float64(ulps[i] + 0.0).view(np.int64)
        ordered = ordered ^ ((ordered >> 63) & SIZE)
        low, high = min(low, ordered), max(high, ordered)
        fine = min(size, MOST) * (1 / FINE) + ROUNDER
        whole = np.float64(fine).view(np.int64) - ROUNDER_BITS
        sizes += whole
        leans += whole if ulps[i] >= 0 else -whole
    for k in range(LIMITS.size):
        within = np.int64(0)
        for i in range(ulps.size):
            within += np.int64(abs(ulps[i]) <= LIMITS[k])
        upto[k] += within
        if within == ulps.size:
            for above in range(k + 1, LIMITS.size):
                upto[above] += within
            break
    return sizes, leans, largest, low, high


@loop
def number(ordered: int) -> float:
    """Return the number whose bits have this place in the order of all."""
    return np.int64(ordered ^ ((ordered >> 63) & SIZE)).view(np.float64)


@loop
def put_aside(ulps: Any, kept: Any, at: Any, here: int, left: Any, lefts: int, first: int, outputs: int) -> Any:
    """Bring what is kept to the front, with its places in the strip; add the places of the rest to left."""
    to = 0
    for i in range(here):
        if kept[i]:
            ulps[to], at[to] = ulps[i], i
            to += 1
        else:
            left[lefts] = first + i * outputs
            lefts += 1
    return to, lefts


@loop
def first_of_size(ulps: Any, most: int) -> int:
    """Return the place of the first error of a size, given by its bits."""
    for i in range(ulps.size):
        if np.float64(abs(ulps[i])).view(np.int64) == most:
            return i
    return -1


@loop
def measure(got: Any, base: Any, part: Any, radius: Any, below: Any, form: Any) -> Any:
    """Return (count, place, sizes, leans), bins, (worst, low, high), and where what is left stands."""
    upto, left = np.zeros(LIMITS.size, np.int64), np.empty(got.size, np.int64)
    ulps, kept, places = np.empty(STRIP), np.empty(STRIP, np.bool_), np.empty(STRIP, np.int64)
    count, place, sizes, leans, lefts = 0, -1, 0, 0, 0
    worst, largest, low, high = 0.0, np.int64(-1), np.int64(SIZE), np.int64(-SIZE)
    for start in range(0, got.size, STRIP):
        stop = min(start + STRIP, got.size)
        here = stop - start
        truth = base[start:stop], part[start:stop], radius[start:stop], below[start:stop]
        sure = _errors(got[start:stop], truth, form, ulps, kept)
        if sure < here:
            _, lefts = put_aside(ulps, kept, places, here, left, lefts, start, 1)
        if sure == 0:
            continue
        more, lean, most, lowest, highest = sums(ulps[:sure], upto)
        count, sizes, leans = count + sure, sizes + more, leans + lean
        low, high = min(low, lowest), max(high, highest)
        if most > largest:
            largest = most
            i = first_of_size(ulps[:sure], most)
            worst, place = ulps[i], start + (places[i] if sure < here else i)
    bins = np.zeros(BINS, np.int64)
    bins[0], bins[BINS - 1] = upto[0], count - upto[BINS - 2]
    for k in range(1, BINS - 1):
        bins[k] = upto[k] - upto[k - 1]
    ends = (number(low), number(high)) if count else (np.inf, -np.inf)
    return np.array([count, place, sizes, leans]), bins, np.array([worst, ends[0], ends[1]]), left[:lefts].copy()
