"""An answer streamed past a ruler in one compiled loop, chunk by chunk; import it only by way of `harness.jit`."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from harness.jit import loop
from harness.scoring.ruler import BLOCK, FAINT

LANES = 8
FAINTER = 2.0**-50  # more than roundings of a product can take away


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


def _data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return where an array's data are, or a number as it is."""
    return context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value


def _vector(builder: Any, data: Any, index: Any, number: Any) -> Any:
    """Return the place of a vector of eight in an array of numbers."""
    return builder.bitcast(builder.gep(data, [index]), ir.VectorType(number, LANES).as_pointer())


def _sum(builder: Any, vector: Any) -> Any:
    """Add up neighbours until one is left."""
    for count in (4, 2, 1):
        even, odd = (
            ir.Constant(ir.VectorType(ir.IntType(32), count), [2 * i + k for i in range(count)]) for k in (0, 1)
        )
        some = (builder.shuffle_vector(vector, vector, these) for these in (even, odd))
        vector = builder.fadd(*some)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


@intrinsic  # type: ignore[untyped-decorator]
def _block(_context: Any, got: Any, power: Any, hi: Any, lo: Any, steep: Any, _start: Any, ulps: Any, _at: Any) -> Any:
    """Fill in the distances of a block; return the sums of them and of their sizes, the largest size and steepest.

    In vectors of eight, because LLVM makes none of such a loop by itself. nan is the largest size.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = (_data(context, builder, *one) for one in zip(signature.args, arguments, strict=True))
        answer, powers, his, los, steeps, begin, room, place = given
        double, whole, single = ir.DoubleType(), ir.IntType(64), ir.FloatType()
        doubles, wholes = ir.VectorType(double, LANES), ir.VectorType(whole, LANES)
        own = single if signature.args[0].dtype == types.float32 else double

        def function(name: str, result: Any, *given: Any) -> Any:
            return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, given), f"llvm.{name}")

        size_of = function("fabs.v8f64", doubles, doubles)
        larger = function("smax.v8i64", wholes, wholes, wholes)
        largest = function("vector.reduce.smax.v8i64", whole, wholes)

        def load(data: Any, index: Any, number: Any, align: int) -> Any:
            return builder.load(_vector(builder, data, index, number), align=align)

        def row(number: int) -> tuple[Any, Any, Any, Any]:
            index = builder.add(begin, ir.Constant(begin.type, LANES * number))
            bits = builder.zext(load(powers, index, ir.IntType(16), 2), wholes)
            per_ulp = builder.bitcast(builder.shl(bits, ir.Constant(wholes, [48] * LANES)), doubles)
            is_own = load(answer, index, own, 8 if own == double else 4)
            is_double = is_own if own == double else builder.fpext(is_own, doubles)
            off = builder.fsub(builder.fmul(is_double, per_ulp), load(his, index, double, 8))
            off = builder.fsub(off, load(los, index, double, 8))
            there = builder.add(place, ir.Constant(place.type, LANES * number))
            builder.store(off, _vector(builder, room, there, double), align=8)
            size = builder.call(size_of, [off])
            above = builder.fmul(size, builder.fpext(load(steeps, index, single, 4), doubles))
            return off, size, builder.bitcast(size, wholes), builder.bitcast(above, wholes)

        total, sizes, most, steepest = row(0)
        for number in range(1, BLOCK // LANES):
            off, size, bits, above = row(number)
            total, sizes = builder.fadd(total, off), builder.fadd(sizes, size)
            most, steepest = builder.call(larger, [most, bits]), builder.call(larger, [steepest, above])
        tops = (builder.bitcast(builder.call(largest, [top]), double) for top in (most, steepest))
        found = [_sum(builder, total), _sum(builder, sizes), *tops]
        return context.make_tuple(builder, signature.return_type, found)

    found = types.containers.UniTuple(types.float64, 4)
    return found(got, power, hi, lo, steep, types.intp, ulps, types.intp), code


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
def _few(got: Any, power: Any, hi: Any, lo: Any, steep: Any, ulps: Any) -> tuple[float, float]:
    """Fill in the distances of less than a block; return the largest size and steepest. nan is the largest size."""
    most, steepest = np.int64(0), np.int64(0)
    for i in range(got.size):
        per_ulp = np.int64(np.int64(power[i]) << 48).view(np.float64)
        ulps[i] = (got[i] * per_ulp - hi[i]) - lo[i]
        most = max(most, np.float64(abs(ulps[i])).view(np.int64))
        steepest = max(steepest, np.float64(abs(ulps[i]) * steep[i]).view(np.int64))
    return np.int64(most).view(np.float64), np.int64(steepest).view(np.float64)


@intrinsic  # type: ignore[untyped-decorator]
def _fused(_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, rounded once."""

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        double = ir.DoubleType()
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(double, [double] * 3), "llvm.fma.f64")
        return builder.call(function, arguments)

    return types.float64(a, b, c), code


@loop
def _others(given: Any, begin: Any, ulps: Any, sizes: Any) -> tuple[int, float]:
    """Leave sizes of 0 for what is not regular; return how much of it is flushed, and the steepest of the rest.

    -1 where some is neither. All in whole numbers, because LLVM makes vectors of these.
    """
    got, reach, flushes, steep = given
    others, left, steepest = np.int64(0), np.int64(0), np.int64(0)
    first = np.uint64(begin)  # else LLVM makes no vectors, as an index below 0 would count from the end
    for i in range(np.uint64(ulps.size)):
        size = abs(ulps[i])
        sizes[i] = size if size < reach[first + i] else 0.0  # these have no ratio
        steepest = max(steepest, np.float64(sizes[i] * steep[first + i]).view(np.int64))
        other = np.int64(1) - np.int64(size < reach[first + i])
        others += other
        left |= other & (np.int64(got[first + i] != 0) | (np.int64(1) - np.int64(flushes[first + i])))
    return -1 if left else int(others), np.int64(steepest).view(np.float64)


@loop
def _larger(ulps: Any, widths: Any, k: Any, begin: Any, known: float) -> bool:
    """Tell whether some |ulps| / width may be larger than one that is known, without a division; ties are not.

    A quotient is rounded to more than the known one only where |ulps| - known * width, whose sign and leading bits are
    exact here, is at least half the gap to the next float64 times the width.
    """
    half = (np.int64(np.float64(known).view(np.int64) + 1).view(np.float64) - known) * (0.5 - FAINTER)
    some, first = np.int64(0), np.uint64(begin)
    for i in range(np.uint64(ulps.size)):
        width = widths[k, first + i]
        some |= np.int64(not _fused(-known, width, abs(ulps[i])) < half * width)
    return some != 0


@loop
def _largest_ratio(ulps: Any, width: Any, known: float) -> float:
    """Return the largest |ulps| / width, or a larger one that is known."""
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
def _chunk(given: Any, begin: int, end: int, tally: Any, room: Any) -> bool:
    """Measure a chunk, block by block; tell whether it is tallied, or left to the definitions."""
    got, power, hi, lo, reach, flushes, least, widths, steep, narrowest = given
    whole, sizes, sums = room
    count = end - begin
    even = count >= BLOCK and not count & (count - 1)  # BLOCK times a power of two is halved evenly
    largest, worst, at, flushed = tally[2], tally[3], tally[4], 0
    for start in range(begin, end, BLOCK):
        b, part = start // BLOCK, slice(start, min(start + BLOCK, end))
        place = 0 if even else start - begin  # distances are needed again where the sum is uneven
        ulps = whole[place : place + part.stop - start]
        if ulps.size == BLOCK:
            total, size, most, steepest = _block(got, power, hi, lo, steep, start, whole, place)
            sums[0, (start - begin) // BLOCK], sums[1, (start - begin) // BLOCK] = total, size
        else:
            most, steepest = _few(got[part], power[part], hi[part], lo[part], steep[part], ulps)
        numerators = ulps
        if not most < least[b]:
            numerators = sizes[: ulps.size]
            some, steepest = _others((got, reach, flushes, steep), start, ulps, numerators)
            if some < 0:
                return False
            flushed += some
        if most > largest:
            first = _first(ulps, most)
            largest, worst, at = most, ulps[first], start + first
        if most:
            steepest = max(steepest, FAINT)
            for k in range(len(widths)):
                known = tally[6 + k]
                if steepest > known * narrowest[k, b] and _larger(numerators, widths, k, start, known):
                    tally[6 + k] = _largest_ratio(numerators, widths[k, part], known)
    if even:
        total, size = _pairs(sums[0, : count // BLOCK]), _pairs(sums[1, : count // BLOCK])
    else:
        total, size = _add_up(whole[:count])
    tally[0] += size
    tally[1] += total
    tally[2], tally[3], tally[4] = largest, worst, at
    tally[5] += flushed
    return True


@loop
def stream(given: Any, chunk: int, first: int, tally: Any) -> int:
    """Measure chunks from one on, as `metrics._add` does, up to one that holds what only the definitions judge.

    given: the answer, and of its ruler power, hi, lo, reach, flushes, least, widths, steep and narrowest. tally: sums
    of sizes and ulps, the largest size, its ulps and index, how many are flushed, and the largest ratio a class.
    Returns the chunk that is left, or how many there are. A chunk is some blocks.
    """
    size = given[0].size
    chunks = -(-size // chunk)
    room = (np.empty(min(chunk, size)), np.empty(BLOCK), np.empty((2, chunk // BLOCK)))
    for c in range(first, chunks):
        if not _chunk(given, c * chunk, min((c + 1) * chunk, size), tally, room):
            return c
    return chunks
