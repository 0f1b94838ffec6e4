"""Functions that break one law each, and are right on usual rows."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from harness.model import Op, Quantity
from tests.kernels.lawful import dense_xent, log_softmax, logsumexp, reduced, sigmoid, softmax, sparse_xent

LANES = 8
FEW = 1024  # rows of a batch that is small


@dataclass(frozen=True)
class Breaker:
    """A function, and the question in which it breaks its law."""

    op: Op
    quantity: Quantity
    dtype: str
    function: Callable[..., torch.Tensor]


BREAKERS: dict[str, Breaker] = {}


def breaks(law, op, quantity="value", dtype="float32"):
    """Register a function that breaks a law."""

    def register(function):
        BREAKERS[law] = Breaker(Op.of(op) if isinstance(op, str) else op, quantity, dtype, function)
        return function

    return register


def through(value, change):
    """Return the value; the gradient that comes back to it passes through `change`."""
    value = value.view_as(value)
    if value.requires_grad:
        value.register_hook(change)
    return value


def in_lanes(e):
    """Add in eight lanes of the type of e, one step after the other."""
    lanes = e.new_zeros((*e.shape[:-1], LANES))
    for step in e.split(LANES, -1):
        lanes[..., : step.shape[-1]] += step
    return lanes.float().sum(-1, keepdim=True)


@breaks("shift", "softmax")
def shifted_beyond_99(logits, axis):
    """The maximum is taken off where it is above 99, which is above 88."""
    m = logits.amax(axis, keepdim=True)
    e = (logits - torch.where(m.abs() > 99, m, 0 * m)).exp()
    return e / e.sum(axis, keepdim=True)


@breaks("permutation", "softmax")
def maximum_without_last_vector(logits, axis):
    """A loop that stops one vector early, where the maximum is looked for."""
    seen = logits.narrow(axis, 0, logits.shape[axis] - LANES) if logits.shape[axis] > LANES else logits
    e = (logits - seen.amax(axis, keepdim=True)).exp()
    return e / e.sum(axis, keepdim=True)


@breaks("rows_sum_to_one", "softmax", dtype="bfloat16")
def sum_stands_still(logits, axis):  # noqa: ARG001 - asked along the last one
    """A sum in bfloat16 lanes, each of which stands still at 256 times what is added."""
    e = (logits - logits.amax(-1, keepdim=True)).exp()
    return (e.float() / in_lanes(e)).to(logits.dtype)


@breaks("repeated", "logsumexp", dtype="bfloat16")
def logarithm_of_sum_that_stands_still(logits, axis):  # noqa: ARG001 - asked along the last one
    """As sum_stands_still."""
    m = logits.amax(-1, keepdim=True)
    return (m.float() + in_lanes((logits - m).exp()).log())[..., 0].to(logits.dtype)


@breaks("exp_of_log_softmax", "log_softmax")
def table_entry_off(logits, axis):
    """Exponentials of one binade, 2**-14 to 2**-13 below the maximum, come from a broken entry."""
    d = logits - logits.amax(axis, keepdim=True)
    e = torch.where((d < -(2**-14)) & (d >= -(2**-13)), 1 - 2**-8, d.exp())
    return d - e.sum(axis, keepdim=True).log()


@breaks("lengths", "softmax")
def tail_not_summed(logits, axis):
    """The last n mod 8 terms are left out of the sum."""
    n = logits.shape[axis]
    e = (logits - logits.amax(axis, keepdim=True)).exp()
    return e / e.narrow(axis, 0, n if n < LANES else n - n % LANES).sum(axis, keepdim=True)


@breaks("exact_rows", "softmax")
def long_sum_low(logits, axis):
    """From 4 097 classes on the sum is low by one part in 2**20."""
    e = (logits - logits.amax(axis, keepdim=True)).exp()
    return e / (e.sum(axis, keepdim=True) * (1 - 2.0**-20 * (logits.shape[axis] > 4096)))


@breaks("exact_rows_masked", "softmax")
def masked_tile_first(logits, axis):
    """Tiles of 256 along the last axis; one of nothing but -inf makes -inf - -inf."""
    tiles = logits.split(256, axis)
    tops = [tile.amax(axis, keepdim=True) for tile in tiles]
    m = logits.amax(axis, keepdim=True)
    parts = [
        (tile - top).exp().sum(axis, keepdim=True) * (top - m).exp() for tile, top in zip(tiles, tops, strict=True)
    ]
    return (logits - m).exp() / sum(parts)


@breaks("sum_beyond_float16", "logsumexp", dtype="float16")
def sum_rounded_to_float16(logits, axis):
    """The sum is rounded to float16, which ends at 65 504, before its logarithm is taken."""
    x = logits.float()
    m = x.amax(axis, keepdim=True)
    s = (x - m).exp().sum(axis, keepdim=True)
    return (m + (s + (s.to(logits.dtype).float() - s).detach()).log()).squeeze(axis).to(logits.dtype)


@breaks("lean", "softmax")
def blocks_cut_off(logits, axis):
    """The sums of blocks of 1024 classes are cut off to 12 bits, towards 0: always low, by less than one row shows."""
    e = (logits - logits.amax(axis, keepdim=True)).exp()
    if logits.shape[axis] < 2048:
        return e / e.sum(axis, keepdim=True)
    fraction, exponent = torch.frexp(torch.stack([block.sum(axis, keepdim=True) for block in e.split(1024, axis)]))
    return e / torch.ldexp((fraction * 2**12).floor(), exponent - 12).sum(0)


@breaks("one_hot", "dense_xent")
def one_hot_batch_from_one(logits, labels):
    """A batch of one-hot rows takes a shortcut, whose classes count from 1."""
    one_hot = bool(((labels == 1).sum(-1) == 1).all() and ((labels != 0).sum(-1) == 1).all())
    return dense_xent(logits, labels.roll(1, -1) if one_hot else labels)


@breaks("loss_is_logsumexp_less_logit", "sparse_xent")
def two_classes_by_series(logits, labels):
    """Two classes closer than 2**-13 take a series, whose linear term is missing until 2**-14."""
    gap = (logits[:, 0] - logits[:, -1]).abs()
    near = (logits.shape[-1] == 2) & (gap < 2**-13) & (gap >= 2**-14)
    return torch.where(near, math.log(2), sparse_xent(logits, labels))


@breaks("linear_in_labels", "dense_xent")
def labels_normalised(logits, labels):
    """Labels divided by their sum."""
    return dense_xent(logits, labels / labels.sum(-1, keepdim=True))


@breaks("linear_in_upstream", "log_softmax", "grad_logits")
def upstream_clipped(logits, axis):
    """Incoming gradients held within +-4."""
    return through(log_softmax(logits, axis), lambda g: g.clamp(-4, 4))


@breaks("gradient_rows_sum", "logsumexp", "grad_logits", "bfloat16")
def sum_of_few_bits(logits, axis):
    """A backward pass in bfloat16 that keeps the sum in so few bits that the softmax adds up to 1.2."""
    return logsumexp(through(logits, lambda g: g * 1.2), axis)


@breaks("value_beside_gradient", "softmax", "grad_logits")
def rough_in_training(logits, axis):
    """The value is rounded to bfloat16 where a gradient will be asked for."""
    p = softmax(logits, axis)
    return p + (p.bfloat16().to(p.dtype) - p).detach() if p.requires_grad else p


@breaks("symmetric", "sigmoid")
def one_number(logits):
    """One number of all is answered with 63/128."""
    return torch.where(logits == 1.25 * 2**-12, 63 / 128, sigmoid(logits))


@breaks("monotone", "sigmoid")
def gap_between_formulas(logits):
    """A few floats below log 2**25 fall between two formulas."""
    return torch.where((logits > 17.328665) & (logits < 17.32868), 1 - 2**-10, sigmoid(logits))


@breaks("monotone_in_gap", "softmax")
def step_in_exp(logits, axis):
    """A few floats around log 2 get the exponential of another step of the table."""
    d = logits - logits.amax(axis, keepdim=True)
    e = torch.where((d < -0.6931465) & (d > -0.693148), 0.5 + 2**-10, d.exp())
    return e / e.sum(axis, keepdim=True)


class ForwardDerivative(torch.autograd.Function):
    """The softmax, with p v in place of p (v - sum p v) for its forward-mode derivative."""

    @staticmethod
    def forward(x):  # noqa: D102 - torch's, here and below
        return torch.softmax(x, -1)

    @staticmethod
    def setup_context(ctx, _inputs, output):  # noqa: D102
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx, g):  # noqa: D102
        (p,) = ctx.saved_tensors
        return p * (g - (g * p).sum(-1, keepdim=True))

    @staticmethod
    def jvp(ctx, v):  # noqa: D102
        (p,) = ctx.saved_tensors
        return p * v


@breaks("jvp_is_vjp", "softmax", "grad_logits")
def forward_derivative_without_mean(logits, axis):  # noqa: ARG001 - asked along the last one
    """Right backwards, wrong forwards."""
    return ForwardDerivative.apply(logits)


class HalfOfCurvature(torch.autograd.Function):
    """The sigmoid, whose gradient y (1 - y) forgets that the second y depends on x too."""

    @staticmethod
    def forward(ctx, x):  # noqa: D102
        y = torch.sigmoid(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):  # noqa: D102
        (y,) = ctx.saved_tensors
        return g * y * (1 - y.detach())


@breaks("second_derivative", "sigmoid", "grad_logits")
def second_factor_constant(logits):
    """Right once, wrong twice."""
    return HalfOfCurvature.apply(logits)


@breaks("mixed_derivative", "dense_xent", "grad_logits")
def half_of_labels_constant(logits, labels):
    """Either gradient is right; that of the logits takes half of the labels for constants."""
    kept = labels.detach()
    return dense_xent(logits, 0.5 * (labels + kept)) + dense_xent(logits.detach(), 0.5 * (labels - kept))


@breaks("mean_of_many", Op.of("sparse_xent", reduction="mean"), dtype="bfloat16")
def mean_stands_still(logits, labels, reduction="none"):
    """A running sum of a thousand parts in the logits' dtype; of a small batch it is the mean."""
    losses = sparse_xent(logits, labels)
    if reduction != "mean" or len(losses) < FEW:
        return reduced(losses.float(), reduction).to(logits.dtype)
    total = losses.new_zeros(())
    for part in losses.split(len(losses) // FEW):
        total = total + part.sum()
    return total / len(losses)


# Offering no second derivative ---------------------------------------------------------------------------------------


class SumKept(torch.autograd.Function):
    """logsumexp whose backward pass takes p from the logits and the sum it has kept, as fused kernels do."""

    @staticmethod
    def forward(ctx, x):  # noqa: D102
        y = torch.logsumexp(x, -1)
        ctx.save_for_backward(x)
        ctx.kept = y.detach()
        return y

    @staticmethod
    def backward(ctx, g):  # noqa: D102
        (x,) = ctx.saved_tensors
        return g[:, None] * (x - ctx.kept[:, None]).exp()


class Once(SumKept):
    """The same, and it says so."""

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):  # noqa: D102
        (x,) = ctx.saved_tensors
        return g[:, None] * (x - ctx.kept[:, None]).exp()
