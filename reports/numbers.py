"""Numbers as the page prints them: three significant digits, times in the unit that fits."""

from __future__ import annotations

import math

LEAST = 1e-9  # of an ulp
UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))


def short(value: float | None) -> str:
    """Print to three significant digits; ∞ and nan as such, nothing for None. static/numbers.js prints the same."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "∞" if value > 0 else "\u2212∞"
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def rounded(value: float | None) -> float | None:
    """Round to the three digits that are printed, so that Python and JavaScript see one number."""
    return value if value is None or not math.isfinite(value) else float(f"{value:.3g}")


def ulps(value: float | None) -> float | None:
    """Round a distance as it is printed; what is closer than LEAST is 0, as no format shows it."""
    return 0.0 if value is not None and 0 < abs(value) < LEAST else rounded(value)


def duration(seconds: float) -> str:
    """Print seconds in s, ms, µs or ns."""
    for unit, size in UNITS:
        if seconds >= size:
            return f"{float(f'{seconds / size:.3g}'):g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def count(number: int) -> str:
    """Print a count with thin spaces between the thousands."""
    return f"{number:,}".replace(",", "\u202f")


def plural(number: int, noun: str) -> str:
    """Print a count with its noun."""
    return f"{count(number)} {noun}" + ("" if number == 1 else "es" if noun.endswith(("ss", "sh")) else "s")
