"""An answer streamed past a ruler in one compiled loop, chunk by chunk; import it only by way of `harness.jit`."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.jit import loop

BLOCK = 128  # numbers that numpy adds up at once, in eight sums
LEAST_RATIO = 2.0**-60  # as `ruler.LEAST_RATIO`


@loop
def _add_up_block(a: Any) -> tuple[Any, Any]:
    """Return the sum of at most BLOCK numbers and of their sizes, each in eight sums."""
    total, size = 0.0, 0.0
    end = a.size - a.size % 8
    if end:
        t0 = t1 = t2 = t3 = t4 = t5 = t6 = t7 = 0.0
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
        for i in range(0, end, 8):
            t0 += a[i]
            t1 += a[i + 1]
            t2 += a[i + 2]
            t3 += a[i + 3]
            t4 += a[i + 4]
            t5 += a[i + 5]
            t6 += a[i + 6]
            t7 += a[i + 7]
            s0 += abs(a[i])
            s1 += abs(a[i + 1])
            s2 += abs(a[i + 2])
            s3 += abs(a[i + 3])
            s4 += abs(a[i + 4])
            s5 += abs(a[i + 5])
            s6 += abs(a[i + 6])
            s7 += abs(a[i + 7])
        total = ((t0 + t1) + (t2 + t3)) + ((t4 + t5) + (t6 + t7))
        size = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
    for i in range(end, a.size):
        total += a[i]
        size += abs(a[i])
    return total, size


@loop
def _add_up(a: Any) -> tuple[Any, Any]:
    """Return a sum, and that of sizes, as numpy rounds: half by half, down to blocks (numpy's loops_utils.h.src).

    Without recursion, because numba keeps no recursive function that another one calls.
    """
    counts, lefts, in_right = np.empty(64, np.int64), np.empty((64, 2)), np.zeros(64, np.bool_)
    depth, start = 0, 0
    counts[0] = a.size
    while True:
        count = counts[depth]
        if count > BLOCK:
            depth += 1
            counts[depth] = count // 2 - count // 2 % 8
            in_right[depth] = False
            continue
        total, size = _add_up_block(a[start : start + count])
        start += count
        while in_right[depth]:
            total, size = lefts[depth, 0] + total, lefts[depth, 1] + size
            depth -= 1
        if depth == 0:
            return total, size
        lefts[depth, 0], lefts[depth, 1], in_right[depth] = total, size, True
        counts[depth] = counts[depth - 1] - counts[depth]


@loop
def _distances(got: Any, per_ulp: Any, hi: Any, lo: Any, ulps: Any) -> float:
    """Fill in distances, and return the largest size; nan is beyond all others."""
    most = np.int64(0)
    for i in range(got.size):
        ulps[i] = (got[i] * per_ulp[i] - hi[i]) - lo[i]
        most = max(most, np.float64(abs(ulps[i])).view(np.int64))
    return np.int64(most).view(np.float64)


@loop
def _others(got: Any, ulps: Any, reach: Any, flushes: Any, other: Any) -> tuple[int, int]:
    """Mark what is not regular, and return how much of it is flushed, and how much is neither."""
    flushed, strange = 0, 0
    for i in range(got.size):
        regular = abs(ulps[i]) < reach[i]
        zero = flushes[i] & (got[i] == 0) & (not regular)
        other[i] = not regular
        flushed += zero
        strange += not (regular | zero)
    return flushed, strange


@loop
def _largest_ratio(ulps: Any, width: Any, steep: Any, known: float) -> float:
    """Return the largest |ulps| / width, or a larger one that is known; see `ruler.steep`."""
    top = np.int32(0)
    for i in range(ulps.size):
        top = max(top, np.float32(np.float32(abs(ulps[i])) * steep[i]).view(np.int32))
    if max(np.float64(np.int32(top).view(np.float32)), LEAST_RATIO) < known:
        return known
    most = np.float64(known).view(np.int64)
    for i in range(ulps.size):
        most = max(most, np.float64(abs(ulps[i]) / width[i]).view(np.int64))
    return np.int64(most).view(np.float64)


@loop
def stream(got: Any, ruler: Any, flushes: Any, least: Any, scales: Any, chunk: int, first: int, tally: Any) -> int:
    """Measure chunks from one on, as `metrics._add` does, up to one that holds what only the definitions judge.

    ruler: (per_ulp, hi, lo, reach); scales: (width, steep) a class; tally: sums of sizes and ulps, the largest size,
    its ulps and index, how many are flushed, and the largest ratio a class. Returns the chunk that is left, or how many
    there are.
    """
    whole, others = np.empty(chunk), np.empty(chunk, np.bool_)
    for c in range(first, least.size):
        part = slice(c * chunk, min((c + 1) * chunk, got.size))
        count = part.stop - part.start
        ulps, other = whole[:count], others[:count]
        most = _distances(got[part], ruler[0][part], ruler[1][part], ruler[2][part], ulps)
        regular, flushed = most < least[c], 0
        if not regular:
            flushed, strange = _others(got[part], ulps, ruler[3][part], flushes[part], other)
            if strange:
                return c
        total, size = _add_up(ulps)
        tally[0] += size
        tally[1] += total
        if most > tally[2]:
            at = 0
            while abs(ulps[at]) != most:
                at += 1
            tally[2], tally[3], tally[4] = most, ulps[at], part.start + at
        if not regular:
            tally[5] += flushed
            for i in range(count):
                ulps[i] = 0.0 if other[i] else ulps[i]  # these have no ratio
        for k in range(len(scales)):
            tally[6 + k] = _largest_ratio(ulps, scales[k][0][part], scales[k][1][part], tally[6 + k])
    return least.size
