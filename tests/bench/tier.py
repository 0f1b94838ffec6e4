"""The same work by numpy and by compiled loops, for benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from harness import jit

Work = Callable[[], object]


def by(choice: str, work: Work) -> object:
    """Do work by numpy (`never`) or by compiled loops (`always`)."""
    jit.CHOICE = choice
    return work()


def both(work: Work) -> Iterator[tuple[str, Work]]:
    """Yield (name, work) by numpy, and by numba where it is installed."""
    yield "numpy", partial(by, "never", work)
    if jit.version():
        yield "numba", partial(by, "always", work)
