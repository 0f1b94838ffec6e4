"""Speed: absolute figures of the fused functions, forward and forward + backward.

pytest-benchmark calibrates and samples; every sample waits for the device. The first call, which compiles, is reported
apart. Deciding who is faster takes paired measurements (`xentbench duel`, `tournament`, `run --speed`); these figures
say what this machine did, with their spread. Thread pools and allocators are a process's own, so ask one framework at a
time (`--on torch`), as `nox -s benchmark` does.
"""

from collections.abc import Iterator, Sequence

from pytest_benchmark.fixture import BenchmarkFixture

from harness.adapters.adapter import Adapter
from harness.adapters.fence import fenced
from harness.model import Case, Outcome, Target, Timing, Unsupported
from harness.running.measured import Measured
from harness.timing import clock
from reference.golden import Audited
from suites.conftest import Asker
from suites.parts import Part
from suites.questions import cases, plan


def questions(adapters: Sequence[Adapter], wanted: plan.Wanted) -> Iterator[plan.Item]:
    """Take what the preset times."""
    return plan.speed_questions(adapters, wanted)


def test_speed(question: plan.Item, claim: Asker, benchmark: BenchmarkFixture) -> None:
    """A fused function can be timed; how fast it is, is no claim."""

    def timed(adapter: Adapter, case: Case, target: Target, _: Audited, __: Measured) -> Outcome:
        return fenced(lambda: sample(adapter, case, target, benchmark))

    claim(question, Part("speed", questions, timed))


def sample(adapter: Adapter, case: Case, target: Target, benchmark: BenchmarkFixture) -> Timing | Unsupported:
    """Time the first call, then let pytest-benchmark take its rounds."""
    run = clock.waited(adapter, adapter.prepare(case.op, case.quantity, cases.inputs(case), target))
    first = clock.first_call_seconds(run)
    benchmark.extra_info["first_call_seconds"] = first
    benchmark(run)
    if benchmark.stats is None:
        return Unsupported("pytest-benchmark is off, as it is under xdist; try without -n")
    return Timing(tuple(benchmark.stats.stats.data), benchmark.stats.iterations, first)
