"""What a call costs against the width of its rows: `nox -s bench-widths -- torch:eager mlx [--op softmax]`.

The fused functions of an op, value and gradient, each framework or engine in an environment of its own, by one thread
where that can be set. Beside round widths stand those one above. Printed are microseconds a call, and how the time
grows over the wide ones: with the classes to the power of 1, or of less where a call's fixed cost is still in it. A
test cannot hold a time; the judge's check `special.cost_by_width` holds one's own function to the order of it.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from harness.adapters import NotSupported, frameworks
from harness.adapters.adapter import Adapter
from harness.model import Case, Op, Target
from harness.ops import OPS
from harness.running import arguments
from harness.timing import clock
from suites.checks.special.cost import one_thread
from suites.questions import cases, plan, presets
from suites.questions.cases import SPEED
from tools import engines
from tools.versions import resolver

WIDTHS = (16, 17, 128, 129, 1024, 1025, 8192, 8193, 65_536, 65_537, 131_072)
GROWS = (8192, 65_536, 131_072)  # where the fixed cost of a call no longer counts
ROWS = 8
ROUNDS, ROUND_SECONDS = 5, 2e-3


def seconds(adapter: Adapter, case: Case, target: Target) -> float:
    """Return the least time of a call, as other work on the machine only adds to it.

    Raises NotSupported for what the function has not.
    """
    prepared = adapter.prepare(case.op, case.quantity, cases.inputs(case), target)
    run = clock.waited(adapter, prepared)
    run()
    calls = max(1, math.ceil(ROUND_SECONDS / max(clock.first_call_seconds(run), 1e-7)))
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(calls):
            run()
        times.append((time.perf_counter() - started) / calls)
    return min(times)


def growth(taken: Sequence[tuple[int, float]]) -> float:
    """Return the power of the width that times grow with, from (width, seconds): the slope of their logarithms."""
    found = [(math.log(width), math.log(time)) for width, time in taken if width in GROWS]
    return statistics.linear_regression(*zip(*found, strict=True)).slope


def show(name: str, mode: str, op: str) -> None:
    """Print a line for each function and quantity of one framework or engine, asked in this process."""
    adapter = frameworks.load(name)
    if adapter.untimed:
        sys.stdout.write(f"{name}: not timed: {adapter.untimed}\n")
        return
    wanted = plan.Wanted(presets.PRESETS["quick"], ((name, mode),), (op,), device="cpu")
    with one_thread(adapter):
        ask(adapter, plan.targets(adapter, wanted), op)


def ask(adapter: Adapter, targets: Sequence[Target], op: str) -> None:
    """Print a line for each function and quantity, each function once."""
    seen = set()
    for target in targets:
        offer = adapter.offer(target.implementation)
        if target.implementation.kind != "fused" or (offer.identity, target.mode) in seen or not offer.takes():
            continue
        seen.add((offer.identity, target.mode))
        for quantity in OPS[op].forward_and_backward if adapter.differentiates else ("value",):
            try:
                each = [Case(Op(op), quantity, SPEED, "float32", ROWS, width) for width in WIDTHS]
                taken = [(case.classes, seconds(adapter, case, target)) for case in each]
            except NotSupported as refusal:
                sys.stdout.write(f"{target} {quantity}: {refusal}\n")
                continue
            cells = " ".join(f"{width}:{1e6 * time:.3g}" for width, time in taken)
            sys.stdout.write(f"{target} {quantity}: {cells} us; grows as width**{growth(taken):.2f}\n")


def main(words: Sequence[str]) -> None:
    """Ask each name in an environment of its own, or here where that is said."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="+", help="frameworks or engines, each with a mode behind a colon at will")
    parser.add_argument("--op", default="softmax", choices=[name for name, record in OPS.items() if not record.linear])
    parser.add_argument("--here", action="store_true", help="ask in this environment")
    asked = parser.parse_args(words)
    for name, mode in arguments.pairs(",".join(asked.names)):
        if asked.here:
            show(name, mode, asked.op)
            continue
        python = next((word.partition("=")[2] for word in engines.made(resolver(), name)[1:]), sys.executable)
        named = f"{name}:{mode}" if mode else name
        subprocess.run([python, "-m", "tests.bench.widths", named, "--op", asked.op, "--here"], check=False)


if __name__ == "__main__":
    main(sys.argv[1:])
