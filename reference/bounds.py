"""Per-element error budgets: how far a sound algorithm in the format's arithmetic may land from the exact value.

First-order bounds after Blanchard, Higham & Higham, "Accurately computing the log-sum-exp and softmax functions",
IMA J. Numer. Anal. 41(4), 2021, in their a-posteriori form: every quantity comes from the row itself, so nothing is
tuned. With u the unit roundoff, exp and log within KE u and KL u, a sum of n terms in any order (H = n - 1), and

    A = H + KE + W,  W = sum p d  (the rounded differences d = m - x, weighted by the softmax p),

the computed S = sum e**-d has a relative error of at most A u. The classes:

    S  stable: shifted by the maximum, all in the format (16-bit formats: in float32, rounded once at the end)
    U  unshifted: the final form works with logsumexp itself, which adds its size |lse| to every user of it
    N  native: as S, every intermediate rounded to the 16-bit format; no class of float32 and float64
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from harness.model import FORMATS, Array, BudgetClass, Golden, Inputs, Op, Quantity
from harness.ops import OPS
from harness.scoring import ulp

KE = 2.0  # exp within 1 ulp, which is at most 2 u
KL = 2.0  # log and log1p likewise
# Where d = m - x overflows float64 the bound is some 2**-50 of 2**1025, so this is still a generous one, and an answer
# of 0 for an infinity exceeds it.
OVERFLOWED = 2.0**1023
INNER = FORMATS["float32"]  # what 16-bit formats are expected to be computed in


@dataclass(frozen=True, eq=False)
class Budget:
    """Absolute error bounds, shaped like the answer, and what flush-to-zero explains.

    flushed: an exact value of at most this size may come back as 0 from hardware that flushes subnormals.
    """

    error: dict[BudgetClass, Array]
    flushed: Array


@dataclass(frozen=True, eq=False)
class Terms:
    """What the formulas are made of; arrays (rows, classes) or (rows, 1), in float64."""

    x: Array
    z: Array
    g: Array
    q: float
    d: Array  # m - x
    p: Array
    l: Array  # log S
    lse: Array
    height: float  # H
    weight: Array  # W


@dataclass(frozen=True)
class Arithmetic:
    """Unit roundoff of the computation, and whether logsumexp appears in the final form."""

    u: float
    unshifted: bool


Formula = Callable[[Terms, Arithmetic], Array]


def budget(op: Op, quantity: Quantity, inputs: Inputs, golden: Golden, native_height: float | None = None) -> Budget:
    """Return the budgets of a case, capped where float64 overflows.

    native_height: roundings that a term of a class N sum goes through, where fewer than one a class are expected.
    """
    form = FORMATS[inputs.logits.dtype.name]
    narrow = form.precision < INNER.precision
    inner = INNER if narrow else form
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        terms = _terms(op, quantity, inputs)
        size = np.abs(ulp.scale(golden.hi, 0 if golden.exponent is None else golden.exponent))
        stable, unshifted = (Arithmetic(inner.unit, unshifted=late) for late in (False, True))
        kinds: dict[BudgetClass, Arithmetic] = {"S": stable, "U": unshifted}
        errors = {kind: _total(op, quantity, terms, how, golden.hi.shape) for kind, how in kinds.items()}
        native = Arithmetic(form.unit, unshifted=False)
        if narrow:
            errors = {kind: error + form.unit * (size + error) for kind, error in errors.items()}
            summed = terms if native_height is None else replace(terms, height=native_height)
            errors["N"] = _total(op, quantity, summed, native, golden.hi.shape)
        rows = len(inputs.logits)
        if inputs.upstream.ndim == 0 and quantity != "value" and rows & (rows - 1):  # g / rows is rounded
            errors = {kind: error + kinds.get(kind, native).u * size for kind, error in errors.items()}
        factor = np.maximum(1.0, _amplification(op, quantity, terms, golden.hi.shape))
        # Four roundings in the subnormal range, each half a spacing.
        tiny, flushed = 2.0 * 2.0 ** (form.emin - form.precision + 1) * factor, 2.0**form.emin * factor
        if quantity != "value" and form.emin <= INNER.emin:
            # Of a gradient's terms one may be flushed to 0 and another not, on hardware that does so.
            tiny = np.where(size < flushed, flushed, tiny)
        # What is computed may lie below the normal numbers where the exact value lies just above them.
        flushed = flushed + np.minimum(errors.get("N", errors["S"]), flushed)
        return Budget({kind: error + tiny for kind, error in errors.items()}, flushed)


def _terms(op: Op, quantity: Quantity, inputs: Inputs) -> Terms:
    x = inputs.logits.astype(np.float64)
    rows, classes = x.shape
    d = x.max(axis=1, keepdims=True) - x
    e = np.exp(-d)
    ties = (d == 0).sum(axis=1, keepdims=True)
    rest = np.where(d == 0, 0.0, e).sum(axis=1, keepdims=True)
    l = np.log(ties) + np.log1p(rest / ties)
    p = e / (ties + rest)
    if OPS[op.name].labels == "index":
        z = np.zeros_like(x)
        z[np.arange(rows), inputs.labels] = 1.0
    else:
        z = np.zeros_like(x) if inputs.labels is None else inputs.labels.astype(np.float64)
    g = np.ones((rows, 1)) if quantity == "value" else inputs.upstream.astype(np.float64)
    g = np.broadcast_to(g / rows, (rows, 1)) if g.ndim == 0 else g.reshape(rows, -1)
    weight = np.where(p > 0, p * d, 0.0).sum(axis=1, keepdims=True)
    q = float(op.options.get("pos_weight", 1.0))
    return Terms(x, z, g, q, d, p, l, x.max(axis=1, keepdims=True) + l, float(classes - 1), weight)


def _log_sum(t: Terms, how: Arithmetic) -> Array:
    """Error of log S, or of logsumexp in the unshifted final form, in absolute terms."""
    shifted = KL * t.l + t.height + KE + t.weight
    return how.u * (shifted + (1 + KL) * np.abs(t.lse) * how.unshifted)


def _log_softmax(t: Terms, how: Arithmetic) -> Array:
    return how.u * (2 * t.d + t.l) + _log_sum(t, how)  # |y| + d = 2 d + l


def _softmax_quotient(t: Terms, how: Arithmetic) -> Array:
    """e**-d / S, or times 1 / S."""
    relative = how.u * (t.d + KE + t.height + KE + t.weight + 2)
    if how.unshifted:
        relative = np.maximum(relative, _softmax_exponential_relative(t, how))
    return _times(t.p, relative)


def _softmax_exponential_relative(t: Terms, how: Arithmetic) -> Array:
    """The relative error of exp(log_softmax)."""
    return _log_softmax(t, how) + how.u * KE


def _softmax_in_gradient(t: Terms, how: Arithmetic) -> Array:
    """Gradients take p as the quotient or as exp(log_softmax)."""
    return np.maximum(_softmax_quotient(t, how), _times(t.p, _softmax_exponential_relative(t, how)))


def _times(p: Array, relative: Array) -> Array:
    return np.where(p > 0, p * np.where(p > 0, relative, 0.0), 0.0)


def _softmax_grad(t: Terms, how: Arithmetic) -> Array:
    """p (g - D) with D = sum g p; three roundings on each of its two parts."""
    e_p = _softmax_quotient(t, how)
    mean = (t.g * t.p).sum(axis=1, keepdims=True)
    e_mean = (np.abs(t.g) * (e_p + how.u * (t.height + 1) * t.p)).sum(axis=1, keepdims=True)
    return np.abs(t.g - mean) * e_p + t.p * (e_mean + 3 * how.u * (np.abs(t.g) + np.abs(mean)))


def _log_softmax_grad(t: Terms, how: Arithmetic) -> Array:
    """g - p G with G = sum g."""
    return _excess(t.g, t, how)


def _excess(z: Array, t: Terms, how: Arithmetic) -> Array:
    """z - p Z with Z = sum z: the softmax's error, that of the sum, two products and a difference."""
    z_sum = z.sum(axis=1, keepdims=True)
    e_sum = how.u * t.height * np.abs(z).sum(axis=1, keepdims=True)
    rounded = how.u * (2 * np.abs(z_sum) * t.p + np.abs(z - t.p * z_sum))
    return np.abs(z_sum) * _softmax_in_gradient(t, how) + t.p * e_sum + rounded


def _loss_grad(t: Terms, how: Arithmetic) -> Array:
    """g (Z p - z), with one more product."""
    exact = np.abs(t.p * t.z.sum(axis=1, keepdims=True) - t.z)
    return np.abs(t.g) * (_excess(t.z, t, how) + how.u * (exact + np.abs(t.z) + t.p))


def _sparse(t: Terms, how: Arithmetic) -> Array:
    return (t.z * np.where(t.z > 0, _log_softmax(t, how), 0.0)).sum(axis=1)


def _dense(t: Terms, how: Arithmetic) -> Array:
    each = np.abs(t.z) * (_log_softmax(t, how) + how.u * (t.height + 1) * (t.d + t.l))
    return np.where(t.z == 0, 0.0, each).sum(axis=1)


def _logsumexp(t: Terms, how: Arithmetic) -> Array:
    return (how.u * np.abs(t.lse) + _log_sum(t, how))[:, 0]


def _logsumexp_grad(t: Terms, how: Arithmetic) -> Array:
    return np.abs(t.g) * (_softmax_in_gradient(t, how) + how.u * t.p)


def _dense_grad_labels(t: Terms, how: Arithmetic) -> Array:
    return np.abs(t.g) * (_log_softmax(t, how) + how.u * (t.d + t.l))


def _tail(t: Terms) -> tuple[Array, Array]:
    """Return e = e**-|x| and log(1 + e)."""
    e = np.exp(-np.abs(t.x))
    return e, np.log1p(e)


def _sigma(t: Terms) -> tuple[Array, Array]:
    """Return sigmoid(x) and sigmoid(-x)."""
    e, _ = _tail(t)
    return np.where(t.x >= 0, 1.0, e) / (1 + e), np.where(t.x >= 0, e, 1.0) / (1 + e)


def _sigmoid(t: Terms, how: Arithmetic) -> Array:
    return (KE + 3) * how.u * _sigma(t)[0]


def _sigmoid_grad(t: Terms, how: Arithmetic) -> Array:
    """g s (1 - s): the difference loses sigmoid(-x) to absolute error u."""
    right, left = _sigma(t)
    return how.u * np.abs(t.g) * right * ((KE + 3) * (right + left) + 3 * left)


def _log_sigmoid(t: Terms, how: Arithmetic) -> Array:
    _, log = _tail(t)
    return how.u * (np.maximum(-t.x, 0) + (1 + KE + KL) * log)


def _log_sigmoid_grad(t: Terms, how: Arithmetic) -> Array:
    """g sigmoid(-x), or g (1 - sigmoid(x)) at the price of an absolute error."""
    right, left = _sigma(t)
    return how.u * np.abs(t.g) * ((KE + 4) * left + (KE + 3) * right)


def _sigmoid_xent(t: Terms, how: Arithmetic) -> Array:
    """q z softplus(-x) + (1 - z) softplus(x), both tails kept; unshifted: (1 - z) x + softplus(-x), which cancels."""
    _, log = _tail(t)
    share = np.abs(t.q * t.z) + np.abs(1 - t.z)
    linear = np.where(t.x >= 0, np.abs(1 - t.z), np.abs(t.q * t.z)) * np.abs(t.x)
    product = np.abs(t.x * t.z) * ((t.z != 0) & (t.z != 1)) + np.abs(t.x) * abs(t.q - 1) * (t.z != 0)
    stable = 3 * linear + 2 * product + (3 + KE + KL) * share * log
    return how.u * (stable + 3 * np.abs(t.x) * how.unshifted)


def _sigmoid_xent_grad(t: Terms, how: Arithmetic) -> Array:
    """g ((1 - z) sigmoid(x) - q z sigmoid(-x)); the usual form s - z is good to an absolute u."""
    right, left = _sigma(t)
    parts = np.abs(1 - t.z) * right + np.abs(t.q * t.z) * left
    usual = right + np.abs(t.z) * (1 + abs(t.q - 1))
    return how.u * np.abs(t.g) * ((KE + 4) * (parts + right * (1 + abs(t.q - 1) * np.abs(t.z))) + usual)


def _sigmoid_xent_grad_labels(t: Terms, how: Arithmetic) -> Array:
    """g (q softplus(-x) - softplus(x)) = -g x at q = 1."""
    _, log = _tail(t)
    return how.u * np.abs(t.g) * (3 * np.abs(t.x) * (1 + abs(t.q - 1)) + (3 + KE + KL) * abs(t.q - 1) * log)


FORMULAS: dict[tuple[str, Quantity], Formula] = {
    ("softmax", "value"): _softmax_quotient,
    ("softmax", "grad_logits"): _softmax_grad,
    ("log_softmax", "value"): _log_softmax,
    ("log_softmax", "grad_logits"): _log_softmax_grad,
    ("logsumexp", "value"): _logsumexp,
    ("logsumexp", "grad_logits"): _logsumexp_grad,
    ("sparse_xent", "value"): _sparse,
    ("sparse_xent", "grad_logits"): _loss_grad,
    ("dense_xent", "value"): _dense,
    ("dense_xent", "grad_logits"): _loss_grad,
    ("dense_xent", "grad_labels"): _dense_grad_labels,
    ("sigmoid", "value"): _sigmoid,
    ("sigmoid", "grad_logits"): _sigmoid_grad,
    ("log_sigmoid", "value"): _log_sigmoid,
    ("log_sigmoid", "grad_logits"): _log_sigmoid_grad,
    ("sigmoid_xent", "value"): _sigmoid_xent,
    ("sigmoid_xent", "grad_logits"): _sigmoid_xent_grad,
    ("sigmoid_xent", "grad_labels"): _sigmoid_xent_grad_labels,
}


def _total(op: Op, quantity: Quantity, terms: Terms, how: Arithmetic, shape: tuple[int, ...]) -> Array:
    error = FORMULAS[op.name, quantity](terms, how)
    if shape == ():  # a mean: its sum over the rows, and a division
        losses = np.where(terms.z == 0, 0.0, np.abs(terms.z) * (terms.d + terms.l)).sum(axis=1)
        return np.asarray(error.mean() + how.u * (len(losses) + 1) * losses.mean())
    return np.nan_to_num(error, nan=OVERFLOWED, posinf=OVERFLOWED)


def _amplification(op: Op, quantity: Quantity, terms: Terms, shape: tuple[int, ...]) -> Array:
    """How much larger than a flushed intermediate the result can be: the factor that multiplies p."""
    if quantity == "value":
        return np.ones(shape)
    g = np.abs(terms.g)
    spread = {"softmax": 2 * g.max(axis=1, keepdims=True), "log_softmax": g.sum(axis=1, keepdims=True)}
    return np.broadcast_to(spread.get(op.name, g * (1 + abs(terms.q))), shape)
