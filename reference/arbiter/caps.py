"""A logit's cap, c tanh(x / c), and its derivative.

tanh is (1 - e) / (1 + e) with e = e**-2|x / c|, and its derivative 4 e / (1 + e)**2, in which nothing cancels.
"""

from __future__ import annotations

from reference.arbiter import ball
from reference.arbiter.ball import ONE, Ball, add, divide, multiply, negative, subtract


def capped(x: Ball, cap: float, bits: int) -> tuple[Ball, Ball]:
    """Return c tanh(x / c), and its derivative, of an exact x."""
    c, sign = ball.exact(cap), ball.sign(x)
    size = negative(x) if sign < 0 else x
    e = ball.exp(negative(divide(add(size, size, bits), c, bits)), bits)
    below = add(ONE, e, bits)
    high = multiply(c, divide(subtract(ONE, e, bits), below, bits), bits)
    slope = divide(multiply(ball.integer(4), e, bits), multiply(below, below, bits), bits)
    return (high if sign > 0 else negative(high)), slope
