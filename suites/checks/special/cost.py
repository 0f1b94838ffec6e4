"""What a row costs against its width: nobody trains with a loss that goes through all classes for each class."""

from __future__ import annotations

import contextlib
import time

from harness.adapters.adapter import Adapter
from harness.adapters.fence import NotSupported
from harness.model import Checked, Inputs
from harness.ops import VALUE_AND_GRADIENT
from suites.checks.check import Asking, Spec
from suites.checks.special.claims import ROW_OPS, SPECIAL, part

WIDE, NARROW, ROWS = 4096, 512, 4  # a square of the wide one takes 64 MiB a row
LINEAR = WIDE / NARROW
FASTER = LINEAR**1.5  # between 8, the fixed cost of a call and the caches aside, and the 64 of a quadratic algorithm
ROUNDS, TRIES = 5, 3


@SPECIAL.check(
    Spec(ROW_OPS, VALUE_AND_GRADIENT, "normal", ROWS, WIDE, ("float32",)),
    asks=lambda adapter, target: adapter.compiles(target.mode) == "nothing",
    judges=False,
)
def cost_by_width(asking: Asking) -> Checked:
    """Rows of 4096 classes take up to some 8 times the CPU time of rows of 512, or far more, as a square of them would.

    The least of five calls each, by one thread where that can be set: threads that wait for one another are busy, too.
    What seems to be far more has to seem so three times, so that a busy machine does not change what is recorded.
    """
    wide = asking.inputs
    narrow = part(wide, slice(None), NARROW)
    if narrow.labels is not None and narrow.labels.ndim == 1:
        narrow = Inputs(narrow.logits, narrow.labels % NARROW, narrow.upstream)
    for inputs in (narrow, wide):
        asking.answer(inputs)  # what a first call does besides
    with one_thread(asking.adapter):
        for _ in range(TRIES):
            short, long = (min(seconds(asking, inputs) for _ in range(ROUNDS)) for inputs in (narrow, wide))
            if not short or long <= FASTER * short:  # a coarse clock tells nothing
                return Checked(1, 0.0, policy="as the classes")
    detail = f"{LINEAR:g} times the classes take {long / short:.0f} times as long"
    return Checked(1, 0.0, policy="faster than the classes", detail=detail)


def one_thread(adapter: Adapter) -> contextlib.AbstractContextManager[None]:
    """Return a context with one thread; where a framework fixes its threads, with as many as there are."""
    try:
        return adapter.threads(1)
    except NotSupported:
        return contextlib.nullcontext()


def seconds(asking: Asking, inputs: Inputs) -> float:
    """Return the CPU seconds of a call, all threads together."""
    start = time.process_time()
    asking.answer(inputs)
    return time.process_time() - start
