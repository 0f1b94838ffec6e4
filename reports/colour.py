"""The colour of a number: one sequential scale from light (good) to dark, safe for colour-blind readers.

The stops run from yellow to blue in steps of falling lightness, as cividis does (Nunez, Anderton and Renslow, PLOS ONE
13(7), 2018), with the loud yellow end faded to paper: most cells are good, and a page of them should be quiet.
"""

from __future__ import annotations

import math

LEVELS = 18  # 0 to 16 by half decades, 17 for infinity
LIGHT = ("#fdf9e3", "#f4e9b0", "#dccb83", "#b3a878", "#858479", "#5c6577", "#3a4c73", "#1d3363", "#00204c")
DARK = ("#cdc6a4", "#bfb27c", "#a3966a", "#817a68", "#636469", "#4b526a", "#364467", "#23345d", "#142450")
INK, PAPER = "#0b0d10", "#ffffff"


def ulp_level(ulp: float) -> int:
    """Half decades above half an ulp, the correctly rounded answer: 0 to 16, 17 where not finite."""
    if not math.isfinite(ulp):
        return LEVELS - 1
    return 0 if ulp <= 0.5 else min(LEVELS - 2, round(2 * (math.log10(ulp) + math.log10(2))))


def scale(stops: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return (background, text colour) of each level, interpolated in sRGB between the stops."""
    colours = []
    for level in range(LEVELS):
        place = level / (LEVELS - 1) * (len(stops) - 1)
        below = min(int(place), len(stops) - 2)
        ends = zip(_rgb(stops[below]), _rgb(stops[below + 1]), strict=True)
        back = "#" + "".join(f"{round(a + (b - a) * (place - below)):02x}" for a, b in ends)
        colours.append((back, max((INK, PAPER), key=lambda ink: contrast(back, ink))))
    return colours


def css() -> str:
    """Return the rules that colour the levels, in both colour schemes."""
    rules = ["".join(f".l{i}{{background:{b};color:{t}}}" for i, (b, t) in enumerate(scale(s))) for s in (LIGHT, DARK)]
    return f"{rules[0]}@media screen and (prefers-color-scheme:dark){{{rules[1]}}}"


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definition of the same name)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _rgb(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
