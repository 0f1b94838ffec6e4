"""Laws of a loss of hidden states times a weight: what it must be where its logits are known, whatever their product.

A weight of whole numbers, or a unit matrix, makes logits without an error, so that a law looks at the loss alone;
others look at the product: features and classes of every length, features that are 0, sums over many classes and rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from harness.model import FORMATS, Array, Checked, Inputs, Op, Quantity
from harness.ops import OPS
from suites.checks.check import Asking, Spec, compiled
from suites.checks.laws.law import LAWS, generator, hold, overflow, together, with_gradient, within
from suites.checks.sizes import each, in_part
from suites.questions import linear
from suites.questions.families import to_dtype

LINEAR = Op.of("linear_xent")
EVERY = OPS["linear_xent"].quantities
GRADIENTS: tuple[Quantity, ...] = ("grad_hidden", "grad_weight")
ROWS, FEATURES, CLASSES = linear.CHECKED
LEADERS = 40  # classes, and as many features, each of which one class alone looks at
ORDERS = 8
# Features of a few classes, then classes of a few features: around a vector's length, and around those of blocks.
LENGTHS = (
    *((n, 9) for n in (1, 2, 3, 5, 7, 9, 15, 17, 33, 65)),
    *((3, n) for n in (1, 2, 3, 5, 7, 9, 15, 17, 33, 65, 257, 1025)),
)
COMPILED_LENGTHS = ((33, 45),)
TIMES = 256  # of a vocabulary
BATCHES = 256  # of a batch


def asked(*quantities: Quantity, rows: int = ROWS, features: int = FEATURES, classes: int = CLASSES) -> Spec:
    """Return what a law of the linear loss is asked of."""
    return Spec((LINEAR,), quantities, linear.source("hidden_normal", features), rows, classes)


def made(
    asking: Asking, hidden: Array, weight: Array, labels: Array | None = None, upstream: Array | None = None
) -> Inputs:
    """Return inputs of a law's own, rounded to the case's dtype; labels and incoming gradients repeat the case's."""
    dtype, plain = asking.case.dtype, asking.inputs
    index = np.resize(np.asarray(plain.labels), len(hidden)) % len(weight) if labels is None else labels
    given = np.resize(plain.upstream.astype(np.float64), len(hidden)) if upstream is None else upstream
    return Inputs(to_dtype(hidden, dtype), index, to_dtype(given, dtype), weight=to_dtype(weight, dtype))


@LAWS.check(asked(*EVERY, rows=32))
def shared_direction(asking: Asking) -> Checked:
    """A direction that all classes share moves all logits of a row alike, and neither the loss nor its gradients.

    Products of whole numbers, exact in any order; the logits move from a quarter of where exp overflows to three times
    that, on either side of 0.
    """
    rng, rows = generator(asking), asking.case.rows
    steps = np.round(overflow(asking) * 2.0 ** (np.arange(-8, rows // 2 - 8) / 4))
    hidden = rng.integers(-1, 2, (rows, FEATURES)).astype(float)
    weight = rng.integers(-1, 2, (CLASSES, FEATURES)).astype(float)
    weight[:, 4:] = 0  # few terms, so that logits stay small
    hidden[:, -1], weight[:, -1] = np.concatenate([steps, -steps]), 1
    inputs = made(asking, hidden, weight)
    return hold(asking, asking.answer(inputs), inputs)


@LAWS.check(asked(*EVERY, rows=LEADERS + ORDERS, features=LEADERS, classes=LEADERS))
def class_order(asking: Asking) -> Checked:
    """Classes in another order have the same losses and gradients in that order.

    Every class leads once, by more than exp can bear, and is the label there or not; then ascending, descending and
    random orders.
    """
    rng = generator(asking)
    leading = np.eye(LEADERS) * np.round(1.2 * overflow(asking))
    spread = np.sort(3 * rng.standard_normal(LEADERS))
    orders = [spread, spread[::-1], *(rng.permutation(spread) for _ in range(ORDERS - 2))]
    labels = np.concatenate([np.arange(LEADERS), rng.integers(0, LEADERS, ORDERS)])
    labels[1:LEADERS:2] = 0
    inputs = made(asking, np.concatenate([leading, orders]), np.eye(LEADERS), labels)
    return hold(asking, asking.answer(inputs), inputs)


@LAWS.check(asked(*EVERY))
def lengths_of_products(asking: Asking) -> Checked:
    """Products of any length, among them those around 4, 8 and on to 1024, are answered alike: blocks have tails.

    The label of every second row is the last class.
    """
    sizes = COMPILED_LENGTHS if compiled(asking) else LENGTHS
    found, refused = each(partial(_of_lengths, asking), sizes)
    return in_part(together(found), refused, len(sizes))


def _of_lengths(asking: Asking, size: tuple[int, int]) -> Checked:
    features, classes = size
    rng = np.random.default_rng((features, classes))
    weight = 3 * rng.standard_normal((classes, features)) / np.sqrt(features)
    labels = np.where(np.arange(ROWS) % 2, rng.integers(0, classes, ROWS), classes - 1)
    inputs = made(asking, rng.standard_normal((ROWS, features)), weight, labels)
    checked = hold(asking, asking.answer(inputs), inputs)
    return replace(checked, detail=f"of {features} x {classes}, {checked.detail}" if checked.detail else "")


@LAWS.check(asked(*EVERY))
def zero_features(asking: Asking) -> Checked:
    """Features that are 0 change nothing: in every row, the first among them, in every class, and in a row of both.

    Where hidden states are 0 the gradient of the weight is exactly 0, and where the weight is 0 that of hidden states.
    """
    rng = generator(asking)
    hidden, weight = rng.standard_normal((ROWS, FEATURES)), rng.standard_normal((CLASSES, FEATURES))
    hidden[:, [0, 5]], weight[:, [3, 9]] = 0, 0
    hidden[-1], weight[-1] = 0, 0
    inputs = made(asking, hidden, weight)
    return hold(asking, asking.answer(inputs), inputs)


@LAWS.check(asked(*EVERY, features=4))
def repeated_classes(asking: Asking) -> Checked:
    """A vocabulary 256 times over has log 256 more in its losses: a running sum in 16 bits would stand still.

    One of nearly equal logits, and one of ordinary ones, in turn.
    """
    rng = generator(asking)
    hidden = np.where(np.arange(ROWS) % 2, 1.0, 1 / 16)[:, None] * rng.standard_normal((ROWS, 4))
    inputs = made(asking, hidden, np.tile(rng.standard_normal((CLASSES, 4)), (TIMES, 1)))
    return hold(asking, asking.answer(inputs), inputs)


@LAWS.check(asked("grad_weight"))
def repeated_rows(asking: Asking) -> Checked:
    """A batch 256 times over has 256 times the gradient of the weight: a running sum in 16 bits would stand still."""
    plain, times = asking.inputs, (BATCHES, 1)
    assert plain.labels is not None
    labels, upstream = np.tile(plain.labels, BATCHES), np.ones(ROWS * BATCHES)
    hidden = np.abs(np.tile(plain.logits.astype(np.float64), times))  # of one sign, so that sums grow
    assert plain.weight is not None
    inputs = made(asking, hidden, plain.weight.astype(np.float64), labels, upstream)
    return hold(asking, asking.answer(inputs), inputs)


@LAWS.check(asked(*GRADIENTS))
def linear_in_loss_gradient(asking: Asking) -> Checked:
    """Gradients are linear in each loss's incoming one: times -1, 4, +-2**20 and 2**-20, and 2**7 in float16, or 0.

    Incoming gradients of zeros alone give exactly zero.
    """
    size = 2.0 ** min(20, FORMATS[asking.case.dtype].emax // 2)
    factors: Sequence[float] = (1.0, -1.0, 4.0, size, -size, 1 / size, 0.0, 1.0)
    plain = asking.inputs
    assert plain.weight is not None
    hidden, weight = plain.logits.astype(np.float64) / 4, plain.weight.astype(np.float64)
    found = []
    for scaled in (np.resize(factors, ROWS), *(np.full(ROWS, factor) for factor in (-size, 1 / size))):
        inputs = made(asking, hidden, weight, upstream=scaled)
        found.append(hold(asking, asking.answer(inputs), inputs))
    silent = made(asking, hidden, weight, upstream=np.zeros(ROWS))
    got = asking.answer(silent)
    nothing = np.zeros(got.shape)
    return together([*found, within(asking, got, nothing, nothing, silent, "0, as all that comes in")])


@LAWS.check(asked(*GRADIENTS))
def loss_beside_gradient(asking: Asking) -> Checked:
    """The loss that comes with a gradient is that of a call without one: each is held to the exact one."""
    value, gradient = with_gradient(asking, asking.inputs)
    of_value = hold(asking, value, asking.inputs, quantity="value")
    return together([of_value, hold(asking, gradient, asking.inputs)])
