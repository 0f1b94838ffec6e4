"""An answer streamed past a ruler in one compiled loop, chunk by chunk; import it only by way of `harness.jit`."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from harness.jit import loop

SPAN = 2048  # elements at work, which lie in a core's L1 cache
LANES = 8
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
def _add_up_any(a: Any) -> tuple[Any, Any]:
    """Return a sum, and that of sizes, of any count.

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


@intrinsic  # type: ignore[untyped-decorator]
def _lanes(_context: Any, a: Any, _start: Any, totals: Any, sizes: Any, _at: Any) -> Any:
    """Add a block up in eight sums, in vectors of eight: LLVM makes none of such a loop by itself."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = zip(signature.args, arguments, strict=True)
        source, begin, total_at, size_at, place = (
            context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
            for kind, value in given
        )
        vector = ir.VectorType(ir.DoubleType(), LANES)
        size_of = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector]), "llvm.fabs.v8f64")

        def vector_at(data: Any, index: Any) -> Any:
            return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())

        total = size = None
        for row in range(BLOCK // LANES):
            index = builder.add(begin, ir.Constant(begin.type, LANES * row))
            number = builder.load(vector_at(source, index), align=8)
            other = builder.call(size_of, [number])
            total, size = (number, other) if total is None else (builder.fadd(total, number), builder.fadd(size, other))
        builder.store(total, vector_at(total_at, place), align=8)
        builder.store(size, vector_at(size_at, place), align=8)
        return context.get_dummy_value()

    return types.void(a, types.intp, totals, sizes, types.intp), code


@loop
def _pairs(totals: Any) -> float:
    """Add up neighbours until one is left."""
    count = totals.size
    while count > 1:
        count //= 2
        for i in range(count):
            totals[i] = totals[2 * i] + totals[2 * i + 1]
    return float(totals[0])


@loop
def _add_up(a: Any, totals: Any, sizes: Any) -> tuple[Any, Any]:
    """Return a sum, and that of sizes, as numpy rounds: half by half, down to blocks (numpy's loops_utils.h.src).

    totals, sizes: room for a sixteenth as many. BLOCK times a power of two is halved evenly.
    """
    if a.size < BLOCK or a.size & (a.size - 1):
        return _add_up_any(a)
    for start in range(0, a.size, BLOCK):
        _lanes(a, start, totals, sizes, start // (BLOCK // LANES))
    count = a.size // (BLOCK // LANES)
    return _pairs(totals[:count]), _pairs(sizes[:count])


@loop
def _distances(got: Any, power: Any, hi: Any, lo: Any, ulps: Any, small: Any) -> float:
    """Fill in distances and their sizes in float32, and return the largest size; nan is beyond all others."""
    most = np.int64(0)
    for i in range(got.size):
        per_ulp = np.int64((np.int64(power[i]) + 1023) << 52).view(np.float64)
        ulps[i] = (got[i] * per_ulp - hi[i]) - lo[i]
        small[i] = np.float32(abs(ulps[i]))
        most = max(most, np.float64(abs(ulps[i])).view(np.int64))
    return np.int64(most).view(np.float64)


@loop
def _others(got: Any, ulps: Any, reach: Any, flushes: Any, small: Any, sizes: Any) -> int:
    """Leave sizes of 0 for what is not regular, and return how much of it is flushed; -1 where some is neither."""
    flushed, strange = np.int64(0), np.int64(0)
    for i in range(got.size):
        size = abs(ulps[i])
        sizes[i] = size if size < reach[i] else 0.0  # these have no ratio
        small[i] = np.float32(sizes[i])
    for i in range(got.size):  # in numbers, because LLVM makes vectors of these
        other = np.int64(1) - np.int64(abs(ulps[i]) < reach[i])
        zero = np.int64(got[i] == 0) * np.int64(flushes[i])
        flushed += other * zero
        strange += other * (1 - zero)
    return -1 if strange else int(flushed)


@loop
def _largest_ratio(ulps: Any, small: Any, width: Any, steep: Any, known: float) -> float:
    """Return the largest |ulps| / width, or a larger one that is known; see `ruler.steep`."""
    top = np.int32(0)
    for i in range(small.size):
        top = max(top, np.float32(small[i] * steep[i]).view(np.int32))
    if max(np.float64(np.int32(top).view(np.float32)), LEAST_RATIO) < known:
        return known
    most = np.float64(known).view(np.int64)
    for i in range(ulps.size):
        most = max(most, np.float64(abs(ulps[i]) / width[i]).view(np.int64))
    return np.int64(most).view(np.float64)


@loop
def _first(ulps: Any, most: float) -> int:
    """Return where a size is first."""
    at = 0
    while abs(ulps[at]) != most:
        at += 1
    return at


@loop
def _chunk(given: Any, c: int, begin: int, end: int, tally: Any, lanes: Any) -> bool:
    """Measure a chunk, some elements at a time; tell whether it is tallied, or left to the definitions."""
    got, power, past, flushes, least, widths, steep, whole, sizes, small = given
    largest, flushed = 0.0, 0
    for start in range(begin, end, SPAN):
        part = slice(start, min(start + SPAN, end))
        count = part.stop - part.start
        ulps, low = whole[start - begin : start - begin + count], small[:count]
        most = _distances(got[part], power[part], past[0, part], past[1, part], ulps, low)
        largest, numerators = max(largest, most), ulps
        if not most < least[c]:
            numerators = sizes[:count]
            some = _others(got[part], ulps, past[2, part], flushes[part], low, numerators)
            if some < 0:
                return False
            flushed += some
        for k in range(len(widths) if most else 0):
            tally[6 + k] = _largest_ratio(numerators, low, widths[k, part], steep[k, part], tally[6 + k])
    ulps = whole[: end - begin]
    total, size = _add_up(ulps, lanes[0], lanes[1])
    tally[0] += size
    tally[1] += total
    tally[5] += flushed
    if largest > tally[2]:
        at = _first(ulps, largest)
        tally[2], tally[3], tally[4] = largest, ulps[at], begin + at
    return True


@loop
def stream(given: Any, chunk: int, first: int, tally: Any) -> int:
    """Measure chunks from one on, as `metrics._add` does, up to one that holds what only the definitions judge.

    given: the answer, and of its ruler power, past, flushes, least, both scales, and room. tally: sums of sizes and
    ulps, the largest size, its ulps and index, how many are flushed, and the largest ratio a class. Returns the chunk
    that is left, or how many there are.
    """
    size, chunks = given[0].size, given[4].size
    lanes = np.empty((2, chunk // (BLOCK // LANES)))
    for c in range(first, chunks):
        if not _chunk(given, c, c * chunk, min((c + 1) * chunk, size), tally, lanes):
            return c
    return chunks
