"""Losses that are a cross-entropy times, or plus, a function of the probability; and the loss in two steps.

With p the softmax, y = -log p and m = 1 - p, which is the sum of the other classes' probabilities, a focal loss is
f = a m**gamma y and a poly loss f = y + epsilon m. Either's value is sum z f; its derivative by y is

    f' = a (m**gamma + gamma m**(gamma - 1) p y),    f' = 1 + epsilon p,

its gradient g (p sum z f' - z f'), and that of a label g f. A gradient may be exactly 0, between equal logits: there
the labels' sums are taken first, which are exact. m**gamma is taken as exp(-gamma log(1 + (1 - m) / m)), where gamma
is no whole number.

Of a sigmoid, y = z softplus(-x) + (1 - z) softplus(x) and m = z sigmoid(-x) + (1 - z) sigmoid(x), all of them positive.

The loss in two steps, of n classes and h = n // 2: the head is x_0 ... x_(h-1) and a logit of 0, which stands for the
other classes, and the tail these by themselves; a label in the tail costs both losses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from reference.arbiter import ball
from reference.arbiter.ball import ONE, ZERO, Ball, add, divide, integer, multiply, negative, subtract, total
from reference.arbiter.variants.formula import Decays, Formula, Key, Options, plainly
from reference.question import Numbers

GAMMA, EPSILON = 2.0, 2.0  # as optax has them, and Keras


def power(m: Ball, rest: Ball, exponent: float, bits: int) -> Ball:
    """m**exponent of 0 < m <= 1, where rest is 1 - m."""
    if exponent.is_integer() and exponent >= 0:
        whole = ONE
        for _ in range(int(exponent)):
            whole = multiply(whole, m, bits)
        return whole
    log = ball.log1p(divide(rest, m, bits), bits)
    return ball.exp(negative(multiply(ball.exact(exponent), log, bits)), bits)


@dataclass(frozen=True)
class Class:
    """One class of a row: p, e**-d, y, f and f'."""

    e: Ball
    f: Ball
    slope: Ball


def _classes(name: str, options: Options, given: Numbers, bits: int) -> tuple[list[Class], Ball]:
    """Return the classes of a row, equal logits being one object, and S."""
    row = Decays.of(given, bits)

    def others(j: int) -> Ball:
        return total([e for i, e in enumerate(row.terms) if i != j], bits)

    @cache
    def of_logit(j: int) -> Class:
        e, y = row.terms[j], add(row.drops[j], row.log, bits)
        p, m = divide(e, row.whole, bits), divide(others(j), row.whole, bits)
        if name == "poly_xent":
            epsilon = ball.exact(float(options.get("epsilon", EPSILON)))
            f = add(y, multiply(epsilon, m, bits), bits)
            return Class(e, f, add(ONE, multiply(epsilon, p, bits), bits))
        gamma = float(options.get("gamma", GAMMA))
        alpha = ball.exact(float(options.get("alpha", 1.0)))
        raised = multiply(alpha, power(m, p, gamma, bits), bits)
        less = multiply(ball.exact(gamma), multiply(alpha, power(m, p, gamma - 1, bits), bits), bits)
        return Class(e, multiply(raised, y, bits), add(raised, multiply(less, multiply(p, y, bits), bits), bits))

    return [of_logit(given.index(x)) for x in given], row.whole


def _value(name: str) -> Formula:
    """Sum z f."""

    def value(options: Options, given: Numbers, labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
        classes, _ = _classes(name, options, given, bits)
        return [total([multiply(ball.exact(z), c.f, bits) for z, c in zip(labels, classes, strict=True)], bits)]

    return value


def _gradient(name: str) -> Formula:
    """g (e_k sum z f' - z_k f'_k S) / S, the labels of equal logits summed first."""

    def gradient(options: Options, given: Numbers, labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
        classes, whole = _classes(name, options, given, bits)
        g = ball.exact(upstream[0])
        sums: dict[float, list[Ball]] = {}
        for x, label in zip(given, labels, strict=True):
            sums.setdefault(x, []).append(ball.exact(label))
        distinct = {x: classes[given.index(x)] for x in sums}
        answers = []
        for x, z, own in zip(given, map(ball.exact, labels), classes, strict=True):
            parts = []
            for other, some in sums.items():
                one, z_sum, count = distinct[other], total(some, bits), integer(len(some))
                if other == x:
                    parts.append(
                        multiply(
                            subtract(z_sum, multiply(z, count, bits), bits), multiply(own.slope, own.e, bits), bits
                        )
                    )
                    continue
                parts.append(multiply(z_sum, multiply(one.slope, own.e, bits), bits))
                parts.append(negative(multiply(multiply(z, count, bits), multiply(own.slope, one.e, bits), bits)))
            answers.append(multiply(g, divide(total(parts, bits), whole, bits), bits))
        return answers

    return gradient


def _label_gradient(name: str) -> Formula:
    """g f."""

    def gradient(options: Options, given: Numbers, _labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
        g = ball.exact(upstream[0])
        return [multiply(g, one.f, bits) for one in _classes(name, options, given, bits)[0]]

    return gradient


@dataclass(frozen=True)
class Point:
    """One logit of a sigmoid's focal loss: sigmoid(x), sigmoid(-x), y and m, the powers of m, and the factor a."""

    x: Ball
    z: Ball
    yes: Ball
    no: Ball
    y: Ball
    raised: Ball  # m**gamma
    less: Ball  # gamma m**(gamma - 1)
    factor: Ball
    tilt: Ball  # of the factor, by z

    @classmethod
    def of(cls, options: Options, logit: float, label: float, bits: int) -> Point:
        """Compute them."""
        x, z, gamma = ball.exact(logit), ball.exact(label), float(options.get("gamma", GAMMA))
        size = ball.exact(abs(logit))
        e = ball.exp(negative(size), bits)
        large, small = divide(ONE, add(ONE, e, bits), bits), divide(e, add(ONE, e, bits), bits)
        log = ball.log1p(e, bits)
        yes, no = (large, small) if logit >= 0 else (small, large)
        of_no, of_yes = (add(size, log, bits), log) if logit >= 0 else (log, add(size, log, bits))  # softplus(+-x)
        other = subtract(ONE, z, bits)
        m = add(multiply(z, no, bits), multiply(other, yes, bits), bits)
        rest = add(multiply(z, yes, bits), multiply(other, no, bits), bits)
        factor, tilt = ONE, ZERO
        if "alpha" in options:
            alpha = ball.exact(float(options["alpha"]))
            beside = subtract(ONE, alpha, bits)
            factor = add(multiply(alpha, z, bits), multiply(beside, other, bits), bits)
            tilt = subtract(alpha, beside, bits)
        return cls(
            x,
            z,
            yes,
            no,
            add(multiply(z, of_yes, bits), multiply(other, of_no, bits), bits),
            power(m, rest, gamma, bits),
            multiply(ball.exact(gamma), power(m, rest, gamma - 1, bits), bits),
            factor,
            tilt,
        )


def sigmoid_focal_xent(
    options: Options, given: Numbers, labels: Numbers, _upstream: Numbers, bits: int
) -> Sequence[Ball]:
    """A m**gamma y."""
    points = [Point.of(options, x, z, bits) for x, z in zip(given, labels, strict=True)]
    return [multiply(one.factor, multiply(one.raised, one.y, bits), bits) for one in points]


def sigmoid_focal_xent_grad(
    options: Options, given: Numbers, labels: Numbers, upstream: Numbers, bits: int
) -> Sequence[Ball]:
    """g a (gamma m**(gamma - 1) (1 - 2 z) sigmoid(x) sigmoid(-x) y + m**gamma (sigmoid(x) - z)).

    The last difference is (1 - z) sigmoid(x) - z sigmoid(-x), so that a label of 0 or 1 leaves nothing to cancel.
    """
    answers = []
    for x, z, g in zip(given, labels, map(ball.exact, upstream), strict=True):
        one = Point.of(options, x, z, bits)
        other = subtract(ONE, one.z, bits)
        slope = multiply(subtract(other, one.z, bits), multiply(one.yes, one.no, bits), bits)
        off = subtract(multiply(other, one.yes, bits), multiply(one.z, one.no, bits), bits)
        whole = add(multiply(multiply(one.less, slope, bits), one.y, bits), multiply(one.raised, off, bits), bits)
        answers.append(multiply(multiply(g, one.factor, bits), whole, bits))
    return answers


def sigmoid_focal_xent_grad_labels(
    options: Options, given: Numbers, labels: Numbers, upstream: Numbers, bits: int
) -> Sequence[Ball]:
    """g (a' m**gamma y + a (gamma m**(gamma - 1) (sigmoid(-x) - sigmoid(x)) y - m**gamma x))."""
    answers = []
    for x, z, g in zip(given, labels, map(ball.exact, upstream), strict=True):
        one = Point.of(options, x, z, bits)
        slope = multiply(multiply(one.less, subtract(one.no, one.yes, bits), bits), one.y, bits)
        inner = subtract(slope, multiply(one.raised, one.x, bits), bits)
        outer = multiply(one.tilt, multiply(one.raised, one.y, bits), bits)
        answers.append(multiply(g, add(outer, multiply(one.factor, inner, bits), bits), bits))
    return answers


def _steps(given: Numbers, label: int, bits: int) -> list[tuple[Decays, int, int]]:
    """Return the rows that a label's loss is of, the label in each, and where each begins among the classes."""
    half = len(given) // 2
    head = Decays.of((*given[:half], 0.0), bits)
    if label < half:
        return [(head, label, 0)]
    return [(head, half, 0), (Decays.of(given[half:], bits), label - half, half)]


def adaptive_xent(given: Numbers, labels: Numbers, _upstream: Numbers, bits: int) -> Sequence[Ball]:
    """d + log S of the head, and of a label in the tail that of the tail."""
    steps = _steps(given, int(labels[0]), bits)
    return [total([add(row.drops[label], row.log, bits) for row, label, _ in steps], bits)]


def adaptive_xent_grad(given: Numbers, labels: Numbers, upstream: Numbers, bits: int) -> Sequence[Ball]:
    """g p in each step, at its label -g times the sum of the others; 0 in the tail for a label of the head."""
    answers, half, g = [ZERO] * len(given), len(given) // 2, ball.exact(upstream[0])
    for row, label, begin in _steps(given, int(labels[0]), bits):
        slopes = list(row.terms)
        slopes[label] = negative(total([e for j, e in enumerate(row.terms) if j != label], bits))
        end = len(given) if begin else half  # the head's last logit is none of a class
        answers[begin:end] = [divide(multiply(g, slope, bits), row.whole, bits) for slope in slopes[: end - begin]]
    return answers


FOCAL: Mapping[Key, Formula] = {
    ("focal_xent", "value"): _value("focal_xent"),
    ("focal_xent", "grad_logits"): _gradient("focal_xent"),
    ("focal_xent", "grad_labels"): _label_gradient("focal_xent"),
    ("poly_xent", "value"): _value("poly_xent"),
    ("poly_xent", "grad_logits"): _gradient("poly_xent"),
    ("poly_xent", "grad_labels"): _label_gradient("poly_xent"),
    ("sigmoid_focal_xent", "value"): sigmoid_focal_xent,
    ("sigmoid_focal_xent", "grad_logits"): sigmoid_focal_xent_grad,
    ("sigmoid_focal_xent", "grad_labels"): sigmoid_focal_xent_grad_labels,
    **plainly({("adaptive_xent", "value"): adaptive_xent, ("adaptive_xent", "grad_logits"): adaptive_xent_grad}),
}
