"""The fixed-point exponential, against mpmath at three times its bits."""

import random

import mpmath
import pytest

from reference.arbiter import exponential
from reference.arbiter.exponential import BITS, LOSS, STEP

LN2, COARSE, FINE, _ = exponential.tables()
EDGES = [
    *(n * LN2 + step for n in (1, 2, 1000) for step in (-1, 0, 1)),
    *((a << (BITS - STEP)) + step for a in (1, 2, len(COARSE) - 1) for step in (-1, 0)),
    *((b << (BITS - 2 * STEP)) + step for b in (1, len(FINE) - 1) for step in (-1, 0)),
]


def drawn(kind):
    """Return some arguments in units of 2**-BITS."""
    rng = random.Random(kind)  # noqa: S311 - drawn to test, not to hide
    match kind:
        case "edges of the tables":
            return [1, *EDGES]
        case "small":
            return [rng.getrandbits(rng.randrange(1, BITS)) for _ in range(300)]
        case _:
            return [rng.getrandbits(BITS + 10) for _ in range(300)]


@pytest.mark.parametrize("kind", ["edges of the tables", "small", "up to 1024"])
def test_every_value_is_within_its_bound(kind):
    """|e**-d / (v 2**-n u) - 1| <= (n + LOSS) u, and v is as long as is said."""
    drops = drawn(kind)
    wrong = []
    with mpmath.workprec(3 * BITS):
        for drop, n, value in zip(drops, *exponential.decays(drops), strict=True):
            truth = mpmath.exp(-mpmath.ldexp(drop, -BITS))
            off = abs(truth / mpmath.ldexp(value, -BITS - n) - 1)
            if off > mpmath.ldexp(n + LOSS, -BITS) or not (1 << (BITS - 1)) - 8 <= value <= 1 << BITS:
                wrong.append((drop, n, value))

    assert wrong == []


def test_nothing_is_exactly_one():
    """e**-0 is 1, without a halving."""
    assert exponential.decays([0]) == ([0], [1 << BITS])


def test_tables_are_rounded_to_nearest():
    """Every entry is within 0.51 of a unit, as the proof has it."""
    with mpmath.workprec(3 * BITS):
        entries = [(COARSE, STEP), (FINE, 2 * STEP)]
        off = max(
            abs(mpmath.ldexp(mpmath.exp(-mpmath.ldexp(i, -step)), BITS) - table[i])
            for table, step in entries
            for i in range(0, len(table), 7)
        )

        assert off < 0.51
        assert abs(mpmath.ldexp(mpmath.ln2, BITS) - LN2) < 0.51
