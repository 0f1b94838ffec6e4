"""What a sweep's reference takes beside a plain mpmath loop: `python -m tests.bench.beside`.

The loss of the sigmoid cross-entropy, label 1, and its gradient, at 100 000 float32 numbers: as one writes them with
mpmath at 50 digits; by the reference of a sweep, certified; and with answers measured against that, slower tiers asked
where it takes. Seconds are of the processor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import mpmath
import numpy as np

from harness.model import Array, Case
from reference.fast.float64 import single
from suites.judging.sweeps import account
from suites.judging.sweeps.account import Account
from suites.judging.sweeps.run import Wanted

NUMBERS, DIGITS, TURNS = 100_000, 50, 7


def plain(numbers: Sequence[float]) -> list[tuple[mpmath.mpf, mpmath.mpf]]:
    """Return the loss of label 1 and its gradient as users of mpmath write them."""
    with mpmath.workdps(DIGITS):
        found = []
        for x in map(mpmath.mpf, numbers):
            tail = mpmath.exp(-abs(x))
            p = 1 / (1 + tail) if x >= 0 else tail / (1 + tail)
            found.append((mpmath.log1p(tail) + max(x, 0) - x, p - 1))
        return found


def certified(cases: Sequence[Case], x: Array) -> list[single.Truth]:
    """Return the same within proven radii."""
    basis = single.basis(x.astype(np.float64))
    return [single.truth(single.plan(case.op, case.quantity, account.label(case)), basis) for case in cases]


def judged(cases: Sequence[Case], x: Array, answers: Sequence[Array]) -> None:
    """Do the same, and measure answers against it."""
    for case, truth, got in zip(cases, certified(cases, x), answers, strict=True):
        account.add(Account(), case, got, truth, x, 0)


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's seconds of a call, the least of some."""
    least = float("inf")
    for _ in range(TURNS):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
    return least


def measure() -> tuple[float, float, float]:
    """Return the seconds of a plain loop, and how often the others go into them."""
    every = Wanted(("sigmoid_xent",), "float32").cases()
    of_one = [case for case in every if case.family == "every_yes" and not case.op.params]
    x = np.random.default_rng(0).standard_normal(NUMBERS).astype(np.float32) * np.float32(8)
    answers = [truth.value.astype(np.float32) for truth in certified(of_one, x)]
    judged(of_one, x, answers)  # what is compiled is, from then on
    began = time.process_time()
    plain(x.tolist())
    loop = time.process_time() - began
    alone, measured = (seconds(work) for work in (lambda: certified(of_one, x), lambda: judged(of_one, x, answers)))
    return loop, loop / alone, loop / measured


def main() -> None:
    """Print the figures."""
    loop, alone, measured = measure()
    print(  # noqa: T201
        f"{NUMBERS} losses and gradients: a plain mpmath loop takes {loop:.3g} s, {alone:.0f} times what the certified "
        f"reference does, {measured:.0f} times what it does with answers measured"
    )


if __name__ == "__main__":
    main()
