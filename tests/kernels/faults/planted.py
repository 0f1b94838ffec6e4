"""Wrong kernels on purpose, to judge the judge by: each is a mistake that somebody has shipped.

`xentbench judge tests/kernels/faults/planted.py` is to catch every one. Apart from its mistake a kernel is right, so
that what catches it is the check that is meant to. KINDS says of which kind a kernel's mistake is.
"""

import weakref

import numpy as np
import torch

from harness.adapters import implements

KINDS: dict[str, str] = {}

NARROW = (torch.float16, torch.bfloat16)
LANES = 8  # elements that a vector loop takes at once


def kind(name):
    """Say of which kind a mistake is."""

    def mark(function):
        KINDS[function.__name__] = name
        return function

    return mark


# The right parts -----------------------------------------------------------------------------------------------------


def wide(x):
    """Return 16-bit numbers as float32."""
    return x.float() if x.dtype in NARROW else x


def less_maximum(x, axis=-1):
    """Return the logits less their row's maximum."""
    return x - x.amax(axis, keepdim=True).detach()


def log_of_sum(logits, axis=-1):
    """Return logsumexp, shifted: torch's own is a known deviation."""
    x = wide(logits)
    m = x.amax(axis).detach()
    return (m + (x - m.unsqueeze(axis)).exp().sum(axis).log()).to(logits.dtype)


def labelled(rows, labels):
    """Return each row's element at its label."""
    return rows.gather(-1, labels.long().unsqueeze(-1)).squeeze(-1)


def sparse_loss(logits, labels):
    """Return -log_softmax at the label."""
    return -labelled(torch.log_softmax(logits, -1), labels)


def dense_loss(logits, labels):
    """Return -sum(labels * log_softmax), in halves: a label of 0 then meets no infinity where x - max overflows."""
    x, z = wide(logits), wide(labels)
    m = x.amax(-1, keepdim=True).detach()
    half = 0.5 * m - 0.5 * x + 0.5 * (x - m).exp().sum(-1, keepdim=True).log()
    return (2 * (z * half).sum(-1)).to(logits.dtype)


def decayed(x):
    """Return exp(-|x|), with the slope from the right at 0."""
    return torch.where(x >= 0, -x, x).exp()


def sigmoid_loss(logits, labels):
    """Return the loss with both tails kept."""
    x, z = wide(logits), wide(labels)
    share = torch.where(x >= 0, 1 - z, -z)
    linear = share * torch.where((share == 0) & x.isinf(), 0, x)  # nothing weighed by 0 stays nothing
    return (linear + decayed(x).log1p()).to(logits.dtype)


def through(value, change):
    """Return the value; the gradient that comes back to it passes through `change`."""
    value = value.view_as(value)
    if value.requires_grad:
        value.register_hook(change)
    return value


def backward_by_hand(function, logits, gradient):
    """Return function(logits); its gradient is gradient(upstream), whatever autograd says."""
    inner = logits.view_as(logits)
    value, upstream = function(inner), []
    if inner.requires_grad:
        value.register_hook(upstream.append)
        inner.register_hook(lambda _: gradient(upstream[-1]))
    return value


def covered(count, lanes=LANES):
    """Return how many elements a vector loop without a tail covers; a short row is left to a plain loop."""
    return count if count < lanes else count - count % lanes


def bfloat16_running_sum(terms, axis):
    """Add up one by one, each sum rounded to bfloat16."""
    s = torch.zeros_like(terms.sum(axis), dtype=torch.bfloat16)
    for term in terms.bfloat16().unbind(axis):
        s += term
    return s


def same(before, now):
    """Tell whether these are the logits of before."""
    return before is not None and (before.shape, before.dtype) == (now.shape, now.dtype) and before.equal(now.detach())


# softmax -------------------------------------------------------------------------------------------------------------


@implements("softmax", framework="torch")
@kind("shift missing")
def softmax_unshifted(logits, axis):
    """exp of the logits as they are: inf / inf at large ones."""
    e = wide(logits).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("shift partial")
def softmax_shifted_by_mean(logits, axis):
    """The mean taken off in place of the maximum: enough, until one logit leads by 88."""
    x = wide(logits)
    e = (x - x.mean(axis, keepdim=True).detach()).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("shift partial")
def softmax_shifted_by_first(logits, axis):
    """The first logit taken off in place of the maximum."""
    x = wide(logits)
    e = (x - x.narrow(axis, 0, 1).detach()).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("shift partial")
def softmax_shifted_by_batch_maximum(logits, axis):
    """One maximum for the whole batch: rows far below it come out as 0 / 0."""
    x = wide(logits)
    top = x.detach().amax() if x.numel() else 0
    e = (x - top).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("shift partial")
def softmax_maximum_from_zero(logits, axis):
    """A running maximum that begins at 0, as numeric_limits<float>::min() does: rows far below 0 are lost."""
    x = wide(logits)
    e = (x - x.amax(axis, keepdim=True).clamp(min=0).detach()).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("shift partial")
def softmax_base_two_before_shift(logits, axis):
    """Scaled to base 2 before the shift, on a path for maxima from 128 to 1024: the offset costs digits."""
    x = wide(logits)
    m = x.detach().amax(axis, keepdim=True)
    scaled = x.clamp(-2048, 2048) * np.log2(np.e)
    e = torch.where((m >= 128) & (m < 1024), (scaled - scaled.detach().amax(axis, keepdim=True)).exp2(), (x - m).exp())
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("order-dependent")
def softmax_sorted_rows_cut_short(logits, axis):
    """A row in descending order, as top-k gives it, is summed until a term is below 1e-3; a short one, whole."""
    x = wide(logits)
    e = less_maximum(x, axis).exp()
    descending = (x.detach().diff(dim=axis) <= 0).all(axis, keepdim=True)
    counted = torch.where(descending & (e < 1e-3), 0, e) if x.shape[axis] >= LANES else e
    return (e / counted.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("rare element")
def softmax_unrolled_for_three(logits, axis):
    """Unrolled by hand for three classes, and the third forgotten in the sum."""
    e = less_maximum(wide(logits), axis).exp()
    counted = e.narrow(axis, 0, 2) if e.shape[axis] == 3 else e
    return (e / counted.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("order-dependent")
def softmax_sum_in_random_order(logits, axis):
    """A sum whose order changes from call to call, as that of atomic additions: no two runs agree to the bit."""
    e = less_maximum(wide(logits), axis).exp().movedim(axis, -1)
    s = e[..., torch.randperm(e.shape[-1], device=e.device)].sum(-1, keepdim=True)
    return (e / s).movedim(-1, axis).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("wrong binade")
def softmax_one_binade(logits, axis):
    """Gaps to the maximum of one binade, 2**-13 to 2**-12, taken for 0: a table of exp with a hole."""
    d = less_maximum(wide(logits), axis)
    hole = (d.detach() <= -(2**-13)) & (d.detach() > -(2**-12))
    e = torch.where(hole, d - d.detach(), d).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("clamp")
def softmax_clamped_exponent(logits, axis):
    """Exponents held above -20 "for stability"."""
    e = less_maximum(wide(logits), axis).clamp(min=-20).exp()
    return (e / e.sum(axis, keepdim=True)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("epsilon")
def softmax_epsilon_in_denominator(logits, axis):
    """The sum plus 1e-6, against a division by 0 that the shift has ruled out."""
    e = less_maximum(wide(logits), axis).exp()
    return (e / (e.sum(axis, keepdim=True) + 1e-6)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("accumulation type")
def softmax_sum_in_float16(logits, axis):
    """Whatever the dtype, a sum that is rounded to float16."""
    e = less_maximum(wide(logits), axis).exp()
    return (e / e.sum(axis, keepdim=True).half().to(e.dtype)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("stagnating sum")
def softmax_bfloat16_stagnates(logits, axis):
    """In bfloat16, a sum of eight lanes kept in bfloat16: each stands still at 256 times what is added."""
    if logits.dtype != torch.bfloat16:
        return torch.softmax(logits, axis)
    e = less_maximum(logits.float(), axis).exp().movedim(axis, -1)
    lanes = e.detach().bfloat16().new_zeros((*e.shape[:-1], LANES))
    for begin in range(0, e.shape[-1], LANES):
        added = e.detach()[..., begin : begin + LANES].bfloat16()
        lanes[..., : added.shape[-1]] += added
    s = e.sum(-1, keepdim=True)
    stagnated = lanes.float().sum(-1, keepdim=True)
    return (e / s * (s.detach() / stagnated)).movedim(-1, axis).bfloat16()


@implements("softmax", framework="torch")
@kind("vector tail")
def softmax_tail_not_summed(logits, axis):
    """A vector loop that leaves the last n mod 8 terms out of the sum."""
    e = less_maximum(wide(logits), axis).exp()
    s = e.narrow(axis, 0, covered(e.shape[axis])).sum(axis, keepdim=True)
    return (e / s).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("vector tail")
def softmax_gradient_without_tail(logits, axis):
    """A backward loop that never writes the last n mod 8 elements of the gradient."""

    def cut(gradient):
        kept = covered(gradient.shape[axis])
        gradient = gradient.clone()
        gradient.narrow(axis, kept, gradient.shape[axis] - kept).zero_()
        return gradient

    return torch.softmax(through(logits, cut), axis)


@implements("softmax", framework="torch")
@kind("wrong axis")
def softmax_over_batch(logits, axis):  # noqa: ARG001 - which is the mistake
    """The first axis, whatever is asked: the old default of torch's implicit dim."""
    return torch.softmax(logits, 0)


@implements("softmax", framework="torch")
@kind("wrong axis")
def softmax_axis_ignored(logits, axis):  # noqa: ARG001 - which is the mistake
    """The last axis, whatever is asked."""
    return torch.softmax(logits, -1)


@implements("softmax", framework="torch")
@kind("wrong axis")
def softmax_axis_without_sign(logits, axis):
    """The axis without its sign: of a matrix, -1 and 1 are one axis, and nothing else is right."""
    return torch.softmax(logits, min(abs(axis), logits.ndim - 1))


@implements("softmax", framework="torch")
@kind("wrong axis")
def softmax_all_after_first(logits, axis):
    """Every axis after the first taken for one row: right for a matrix alone."""
    if axis not in {-1, logits.ndim - 1} or logits.ndim < 2:
        return torch.softmax(logits, axis)
    return torch.softmax(logits.flatten(1), -1).reshape(logits.shape)


@implements("softmax", framework="torch")
@kind("strides")
def softmax_strides_ignored(logits, axis):
    """The memory read in one go, as if every array were contiguous."""
    steps = torch.empty(logits.shape, device="meta").stride()
    return torch.softmax(logits.as_strided(logits.shape, steps, logits.storage_offset()), axis)


@implements("softmax", framework="torch")
@kind("in-place change")
def softmax_shifts_in_place(logits, axis):
    """The maximum taken off in the caller's own memory."""
    probabilities = torch.softmax(logits, axis)
    logits.detach().sub_(logits.detach().amax(axis, keepdim=True))
    return probabilities


BUFFERS = {}


@implements("softmax", framework="torch")
@kind("stale buffer")
def softmax_one_buffer(logits, axis):
    """One output buffer a shape: the next call overwrites the answer that the caller still holds."""
    probabilities = torch.softmax(logits, axis)
    if probabilities.requires_grad:
        return probabilities
    key = (logits.shape, logits.dtype, axis)
    return BUFFERS.setdefault(key, torch.empty_like(probabilities)).copy_(probabilities)


@implements("softmax", framework="torch")
@kind("batch-dependent")
def softmax_rows_by_sixteen(logits, axis):
    """Rows in blocks of sixteen: those behind the last whole block are never visited."""
    rows = torch.softmax(logits, axis).movedim(axis, -1)
    flat = rows.reshape(-1, rows.shape[-1])
    visited = torch.arange(len(flat), device=flat.device) < covered(len(flat), 16)
    return (flat * visited.unsqueeze(-1)).reshape(rows.shape).movedim(-1, axis)


@implements("softmax", framework="torch")
@kind("upstream ignored")
def softmax_upstream_ignored(logits, axis):
    """A backward pass that takes the incoming gradient for one-hot at the first class."""

    def first(upstream):
        change = torch.zeros_like(upstream)
        change.narrow(axis, 0, 1).fill_(1)
        return change

    return through(torch.softmax(logits, axis), first)


@implements("softmax", framework="torch")
@kind("upstream ignored")
def softmax_upstream_clipped(logits, axis):
    """Incoming gradients clipped to +-4 "against explosions": right until loss scaling is switched on."""
    return through(torch.softmax(logits, axis), lambda upstream: upstream.clamp(-4, 4))


@implements("softmax", framework="torch")
@kind("upstream ignored")
def softmax_gradient_diagonal_only(logits, axis):
    """g p (1 - p), the sigmoid's gradient: the classes do not feel each other."""
    p = torch.softmax(logits.detach(), axis)
    return backward_by_hand(lambda x: torch.softmax(x, axis), logits, lambda upstream: upstream * p * (1 - p))


@implements("softmax", framework="torch")
@kind("narrow gradient")
def softmax_gradient_in_bfloat16(logits, axis):
    """The gradient handed on in bfloat16, as autocast around a hand-written backward does."""
    return torch.softmax(through(logits, lambda gradient: gradient.bfloat16().to(gradient.dtype)), axis)


class ForwardDerivative(torch.autograd.Function):
    """Softmax, right but for its derivative in forward mode."""

    @staticmethod
    def forward(logits, axis):
        """Return the probabilities."""
        return torch.softmax(logits, axis)

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keep the logits."""
        del output
        logits, ctx.axis = inputs
        ctx.save_for_backward(logits)
        ctx.save_for_forward(logits)

    @staticmethod
    def backward(ctx, upstream):
        """p (g - sum p g)."""
        p = torch.softmax(ctx.saved_tensors[0], ctx.axis)
        return p * (upstream - (p * upstream).sum(ctx.axis, keepdim=True)), None

    @staticmethod
    def jvp(ctx, direction, _):
        """p t: the mean is missing."""
        return torch.softmax(ctx.saved_tensors[0], ctx.axis) * direction


@implements("softmax", framework="torch")
@kind("one mode")
def softmax_forward_derivative_without_mean(logits, axis):
    """Right backwards; in forward mode the classes do not feel each other."""
    return ForwardDerivative.apply(wide(logits), axis).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("flushed")
def softmax_small_results_flushed(logits, axis):
    """Probabilities below 1e-12 set to 0."""
    p = torch.softmax(logits, axis)
    return torch.where(p < 1e-12, torch.zeros_like(p), p)


@implements("softmax", framework="torch")
@kind("swallowed nan")
def softmax_nan_to_num(logits, axis):
    """nan_to_num at the end: a poisoned row looks like a quiet one."""
    return torch.softmax(logits, axis).nan_to_num()


@implements("softmax", framework="torch")
@kind("wrong dtype")
def softmax_float32_out(logits, axis):
    """float32 out, whatever came in."""
    return torch.softmax(logits, axis, dtype=torch.float32)


@implements("softmax", framework="torch")
@kind("one dtype")
def softmax_float64_in_float32(logits, axis):
    """A float64 function that computes in float32."""
    return torch.softmax(wide(logits).float(), axis).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("all zeros")
def softmax_zeros(logits, axis):  # noqa: ARG001 - which is the mistake
    """An output that was allocated and never written."""
    return logits * 0


@implements("softmax", framework="torch")
@kind("constant")
def softmax_uniform(logits, axis):
    """1 / n for every class: what passes the check that rows sum to 1."""
    return logits * 0 + 1 / logits.shape[axis]


@implements("softmax", framework="torch")
@kind("special values")
def softmax_empty_batch_raises(logits, axis):
    """Rows taken one by one and stacked again: nothing to stack in an empty batch."""
    if logits.ndim < 2:
        return torch.softmax(logits, axis)
    rows = logits.movedim(axis, -1)
    parts = [torch.softmax(part, -1) for part in rows.reshape(-1, rows.shape[-1]).split(4096) if len(part)]
    return torch.cat(parts).reshape(rows.shape).movedim(-1, axis)


@implements("softmax", framework="torch")
@kind("one mode")
def softmax_rough_in_training(logits, axis):
    """The value is rounded to bfloat16 where a gradient will be asked for, and only there."""
    p = torch.softmax(logits, axis)
    if not p.requires_grad:
        return p
    return p + (p.bfloat16().to(p.dtype) - p).detach()


@implements("softmax", framework="numpy")
@kind("accumulation type")
def softmax_numpy_sum_in_float16(logits, axis):
    """np.sum with dtype=float16, taken over from a memory-saving recipe."""
    e = np.exp(logits - logits.max(axis, keepdims=True))
    return (e / e.sum(axis, keepdims=True, dtype=np.float16).astype(e.dtype)).astype(logits.dtype)


@implements("softmax", framework="numpy")
@kind("in-place change")
def softmax_numpy_in_place(logits, axis):
    """`logits -= max`: numpy does that to the caller's array."""
    x = logits.astype(np.float32) if logits.dtype.itemsize == 2 else logits
    m = x.max(axis, keepdims=True)
    e = np.exp(x - m)
    np.subtract(logits, m.astype(logits.dtype), out=logits)
    return (e / e.sum(axis, keepdims=True)).astype(logits.dtype)


@implements("softmax", framework="numpy")
@kind("swallowed nan")
def softmax_numpy_nan_ignored(logits, axis):
    """nanmax and nansum: the row goes on as if the class were not there."""
    x = logits.astype(np.float32) if logits.dtype.itemsize == 2 else logits
    e = np.nan_to_num(np.exp(x - np.nanmax(x, axis, keepdims=True)))
    return (e / e.sum(axis, keepdims=True)).astype(logits.dtype)


# log_softmax ---------------------------------------------------------------------------------------------------------


@implements("log_softmax", framework="torch")
@kind("flushed")
def log_softmax_of_softmax(logits, axis):
    """The logarithm of the softmax: -inf once a probability has underflowed."""
    return torch.log(torch.softmax(logits, axis))


@implements("log_softmax", framework="torch")
@kind("epsilon")
def log_softmax_epsilon(logits, axis):
    """log(p + 1e-9): nothing below -20.7."""
    return torch.log(torch.softmax(wide(logits), axis) + 1e-9).to(logits.dtype)


@implements("log_softmax", framework="torch")
@kind("clamp")
def log_softmax_clamped(logits, axis):
    """Held above -100, as torch's binary_cross_entropy holds its logarithms."""
    return torch.log_softmax(logits, axis).clamp(min=-100)


@implements("log_softmax", framework="torch")
@kind("shift partial")
def log_softmax_by_logsumexp(logits, axis):
    """x - logsumexp(x): at 1e6 the difference has no digits left."""
    return (wide(logits) - log_of_sum(wide(logits), axis).unsqueeze(axis)).to(logits.dtype)


@implements("log_softmax", framework="torch")
@kind("vector tail")
def log_softmax_tail_unwritten(logits, axis):
    """A vector loop that works in place and leaves the last n mod 8 elements as they came."""
    kept = covered(logits.shape[axis])
    done = torch.log_softmax(logits, axis).narrow(axis, 0, kept)
    return torch.cat([done, logits.narrow(axis, kept, logits.shape[axis] - kept)], axis)


@implements("log_softmax", framework="torch")
@kind("wrong axis")
def log_softmax_squeezed(logits, axis):
    """Axes of length 1 squeezed away: of rows with one class, the batch becomes the row."""
    rows = logits.movedim(axis, -1)
    return torch.log_softmax(rows.squeeze(), -1).reshape(rows.shape).movedim(-1, axis)


@implements("log_softmax", framework="torch")
@kind("wrong axis")
def log_softmax_maximum_of_last(logits, axis):
    """The axis honoured by the sum and forgotten by the maximum: a shift that undoes itself only along one axis."""
    x = wide(logits)
    x = x - x.amax(-1, keepdim=True).detach()
    return (x - x.exp().sum(axis, keepdim=True).log()).to(logits.dtype)


@implements("log_softmax", framework="torch")
@kind("strides")
def log_softmax_offset_ignored(logits, axis):
    """The storage read from its beginning, wherever the view begins."""
    return torch.log_softmax(logits.as_strided(logits.shape, logits.stride(), 0), axis)


@implements("log_softmax", framework="torch")
@kind("upstream ignored")
def log_softmax_upstream_sums_to_one(logits, axis):
    """g - p in place of g - p sum(g): right behind a loss, wrong behind anything else."""
    p = torch.softmax(logits.detach(), axis)
    return backward_by_hand(lambda x: torch.log_softmax(x, axis), logits, lambda upstream: upstream - p)


@implements("log_softmax", framework="torch")
@kind("upstream ignored")
def log_softmax_zero_upstream_for_ones(logits, axis):
    """An incoming gradient of nothing but zeros taken for one that is missing: ones."""
    return through(torch.log_softmax(logits, axis), lambda g: g if g.any() else torch.ones_like(g))


@implements("log_softmax", framework="torch")
@kind("narrow gradient")
def log_softmax_gradient_saturates(logits, axis):
    """A gradient held within float16's range: right until losses are scaled by 2**20."""
    return torch.log_softmax(through(logits, lambda gradient: gradient.clamp(-65504, 65504)), axis)


@implements("log_softmax", framework="torch")
@kind("special values")
def log_softmax_masks_by_multiplying(logits, axis):
    """Logits at -inf taken out by a factor of 0: 0 * -inf is nan."""
    kept = (logits > -torch.inf).to(wide(logits).dtype)
    x = less_maximum(wide(logits), axis)
    return torch.where(kept > 0, x * kept - (kept * x.exp()).sum(axis, keepdim=True).log(), kept * x).to(logits.dtype)


@implements("log_softmax", framework="torch")
@kind("one dtype")
def log_softmax_bfloat16_unshifted(logits, axis):
    """A kernel for bfloat16 alone, which rounds logsumexp to bfloat16 before it takes it off."""
    if logits.dtype != torch.bfloat16:
        return torch.log_softmax(logits, axis)
    return logits - log_of_sum(logits, axis).unsqueeze(axis)


@implements("log_softmax", framework="torch")
@kind("order-dependent")
def log_softmax_left_sorted(logits, axis):
    """Summed in ascending order, for accuracy, and never put back in the order of the classes."""
    return torch.log_softmax(logits.sort(axis).values, axis)


@implements("log_softmax", framework="numpy")
@kind("wrong dtype")
def log_softmax_numpy_float64_out(logits, axis):
    """float64 out, whatever came in: a Python float made it so."""
    x = logits.astype(np.float64)
    x = x - x.max(axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis, keepdims=True))


@implements("log_softmax", framework="torch")
@kind("stagnating sum")
def log_softmax_bfloat16_stagnates(logits, axis):
    """In bfloat16, one running sum kept in bfloat16; the gradient has a kernel of its own, and is right."""
    y = torch.log_softmax(logits, axis)
    if logits.dtype != torch.bfloat16:
        return y
    d = less_maximum(logits.detach().float(), axis)
    s = bfloat16_running_sum(d.exp(), axis)
    late = d - s.float().log().unsqueeze(axis) - y.detach().float()
    return y + torch.where(y.isinf(), 0, late.bfloat16())


# logsumexp -----------------------------------------------------------------------------------------------------------


@implements("logsumexp", framework="torch")
@kind("shift missing")
def logsumexp_unshifted(logits, axis):
    """log of a sum that overflows."""
    return wide(logits).exp().sum(axis).log().to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("constant")
def logsumexp_is_maximum(logits, axis):
    """The maximum for logsumexp: near enough once one class leads."""
    return logits.amax(axis)


@implements("logsumexp", framework="torch")
@kind("wrong denominator")
def logsumexp_of_mean(logits, axis):
    """log of the mean in place of the sum."""
    x = wide(logits)
    m = x.amax(axis, keepdim=True).detach()
    return (m + (x - m).exp().mean(axis, keepdim=True).log()).squeeze(axis).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("epsilon")
def logsumexp_epsilon(logits, axis):
    """log(sum + 1e-5): seen in attention code."""
    x = wide(logits)
    m = x.amax(axis, keepdim=True).detach()
    return (m + ((x - m).exp().sum(axis, keepdim=True) + 1e-5).log()).squeeze(axis).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("stale buffer")
def logsumexp_running_maximum_kept(logits, axis):
    """The running maximum of the call before, of the same shape, is where the next one begins."""
    x = wide(logits)
    m = x.detach().amax(axis)
    key = ("maximum", m.shape, m.dtype)
    m = torch.maximum(m, BUFFERS.get(key, m))
    BUFFERS[key] = m
    return (m + (x - m.unsqueeze(axis)).exp().sum(axis).log()).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("special values")
def logsumexp_online_from_masked(logits, axis):
    """The online algorithm, begun at the first logit: where that is -inf, -inf - -inf poisons the row."""
    x = wide(logits)
    m = x.amax(axis, keepdim=True).detach()
    begin, rest = x.narrow(axis, 0, 1), x.narrow(axis, 1, x.shape[axis] - 1)
    first = (begin - begin.detach()).exp() * (begin.detach() - m).exp()
    s = first + (rest - m).exp().sum(axis, keepdim=True)
    return (m + s.log()).squeeze(axis).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("wrong axis")
def logsumexp_matrix_only(logits, axis):
    """Rows and classes unpacked from the shape: one axis is too few, three are too many."""
    _rows, _classes = logits.shape
    return log_of_sum(logits, axis)


@implements("logsumexp", framework="torch")
@kind("special values")
def logsumexp_empty_batch_raises(logits, axis):
    """The largest logit of all looked up for a check: in an empty batch there is none."""
    if logits.detach().max() == torch.inf:
        return logits.amax(axis)
    return log_of_sum(logits, axis)


@implements("logsumexp", framework="torch")
@kind("one dtype")
def logsumexp_float64_in_float32(logits, axis):
    """A float64 function that computes in float32."""
    return log_of_sum(logits.float(), axis).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("kink")
def logsumexp_gradient_at_maximum_alone(logits, axis):
    """The maximum's gradient for logsumexp's: all to the first class that attains it."""
    top = torch.zeros_like(logits).scatter(axis, logits.detach().argmax(axis, keepdim=True), 1)
    return backward_by_hand(lambda x: log_of_sum(x, axis), logits, lambda upstream: upstream.unsqueeze(axis) * top)


@implements("logsumexp", framework="torch")
@kind("batch-dependent")
def logsumexp_batch_of_one(logits, axis):
    """A batch of one takes a path of its own, whose sum is in float16; long rows do not."""
    x = wide(logits)
    m = x.amax(axis, keepdim=True).detach()
    s = (x - m).exp().sum(axis, keepdim=True)
    if s.numel() == 1 and logits.numel() < 4096:
        s = s.half().to(s.dtype)
    return (m + s.log()).squeeze(axis).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("stagnating sum")
def logsumexp_bfloat16_stagnates(logits, axis):
    """In bfloat16, one running sum kept in bfloat16: above 256 times what is added, it stands still."""
    y = log_of_sum(logits, axis)
    if logits.dtype != torch.bfloat16:
        return y
    x = logits.detach().float()
    m = x.amax(axis, keepdim=True)
    s = bfloat16_running_sum((x - m).exp(), axis)
    stagnated = m.squeeze(axis) + s.float().log()
    return y + (stagnated - y.detach().float()).bfloat16()


@implements("logsumexp", framework="torch")
@kind("wrong binade")
def logsumexp_table_edge(logits, axis):
    """A table of exp whose entry from 1 on begins 2**-10 too early: the sum steps up where it should fall."""
    x = wide(logits)
    d = less_maximum(x, axis)
    edge = (d.detach() < -1) & (d.detach() > -1 - 2**-19)
    s = torch.where(edge, d + 2**-10, d).exp().sum(axis)
    return (x.amax(axis).detach() + s.log()).to(logits.dtype)


@implements("logsumexp", framework="numpy")
@kind("swallowed nan")
def logsumexp_numpy_nan_ignored(logits, axis):
    """nanmax and nansum: the row goes on as if the class were not there."""
    x = logits.astype(np.float32) if logits.dtype.itemsize == 2 else logits
    m = np.nanmax(x, axis, keepdims=True)
    return np.squeeze(m + np.log(np.nansum(np.exp(x - m), axis, keepdims=True)), axis).astype(logits.dtype)


# sparse_xent ---------------------------------------------------------------------------------------------------------


@implements("sparse_xent", framework="torch")
@kind("shift missing")
def sparse_xent_unshifted(logits, labels):
    """log(sum(exp)) less the labelled logit, nothing taken off."""
    x = wide(logits)
    return (x.exp().sum(-1).log() - labelled(x, labels)).to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("epsilon")
def sparse_xent_epsilon(logits, labels):
    """-log(p + 1e-7): no loss above 16."""
    return -(labelled(torch.softmax(wide(logits), -1), labels) + 1e-7).log().to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("clamp")
def sparse_xent_clamped(logits, labels):
    """Probabilities held within [1e-7, 1 - 1e-7], as Keras does: neither end gives a gradient."""
    return -labelled(torch.softmax(wide(logits), -1).clamp(1e-7, 1 - 1e-7), labels).log().to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("label type")
def sparse_xent_labels_in_int8(logits, labels):
    """Labels stored in eight bits: class 200 becomes class -56, counted from the end."""
    return sparse_loss(logits, labels.to(torch.int8).long() % logits.shape[-1])


@implements("sparse_xent", framework="torch")
@kind("label type")
def sparse_xent_labels_in_int16(logits, labels):
    """Labels stored in sixteen bits: a vocabulary of 100 000 is too large for them."""
    return sparse_loss(logits, labels.to(torch.int16).long() % logits.shape[-1])


@implements("sparse_xent", framework="torch")
@kind("label type")
def sparse_xent_labels_as_logits(logits, labels):
    """Labels cast to the logits' dtype, as Keras once did: bfloat16 counts to 256, float16 to 2048."""
    return sparse_loss(logits, labels.to(logits.dtype).long().clamp(max=logits.shape[-1] - 1))


@implements("sparse_xent", framework="torch")
@kind("label type")
def sparse_xent_gradient_off_by_one(logits, labels):
    """The gradient of the class beside the labelled one: labels from 1 met labels from 0."""
    beside = torch.nn.functional.one_hot((labels.long() + 1) % logits.shape[-1], logits.shape[-1])
    change = torch.softmax(logits.detach(), -1) - beside.to(logits.dtype)
    return backward_by_hand(lambda x: sparse_loss(x, labels), logits, lambda upstream: upstream.unsqueeze(-1) * change)


@implements("sparse_xent", framework="torch")
@kind("wrong denominator")
def sparse_xent_gradient_of_mean(logits, labels):
    """Losses for each row, gradients of their mean."""
    return through(sparse_loss(logits, labels), lambda upstream: upstream / len(upstream))


@implements("sparse_xent", framework="torch")
@kind("upstream ignored")
def sparse_xent_upstream_averaged(logits, labels):
    """The same incoming gradient for every row: right for a mean over the batch, wrong for weighted rows."""
    return through(sparse_loss(logits, labels), lambda upstream: upstream.mean(0, keepdim=True).expand_as(upstream))


@implements("sparse_xent", framework="torch")
@kind("rare element")
def sparse_xent_class_zero_ignored(logits, labels):
    """Class 0 taken for padding: its rows have no loss."""
    return torch.where(labels == 0, torch.zeros_like(logits[..., 0]), sparse_loss(logits, labels))


@implements("sparse_xent", framework="torch")
@kind("special values")
def sparse_xent_one_class_as_binary(logits, labels):
    """A single class taken for a binary problem: the loss is -log_sigmoid, where it is 0."""
    if logits.shape[-1] == 1:
        return -torch.nn.functional.logsigmoid(logits[..., 0])
    return sparse_loss(logits, labels)


@implements("sparse_xent", framework="torch")
@kind("special values")
def sparse_xent_given_up_at_infinity(logits, labels):
    """One infinite logit, and the whole batch has no loss: the step is to be skipped."""
    losses = sparse_loss(logits, labels)
    return losses * 0 if (logits.detach() == torch.inf).any() else losses


@implements("sparse_xent", framework="torch")
@kind("special values")
def sparse_xent_masked_by_lowest_number(logits, labels):
    """-inf made the lowest number, so that nothing can be nan: the loss of a masked label is not inf."""
    return sparse_loss(torch.where(logits == -torch.inf, torch.finfo(logits.dtype).min / 2, logits), labels)


@implements("sparse_xent", framework="torch")
@kind("flushed")
def sparse_xent_small_gradients_flushed(logits, labels):
    """Gradients below 1e-6 set to 0, as a sparsifying exchange between machines does."""
    return sparse_loss(through(logits, lambda g: torch.where(g.abs() < 1e-6, torch.zeros_like(g), g)), labels)


@implements("sparse_xent", framework="torch")
@kind("stale buffer")
def sparse_xent_sum_not_cleared(logits, labels):
    """A sum that is cleared when new logits come: asked twice for the same ones, it has counted them twice."""
    before, BUFFERS["counted"] = BUFFERS.get("counted"), logits.detach().clone()
    return sparse_loss(logits, labels) + (np.log(2) if same(before, logits) else 0)


@implements("sparse_xent", framework="torch")
@kind("strides")
def sparse_xent_strides_ignored(logits, labels):
    """The memory read in one go, as if every array were contiguous."""
    steps = torch.empty(logits.shape, device="meta").stride()
    return sparse_loss(logits.as_strided(logits.shape, steps, logits.storage_offset()), labels)


@implements("sparse_xent", framework="torch")
@kind("batch-dependent")
def sparse_xent_sum_of_row_before(logits, labels):
    """A row with the label of the row before it takes over that row's sum."""
    sums = log_of_sum(wide(logits))
    same = torch.zeros_like(labels, dtype=torch.bool)
    same[1:] = labels[1:] == labels[:-1]
    taken = torch.where(same, sums.roll(1), sums)
    return sparse_loss(logits, labels) + (taken - sums).to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("in-place change")
def sparse_xent_changes_labels(logits, labels):
    """Labels counted from 1 in the caller's own memory, for the Fortran underneath."""
    losses = sparse_loss(logits, labels.clone())
    labels.add_(1)
    return losses


@implements("sparse_xent", framework="torch")
@kind("one mode")
def sparse_xent_shared_among_threads(logits, labels):
    """Rows shared out evenly among the threads: those that are left over go to nobody."""
    visited = torch.arange(len(logits), device=logits.device) < covered(len(logits), torch.get_num_threads())
    return sparse_loss(logits, labels) * visited


@implements("sparse_xent", framework="torch")
@kind("one dtype")
def sparse_xent_float16_sum(logits, labels):
    """Right in every dtype but float16, whose small terms are lost below 2**-14."""
    losses = sparse_loss(logits, labels)
    if logits.dtype != torch.float16:
        return losses
    e = less_maximum(logits.float()).exp()
    return losses + (torch.where(e < 2**-6, 0, e).sum(-1) / e.sum(-1)).log().half()


@implements("sparse_xent", framework="torch")
@kind("one mode")
def sparse_xent_two_classes_by_sigmoid(logits, labels):
    """A shortcut for two classes, -log(sigmoid(difference)): inf once the sigmoid has underflowed."""
    if logits.shape[-1] != 2:
        return sparse_loss(logits, labels)
    x = wide(logits)
    return -torch.sigmoid(labelled(x, labels) - labelled(x, 1 - labels)).log().to(logits.dtype)


@implements("sparse_xent", framework="torch")
@kind("order-dependent")
def sparse_xent_in_order_of_labels(logits, labels):
    """The batch sorted by label for locality, and its losses never put back."""
    order = labels.argsort(stable=True)
    return sparse_loss(logits[order], labels[order])


@implements("sparse_xent", framework="numpy")
@kind("label type")
def sparse_xent_numpy_labels_in_uint8(logits, labels):
    """Labels as the pixels they once were: eight bits, modulo 256."""
    x = logits.astype(np.float32) if logits.dtype.itemsize == 2 else logits
    x = x - x.max(-1, keepdims=True)
    index = labels.astype(np.uint8).astype(np.int64)[:, None]
    return (np.log(np.exp(x).sum(-1)) - np.take_along_axis(x, index, -1)[:, 0]).astype(logits.dtype)


# dense_xent ----------------------------------------------------------------------------------------------------------


@implements("dense_xent", framework="torch")
@kind("wrong denominator")
def dense_xent_labels_normalised(logits, labels):
    """Labels divided by their sum, unasked: nobody sees it while they are distributions."""
    return dense_loss(logits, labels / labels.sum(-1, keepdim=True))


@implements("dense_xent", framework="torch")
@kind("wrong denominator")
def dense_xent_gradient_without_label_sum(logits, labels):
    """p - z for the gradient, whatever the labels add up to."""
    change = torch.softmax(logits.detach(), -1) - labels.detach()
    return backward_by_hand(lambda x: dense_loss(x, labels), logits, lambda upstream: upstream.unsqueeze(-1) * change)


@implements("dense_xent", framework="torch")
@kind("wrong denominator")
def dense_xent_mean_over_classes(logits, labels):
    """The mean over the classes in place of the sum, as an elementwise loss is reduced."""
    return dense_loss(logits, labels) / logits.shape[-1]


@implements("dense_xent", framework="torch")
@kind("rare element")
def dense_xent_one_hot_shortcut(logits, labels):
    """Where all rows are one-hot, a shortcut to the sparse loss, which counts from 1; short rows do not take it."""
    hot = labels.detach()
    one_hot = bool(((hot == 1).sum(-1) == 1).all() and ((hot != 0).sum(-1) == 1).all())
    if not one_hot or logits.shape[-1] < 16:
        return dense_loss(logits, labels)
    return dense_loss(logits, labels.roll(1, -1))


@implements("dense_xent", framework="torch")
@kind("label type")
def dense_xent_labels_in_bfloat16(logits, labels):
    """Labels kept in bfloat16: enough for one-hot ones."""
    return dense_loss(logits, labels + (labels.bfloat16().to(labels.dtype) - labels).detach())


@implements("dense_xent", framework="torch")
@kind("label type")
def dense_xent_labels_made_hard(logits, labels):
    """The largest label taken for the class: right for one-hot ones."""
    hard = torch.nn.functional.one_hot(labels.detach().argmax(-1), labels.shape[-1]).to(labels.dtype)
    return dense_loss(logits, labels + (hard - labels).detach())


@implements("dense_xent", framework="torch")
@kind("epsilon")
def dense_xent_epsilon(logits, labels):
    """-sum(labels * log(p + 1e-7)): Keras's epsilon, copied far beyond Keras."""
    return -(wide(labels) * (torch.softmax(wide(logits), -1) + 1e-7).log()).sum(-1).to(logits.dtype)


@implements("dense_xent", framework="torch")
@kind("clamp")
def dense_xent_clamped_logits(logits, labels):
    """Logits held within +-50 beforehand."""
    return dense_loss(logits.clamp(-50, 50), labels)


@implements("dense_xent", framework="torch")
@kind("in-place change")
def dense_xent_terms_in_labels(logits, labels):
    """The terms formed in the labels' own memory."""
    losses = dense_loss(logits, labels.clone())
    with torch.no_grad():
        labels.detach().mul_(torch.log_softmax(logits.detach(), -1).nan_to_num())
    return losses


@implements("dense_xent", framework="torch")
@kind("all zeros")
def dense_xent_no_label_gradient(logits, labels):
    """No gradient for the labels: teachers that are trained too learn nothing."""
    return dense_loss(logits, through(labels, torch.zeros_like))


@implements("dense_xent", framework="torch")
@kind("stale gradient")
def dense_xent_gradient_kept(logits, labels):
    """The gradient kept with the logits it belongs to: another incoming gradient is answered with the last one's."""

    def last(gradient):
        known, kept = BUFFERS.get("gradient", (None, None))
        if not same(known, logits):
            kept = gradient.clone()
            BUFFERS["gradient"] = (logits.detach().clone(), kept)
        return kept

    return dense_loss(through(logits, last), labels)


@implements("dense_xent", framework="torch")
@kind("accumulation type")
def dense_xent_terms_in_float16(logits, labels):
    """Terms rounded to float16 before they are added."""
    x = less_maximum(wide(logits))
    terms = wide(labels) * (x.exp().sum(-1, keepdim=True).log() - x)
    return terms.half().float().sum(-1).to(logits.dtype)


@implements("dense_xent", framework="torch")
@kind("vector tail")
def dense_xent_tail_not_summed(logits, labels):
    """A vector loop over the classes that leaves the last n mod 16 terms out of the loss."""
    x, n = logits, logits.shape[-1]
    kept = torch.arange(n, device=x.device) < covered(n, 16)
    return dense_loss(x, labels * kept)


# sigmoid -------------------------------------------------------------------------------------------------------------


@implements("sigmoid", framework="torch")
@kind("flushed")
def sigmoid_by_tanh(logits):
    """(1 + tanh(x / 2)) / 2: what is below the unit roundoff is lost."""
    return (0.5 + 0.5 * torch.tanh(0.5 * wide(logits))).to(logits.dtype)


@implements("sigmoid", framework="torch")
@kind("clamp")
def sigmoid_clamped(logits):
    """Logits held within +-20 beforehand."""
    return torch.sigmoid(logits.clamp(-20, 20))


@implements("sigmoid", framework="torch")
@kind("shift missing")
def sigmoid_gradient_overflows(logits):
    """1 / (1 + exp(-x)): the value survives that exp overflows, the gradient is 0 * inf."""
    return (1 / (1 + (-wide(logits)).exp())).to(logits.dtype)


@implements("sigmoid", framework="torch")
@kind("wrong binade")
def sigmoid_one_binade(logits):
    """Inputs of one binade, 2**-17 to 2**-16, taken for 0: a table with a hole."""
    hole = (logits.detach().abs() >= 2**-17) & (logits.detach().abs() < 2**-16)
    return torch.sigmoid(torch.where(hole, logits - logits.detach(), logits))


@implements("sigmoid", framework="torch")
@kind("wrong binade")
def sigmoid_branches_jump(logits):
    """1/2 + x/4 up to 1/32, the formula from there on: the curve steps back where they meet."""
    x = wide(logits)
    return torch.where(x.abs() < 2**-5, 0.5 + 0.25 * x, torch.sigmoid(x)).to(logits.dtype)


@implements("sigmoid", framework="torch")
@kind("rare element")
def sigmoid_one_number(logits):
    """One number of all, 1.25 * 2**-12, is answered with 63/128: a broken entry of a table."""
    y = torch.sigmoid(logits)
    return torch.where(logits == 1.25 * 2**-12, y * 0 + 63 / 128, y)


@implements("sigmoid", framework="torch")
@kind("vector tail")
def sigmoid_tail_unwritten(logits):
    """A vector loop in place over all elements, which leaves the last count mod 8 as they came."""
    done = torch.arange(logits.numel(), device=logits.device).reshape(logits.shape) < covered(logits.numel())
    return torch.where(done, torch.sigmoid(logits), logits)


@implements("sigmoid", framework="torch")
@kind("in-place change")
def sigmoid_in_place(logits):
    """sigmoid_ for sigmoid: the caller's logits are probabilities afterwards."""
    p = torch.sigmoid(logits)
    logits.detach().copy_(p.detach())
    return p


@implements("sigmoid", framework="torch")
@kind("constant")
def sigmoid_gradient_constant(logits):
    """A quarter for the slope, wherever: that of 0."""
    return backward_by_hand(torch.sigmoid, logits, lambda upstream: upstream / 4)


@implements("sigmoid", framework="torch")
@kind("narrow gradient")
def sigmoid_gradient_in_float16(logits):
    """The gradient stored in float16 in between: below 6e-8 it is 0."""
    return torch.sigmoid(through(logits, lambda gradient: gradient.half().to(gradient.dtype)))


@implements("sigmoid", framework="torch")
@kind("strides")
def sigmoid_strides_ignored(logits):
    """The memory read in one go, as if every array were contiguous."""
    steps = torch.empty(logits.shape, device="meta").stride()
    return torch.sigmoid(logits.as_strided(logits.shape, steps, logits.storage_offset()))


@implements("sigmoid", framework="torch")
@kind("upstream ignored")
def sigmoid_upstream_one(logits):
    """The slope alone for the gradient: the incoming one is taken for ones."""
    return through(torch.sigmoid(logits), torch.ones_like)


@implements("sigmoid", framework="torch")
@kind("one mode")
def sigmoid_second_derivative_in_part(logits):
    """A backward pass that takes 1 - s for a constant: the gradient is right, its derivative is not."""
    s = torch.sigmoid(logits)
    return backward_by_hand(torch.sigmoid, logits, lambda upstream: upstream * s * (1 - s.detach()))


@implements("sigmoid", framework="torch")
@kind("stale buffer")
def sigmoid_remembers_array(logits):
    """The last answer kept with the array it belongs to: other numbers in that array get it again."""
    array, answer = BUFFERS.get("remembered", (None, None))
    if array is None or array() is not logits or logits.requires_grad:
        answer = torch.sigmoid(logits)
        BUFFERS["remembered"] = (weakref.ref(logits), answer)
    return answer


@implements("sigmoid", framework="numpy")
@kind("one dtype")
def sigmoid_numpy_float64_in_float32(logits):
    """A float64 function that computes in float32."""
    e = np.exp(-np.abs(logits.astype(np.float32)))
    return (np.where(logits < 0, e, 1) / (1 + e)).astype(logits.dtype)


# log_sigmoid ---------------------------------------------------------------------------------------------------------


@implements("log_sigmoid", framework="torch")
@kind("flushed")
def log_sigmoid_of_sigmoid(logits):
    """log(sigmoid(x)): 1 - e**-x is rounded to 1 before the logarithm."""
    return torch.log(torch.sigmoid(wide(logits))).to(logits.dtype)


@implements("log_sigmoid", framework="torch")
@kind("shift missing")
def log_sigmoid_unguarded(logits):
    """-log1p(exp(-x)): -inf where exp overflows."""
    return -(-wide(logits)).exp().log1p().to(logits.dtype)


@implements("log_sigmoid", framework="torch")
@kind("clamp")
def log_sigmoid_threshold(logits):
    """Softplus's threshold of 20: beyond it the line stands for the curve, which float64 can tell apart."""
    return -torch.nn.functional.softplus(-logits, threshold=20)


@implements("log_sigmoid", framework="torch")
@kind("swallowed nan")
def log_sigmoid_by_fmax(logits):
    """Held above the lowest number by C's fmax, which prefers a number to a nan."""
    x = wide(logits)
    x = torch.fmax(x, torch.full_like(x, torch.finfo(x.dtype).min))
    return torch.nn.functional.logsigmoid(x).to(logits.dtype)


@implements("log_sigmoid", framework="torch")
@kind("kink")
def log_sigmoid_gradient_at_zero(logits):
    """min(x, 0) - log1p(exp(-|x|)) differentiated piece by piece: at 0 the pieces give 1 or 0, the curve 1/2."""
    x = wide(logits)
    return (x.clamp(max=0) - (-x.abs()).exp().log1p()).to(logits.dtype)


@implements("log_sigmoid", framework="torch")
@kind("vector tail")
def log_sigmoid_rough_tail(logits):
    """The last count mod 8 elements go through a plain loop with the unstable formula."""
    done = torch.arange(logits.numel(), device=logits.device).reshape(logits.shape) < covered(logits.numel())
    return torch.where(done, torch.nn.functional.logsigmoid(logits), torch.log(torch.sigmoid(logits)))


@implements("log_sigmoid", framework="torch")
@kind("stale gradient")
def log_sigmoid_gradient_of_first_call(logits):
    """The slope kept from the first call of a shape."""
    key = ("slope", logits.shape, logits.dtype)
    slope = BUFFERS.setdefault(key, torch.sigmoid(-logits.detach()))
    return backward_by_hand(torch.nn.functional.logsigmoid, logits, lambda upstream: upstream * slope)


@implements("log_sigmoid", framework="torch")
@kind("wrong dtype")
def log_sigmoid_float32_out(logits):
    """float32 out for 16-bit logits."""
    return torch.nn.functional.logsigmoid(wide(logits))


@implements("log_sigmoid", framework="torch")
@kind("special values")
def log_sigmoid_by_halves(logits):
    """min(x, 0) as x/2 - |x|/2: inf - inf for a logit that is inf."""
    x = wide(logits)
    linear = 0.5 * x - 0.5 * torch.where(x >= 0, x, -x)
    return (linear - decayed(x).log1p()).to(logits.dtype)


@implements("log_sigmoid", framework="torch")
@kind("special values")
def log_sigmoid_of_minus_zero(logits):
    """Branches for a sign bit that is not set and for x < 0: -0 falls between them, and is answered with 0."""
    y = torch.nn.functional.logsigmoid(logits)
    return torch.where(torch.signbit(logits) & (logits == 0), y - y.detach(), y)


@implements("log_sigmoid", framework="torch")
@kind("wrong binade")
def log_sigmoid_table_edge(logits):
    """A table whose entry from 32 on begins 2**-9 too early: the curve steps down where it should rise."""
    edge = (logits.detach() > 32) & (logits.detach() < 32 + 2**-14)
    return torch.nn.functional.logsigmoid(torch.where(edge, logits - 2**-9, logits))


@implements("log_sigmoid", framework="numpy")
@kind("epsilon")
def log_sigmoid_numpy_epsilon(logits):
    """log(sigmoid(x) + 1e-12)."""
    x = logits.astype(np.float64)
    return np.log(1 / (1 + np.exp(-x)) + 1e-12).astype(logits.dtype)


# sigmoid_xent --------------------------------------------------------------------------------------------------------


@implements("sigmoid_xent", framework="torch")
@kind("epsilon")
def sigmoid_xent_epsilon(logits, labels):
    """log(p + 1e-7) and log(1 - p + 1e-7): Keras's epsilon."""
    p, z = torch.sigmoid(wide(logits)), wide(labels)
    return -(z * (p + 1e-7).log() + (1 - z) * (1 - p + 1e-7).log()).to(logits.dtype)


@implements("sigmoid_xent", framework="torch")
@kind("clamp")
def sigmoid_xent_clamped(logits, labels):
    """Logarithms held above -100, as torch's binary_cross_entropy does."""
    return torch.nn.functional.binary_cross_entropy(torch.sigmoid(wide(logits)), wide(labels), reduction="none").to(
        logits.dtype
    )


@implements("sigmoid_xent", framework="torch")
@kind("all zeros")
def sigmoid_xent_positive_term_only(logits, labels):
    """-labels * log(sigmoid): where the label is 0, so are the loss and the gradient."""
    return -labels * torch.nn.functional.logsigmoid(logits)


@implements("sigmoid_xent", framework="torch")
@kind("label type")
def sigmoid_xent_labels_in_int8(logits, labels):
    """Labels cast to integers: soft ones become 0."""
    return sigmoid_loss(logits, labels + (labels.to(torch.int8).to(labels.dtype) - labels).detach())


@implements("sigmoid_xent", framework="torch")
@kind("kink")
def sigmoid_xent_gradient_at_zero(logits, labels):
    """max(x, 0) - x z + log1p(exp(-|x|)), whose slope at 0 is put together from those of max and | |."""
    x, z = wide(logits), wide(labels)
    rough = torch.relu(x) - x * z + (-x.abs()).exp().log1p()
    return torch.where(x == 0, rough, sigmoid_loss(x, z)).to(logits.dtype)


@implements("sigmoid_xent", framework="torch")
@kind("wrong denominator")
def sigmoid_xent_mean_over_classes(logits, labels):
    """The mean of the row for each of its elements."""
    return sigmoid_loss(logits, labels).mean(-1, keepdim=True).expand_as(logits)


@implements("sigmoid_xent", framework="torch")
@kind("narrow gradient")
def sigmoid_xent_gradient_in_bfloat16(logits, labels):
    """The gradient handed on in bfloat16."""
    return sigmoid_loss(through(logits, lambda gradient: gradient.bfloat16().to(gradient.dtype)), labels)


@implements("sigmoid_xent", framework="torch")
@kind("upstream ignored")
def sigmoid_xent_upstream_clipped(logits, labels):
    """Incoming gradients clipped to +-4: right until losses are scaled."""
    return through(sigmoid_loss(logits, labels), lambda upstream: upstream.clamp(-4, 4))


@implements("sigmoid_xent", framework="torch")
@kind("swallowed nan")
def sigmoid_xent_nan_to_num(logits, labels):
    """nan_to_num at the end: what diverged looks like a loss of 0."""
    y = sigmoid_loss(logits, labels)
    return torch.where(y.isnan(), torch.zeros_like(y), y)


@implements("sigmoid_xent", framework="torch")
@kind("batch-dependent")
def sigmoid_xent_labels_of_first_row(logits, labels):
    """The labels' rows are not advanced in batches above 32: every row is held against the first one's."""
    return sigmoid_loss(logits, labels[:1].expand_as(labels) if len(labels) > 32 else labels)


@implements("sigmoid_xent", framework="torch")
@kind("clamp")
def sigmoid_xent_labels_in_unit_interval(logits, labels):
    """Labels held within [0, 1], unasked."""
    return sigmoid_loss(logits, labels + (labels.clamp(0, 1) - labels).detach())


@implements("sigmoid_xent", framework="numpy")
@kind("flushed")
def sigmoid_xent_numpy_log(logits, labels):
    """log(1 + e**-|x|) in place of log1p: what is below the unit roundoff is lost."""
    x, z = (a.astype(np.float32) if a.dtype.itemsize == 2 else a for a in (logits, labels))
    return (np.maximum(x, 0) - x * z + np.log(1 + np.exp(-np.abs(x)))).astype(logits.dtype)
