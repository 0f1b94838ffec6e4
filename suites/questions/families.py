"""Input families: structured rows, each built to provoke one kind of bug. Structure finds far more than chance does.

Each function draws (rows, classes) logits in float64; the caller rounds them to the case's dtype. `form` is the
dtype's Format: its exponent range sets the scale where the range itself is the point. A function's docstring is printed
in reports, and its source in reproducers of long rows: it uses numpy and nothing else. Every row of a family is
recomputed by the arbiter, unless the family is marked as `sampled`. A name may end in a size, as `magnitude/30` does:
what is drawn is multiplied by it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import ml_dtypes
import numpy as np

from harness.model import EIGHTS, FORMATS, Array, Case, Format, Source

Family = Callable[[np.random.Generator, int, int, Format], Array]
FAMILIES: dict[str, Family] = {}
SAMPLED: set[str] = set()
EVERY = 1.0  # share of the rows that the arbiter recomputes of a family built to provoke
SAMPLE = 1 / 64  # and of one that chance draws


def family(function: Family) -> Family:
    """Register a family under its name."""
    FAMILIES[function.__name__] = function
    return function


def sampled(function: Family) -> Family:
    """Mark a family whose rows are left to chance, or all there are: the arbiter recomputes some, not all."""
    SAMPLED.add(function.__name__)
    return function


def audit(source: Source) -> float:
    """Return the share of a source's rows that the arbiter recomputes: of what is chosen by hand every one."""
    match source.kind:
        case "speed":
            return SAMPLE
        case "family" | "sweep" if source.name in SAMPLED:
            return SAMPLE
        case "linear":
            return SAMPLE
    return EVERY


@family
@sampled
def normal_small(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Normal logits, standard deviation 0.1: nearly uniform rows, as at the start of training."""
    return 0.1 * rng.standard_normal((rows, classes))


@family
@sampled
def normal(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Normal logits, standard deviation 1: what a random test would ask, for scale."""
    return rng.standard_normal((rows, classes))


@family
@sampled
def normal_large(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Normal logits, standard deviation 10: most of the row is far below its maximum."""
    return 10 * rng.standard_normal((rows, classes))


@family
def coarse(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Logits so large that two neighbours lie hundreds apart: a product with them is rounded by no small number."""
    level = 2.0 ** min(form.precision + 11, form.emax - 1)
    return level * (1 + rng.integers(0, 32, (rows, classes)) * 2.0 ** (1 - form.precision))


@family
@sampled
def magnitude(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Uniform logits from -1 to 1 times a size, the same rows at every size: what grows with the logits, and when."""
    return rng.uniform(-1, 1, (rows, classes))


@family
@sampled
def offset(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Normal logits plus 100, 1e4 or 1e6: exp overflows unless the maximum is subtracted, and x - lse cancels."""
    offsets = [c for c in (1e2, 1e4, 1e6) if c < 2.0 ** (form.emax - 2)]
    return rng.standard_normal((rows, classes)) + np.resize(offsets, rows)[:, None]


@family
def wide_spread(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Evenly spread from 0 down past the underflow of exp: results cross the subnormal range into zero."""
    deepest = 1.2 * (form.emin - form.precision) * np.log(2)
    return rng.uniform(deepest, 0, (rows, classes))


@family
def confident(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """One logit leads by 2 to 60: log p of the leader is near 0, and 1 - p is lost unless summed without it."""
    x = rng.standard_normal((rows, classes))
    leader = rng.integers(0, classes, rows)
    x[np.arange(rows), leader] = x.max(axis=1) + np.linspace(2, 60, rows)
    return x


@family
def near_ties(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Logits a few ulps apart around 1 to 64: differences are exact or wrong, never in between."""
    center = 2.0 ** (np.arange(rows) % 7)
    steps = rng.integers(-3, 4, (rows, classes))
    return center[:, None] * (1 + steps * 2.0 ** (1 - form.precision))


@family
def all_equal(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """All logits equal, from 0 to a quarter of the largest number: softmax is 1/n exactly, whatever the level."""
    largest = 2.0 ** (form.emax - 2)
    levels = [0.0, 1.0, -1.0, 100.0, -100.0, 1e4, -1e4, largest, -largest, 0.1, -0.1, 3e-5]
    return np.repeat(np.resize(levels, rows)[:, None], classes, axis=1)


@family
def swamp(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """One 0 among logits just below -log 2**p: each term alone is lost when added to 1, together they are not."""
    gaps = np.log(2) * form.precision + rng.choice([-0.6, 0.1, 0.4, 0.8], rows, replace=False)
    x = np.repeat(-gaps[:, None], classes, axis=1)
    place = rng.permutation([0, classes // 2, classes - 1])
    x[np.arange(rows), np.resize(place, rows)] = 0
    return x


@family
def lse_near_zero(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Logits around -log n, so that logsumexp cancels to nearly 0: its relative accuracy is at its worst."""
    return -np.log(classes) + 0.01 * rng.standard_normal((rows, classes))


@family
def at_zero(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Logits of exactly 0, of both signs, among small ones: where a branch on a logit's sign takes neither side."""
    x = rng.standard_normal((rows, classes))
    return np.where(rng.random((rows, classes)) < 0.5, np.copysign(0.0, x), x)


@family
@sampled
def every_float16(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Every finite float16 beside a 0: all that a sigmoid, or a loss of two classes, can be asked in that format."""
    patterns = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    x = np.zeros((rows, classes))
    x[:, 0] = np.resize(patterns[np.isfinite(patterns)], rows)
    return x


@family
def two_class_gap(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Two classes with a gap from 0 to 110, densely around the points where float32 exp and log1p change branch."""
    special = [16.6, 17.3, 36.7, 87.3, 88.7, 103.97]
    gaps = np.concatenate([[s + k * 2.0**-12 for k in range(-8, 8)] for s in special])
    gaps = np.concatenate([gaps, np.linspace(0, 110, max(rows - len(gaps), 1))])[:rows]
    x = np.zeros((rows, classes))
    x[np.arange(rows), np.arange(rows) % 2] = -gaps
    return x


@family
def extremes(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Logits near the largest finite number of either sign: x - max itself overflows."""
    largest = (2 - 2.0 ** (1 - form.precision)) * 2.0**form.emax
    levels = np.array([largest, largest / 2, largest * 0.75, -largest, -largest / 2, 0.0, 1.0])
    return rng.choice(levels, (rows, classes))


@family
def subnormals(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Subnormal logits: exp is 1 for all, but a gradient or product with them must not flush unseen."""
    smallest = 2.0 ** (form.emin - form.precision + 1)
    return smallest * rng.integers(-(2 ** (form.precision - 1)) + 1, 2 ** (form.precision - 1), (rows, classes))


@family
@sampled
def long_row(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Normal logits in rows of 100 000 classes: a plain running sum loses digits in proportion to the length."""
    return rng.standard_normal((rows, classes))


@family
@sampled
def vocabulary(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """A language model's row: 32 768 classes, logits falling with log rank under heavy-tailed noise, shuffled."""
    rank = np.arange(1, classes + 1)
    x = 12 - 1.1 * np.log(rank) + 0.5 * rng.standard_t(4, (rows, classes))
    return rng.permuted(x, axis=1)


@family
def ones(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """All, half or one of the logits 0, the others too far below to count: the sum is whole, exact in any order."""
    # In turn: all; a random half; the other half; the first and the last class; one alone, at either end, or where a
    # power of two or a block of 64 or 1024 classes ends or begins.
    power = 2 ** int(np.log2(max(classes - 1, 1)))
    places = (0, classes - 1, power, power - 1, (classes - 1) // 64 * 64, (classes - 1) // 1024 * 1024)
    x = np.full((rows, classes), far(form))
    half = np.ones(classes, bool)
    for row in range(rows):
        turn, kind = divmod(row, 5)
        if kind == 1:
            half = rng.random(classes) < 0.5
            half[[0, -1]] = True, False
        alone = places[(turn + classes) % len(places)]
        x[row, (slice(None), half, ~half, [0, classes - 1], alone)[kind]] = 0
    return x


@family
def shares(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Probabilities that sum to exactly 1, counts over a power of two: of a model that is not sure."""
    whole = 2 ** max(8, int(np.ceil(np.log2(4 * classes))))
    return (1 + rng.multinomial(whole - classes, rng.dirichlet(np.ones(classes)), rows)) / whole


@family
def log_shares(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Logarithms of probabilities that sum to 1, some of them small: what a log-softmax hands on."""
    x = 4 * rng.standard_normal((rows, classes))
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


@family
def small_rows(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Normal logits in few short rows, a common 0, 100 or 10 000 added in turn: for what is asked apart."""
    return rng.standard_normal((rows, classes)) + np.resize([0.0, 1e2, 1e4], rows)[:, None]


@family
def near_certain(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:
    """Probabilities that sum to 1: one a few ulps below it, a small one, others down to the smallest normal number."""
    steps = rng.integers(0, 2 ** (form.precision - 1), (rows, classes))
    x = (1 + steps * 2.0 ** (1 - form.precision)) * 2.0 ** -rng.integers(form.precision, 1 - form.emin, (rows, classes))
    leader, ulps = rng.integers(0, classes, rows), 2.0 ** rng.integers(0, form.precision - 2, rows)
    x[np.arange(rows), (leader + 1) % classes] = ulps * 2.0**-form.precision
    x[np.arange(rows), leader] = 0
    x[np.arange(rows), leader] = np.floor((1 - x.sum(axis=1)) * 2.0**form.precision) * 2.0**-form.precision
    return x


def far(form: Format) -> float:
    """Return a logit that is too far below 0 to count, whatever a format is computed in."""
    return -300.0 if form.emin >= -126 else -1000.0


def generator(case: Case) -> tuple[int, ...]:
    """Return the entropy of a draw; dtype and size are left out, so that all see the same rows before rounding."""
    return (zlib.crc32(case.source.name.encode()), case.rows, case.classes, case.seed)


def draw(case: Case) -> Array:
    """Draw a case's logits, (rows, classes), rounded to its dtype; every one finite."""
    source, rng = case.source, np.random.default_rng(generator(case))
    drawn = FAMILIES[source.name](rng, case.rows, case.classes, FORMATS[case.dtype])
    return to_dtype(drawn * float(source.size or 1), case.dtype)


def to_dtype(x: Array, dtype: str) -> Array:
    """Round float64 inputs to a dtype; narrow ones go through float32, which an input may."""
    if dtype == "bfloat16" or dtype in EIGHTS:
        return x.astype(np.float32).astype(getattr(ml_dtypes, dtype))
    return x.astype(dtype)
