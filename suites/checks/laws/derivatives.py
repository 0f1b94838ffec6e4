"""Laws of derivatives: forward mode against reverse mode, and second derivatives where they are offered.

They are asked of ordinary rows, and of those where the pieces of an algorithm have kinks: logits of 0, ties for the
maximum, and classes masked by -inf.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.adapters.calls import Pass
from harness.model import FORMATS, Array, Checked, Failed, Inputs, Op, Unsupported
from suites.checks.check import Asking, NoAnswer, Spec, answered
from suites.checks.laws.law import (
    BINARY,
    BY_POINT,
    BY_ROW,
    CLASSES,
    DENSE,
    GRADIENT,
    LAWS,
    LOG_SOFTMAX,
    LOGSUMEXP,
    ROWS,
    SIGMOIDS,
    SOFTMAX,
    SPARSE,
    changed,
    exact,
    generator,
    softmax_of,
    within,
)
from suites.questions.families import to_dtype

SIGMOID = SIGMOIDS[0]
# Forward mode and second derivatives come from formulas of formulas, in another order for every framework: the product
# rule, that for quotients, or reverse over reverse. Each takes the softmax's error in up to four places.
PLACES = 4
SECOND = "the exact second derivative"
MASKED = 5  # the row with masked classes
FAR = -30_000.0  # where the exact answers are asked for: nothing beside the other logits, in any format
CONSTANT = "its gradient's graph takes logsumexp for a constant: no second derivative"


@LAWS.check(Spec((*BY_ROW, *BY_POINT), GRADIENT, "normal", ROWS, CLASSES, dtypes=("float32",)))
def jvp_is_vjp(asking: Asking) -> Checked:
    """Forward mode is the transpose of reverse mode: the derivative along v is the product of v and the exact gradient.

    Allowed, with e the budget of the gradient and p the softmax: sum |v| e and n + 1 roundings of sum |v gradient|; for
    softmax and the elementwise functions four times e, and p |v| for the size of a term.
    """
    inputs = _directed(asking)
    got = _derivative(asking, _masked(asking, inputs), "tangent")
    expected, allowed = _tangent(asking, inputs)
    return within(asking, got, expected, allowed, inputs, "the exact gradient's product with the direction")


@LAWS.check(Spec((*BY_ROW, *BY_POINT), GRADIENT, "normal", ROWS, CLASSES, dtypes=("float32",)))
def second_derivative(asking: Asking) -> Checked:
    """The derivative of the gradient along v is what the exact softmax and sigmoid make it.

    g p (v - sum p v) for logsumexp and the losses. Allowed: four times what the errors of p do to each term of it; for
    the elementwise functions 10 u of |g v|. A backward pass that is written for one derivative and holds logsumexp
    constant gives g p v, no error but no second derivative either.
    """
    inputs = _directed(asking)
    got = _derivative(asking, _masked(asking, inputs), "curvature")
    if asking.case.op in BY_POINT:
        expected, allowed = _curvature_of_points(asking, inputs)
        return within(asking, got, expected, allowed, inputs, SECOND)
    v, p = _along(inputs), softmax_of(asking, inputs)
    turn = exact(asking, _bare(inputs, v), SOFTMAX, "grad_logits")  # p (v - sum p v), how the softmax changes
    allowed = _error_of_curvature(asking, inputs, p)
    checked = within(asking, got, _curvature(asking, inputs, p, turn), allowed, inputs, SECOND)
    if checked.over > 1 and within(asking, got, _curvature(asking, inputs, p, p * v), allowed, inputs, "").over <= 1:
        return Checked(got.size, 0.0, policy=CONSTANT)
    return checked


@LAWS.check(Spec((DENSE, *BINARY), GRADIENT, "normal", ROWS, CLASSES, dtypes=("float32",)))
def mixed_derivative(asking: Asking) -> Checked:
    """The derivative of the gradient's product with a direction v, with respect to the labels, is the exact one.

    g (sum p v - v) for the dense loss, with the allowance of a product as `jvp_is_vjp` has it; -g v (s + q (1 - s)) for
    the sigmoid's, with 10 u of it, where s is the sigmoid and q the positive weight.
    """
    inputs = _directed(asking)
    got = _derivative(asking, inputs, "mixed")
    v, g, u = _along(inputs), inputs.upstream.astype(np.float64), FORMATS[asking.case.dtype].unit
    if asking.case.op == DENSE:
        mean, error = _product(asking, _bare(inputs, np.ones(ROWS)), LOGSUMEXP, v)
        allowed = PLACES * np.abs(g[:, None]) * (error[:, None] + 3 * u * (np.abs(v) + np.abs(mean[:, None])))
        return within(asking, got, g[:, None] * (mean[:, None] - v), allowed, inputs, SECOND)
    s = exact(asking, _bare(inputs, np.ones(g.shape)), SIGMOID, "value")
    expected = -g * v * (s + float(asking.case.op.options.get("pos_weight", 1.0)) * (1 - s))
    return within(asking, got, expected, 10 * u * np.abs(expected), inputs, SECOND)


def _directed(asking: Asking) -> Inputs:
    """Draw new logits and a direction of +-1/4 to +-2, in powers of two: its products with anything are exact.

    Some rows are 0, in part or as a whole, and some have their maximum, of 0 and of another number, more than once.
    """
    rng = generator(asking)
    logits = 1.5 * rng.standard_normal((ROWS, CLASSES))
    logits[0], logits[1, ::2], logits[4] = 0, -0.0, 2.5
    logits[2:4] = -np.abs(logits[2:4])
    logits[2, 5:9], logits[3, [0, -1]] = 0, 0
    if _masks(asking):
        logits[MASKED] = np.where(np.arange(CLASSES) % 3 == 1, FAR, logits[MASKED])
    inputs = changed(asking, logits)
    if asking.case.op == SPARSE:  # no masked class
        assert inputs.labels is not None
        inputs = replace(inputs, labels=np.where(np.arange(ROWS) == MASKED, 0, inputs.labels))
    direction = 2.0 ** rng.integers(-2, 2, (ROWS, CLASSES)) * rng.choice([-1, 1], (ROWS, CLASSES))
    return replace(inputs, direction=to_dtype(direction, asking.case.dtype))


def _masks(asking: Asking) -> bool:
    """Tell whether an op's derivatives are those of the row without its masked classes."""
    return asking.case.op in {SOFTMAX, LOGSUMEXP, SPARSE}


def _masked(asking: Asking, inputs: Inputs) -> Inputs:
    """Return the inputs to ask for: classes that are far below all others are -inf."""
    if not _masks(asking):
        return inputs
    logits = inputs.logits.astype(np.float64)
    return replace(inputs, logits=to_dtype(np.where(logits <= FAR / 2, -np.inf, logits), asking.case.dtype))


def _derivative(asking: Asking, inputs: Inputs, asked: Pass) -> Array:
    """Ask for a derivative that a function need not have; whatever it raises says that it has not."""
    got = asking.attempt(inputs, quantity=asked)
    if isinstance(got, Failed) and got.kind == "raised":
        raise NoAnswer(Unsupported(f"no {asked} is offered: {got.reason}"))
    answer = answered(got)
    if not answer.astype(np.float64).any():
        raise NoAnswer(Unsupported(f"no {asked} is offered: it is 0, as of a function that is cut off from its logits"))
    return answer


def _along(inputs: Inputs) -> Array:
    assert inputs.direction is not None
    return inputs.direction.astype(np.float64)


def _bare(inputs: Inputs, upstream: Array) -> Inputs:
    return Inputs(inputs.logits, None, upstream)


def _error_of_softmax(asking: Asking, inputs: Inputs) -> Array:
    """Return the budget of p as logsumexp's gradient has it."""
    return asking.allowed(_bare(inputs, np.ones(len(inputs.logits))), LOGSUMEXP, "grad_logits")


def _tangent(asking: Asking, inputs: Inputs) -> tuple[Array, Array]:
    """Return the exact derivative along the direction, and how far off an answer may be."""
    op, v, u = asking.case.op, _along(inputs), FORMATS[asking.case.dtype].unit
    if op in BY_POINT:
        given = replace(inputs, upstream=v)
        return exact(asking, given), PLACES * asking.allowed(given)
    if op == SOFTMAX:
        given = _bare(inputs, v)
        e, p = _error_of_softmax(asking, inputs), softmax_of(asking, inputs)
        size = np.abs(v) + _sum(p * np.abs(v))
        return exact(asking, given), PLACES * (asking.allowed(given) + e * size + p * _sum(e * np.abs(v)))
    if op == LOG_SOFTMAX:
        mean, allowed = _product(asking, _bare(inputs, np.ones(ROWS)), LOGSUMEXP, v)
        return v - mean[:, None], allowed[:, None] + 3 * u * (np.abs(v) + np.abs(mean[:, None]))
    return _product(asking, replace(inputs, upstream=np.ones(ROWS)), op, v)


def _product(asking: Asking, inputs: Inputs, op: Op, v: Array) -> tuple[Array, Array]:
    """Return the product of a direction and the exact gradient of each row, and the error of a sound one."""
    u = FORMATS[asking.case.dtype].unit
    gradient = exact(asking, inputs, op, "grad_logits")
    terms = (np.abs(v) * asking.allowed(inputs, op, "grad_logits")).sum(axis=1)
    return (v * gradient).sum(axis=1), terms + (CLASSES + 1) * u * np.abs(v * gradient).sum(axis=1)


def _sum(terms: Array) -> Array:
    return terms.sum(axis=1, keepdims=True)


def _curvature(asking: Asking, inputs: Inputs, p: Array, turn: Array) -> Array:
    """Return the derivative of the gradient where the softmax p changes by `turn`."""
    op, g = asking.case.op, inputs.upstream.astype(np.float64)
    if op == SOFTMAX:
        return turn * (g - _sum(p * g)) - p * _sum(turn * g)
    return turn * (-_sum(g) if op == LOG_SOFTMAX else g[:, None])


def _error_of_curvature(asking: Asking, inputs: Inputs, p: Array) -> Array:
    """Return what the errors of p do to every term, and to those of each sum within."""
    op, g, v = asking.case.op, np.abs(inputs.upstream.astype(np.float64)), np.abs(_along(inputs))
    e = _error_of_softmax(asking, inputs)
    size = v + _sum(p * v)
    if op == SOFTMAX:
        level = g + _sum(p * g)
        each = level * _sum(e * size) + size * _sum(e * level) + _sum(e * size * level)
        return PLACES * (e * size * level + p * each)
    error = e * size + p * _sum(e * v)
    if op == LOG_SOFTMAX:
        return PLACES * _sum(g) * (error + FORMATS[asking.case.dtype].unit * CLASSES * p * size)
    return PLACES * g[:, None] * error


def _curvature_of_points(asking: Asking, inputs: Inputs) -> tuple[Array, Array]:
    """Return the exact derivative of an elementwise gradient along the direction, and how far off it may be."""
    op, u = asking.case.op, FORMATS[asking.case.dtype].unit
    gv = inputs.upstream.astype(np.float64) * _along(inputs)
    slope = exact(asking, _bare(inputs, np.ones(gv.shape)), SIGMOID, "grad_logits")
    if op == SIGMOID:
        s = exact(asking, _bare(inputs, np.ones(gv.shape)), SIGMOID, "value")
        factor = 1 - 2 * s
    elif op in BINARY:
        assert inputs.labels is not None
        z = inputs.labels.astype(np.float64)
        factor = 1 - z + float(op.options.get("pos_weight", 1.0)) * z
    else:
        factor = -np.ones(gv.shape)
    return gv * slope * factor, 10 * u * np.abs(gv) * np.maximum(1, np.abs(factor))
