"""What the error bounds are made of: a row's own quantities, and the arithmetic that a class of algorithms has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from harness.model import Array, Format, Inputs, Op, Param, Quantity
from reference.bounds import heights

KE = 2.0  # exp within 1 ulp, which is at most 2 u
KL = 2.0  # log and log1p likewise
GAMMA, EPSILON = 2.0, 2.0  # of focal and poly losses, where nothing else is asked
MOST = 600.0  # of an exponent in float64
ROUNDINGS = 8  # of products in a focal loss and its gradient, whichever way they are taken


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
    weight: Array  # W
    counts: Array  # classes that an element stands for, 1 unless equal ones were put together
    exact: Array  # rows whose e**-d are all 0 or 1
    divided: Array  # 0 where the exact S is a power of two, so that 1 / S and products with p round nothing, else 1
    ties: Array  # of an exact row, k
    height: Array  # H of S
    height_given: Array  # of the sum of labels, or of incoming gradients
    height_mean: Array  # of sum g p
    height_loss: Array  # of sum z y
    options: Mapping[str, Param]

    def total(self, values: Array) -> Array:
        """Sum over the classes, kept as an axis."""
        return np.asarray((values * self.counts).sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows in which an element stands for as many equal classes as `counts` says; in float64."""

    x: Array  # logits, (rows, groups)
    z: Array  # labels, likewise
    g: Array  # incoming gradients, likewise or (rows, 1)
    counts: Array
    classes: float | Array  # of a row; of rows of several widths, (rows, 1)


@dataclass(frozen=True)
class Arithmetic:
    """How a class of algorithms computes: its unit roundoff, and what exp, log and the final form cost in that.

    slope: of exp, for every unit of its argument. zero: what e**0 may be off. unshifted: logsumexp itself is in the
    final form.
    """

    u: float
    ke: float = KE
    kl: float = KL
    slope: float = 0.0
    zero: float = KE
    unshifted: bool = False

    def exp(self, size: Array) -> Array:
        """Return the relative error of e**-size in u."""
        return np.asarray(self.ke + self.slope * size)

    def terms(self, t: Terms) -> Array:
        """Return the relative error of e**-d in u, the rounding of d itself left out."""
        return np.where(t.exact & (t.d == 0), self.zero, self.exp(t.d))

    def sum(self, t: Terms) -> Array:
        """Return A: S has a relative error of at most A u."""
        return t.height + np.where(t.exact, self.zero, self.ke) + (1 + self.slope) * t.weight


@dataclass(frozen=True, eq=False)
class Part:
    """A quantity, at least 0, and how far off it may be."""

    size: Array
    off: Array

    def times(self, other: Part) -> Part:
        """Return the product, whatever both errors are."""
        return Part(self.size * other.size, self.off * (other.size + other.off) + self.size * other.off)

    def plus(self, other: Part) -> Part:
        """Return the sum."""
        return Part(self.size + other.size, self.off + other.off)

    def scaled(self, factor: Array | float) -> Part:
        """Return a multiple, whose product is counted elsewhere."""
        return Part(self.size * factor, self.off * factor)

    def raised(self, exponent: float, how: Arithmetic) -> Part:
        """Return a power."""
        with np.errstate(divide="ignore"):
            log = np.abs(np.log(np.where(self.size > 0, self.size, 1.0)))
        size = self.size**exponent
        rho = np.expm1(np.minimum(how.u * (how.ke + exponent * (how.kl + 3) * log), MOST))
        top = (self.size + self.off) ** exponent
        return Part(size, top - size + rho * top)

    def rounded(self, how: Arithmetic, times: Array | float) -> Array:
        """Return how far off it is after so many more roundings."""
        return np.asarray(self.off + times * how.u * (self.size + self.off))


Formula = Callable[[Terms, Arithmetic], Array]


def of_rows(op: Op, quantity: Quantity, inputs: Inputs, inner: Format) -> Terms:
    """Return the terms of whole rows. inner: what the format is computed in, which decides what rows are exact."""
    x = inputs.logits.astype(np.float64)
    rows, classes = x.shape
    if inputs.labels is not None and inputs.labels.ndim == 1:  # indices
        z = np.zeros_like(x)
        z[np.arange(rows), inputs.labels] = 1.0
    else:
        z = np.zeros_like(x) if inputs.labels is None else inputs.labels.astype(np.float64)
    g = np.ones((rows, 1)) if quantity == "value" else inputs.upstream.astype(np.float64)
    g = np.broadcast_to(g / rows, (rows, 1)) if g.ndim == 0 else g.reshape(rows, -1)
    return grouped(op, Groups(x, z, g, np.ones(1), classes), inner)


def grouped(op: Op, groups: Groups, inner: Format) -> Terms:
    """Return the terms of rows in which equal classes may be put together.

    A zero adds to a sum exactly, so in exact rows the heights count what is not 0; elsewhere all classes, as what is 0
    depends on how far exp reaches.
    """
    x, z, g, counts, classes = groups.x, groups.z, groups.g, groups.counts, groups.classes
    d = x.max(axis=1, keepdims=True) - x
    e = np.exp(-d)
    ties = ((d == 0) * counts).sum(axis=1, keepdims=True)
    rest = np.where(d == 0, 0.0, e * counts).sum(axis=1, keepdims=True)
    l = np.log(ties) + np.log1p(rest / ties)
    p = e / (ties + rest)
    weight = (np.where(p > 0, p * d, 0.0) * counts).sum(axis=1, keepdims=True)
    exact = heights.exact(x, inner) & (ties <= 2.0**inner.precision)

    def height(parts: Array) -> Array:
        some = (np.broadcast_to(parts != 0, x.shape) * counts).sum(axis=1, keepdims=True)
        return np.where(exact, np.maximum(some - 1.0, 0.0), heights.worst(classes))

    given_height = height(g if op.name == "log_softmax" else z)
    mean_height = height(g * (d == 0)) if g.shape[1] > 1 else given_height
    return Terms(
        x=x,
        z=z,
        g=g,
        q=float(op.options.get("pos_weight", 1.0)),
        d=d,
        p=p,
        l=l,
        lse=x.max(axis=1, keepdims=True) + l,
        weight=weight,
        counts=counts,
        exact=exact,
        divided=np.where(exact & (np.frexp(ties)[0] == 0.5), 0.0, 1.0),
        ties=ties,
        height=np.where(exact, 0.0, heights.worst(classes)),
        height_given=given_height,
        height_mean=mean_height,
        height_loss=given_height,
        options=op.options,
    )


def in_all_sums(t: Terms, height: float | Array) -> Terms:
    """Return the terms with no sum's height above one; exact rows keep theirs."""
    capped = {name: np.minimum(getattr(t, name), height) for name in ("height_given", "height_mean", "height_loss")}
    return replace(with_height(t, height), **capped)


def with_height(t: Terms, height: float | Array, *, most: float = np.inf) -> Terms:
    """Return the terms with another height of S; exact rows keep theirs, where k is at most `most`."""
    return replace(t, height=np.where(t.exact & (t.ties <= most), 0.0, height))
