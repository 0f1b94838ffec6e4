"""The planted slowdowns as pytest-benchmark times them, and as asv would, for `tests.selftest_speed` to compare with.

One process a run, as both tools have it: a run of the old version, another of the new.
"""

import time

import pytest
import torch

from harness.model import Case, Op
from suites.questions import cases
from tests.kernels import slowdowns

ASV_SAMPLES = 10  # a process; asv's own defaults are up to 10 samples of 10 ms, in 2 processes
ASV_SECONDS = 10e-3


@pytest.mark.parametrize("share", slowdowns.SHARES)
@pytest.mark.parametrize("op", slowdowns.OPS)
def test_planted(benchmark, op, share):
    """Time one function in both ways."""
    inputs = cases.inputs(Case(Op.of(op), "value", cases.SPEED, "float32", 64, 1000))
    arrays = [torch.from_numpy(array) for array in (inputs.logits, inputs.labels) if array is not None]
    run = slowdowns.slowed(slowdowns.OPS[op], share)
    with torch.no_grad():
        benchmark(run, *arrays)
        benchmark.extra_info |= {"op": op, "share": share, "asv": asv_samples(run, arrays)}


def asv_samples(run, arrays):
    """Return seconds a call, in samples of as many calls as take 10 ms."""
    calls, seconds = 1, 0.0
    while seconds < ASV_SECONDS:
        calls *= 2
        seconds = timed(run, arrays, calls)
    calls = max(1, round(calls * ASV_SECONDS / seconds))
    return [timed(run, arrays, calls) / calls for _ in range(ASV_SAMPLES)]


def timed(run, arrays, calls):
    """Return the seconds of so many calls."""
    started = time.perf_counter()
    for _ in range(calls):
        run(*arrays)
    return time.perf_counter() - started
