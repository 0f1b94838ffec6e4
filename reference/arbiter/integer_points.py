"""Certified answers of elementwise ops in fixed point: the quick path of the arbiter, element by element.

The formulas are those of `reference.arbiter.points`. With X = |x|, e = e**-X and L = log(1 + e), all exact but these,
every op is one of three:

    share   (l + m e) / (1 + e)     l and m exact
    bell    g e / (1 + e)**2        g exact
    curve   a + w L                 a and w exact

and X lies in one of three places, u being 2**-BITS:

    near, X < NEAR.  Series, whose terms alternate and fall, so that what is left out is below the first of it:
                share = (l + m) / 2 + (l - m) (X / 4 - X**3 / 48 + X**5 / 480 ..),
                bell = g (1 / 4 - X**2 / 16 + X**4 / 96 ..), L = log 2 - X / 2 + X**2 / 8 - X**4 / 192 .., the last of
                them below u / 2**90. x = 0 is exact but in L.
    usual.      e = v 2**-P with P = n + BITS and v, n of `reference.arbiter.exponential`, so |de| <= (n + 8) u e,
                charged n + 9 for its square; v <= 2**BITS, so e is off by n + 9 units of 2**-P at most.
                share: its derivative is (m - l) / (1 + e)**2; a floor. bell: |d log bell| <= |d log e|; a floor.
                L: dL = de / (1 + e) <= L |de| / e, and 4 ulps of LOG_BITS as in `reference.arbiter.ball`, below 1 u.
    far, X > FAR.  e < 2**-TINY. What is exact without e is left as it is, with the side that e pushes it to. What e is
                all of is a multiple of it: 1 + e, its square, and L / e are 1 within 2 e.

What neither decides, and e itself where X > FARTHEST, is left to balls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from mpmath import libmp

from harness.model import Quantity
from reference.arbiter.ball import EXACT, Ball
from reference.arbiter.column import Column
from reference.arbiter.exponential import BITS, decays
from reference.question import Numbers, PlainRow

LOG_BITS = BITS + 8
NEAR, FAR, FARTHEST = 2.0**-72, 101.0, 2.0**24
TINY = 142  # e**-FAR < 2**-145
SPARE = 160  # bits below the last one of a series' smallest term

Entry = tuple[int, int, int, int]  # digits, exponent, the error in units of 2**exponent, the side as in `Column`
Dyadic = tuple[int, int]  # numerator 2**-scale
ONE, NONE = (1, 0), (0, 0)


class LeftToBalls(ArithmeticError):  # noqa: N818 - a state, not an error
    """An element is not answered in integers."""


def _exact(number: Dyadic) -> Entry:
    return number[0], -number[1], 0, 0


def _aligned(a: Dyadic, b: Dyadic) -> tuple[int, int, int]:
    """Return the numerators of two numbers on one scale."""
    scale = max(a[1], b[1])
    return a[0] << scale - a[1], b[0] << scale - b[1], scale


@cache
def _log_2() -> int:
    """Return log 2 in units of 2**-LOG_BITS, rounded down."""
    return int(libmp.to_int(libmp.mpf_shift(libmp.mpf_ln2(LOG_BITS + 20), LOG_BITS)))


@dataclass(frozen=True, slots=True)
class Near:
    """|x| < NEAR: X = top 2**-scale."""

    top: int
    scale: int

    def share(self, large: Dyadic, small: Dyadic) -> Entry:
        """(l + m) / 2 + (l - m) (X / 4 - X**3 / 48), less than |l - m| X**5 / 480 and two floors off."""
        l, m, scale = _aligned(large, small)
        a, s = self.top, self.scale
        digits, cubic = (2 * (l + m) << s) + (l - m) * a, (l - m) * a**3
        if not cubic:
            return digits, -s - 2 - scale, 0, 0
        more = SPARE + 2 * s
        digits = (digits << more) - (cubic << SPARE) // 12
        return digits, -s - 2 - scale - more, (abs(cubic) * a * a << SPARE >> 2 * s) // 120 + 2, 0

    def bell(self, g: Dyadic) -> Entry:
        """g (1 / 4 - X**2 / 16), less than |g| X**4 / 96 off."""
        a, s = self.top, 2 * self.scale
        digits, left = g[0] * ((4 << s) - a * a), abs(g[0]) * a**4
        if not left:
            return digits, -s - 4 - g[1], 0, 0
        return digits << SPARE, -s - 4 - g[1] - SPARE, ((left << SPARE) >> s) // 6 + 1, 0

    def curve(self, line: Dyadic, weight: Dyadic) -> Entry:
        """L to 4 units of 2**-LOG_BITS: of log 2, two terms, and the rest."""
        a, s = self.top, self.scale
        log = _log_2() - ((a << LOG_BITS) >> s + 1) + ((a * a << LOG_BITS) >> 2 * s + 3)
        return _line_and_log(line, weight, log, LOG_BITS, 4)


@dataclass(frozen=True, eq=False)
class Usual:
    """NEAR <= |x| <= FAR: e = v 2**-places within n + 9 units, relative to 2**-BITS and absolutely to 2**-places."""

    v: int
    n: int

    @property
    def places(self) -> int:
        """P."""
        return self.n + BITS

    @cached_property
    def below(self) -> int:
        """1 + e, in units of 2**-places."""
        return (1 << self.places) + self.v

    @cached_property
    def log(self) -> tuple[int, int, int]:
        """L as digits, their scale, and the error in units of that."""
        _, mantissa, exponent, count = libmp.mpf_log(libmp.from_man_exp(self.below, -self.places), LOG_BITS, "n")
        digits = int(mantissa) << LOG_BITS - count
        return digits, LOG_BITS - count - exponent, (digits * (self.n + 10) >> BITS) + 1

    def share(self, large: Dyadic, small: Dyadic) -> Entry:
        """(l + m e) / (1 + e)."""
        l, m, scale = _aligned(large, small)
        if l == m:
            return _exact(large)
        places = self.places
        digits = ((l << places) + m * self.v << places) // self.below
        return digits, -places - scale, abs(m - l) * (self.n + 9) + 1, 0

    def bell(self, g: Dyadic) -> Entry:
        """g e / (1 + e)**2."""
        places = self.places
        digits = (g[0] * self.v << 2 * places) // (self.below * self.below)
        return digits, -places - g[1], (abs(g[0]) * (self.n + 9) + 1) * (g[0] != 0), 0

    def curve(self, line: Dyadic, weight: Dyadic) -> Entry:
        """a + w L."""
        return _line_and_log(line, weight, *self.log)


def _line_and_log(line: Dyadic, weight: Dyadic, log: int, log_scale: int, error: int) -> Entry:
    scale = max(line[1], weight[1] + log_scale)
    shift = scale - weight[1] - log_scale
    digits = (line[0] << scale - line[1]) + (weight[0] * log << shift)
    return digits, -scale, abs(weight[0]) * error << shift, 0


@dataclass(frozen=True, slots=True)
class Far:
    """|x| > FAR: e = v 2**-(n + BITS), or nothing where v is 0: then |x| > FARTHEST."""

    v: int
    n: int

    def share(self, large: Dyadic, small: Dyadic) -> Entry:
        """L and the side of m - l; m e where l is 0."""
        l, m, scale = _aligned(large, small)
        return self._alone(small) if not l else self._pushed(l, m - l, scale)

    def bell(self, g: Dyadic) -> Entry:
        """g e."""
        return self._alone(g)

    def curve(self, line: Dyadic, weight: Dyadic) -> Entry:
        """A and the side of w; w e where a is 0."""
        a, w, scale = _aligned(line, weight)
        return self._alone(weight) if not a else self._pushed(a, w, scale)

    def _alone(self, factor: Dyadic) -> Entry:
        if factor[0] and not self.v:
            raise LeftToBalls
        relative = self.n + 9 + (2 << BITS >> TINY)  # in units of 2**-BITS, and v <= 2**BITS
        return factor[0] * self.v, -self.n - BITS - factor[1], abs(factor[0]) * relative, 0

    def _pushed(self, number: int, push: int, scale: int) -> Entry:
        """Return an exact number that |push| e at most is added to, if that is below 2**-TINY of it."""
        tiny = TINY + max(push.bit_length() - number.bit_length() + 1, 0)
        if tiny > (self.n - 1 if self.v else FARTHEST):  # e < 2**-tiny
            raise LeftToBalls
        return number << tiny, -scale - tiny, abs(push), (push > 0) - (push < 0)


Point = Near | Usual | Far


@lru_cache(maxsize=512)  # a batch of rows, asked once an op and quantity
def _points_of(logits: Numbers) -> list[Point]:
    """Compute what the formulas share."""
    sizes = [abs(x) for x in logits]
    drops = [int(size * 2.0**BITS) if NEAR <= size <= FARTHEST else 0 for size in sizes]
    points: list[Point] = []
    for size, n, v in zip(sizes, *decays(drops), strict=True):
        if size < NEAR:
            points.append(Near(*dyadic(size)))
        elif size <= FAR:
            points.append(Usual(v, n))
        else:
            points.append(Far(v, n) if size <= FARTHEST else Far(0, 0))
    return points


@lru_cache(maxsize=1 << 16)  # labels, gradients and weights come again with every quantity
def dyadic(value: float) -> Dyadic:
    """Return a float as a numerator and how often that is halved."""
    numerator, denominator = value.as_integer_ratio()
    return numerator, denominator.bit_length() - 1


def _times(a: Dyadic, b: Dyadic) -> Dyadic:
    return a[0] * b[0], a[1] + b[1]


def _minus(a: Dyadic) -> Dyadic:
    return -a[0], a[1]


def _weights(z: float, q: float) -> tuple[Dyadic, Dyadic]:
    """Return q z and 1 - z."""
    top, scale = dyadic(z)
    return _times(dyadic(q), (top, scale)), ((1 << scale) - top, scale)


Formula = Callable[[Point, float, float, float, float], Entry]  # x, z, g, q


def _sigmoid(point: Point, x: float, _z: float, _g: float, _q: float) -> Entry:
    return point.share(ONE, NONE) if x >= 0 else point.share(NONE, ONE)


def _sigmoid_grad(point: Point, _x: float, _z: float, g: float, _q: float) -> Entry:
    return point.bell(dyadic(g))


def _log_sigmoid(point: Point, x: float, _z: float, _g: float, _q: float) -> Entry:
    return point.curve(NONE if x >= 0 else dyadic(x), (-1, 0))


def _log_sigmoid_grad(point: Point, x: float, _z: float, g: float, _q: float) -> Entry:
    return point.share(NONE, dyadic(g)) if x >= 0 else point.share(dyadic(g), NONE)


def _sigmoid_xent(point: Point, x: float, z: float, _g: float, q: float) -> Entry:
    weight, other = _weights(z, q)
    a, b, scale = _aligned(weight, other)
    return point.curve(_times(other if x >= 0 else weight, dyadic(abs(x))), (a + b, scale))


def _sigmoid_xent_grad(point: Point, x: float, z: float, g: float, q: float) -> Entry:
    weight, other = _weights(z, q)
    up = dyadic(g)
    large, small = (other, _minus(weight)) if x >= 0 else (_minus(weight), other)
    return point.share(_times(up, large), _times(up, small))


def _sigmoid_xent_grad_labels(point: Point, x: float, _z: float, g: float, q: float) -> Entry:
    up, (top, scale) = dyadic(g), dyadic(q)
    line = dyadic(-x) if x >= 0 else _times((top, scale), dyadic(-x))
    return point.curve(_times(up, line), _times(up, (top - (1 << scale), scale)))


BY_POINT: dict[tuple[str, Quantity], Formula] = {
    ("sigmoid", "value"): _sigmoid,
    ("sigmoid", "grad_logits"): _sigmoid_grad,
    ("log_sigmoid", "value"): _log_sigmoid,
    ("log_sigmoid", "grad_logits"): _log_sigmoid_grad,
    ("sigmoid_xent", "value"): _sigmoid_xent,
    ("sigmoid_xent", "grad_logits"): _sigmoid_xent_grad,
    ("sigmoid_xent", "grad_labels"): _sigmoid_xent_grad_labels,
}


def answer(
    key: tuple[str, Quantity], row: PlainRow, q: float, by_balls: Callable[[float, float, float], Ball], *, fixed: bool
) -> Column:
    """Answer a row's elements; `by_balls`, of x, z and g, those that are left to it, and unless `fixed` all of them."""
    logits, labels, upstream = row
    formula = BY_POINT[key]
    digits, exponents, errors, sides = [], [], [], []
    for point, x, z, g in zip(_points_of(logits), logits, labels, upstream, strict=True):
        try:
            if not fixed:
                raise LeftToBalls  # noqa: TRY301
            number, exponent, error, side = formula(point, x, z, g, q)
            errors.append(error.bit_length() if error else EXACT)
        except LeftToBalls:
            one = by_balls(x, z, g)
            sign, mantissa, exponent, _ = one.mid
            number, side = -int(mantissa) if sign else int(mantissa), one.side
            errors.append(EXACT if one.error == EXACT else one.error - exponent)
        digits.append(number)
        exponents.append(exponent)
        sides.append(side)
    return Column(digits, exponents, errors, sides)
