"""A logarithmic axis in a line of a table: where on it a number lies, and which are written on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH, HEIGHT, MARGIN = 260, 18, 8  # of a strip, in CSS pixels
STEPS = (1, 2, 5)  # of a decade, where there is room for them
AT_MOST = 6  # numbers written on an axis
CLOSE = 1e-9  # relative; what is so close is the same


@dataclass(frozen=True)
class Axis:
    """An axis from one number to another."""

    low: float
    high: float

    @classmethod
    def decades(cls, numbers: Iterable[float]) -> Axis:
        """Return an axis over whole decades, at least one, that holds all numbers."""
        every = list(numbers)
        low = math.floor(math.log10(min(every)))
        return cls(10.0**low, 10.0 ** max(low + 1, math.ceil(math.log10(max(every)))))

    @classmethod
    def steps(cls, numbers: Iterable[float]) -> Axis:
        """Return an axis between two steps of a decade, at least two apart, that holds all numbers."""
        every = list(numbers)
        around = _steps(min(every) / 10, max(every) * 10)
        low = max(step for step in around if step <= min(every) * (1 + CLOSE))
        return cls(low, min(step for step in around if step >= max(max(every) * (1 - CLOSE), 2 * low)))

    def at(self, number: float) -> float:
        """Return the place of a number, in pixels."""
        part = math.log(number / self.low) / math.log(self.high / self.low)
        return round(MARGIN + part * (WIDTH - 2 * MARGIN), 1)

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Return (pixel, number) of each number that is written: decades, and steps between where there is room."""
        found = _steps(self.low, self.high)
        if len(found) > AT_MOST:
            found = [number for number in found if f"{number:e}".startswith("1.0")]
        found = found[:: math.ceil(len(found) / AT_MOST)]
        return [(self.at(number), number) for number in found]


def _steps(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times every power of ten between two numbers, these included."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [float(f"{step}e{power}") for power in powers for step in STEPS]
    return [number for number in every if low * (1 - CLOSE) <= number <= high * (1 + CLOSE)]
