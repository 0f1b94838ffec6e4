"""Invariance: the same row gets the same answer, whatever is around it, wherever it lies and whatever came before.

Batch, place, memory layout and threads may change the last bits, because vector and scalar code round differently:
which bits they change is recorded, and what leaves every budget is a deviation. Asked again, bits are the same.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from functools import partial

import numpy as np

from harness.adapters.adapter import Adapter
from harness.adapters.fence import fenced
from harness.model import DTYPES, QUANTITIES, Checked, Inputs, Target
from suites.checks.call import Call
from suites.checks.check import Asking, NoAnswer, Spec, answered
from suites.checks.invariance.batches import (
    DIFFERS,
    Batch,
    BitChange,
    Surroundings,
    Truth,
    batches,
    changed,
    of_rows,
    taken,
)
from suites.checks.invariance.suite import BY_ROW, IN_MEMORY, INVARIANCE, LINEAR, OPS, SQUARE
from suites.checks.sizes import each, in_part

SIZES = (1, 2, 3, 7, 33, 64, 257)  # 64 for who takes one axis for the other by its length
FEW = (1, 7)  # where each size is a compilation
MANY = 2051  # rows that torch shares among threads: two of its grains, 2 * 32768 elements, and a remainder
PRIME = (31, 5)  # rows that, repeated, do not come again after a power of two
GRID = 65_535  # blocks that an axis of a grid holds, on a GPU, but the first (CUDA C++ Programming Guide, 16.2)


def later_mode(adapter: Adapter, target: Target) -> bool:
    """Take the targets that have a plainer mode, or the cpu, to be held against."""
    return (target.mode, target.device) != (adapter.plainest, "cpu")


@INVARIANCE.check(SQUARE, BY_ROW)
def batch(asking: Asking) -> Checked:
    """A row's answer stays within its budget in a batch of any size and order, and beside much larger rows."""
    plainest = asking.target.mode == asking.adapter.plainest
    return among(asking, *batches(asking.inputs, SIZES if plainest else FEW))


@INVARIANCE.check(Spec(OPS, QUANTITIES, "normal", *PRIME, ("float32",)))
def many_rows(asking: Asking) -> Checked:
    """Rows beyond the 65 535 that a grid's axis holds are answered as the same rows are in a small batch."""
    count = GRID + 8
    rows = np.resize(np.arange(asking.case.rows), count)
    some = np.union1d(np.arange(0, count, 509), np.arange(GRID - 8, count))
    return among(asking, Batch(f"a batch of {count}", taken(asking.inputs, rows), rows[some], some))


def on_cpu(_adapter: Adapter, target: Target) -> bool:
    """Take the targets whose threads a framework chooses."""
    return target.device == "cpu"


@INVARIANCE.check(IN_MEMORY, BY_ROW, asks=on_cpu)
def threads(asking: Asking) -> Checked:
    """Two threads answer as one does."""
    many = of_rows("two threads", asking.inputs, np.resize(np.arange(asking.case.rows), MANY))
    answers = []
    for count in (1, 2):
        with answered(fenced(partial(asking.adapter.threads, count))):
            answers.append(asking.answer(many.inputs))
    one, two = answers
    truth = Truth.of(asking).rows(many.rows)
    found = Surroundings.with_plain(truth, one)
    found.add(many.name, two, many.inputs, truth, one)
    return found.checked()


@INVARIANCE.check(SQUARE, LINEAR, asks=later_mode, judges=False)
def modes(asking: Asking) -> Checked:
    """Another mode or device may give other bits than the plainest mode on the cpu; which, is recorded."""
    mode, device = asking.other_mode()
    plain, got = asking.answer(mode=mode, device=device), asking.answer()
    if change := changed(got, plain):
        return Checked(got.size, 0.0, DIFFERS, f"against mode {mode} on {device}, {change.words}")
    return Checked(got.size, 0.0, detail=f"the bits of mode {mode} on {device}")


@INVARIANCE.check(replace(SQUARE, dtypes=DTYPES), LINEAR)
def again(asking: Asking) -> Checked:
    """The same question gets the same bits: asked at once, with arrays made anew, and after other questions."""
    call, others = Call.of(asking), list(batches(asking.inputs, (7,)))
    if asking.adapter.compiles(asking.target.mode) != "nothing":
        others = [other for other in others if len(other.rows) == asking.case.rows]
    first = call.answer(call())

    def after_others() -> Call:
        for other in others:
            asking.answer(other.inputs)
        return call

    ways = {"at once": lambda: call, "with arrays made anew": lambda: Call.of(asking), "after others": after_others}
    for name, way in ways.items():
        once_more = way()
        got = once_more.answer(once_more())
        if change := changed(got, first):
            return broken(asking, f"asked again {name}, {change.words}", change, first.size)
    digest = hashlib.sha256(first.tobytes()).hexdigest()[:16]
    return Checked(first.size, 0.0, detail=f"same bits, of SHA-256 {digest}...")


@INVARIANCE.check(replace(SQUARE, dtypes=DTYPES), LINEAR)
def untouched(asking: Asking) -> Checked:
    """A call leaves its arrays as they were, bit for bit: the logits, the labels, the incoming gradient."""
    call = Call.of(asking)
    before = call.read(call.prepared.arrays)
    call()
    for name, was, now in zip(call.names, before, call.read(call.prepared.arrays), strict=True):
        if change := changed(now, was):
            return broken(asking, f"the call changes the {name}: {change.words}", change, was.size)
    return Checked(sum(array.size for array in before), 0.0, detail=f"unchanged: {', '.join(call.names)}")


@INVARIANCE.check(SQUARE, LINEAR)
def kept(asking: Asking) -> Checked:
    """An answer stays as it is when the function is called again, and when its own arrays get other numbers."""
    call, other = Call.of(asking), Call.of(asking, turned(asking.inputs))
    native = call()
    before = call.answer(native)
    other()
    if change := changed(call.answer(native), before):
        return broken(asking, f"the next call changes the answer: {change.words}", change, before.size)
    try:
        call.fill(other.inputs)
    except NoAnswer:
        return Checked(before.size, 0.0, detail="unchanged by the next call")
    if change := changed(call.answer(native), before):
        return broken(asking, f"the answer shares its arguments' memory: {change.words}", change, before.size)
    return Checked(before.size, 0.0, detail="unchanged by the next call and by new numbers in the arguments")


@INVARIANCE.check(SQUARE, LINEAR)
def renewed(asking: Asking) -> Checked:
    """Other numbers in the very arrays of the call before, or beside its logits, get an answer of their own."""
    call, other = Call.of(asking), Call.of(asking, turned(asking.inputs))
    found = Surroundings.with_plain(Truth.of(asking, call.inputs), call.answer(call()))
    for name in call.names[1:]:
        swapped = call.with_other(name, other)
        got = swapped.answer(swapped())
        found.add(
            f"a call with other {name} beside the same logits", got, swapped.inputs, Truth.of(asking, swapped.inputs)
        )
    try:
        call = call.fill(other.inputs)
    except NoAnswer:
        if not found.names:
            raise
    else:
        found.add(
            "a call with other numbers in the same arrays",
            call.answer(call()),
            call.inputs,
            Truth.of(asking, call.inputs),
        )
    return found.checked()


def turned(inputs: Inputs) -> Inputs:
    """Return the rows in another order, of a weight the classes too: other numbers in the same shapes."""
    rows = taken(inputs, np.roll(np.arange(len(inputs.logits)), 1))
    return rows if rows.weight is None else replace(rows, weight=np.roll(rows.weight, 1, axis=0))


def broken(asking: Asking, words: str, change: BitChange, elements: int) -> Checked:
    """Report a rule as broken where an array first changed."""
    worst = asking.worst(asking.inputs, change.index, change.was, change.now, change.ulp)
    return Checked(elements, math.inf, detail=words, worst=worst)


def among(asking: Asking, *others: Batch) -> Checked:
    """Compare a case's rows in other batches with themselves in the case."""
    truth, plain = Truth.of(asking), asking.answer()
    found = Surroundings.with_plain(truth, plain)

    def add(other: Batch) -> None:
        got = asking.answer(other.inputs)[other.at]
        found.add(other.name, got, taken(other.inputs, other.at), truth.rows(other.rows), plain[other.rows])

    _, refused = each(add, others)
    return in_part(found.checked(), refused, len(others))
