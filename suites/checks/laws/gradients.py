"""Laws of gradients: what the incoming gradient does to them, what they add up to, and whose value they belong to."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from harness.model import FORMATS, Array, Checked, Inputs
from reference import bounds
from suites.checks.check import Asking, Spec
from suites.checks.laws.law import (
    ANY_POINT,
    ANY_ROW,
    BY_ROW,
    CLASSES,
    DENSE,
    GRADIENT,
    LAWS,
    LOG_SOFTMAX,
    LOGSUMEXP,
    ROWS,
    SOFTMAX,
    SPARSE,
    changed,
    generator,
    height,
    hold,
    softmax_of,
    together,
    upstream,
    with_gradient,
    within,
)

VARIANTS = 8  # of the incoming gradient, for the same logits


@LAWS.check(Spec((*ANY_ROW, *ANY_POINT), ("grad_logits", "grad_labels"), "normal", ROWS, CLASSES))
def linear_in_upstream(asking: Asking) -> Checked:
    """The gradient is linear in the incoming one: -1, 4, +-2**20 and 2**-20 times it, 2**7 in float16, single elements.

    Each is held to the exact answer, and to the factor times the plain one: every operation on the way commutes with a
    power of two, so that they differ by no more than two roundings of the result, those of the order of sums, and what
    n subnormal terms lose.
    An incoming gradient of zeros alone gives exactly zero.
    """
    size = 2.0 ** min(20, FORMATS[asking.case.dtype].emax // 2)
    factors = np.resize([1.0, -1.0, 4.0, size, -size, 1 / size, 1.0, 0.0], ROWS)
    inputs = _same_rows(asking, factors)
    got = asking.answer(inputs)
    silent = replace(inputs, upstream=np.zeros_like(inputs.upstream))
    nothing = within(
        asking, asking.answer(silent), np.zeros(got.shape), np.zeros(got.shape), silent, "0, as all that comes in"
    )
    return together([hold(asking, got, inputs), _scaled(asking, got, inputs, factors), nothing])


def _same_rows(asking: Asking, factors: Array) -> Inputs:
    """Take every row VARIANTS times, with its incoming gradient times the factors; in one, but one element is 0."""
    plain = asking.inputs
    rows = np.repeat(np.arange(0, ROWS, VARIANTS), VARIANTS)
    given = plain.upstream[rows].astype(np.float64).reshape(ROWS, -1) * factors[:, None]
    given[6::VARIANTS] *= np.arange(given.shape[1]) == given.shape[1] // 2
    labels = None if plain.labels is None else plain.labels[rows]
    return Inputs(plain.logits[rows], labels, upstream(asking, given))


def _scaled(asking: Asking, got: Array, inputs: Inputs, factors: Array) -> Checked:
    """Hold the rows with a factor to the plain one of their logits."""
    golden = asking.golden(inputs)
    allowed = bounds.budget(asking.case.op, asking.case.quantity, inputs, golden).error["S"]
    plain = np.repeat(got[::VARIANTS].astype(np.float64), VARIANTS, axis=0)
    rough = np.repeat(allowed[::VARIANTS], VARIANTS, axis=0)
    some = np.arange(ROWS) % VARIANTS < 6
    each = factors[some, None]
    part = Inputs(*(None if a is None else a[some] for a in (inputs.logits, inputs.labels, inputs.upstream)))  # type: ignore[arg-type]
    form = FORMATS[asking.case.dtype]
    lost = CLASSES * 2.0 ** (form.emin - form.precision)  # where terms are subnormal, and a sum of them is taken
    wide = allowed[some] + np.abs(each) * rough[some] + lost * (1 + np.abs(each))
    return within(asking, got[some], each * plain[some], wide, part, "the factor times the plain gradient")


@LAWS.check(Spec(BY_ROW, GRADIENT, "normal", ROWS, CLASSES))
def gradient_rows_sum(asking: Asking) -> Checked:
    """A row of the gradient adds up to what comes in for logsumexp, and to 0 for all others, whose shift is free.

    Allowed: what the softmax p may miss of 1, taken as exp(log_softmax), u (3 W + 3 log S + 2 KE + h + 4), times the
    size of what multiplies it; some roundings of every element's terms; and the h roundings of a sum within.
    """
    inputs = changed(asking, 1.5 * generator(asking).standard_normal((ROWS, CLASSES)))
    got = asking.answer(inputs)
    sums = np.array([math.fsum(row) for row in got.astype(np.float64)])
    p = softmax_of(asking, inputs)
    g = inputs.upstream.astype(np.float64).reshape(ROWS, -1)
    expected = g[:, 0] if asking.case.op == LOGSUMEXP else np.zeros(ROWS)
    allowed = _row_sum_error(asking, p, g)
    return within(asking, sums, expected, allowed, inputs, "what its row must add up to")


def _row_sum_error(asking: Asking, p: Array, g: Array) -> Array:
    """Return what rounding may leave of a row's sum, as the law has it."""
    form, op, h = FORMATS[asking.case.dtype], asking.case.op, height(asking)
    gaps = -np.log(p / p.max(axis=1, keepdims=True))
    missed = 3 * (p * gaps).sum(axis=1) - 3 * np.log(p.max(axis=1)) + 2 * bounds.KE + h + 4
    size = (p * np.abs(g)).sum(axis=1) if op == SOFTMAX else np.abs(g).sum(axis=1)
    roundings = {SOFTMAX: 8 + h, LOG_SOFTMAX: 8 + h, LOGSUMEXP: 2, SPARSE: 8, DENSE: 8 + h}[op]
    if op == SOFTMAX:  # p (g - D) may take another p than D does
        missed = 2 * missed + 2 * (p * np.abs(g) * gaps).sum(axis=1) / size
    small = CLASSES * 2.0 ** (form.emin - form.precision + 1) * np.maximum(1, size)
    return form.unit * size * (missed + roundings) + small


@LAWS.check(Spec((*ANY_ROW, *ANY_POINT), GRADIENT, "near_ties", ROWS, CLASSES))
def value_beside_gradient(asking: Asking) -> Checked:
    """Value and gradient of one call belong together: each is held to the exact one, and the gradient is its limit.

    Where a maximum has one, two, or all classes for its place, at 0, and where the logits lie far apart: there the
    pieces that an algorithm is made of have kinks, which the function has not.
    """
    rng = generator(asking)
    form = FORMATS[asking.case.dtype]
    logits = -np.abs(rng.standard_normal((ROWS, CLASSES))) - 2.0 ** (1 - form.precision)
    ties = np.resize([1, 2, 3, 8, 33, 63, 64, 5], ROWS)[:, None]
    logits[np.arange(CLASSES) < ties] = 0
    levels = np.resize([0.0, 0.0, 1.0, -4.0], ROWS)[:, None]
    logits = rng.permuted(logits, axis=1) + levels
    far = 2.0 ** rng.integers(-form.precision, form.emax - 1, (ROWS, CLASSES)) * rng.choice([-1, 0, 1], (ROWS, CLASSES))
    logits[7::8] = far[7::8].clip(-60_000, 60_000)
    inputs = changed(asking, logits)
    value, gradient = with_gradient(asking, inputs)
    return together([hold(asking, value, inputs, quantity="value"), hold(asking, gradient, inputs)])
