"""Numbers and colours: what the page prints and draws."""

import math

import pytest

from reports import colour, numbers
from reports.pages import examples


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.5, "0.5"),
        (0.0, "0"),
        (999.6, "1e3"),
        (12345.0, "1.23e4"),
        (1.234e-5, "1.23e-5"),
        (math.inf, "∞"),
        (math.nan, "nan"),
        (None, ""),
    ],
)
def test_short(value, printed):
    """Three significant digits, powers of ten without padding."""
    assert numbers.short(value) == printed


@pytest.mark.parametrize(
    ("seconds", "printed"), [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 µs"), (8e-9, "8 ns"), (0.0, "0 ns")]
)
def test_duration(seconds, printed):
    """The unit fits the time."""
    assert numbers.duration(seconds) == printed


@pytest.mark.parametrize("stops", [colour.LIGHT, colour.DARK], ids=["light", "dark"])
def test_contrast(stops):
    """Text on every level can be read (WCAG 2.2, 1.4.3: 4.5 to 1)."""
    assert min(colour.contrast(back, ink) for back, ink in colour.scale(stops)) >= 4.5


def test_levels_grow_with_the_error():
    """A larger error never gets a lighter cell; half an ulp is the lightest and infinity the darkest."""
    errors = [0.0, 0.5, 0.6, 1.0, 5.0, 1e3, 1e8, 1e30, math.inf]

    assert [colour.ulp_level(e) for e in errors] == sorted(colour.ulp_level(e) for e in errors)
    assert (colour.ulp_level(0.5), colour.ulp_level(math.inf)) == (0, colour.LEVELS - 1)


def test_digits_of_exact_values():
    """Twenty significant digits are kept, leading zeros do not count, the exponent stays."""
    assert examples.digits("0.0012345678901234567890123456789") == "0.0012345678901234567890…"
    assert examples.digits("1.5e-44") == "1.5e-44"
