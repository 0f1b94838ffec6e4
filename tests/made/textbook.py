"""Sound implementations in one numpy dtype: shifted, every operation rounded once, sums one by one.

They are what class S is derived for, so the budgets must let them pass. exp and log are taken in float64 and rounded.
"""

import ml_dtypes
import numpy as np

from harness.model import FORMATS

DTYPES = {
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e5m2": ml_dtypes.float8_e5m2,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float32": np.float32,
    "float64": np.float64,
}


def exp(x):
    """Return e**x, rounded once (twice in 16 bits)."""
    return np.exp(x.astype(np.float64)).astype(x.dtype)


def log(x):
    """Return log x, likewise."""
    return np.log(x.astype(np.float64)).astype(x.dtype)


def log1p(x):
    """Return log(1 + x), likewise."""
    return np.log1p(x.astype(np.float64)).astype(x.dtype)


def add_up(terms):
    """Sum the last axis one by one, kept as an axis."""
    total = terms[..., :1]
    for j in range(1, terms.shape[-1]):
        total = total + terms[..., j : j + 1]
    return total


class Row:
    """One batch of rows in a working dtype, with the parts every formula takes."""

    def __init__(self, inputs, op, quantity, work):
        self.x = inputs.logits.astype(work)
        self.m = self.x.max(axis=-1, keepdims=True)
        self.d = self.m - self.x
        self.e = exp(-self.d)
        self.s = add_up(self.e)
        self.l = log(self.s)
        self.p = self.e / self.s
        self.q = work(op.options.get("pos_weight", 1.0))
        self.z = None
        if op.name == "sparse_xent":
            self.z = (np.arange(self.x.shape[-1]) == inputs.labels[:, None]).astype(work)
        elif inputs.labels is not None:
            self.z = inputs.labels.astype(work)
        if quantity != "value":
            g = inputs.upstream.astype(work)
            g = np.broadcast_to(g / work(len(self.x)), (len(self.x),)) if g.ndim == 0 else g
            self.g = g.reshape(len(self.x), -1)
        self.tail = exp(-np.abs(self.x))

    def loss(self):
        """Return sum z (d + log S); a label of 0 takes no part."""
        terms = np.where(self.z == 0, self.z, self.z * (self.d + self.l))
        return add_up(terms)[:, 0]

    def sigmoid(self, x):
        """Return 1 / (1 + e**-x), mirrored below 0."""
        return np.where(x >= 0, x.dtype.type(1), self.tail) / (1 + self.tail)

    def softplus(self, x):
        """Return log(1 + e**x)."""
        return np.maximum(x, x.dtype.type(0)) + log1p(self.tail)


def gradient_of_labels(row):
    """Return g (q softplus(-x) - softplus(x)), whose linear part is written down as it is."""
    linear = np.where(row.x >= 0, -row.x, -row.x * row.q)
    return row.g * (linear + (row.q - 1) * log1p(row.tail))


FORMULAS = {
    ("softmax", "value"): lambda r: r.p,
    ("softmax", "grad_logits"): lambda r: r.p * (r.g - add_up(r.g * r.p)),
    ("log_softmax", "value"): lambda r: -r.d - r.l,
    ("log_softmax", "grad_logits"): lambda r: r.g - r.p * add_up(r.g),
    ("logsumexp", "value"): lambda r: (r.m + r.l)[:, 0],
    ("logsumexp", "grad_logits"): lambda r: r.g * r.p,
    ("sparse_xent", "value"): Row.loss,
    ("sparse_xent", "grad_logits"): lambda r: r.g * (r.p * add_up(r.z) - r.z),
    ("dense_xent", "value"): Row.loss,
    ("dense_xent", "grad_logits"): lambda r: r.g * (r.p * add_up(r.z) - r.z),
    ("dense_xent", "grad_labels"): lambda r: r.g * (r.d + r.l),
    ("sigmoid", "value"): lambda r: r.sigmoid(r.x),
    ("sigmoid", "grad_logits"): lambda r: r.g * r.sigmoid(r.x) * (1 - r.sigmoid(r.x)),
    ("log_sigmoid", "value"): lambda r: np.minimum(r.x, r.x.dtype.type(0)) - log1p(r.tail),
    ("log_sigmoid", "grad_logits"): lambda r: r.g * r.sigmoid(-r.x),
    ("sigmoid_xent", "value"): lambda r: r.q * r.z * r.softplus(-r.x) + (1 - r.z) * r.softplus(r.x),
    ("sigmoid_xent", "grad_logits"): lambda r: r.g * ((1 - r.z) * r.sigmoid(r.x) - r.q * r.z * r.sigmoid(-r.x)),
    ("sigmoid_xent", "grad_labels"): gradient_of_labels,
}


def answer(op, quantity, inputs, work="float32"):
    """Answer a question with every operation in `work`, rounded once to the dtype of the logits."""
    dtype = DTYPES[inputs.logits.dtype.name]
    with np.errstate(all="ignore"):
        row = Row(inputs, op, quantity, DTYPES[work])
        result = FORMULAS[op.name, quantity](row)
        if op.options.get("reduction") == "mean" and quantity == "value":
            result = (add_up(result[None])[0, 0] / DTYPES[work](len(result))).reshape(())
        return np.asarray(result).astype(dtype)


def widened(dtype):
    """Return what a dtype is computed in: 16-bit formats in float32."""
    return "float32" if FORMATS[dtype].precision < FORMATS["float32"].precision else dtype
