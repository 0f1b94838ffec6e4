"""Peak memory of calls whose need is known."""

import pytest

from harness.model import Case, Implementation, Op, Target
from harness.timing import memory
from harness.timing.duel.gateways import Workers
from harness.timing.duel.site import Site
from suites.speed import peaks as peak_memory
from suites.speed.candidates import Candidate
from suites.speed.peaks import PeakMemory

CASE = Case(Op.of("softmax"), "value", "speed", "float32", 4, 1024)
KERNELS = """
import os
import numpy as np
from harness.adapters import implements

@implements("softmax", framework="numpy")
def nothing(logits):
    return logits

@implements("softmax", framework="numpy")
def two(logits):
    shifted = logits - 1
    return shifted * 2

@implements("softmax", framework="numpy")
def dies(logits):
    os._exit(3)

@implements("softmax", framework="numpy")
def refuses(logits):
    raise ValueError("not these")
"""


@pytest.fixture
def peaks(tmp_path, monkeypatch):
    """Return how to read the peaks of functions by their names, on logits of 16 MiB."""
    monkeypatch.setattr(peak_memory, "PEAK_BYTES", 16 << 20)
    path = tmp_path / "kernels.py"
    path.write_text(KERNELS)
    with Workers() as workers:
        site = Site.of()
        found = PeakMemory(workers, site)

        def read(*names):
            targets = [Target(Implementation("numpy", "softmax", name, "fused"), "eager") for name in names]
            timed = [Candidate(target, str(path), site, None, {}, {}) for target in targets]
            return found.peaks(timed, CASE)

        read.memory = found
        yield read


@pytest.mark.skipif(not memory.CLEAR.exists(), reason="this system resets no high-water mark")
def test_peak_in_sizes_of_the_logits(peaks):
    """A call that makes nothing has no peak; one that makes two arrays has one of twice the logits, to 5 %."""
    found = peaks("nothing", "two")

    assert found["nothing@eager"].bytes < (1 << 20)
    assert found["two@eager"].bytes / found["two@eager"].logits_bytes == pytest.approx(2, rel=0.05)
    assert found["two@eager"].logits_bytes == 16 << 20


def test_who_refuses_or_dies_has_no_peak(peaks):
    """A function that raises, or that its process dies of, has none; the next is read in a new process."""
    assert peaks("refuses", "dies").keys() == set()
    assert peaks("nothing").keys() == {"nothing@eager"}


def test_read_once_for_all_shapes(peaks):
    """What was read stands for every shape of a question: no process is asked again."""
    first = peaks("nothing")
    peaks.memory.stop("numpy")

    assert peaks("nothing") == first
    assert not peaks.memory._by_framework
