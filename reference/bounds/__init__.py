"""Per-element error budgets: how far a sound algorithm in the format's arithmetic may land from the exact value.

First-order bounds after Blanchard, Higham & Higham, "Accurately computing the log-sum-exp and softmax functions",
IMA J. Numer. Anal. 41(4), 2021, in their a-posteriori form: every quantity comes from the row itself, so nothing is
tuned. With u the unit roundoff, exp and log within KE u and KL u, a sum whose terms go through H roundings each, and

    A = H + KE + W,  W = sum p d  (the rounded differences d = m - x, weighted by the softmax p),

the computed S = sum e**-d has a relative error of at most A u. The classes:

    S  stable: shifted by the maximum, all in the format (16-bit formats: in float32, rounded once at the end), the sum
       in any order: H = n - 1, or 0 in rows whose sum is exact (`reference.bounds.heights`)
    P  as S, of long rows: no sum's H is more than that of sums in pairs
    C  as S, of long rows: no sum's H is more than errors that behave like chance reach
    E  as S, exponentials by powers of two: see below
    N  native: as S, every intermediate rounded to the 16-bit format; no class of float32 and float64
    U  unshifted: the final form works with logsumexp itself, which adds its size |lse| to every user of it

Exponentials by powers of two. Triton and GPU hardware take e**-d as 2**t with t = -d log2 e. Rounding the constant
makes t wrong by c u t (c = 0.224 in float32, 0.127 in float64), rounding the product by u t more, and 2**t by u d
relative for each of them: e**-d is within (KE' + (1 + c) d) u. KE' is that of 2**t: 1 ulp, or in float32 the 2**-22.5
of PTX's ex2.approx (2.83 u) and a rounding. In A the slope 1 + c multiplies W a second time. log S may be log2 S times
log 2, one rounding and a rounded constant more (0.046 u, 0.301 u). A sigmoid is made of e**-|x|, so |x| enters there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from harness.model import FORMATS, Array, BudgetClass, Format, Golden, Inputs, Op, Quantity
from harness.scoring import ulp
from reference.bounds import heights, terms
from reference.bounds.points import BY_POINT
from reference.bounds.probabilities import PROBABILITIES
from reference.bounds.rows import BY_ROW
from reference.bounds.terms import GAMMA, KE, KL, Arithmetic, Formula, Groups, Terms

__all__ = ["FORMULAS", "INNER", "KE", "KL", "OVERFLOWED", "POWERS", "Budget", "budget", "grouped"]

# Where d = m - x overflows float64 the bound is some 2**-50 of 2**1025, so this is still a generous one, and an answer
# of 0 for an infinity exceeds it.
OVERFLOWED = 2.0**1023
INNER = FORMATS["float32"]  # what 16-bit formats are expected to be computed in
EX2 = 2.0**-22.5  # PTX ISA, ex2.approx.ftz.f32: largest relative error
POWERS: Mapping[str, Arithmetic] = {  # exponentials by powers of two; constants' roundings relative to u, measured
    "float32": Arithmetic(INNER.unit, ke=EX2 / INNER.unit + 1, kl=KL + 1.05, slope=1.224),
    "float64": Arithmetic(FORMATS["float64"].unit, kl=KL + 1.31, slope=1.128),
}
SHAPED = frozenset({"sigmoid_focal_xent", "focal_xent", "poly_xent", "adaptive_xent", "bernoulli_entropy"})
FORMULAS: Mapping[tuple[str, Quantity], Formula] = {**BY_ROW, **BY_POINT, **PROBABILITIES}


@dataclass(frozen=True, eq=False)
class Budget:
    """Absolute error bounds, shaped like the answer, and what flush-to-zero explains.

    flushed: an exact value of at most this size may come back as 0 from hardware that flushes subnormals. logits: of a
    linear op, how much of the error is of its logits.
    """

    error: dict[BudgetClass, Array]
    flushed: Array
    logits: Mapping[BudgetClass, Array] = field(default_factory=dict)


def budget(
    op: Op,
    quantity: Quantity,
    inputs: Inputs,
    golden: Golden,
    native_height: float | None = None,
    form: Format | None = None,
) -> Budget:
    """Return the budgets of a case, capped where float64 overflows.

    native_height: roundings that a term of a class N sum goes through, where fewer than one a class are expected.
    form: what is computed in, where that is not the logits' dtype.
    """
    form = form or FORMATS[inputs.logits.dtype.name]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        t = terms.of_rows(op, quantity, inputs, _inner(form))
        rows, classes = inputs.logits.shape
        rounded = inputs.upstream.ndim == 0 and quantity != "value" and bool(rows & (rows - 1))  # g / rows
        return _budget(op, quantity, t, form, golden, Sums(classes, native_height, shared=rounded))


def grouped(op: Op, quantity: Quantity, groups: Groups, form: Format, golden: Golden) -> Budget:
    """Return the budgets of rows in which equal classes are put together."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        t = terms.grouped(op, groups, _inner(form))
        return _budget(op, quantity, t, form, golden, Sums(groups.classes))


def beside_sums(op: Op, quantity: Quantity, inputs: Inputs, golden: Golden) -> Budget:
    """Return what the budgets are beside the order of any sum: with all heights 0."""
    form, nothing = FORMATS[inputs.logits.dtype.name], np.zeros((len(inputs.logits), 1))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        t = terms.of_rows(op, quantity, inputs, _inner(form))
        t = replace(t, height=nothing, height_given=nothing, height_mean=nothing, height_loss=nothing)
        return _budget(op, quantity, t, form, golden, Sums(1, 0.0))  # as short ones, without P and C


@dataclass(frozen=True)
class Sums:
    """What is summed up: classes a row, in a native sum with a height of its own; and whether rows share a gradient."""

    classes: float | Array
    native_height: float | None = None
    shared: bool = False


def _budget(op: Op, quantity: Quantity, t: Terms, form: Format, golden: Golden, sums: Sums) -> Budget:
    """Return the budgets of rows with these terms."""
    inner, classes, shape = _inner(form), sums.classes, golden.hi.shape
    size = np.abs(ulp.scale(golden.hi, 0 if golden.exponent is None else golden.exponent))
    kinds: dict[BudgetClass, tuple[Terms, Arithmetic]] = {
        "S": (t, Arithmetic(inner.unit)),
        "U": (t, Arithmetic(inner.unit, unshifted=True)),
        "E": (t, POWERS[inner.name]),
    }
    if np.min(classes) >= heights.LONG and (op.name, quantity) in BY_ROW:
        kinds["P"] = terms.in_all_sums(t, heights.pairwise(classes)), kinds["S"][1]
        kinds["C"] = terms.in_all_sums(t, heights.chance(classes)), kinds["S"][1]
    errors = {kind: _total(op, quantity, row, how, shape) for kind, (row, how) in kinds.items()}
    if form is not inner:
        errors = {kind: error + form.unit * (size + error) for kind, error in errors.items()}
        kinds["N"] = _native(t, form, sums)
        errors["N"] = _total(op, quantity, *kinds["N"], shape)
    if sums.shared:
        errors = {kind: error + kinds[kind][1].u * size for kind, error in errors.items()}
    factor = np.maximum(1.0, _amplification(op, quantity, t, shape))
    tiny, flushed = tiny_of(form) * factor, 2.0**form.emin * factor
    if quantity != "value" and form.emin <= INNER.emin:
        # Of a gradient's terms one may be flushed to 0 and another not, on hardware that does so.
        tiny = np.where(size < flushed, flushed, tiny)
    # What is computed may lie below the normal numbers where the exact value lies just above them.
    flushed = flushed + np.minimum(errors.get("N", errors["S"]), flushed)
    return Budget({kind: error + tiny for kind, error in errors.items()}, flushed)


def _native(t: Terms, form: Format, sums: Sums) -> tuple[Terms, Arithmetic]:
    """Return terms and arithmetic of class N: e**0, in float32 within KE u of 1, is 1 in 16 bits."""
    height = heights.worst(sums.classes) if sums.native_height is None else sums.native_height
    beyond = np.where(t.exact, heights.native(sums.classes, form, INNER), height)
    return terms.with_height(t, beyond, most=2.0**form.precision), Arithmetic(form.unit, zero=0.0)


def _inner(form: Format) -> Format:
    return INNER if form.precision < INNER.precision else form


def tiny_of(form: Format) -> float:
    """Four roundings in the subnormal range, each half a spacing."""
    return 2.0 * 2.0 ** (form.emin - form.precision + 1)


def _total(op: Op, quantity: Quantity, t: Terms, how: Arithmetic, shape: tuple[int, ...]) -> Array:
    error = FORMULAS[op.name, quantity](t, how)
    if shape == ():  # a mean: its sum over the rows, and a division
        losses = np.where(t.z == 0, 0.0, np.abs(t.z) * (t.d + t.l)).sum(axis=1)
        return np.asarray(error.mean() + how.u * (len(losses) + 1) * losses.mean())
    return np.nan_to_num(error, nan=OVERFLOWED, posinf=OVERFLOWED)


def _amplification(op: Op, quantity: Quantity, t: Terms, shape: tuple[int, ...]) -> Array:
    """How much larger than a flushed intermediate the result can be: the factor that multiplies p."""
    if op.name == "entropy":
        y = t.d + t.l
        each = t.total(y)[:, 0] if quantity == "value" else np.abs(t.g) * y.max(axis=1, keepdims=True)
        return np.broadcast_to(each, shape)
    if op.name in SHAPED:
        each = _through_powers(t, op.name, quantity)
        return np.broadcast_to(each[:, 0] if len(shape) == 1 else each, shape)
    if quantity == "value":
        return np.ones(shape)
    g = np.abs(t.g)
    spread = {
        "softmax": 2 * g.max(axis=1, keepdims=True),
        "log_softmax": (g * t.counts).sum(axis=1, keepdims=True),
    }.get(op.name, g * (1 + abs(t.q)))
    return np.broadcast_to(spread, shape)


def _through_powers(t: Terms, name: str, quantity: Quantity) -> Array:
    """How much larger than a flushed m or p the result can be, by row and by class."""
    size = t.d + t.l if name in {"focal_xent", "poly_xent"} else np.abs(t.x)
    largest = size.max(axis=1, keepdims=True)
    gamma = float(t.options.get("gamma", GAMMA)) + 1
    per = 1 + gamma * largest if name != "bernoulli_entropy" else 1 + np.abs(t.x)
    return np.asarray(per if quantity == "value" else np.abs(t.g) * per)
