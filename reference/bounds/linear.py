"""Error budgets of the loss of hidden states times a weight: what its logits are off by, and what comes of that.

A computed logit is a sum of k = features (+ 1 for a bias) terms. Its error is at most

    E = gamma_k(u) sum |h w| (+ |b|),   gamma_k(u) = k u / (1 - k u)

in any order, with or without fused multiply-adds (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
3.1), u of what is accumulated in; k is smaller where a class says so. Where inputs are whole multiples of quanta whose
products add up to at most 1 / u quanta every sum is exact, and E = 0. Class by class:

    S, E, U  accumulated in float32 (float64 of float64), k terms one after the other; never rounded to 16 bits
    P, C     as S, k that of a sum in pairs, or of errors that behave like chance
    N        of 16-bit formats: accumulated in pairs in 16 bits, or in float32, and then rounded to the format; a loss
             as in class N of given logits, its sum in pairs or in float32 too. Of a gradient log-probabilities and G
             are rounded to the format, once, and neither the sum S nor the probabilities: 1 - p of a p of 8 bits says
             nothing of a p near 1, and erases the label's gradient

What that does to a loss holds for any size of E. With Q_y = sum over c other than y of p_c (e**(E_c + E_y) - 1):

    -log p_y = log sum e**(x_c - x_y) moves by at most log(1 + Q_y), because its sum grows at most to 1 + Q_y times
    itself, and where it shrinks, by Jensen's inequality, by no more;
    p_y = 1 / (1 + R) moves by at most p_y Q_y: R, the sum of e**(x_c - x_y) over the others, has a relative error of
    Q_y / (1 - p_y) at most, and p_y one of 1 - p_y times that.

To that comes the loss's own budget (`reference.bounds`) for these logits. The gradient with respect to the logits, G,
is within Gamma = g Z p Q and the budget of its own. The products with it are sums again, of K = classes terms for
hidden states and K = rows for the weight and the bias, added in chunks or not:

    Gamma |other| + gamma_K(u) (|G| + Gamma) |other|

and in 16 bits the result is rounded once. What is added up here is kept apart, so that a finding can say how much of
its budget is of the logits and how much of the loss: `Budget.logits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.model import FORMATS, Array, BudgetClass, Format, Golden, Inputs, Op, Quantity
from reference import bounds
from reference.bounds import Budget, heights

OF_GRADIENT = "g p Q and the loss gradient's own error, times |{0}|, and gamma_K(u) |G| |{0}| of the sum"
FORMULAS: Mapping[Quantity, str] = {
    "value": "log(1 + Q) for logits off by gamma_k(u) sum |h w|, and the loss's own error",
    "grad_hidden": OF_GRADIENT.format("weight"),
    "grad_weight": OF_GRADIENT.format("hidden"),
    "grad_bias": OF_GRADIENT.format("1"),
}
FEW = 1 / 4  # k u from which a bound of first order is none: gamma is then taken as 1
TANH = 6.0  # of a cap: `reference.options.capped` has the derivation
SQUARE = 3.0


@dataclass(frozen=True, eq=False)
class Asked:
    """A loss of hidden states: labels by index or (rows, classes), the factor of each row's gradient, roundings beside.

    roundings: products that a loss or a gradient goes through besides. cap, square: of `softcap` and `z_loss`.
    """

    inputs: Inputs
    g: Array  # (rows,), incoming gradients and factors; ones for values
    roundings: float = 0.0
    cap: float = 0.0
    square: float = 0.0


@dataclass(frozen=True, eq=False)
class Logits:
    """Logits in float64 with their parts, and a budget class's error of each."""

    x: Array
    p: Array
    left: Array  # 1 - p
    size: Array  # sum |h w| + |b|
    exact: Mapping[int, Array]  # by bits of precision, the logits whose every sum is exact

    def shifts(self, error: Array) -> Array:
        """Return Q for errors of the logits."""
        grown = np.expm1(np.minimum(error, 300.0))
        total = (self.p * grown).sum(axis=1, keepdims=True)
        others = np.maximum(total - self.p * grown, 0.0)
        found: Array = others * (1 + grown) + self.left * grown
        return found


def budget(quantity: Quantity, asked: Asked, size: Array) -> Budget:
    """Return the budgets of every element of an answer of such sizes; losses are not reduced."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        form = FORMATS[asked.inputs.logits.dtype.name]
        inner = bounds.INNER if form.precision < bounds.INNER.precision else form
        logits = _logits(asked, form, inner)
        parts = _losses(asked, logits, inner) if quantity == "value" else _gradients(asked, logits, inner)
        kinds: dict[BudgetClass, tuple[Array, Array]] = {}
        for kind, own in parts.items():
            error = _logit_error(kind, asked, logits, inner)
            kinds[kind] = _both(quantity, asked, logits, kind, error, own, inner.unit)
        if form is not inner:
            narrow = {kind: (a, b + form.unit * (size + a + b)) for kind, (a, b) in kinds.items()}
            own = _losses(asked, logits, form)["N"] if quantity == "value" else parts["S"]
            kinds = narrow | {"N": _native(quantity, asked, logits, own, form, size)}
        tiny = bounds.tiny_of(form)
        errors = {kind: np.minimum(a + b + tiny, bounds.OVERFLOWED) for kind, (a, b) in kinds.items()}
        flushed = np.full(size.shape, 2.0 * 2.0**form.emin)
    return Budget(errors, flushed, {kind: a for kind, (a, _) in kinds.items()})


def _logits(asked: Asked, form: Format, inner: Format) -> Logits:
    inputs = asked.inputs
    assert inputs.weight is not None
    h, w = (part.astype(np.float64) for part in (inputs.logits, inputs.weight))
    b = np.zeros(len(w)) if inputs.bias is None else inputs.bias.astype(np.float64)
    x, size = h @ w.T + b, np.abs(h) @ np.abs(w).T + np.abs(b)
    if asked.cap:
        x = asked.cap * np.tanh(x / asked.cap)
    d = x.max(axis=1, keepdims=True) - x
    e = np.exp(-d)
    total = e.sum(axis=1, keepdims=True)
    others = np.where(d == 0, 0.0, e).sum(axis=1, keepdims=True)
    alone = (d == 0) & ((d == 0).sum(axis=1, keepdims=True) == 1)
    p = e / total
    quantum = _quantum(h)[:, None] + _quantum(w)[None, :]
    if inputs.bias is not None:
        quantum = np.minimum(quantum, _quantum(b[:, None])[None, :])
    exact = {one.precision: size <= np.ldexp(1.0, np.minimum(quantum + one.precision, 1000)) for one in (form, inner)}
    return Logits(x, p, np.where(alone, others / total, 1 - p), size, exact)


def _quantum(a: Array) -> Array:
    """Return by row the exponent of a power of two that divides every number; large for a row of zeros."""
    mantissa, exponent = np.frexp(a)
    digits = (mantissa * 2.0**53).astype(np.int64)
    lowest = np.frexp((digits & -digits).astype(np.float64))[1] - 1
    each = np.where(a == 0, 1 << 14, exponent - 53 + lowest)
    found: Array = each.min(axis=1)
    return found


def _gamma(count: float, unit: float) -> float:
    return count * unit / (1 - count * unit) if count * unit < FEW else 1.0


def _count(kind: BudgetClass, terms: int, form: Format | None = None) -> float:
    """Return the roundings that a term of a sum goes through, its product's among them."""
    match kind:
        case "P":
            return min(terms, heights.pairwise(terms))
        case "C":
            return min(terms, heights.chance(terms) + 1)
        case "N" if form is not None:
            return min(terms, heights.native(terms, form, bounds.INNER))
    return terms


def _logit_error(kind: BudgetClass, asked: Asked, logits: Logits, inner: Format) -> Array:
    """Return E of a class that never rounds to 16 bits."""
    terms = asked.inputs.logits.shape[1] + (asked.inputs.bias is not None)
    error = np.where(logits.exact[inner.precision], 0.0, _gamma(_count(kind, terms), inner.unit) * logits.size)
    return error + TANH * inner.unit * asked.cap


def _losses(asked: Asked, logits: Logits, inner: Format) -> Mapping[BudgetClass, Array]:
    """Return the loss's own errors by class, of given logits in a format."""
    inputs, ones = asked.inputs, np.ones(len(logits.x))
    op, given = _loss_of(inputs), Inputs(logits.x, inputs.labels, ones)
    height, sizes = heights.native(logits.x.shape[1], inner, bounds.INNER), Golden(ones, ones, None, 0.0)
    own = dict(bounds.budget(op, "value", given, sizes, height, form=inner).error)
    if asked.square:
        log_sum, plain = _log_sum(logits), Inputs(logits.x, None, ones)
        of_log = bounds.budget(Op.of("logsumexp"), "value", plain, sizes, height, form=inner).error
        twice, once = 2 * asked.square * np.abs(log_sum), SQUARE * inner.unit * asked.square * log_sum**2
        own = {kind: error + twice * of_log[kind] + once for kind, error in own.items()}
    return own


def _gradients(asked: Asked, logits: Logits, inner: Format) -> Mapping[BudgetClass, Array]:
    """Return the own errors of the gradient with respect to given logits."""
    inputs = asked.inputs
    op = _loss_of(inputs)
    given = Inputs(logits.x, inputs.labels, asked.g)
    own = dict(bounds.budget(op, "grad_logits", given, Golden(logits.x, logits.x, None, 0.0), form=inner).error)
    g, z = np.abs(asked.g)[:, None], _labels(inputs, logits)
    z_sum = z.sum(axis=1, keepdims=True)
    beside = asked.roundings * inner.unit * g * (z_sum * logits.p + z)
    if asked.square:
        log_sum = np.abs(_log_sum(logits))[:, None]
        beside = beside + 2 * asked.square * g * logits.p * log_sum * (SQUARE + 2) * inner.unit
        own = {kind: error * (1 + 2 * asked.square * log_sum / z_sum) for kind, error in own.items()}
    if asked.cap:
        beside = beside + (2 * TANH + 2) * inner.unit * g * (z_sum * logits.p + z)
    return {kind: error + beside for kind, error in own.items()}


def _both(
    quantity: Quantity, asked: Asked, logits: Logits, kind: BudgetClass, error: Array, own: Array, unit: float
) -> tuple[Array, Array]:
    """Return what the logits' errors make of an answer, and what all else does."""
    z = _labels(asked.inputs, logits)
    shifts = logits.shifts(error)
    if quantity == "value":
        moved = (z * np.log1p(shifts)).sum(axis=1)
        if asked.square:
            log_sum = np.abs(_log_sum(logits))
            of_log = np.log1p((logits.p * np.expm1(np.minimum(error, 300.0))).sum(axis=1))
            moved = moved + asked.square * of_log * (2 * log_sum + of_log)
        return moved, own
    moved = _moved(asked, logits, z, shifts)
    terms, other = _other(quantity, asked)
    of_logits = _multiplied(quantity, moved, other)
    whole = _size_of_gradient(asked, logits, z) + moved + own
    sums = _gamma(_count(kind, terms), unit) * _multiplied(quantity, whole, other)
    return of_logits, _multiplied(quantity, own, other) + sums


def _moved(asked: Asked, logits: Logits, z: Array, shifts: Array) -> Array:
    """Return what the logits' errors make of G: p moves by at most p Q, and by no more than to 0 or 1."""
    z_sum = z.sum(axis=1, keepdims=True)
    most = np.maximum(logits.p, logits.left)
    moved = np.abs(asked.g)[:, None] * z_sum * np.minimum(logits.p * shifts, most)
    if asked.square:
        log_sum = np.abs(_log_sum(logits))[:, None]
        moved = moved * (1 + 2 * asked.square * (log_sum + 1) / z_sum)
    return np.asarray(moved)


def _native(
    quantity: Quantity, asked: Asked, logits: Logits, own: Array, form: Format, size: Array
) -> tuple[Array, Array]:
    """Return the same for class N."""
    u = form.unit
    terms = asked.inputs.logits.shape[1] + (asked.inputs.bias is not None)
    error = _gamma(_count("N", terms, form), u) * logits.size
    error = np.where(logits.exact[form.precision], 0.0, error + u * (np.abs(logits.x) + error))
    error = error + TANH * u * asked.cap
    z = _labels(asked.inputs, logits)
    shifts = logits.shifts(error)
    if quantity == "value":
        moved, _ = _both(quantity, asked, logits, "N", error, own, u)
        return moved, own + (2 + asked.roundings) * u * (size + moved + own)
    moved = _moved(asked, logits, z, shifts)
    g, z_sum = np.abs(asked.g)[:, None], z.sum(axis=1, keepdims=True)
    logs = -np.log(np.maximum(logits.p, 2.0**-1000))
    logs = np.where(logits.p > 1 / 2, -np.log1p(-np.minimum(logits.left, 1 / 2)), logs)
    whole = _size_of_gradient(asked, logits, z) + moved + own
    own = own + u * (g * z_sum * logits.p * logs + (1 + asked.roundings) * whole)
    own = own + 2.0 ** (form.emin - form.precision + 1)
    count, other = _other(quantity, asked)
    sums = _gamma(_count("N", count, form), u) * _multiplied(quantity, whole, other)
    total = _multiplied(quantity, own, other) + sums
    of_logits = _multiplied(quantity, moved, other)
    return of_logits, total + u * (size + total + of_logits)


def _size_of_gradient(asked: Asked, logits: Logits, z: Array) -> Array:
    """Return |G|."""
    z_sum = z.sum(axis=1, keepdims=True)
    one = np.where(z == 1, np.where(z_sum == 1, logits.left, np.abs(z_sum * logits.p - z)), z_sum * logits.p - z)
    found = np.abs(one)
    if asked.square:
        found = found + 2 * asked.square * np.abs(_log_sum(logits))[:, None] * logits.p
    return np.asarray(np.abs(asked.g)[:, None] * found)


def _other(quantity: Quantity, asked: Asked) -> tuple[int, Array]:
    """Return the terms of a product with G, and the sizes of what it is multiplied by."""
    inputs = asked.inputs
    assert inputs.weight is not None
    if quantity == "grad_hidden":
        return len(inputs.weight), np.abs(inputs.weight.astype(np.float64))
    if quantity == "grad_weight":
        return len(inputs.logits), np.abs(inputs.logits.astype(np.float64))
    return len(inputs.logits), np.ones((len(inputs.logits), 1))


def _multiplied(quantity: Quantity, of_logits: Array, other: Array) -> Array:
    if quantity == "grad_hidden":
        return np.asarray(of_logits @ other)
    found = of_logits.T @ other
    return np.asarray(found[:, 0] if quantity == "grad_bias" else found)


def _log_sum(logits: Logits) -> Array:
    peak = logits.x.max(axis=1)
    return np.asarray(peak + np.log(np.exp(logits.x - peak[:, None]).sum(axis=1)))


def _loss_of(inputs: Inputs) -> Op:
    return Op("sparse_xent" if inputs.labels is not None and inputs.labels.ndim == 1 else "dense_xent")


def _labels(inputs: Inputs, logits: Logits) -> Array:
    """Return the labels, (rows, classes)."""
    assert inputs.labels is not None
    if inputs.labels.ndim == 2:
        return inputs.labels
    return np.asarray((np.arange(logits.x.shape[1]) == inputs.labels[:, None]).astype(np.float64))
