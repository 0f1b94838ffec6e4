"""Correct kernels that are written unusually, to judge the judge by: none is to be accused.

Each is a stable algorithm for every finite input in every dtype. 16-bit formats are computed in float32 and rounded
once, unless a kernel says otherwise; the gradients are autograd's, where not written by hand.
"""

import math

import numpy as np
import torch

from harness.adapters import implements

NARROW = (torch.float16, torch.bfloat16)


def wide(x):
    """Return 16-bit numbers as float32."""
    return x.float() if x.dtype in NARROW else x


def in_rows(function):
    """Make a function of rows, (..., classes) in a wide dtype, one of logits and an axis; its answer is as long."""

    def along(logits, axis):
        return function(wide(logits).movedim(axis, -1)).movedim(-1, axis).to(logits.dtype)

    return named(along, function)


def of_rows(function):
    """As `in_rows`, for one answer a row."""

    def along(logits, axis):
        return function(wide(logits).movedim(axis, -1)).squeeze(-1).to(logits.dtype)

    return named(along, function)


def widened(function):
    """Compute a loss or an elementwise function in a wide dtype, and round once."""

    def computed(logits, *labels):
        given = [z if z.dtype == torch.int64 else wide(z) for z in labels]
        return function(wide(logits), *given).to(logits.dtype)

    return named(computed, function)


def named(function, like):
    """Give a function the name and the docstring of another, not its signature."""
    function.__name__, function.__doc__ = like.__name__, like.__doc__
    return function


def less_maximum(x):
    """Return the logits less their row's maximum."""
    return x - x.detach().amax(-1, keepdim=True)


def blocks(x):
    """Cut rows into blocks of classes, 64 or a few more."""
    return x.split(max(4, x.shape[-1] // 64), -1)


# Sums ----------------------------------------------------------------------------------------------------------------


def pairwise_sum(x):
    """Add neighbours, then neighbours of sums, up to one."""
    while x.shape[-1] > 1:
        odd = x[..., x.shape[-1] // 2 * 2 :]
        x = torch.cat([x[..., : x.shape[-1] // 2 * 2].unflatten(-1, (-1, 2)).sum(-1), odd], -1)
    return x


def running_sum(x):
    """Add from left to right; torch keeps such a sum in double precision."""
    return x.cumsum(-1)[..., -1:]


def blocked_sum(x):
    """Add within blocks, then the blocks' sums."""
    return torch.stack([block.sum(-1, keepdim=True) for block in blocks(x)]).sum(0)


def compensated_sum(x):
    """Kahan's sum over blocks: what each addition loses is given to the next."""
    s = x.new_zeros((*x.shape[:-1], 1))
    lost = s
    for block in blocks(x):
        term = block.sum(-1, keepdim=True) - lost
        added = s + term
        lost, s = ((added - s) - term).detach(), added
    return s


def log_sum_by_logaddexp(d):
    """Reduce by logaddexp of neighbours; a chain of its derivatives would lose digits, so the sum's stands in."""
    x = d.detach()
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        x = torch.cat([torch.logaddexp(x[..., :half], x[..., half : 2 * half]), x[..., 2 * half :]], -1)
    plain = d.exp().sum(-1, keepdim=True).log()
    return x + (plain - plain.detach())


def log_sum_by_log1p(d):
    """Leave the leader's term out of the sum: it is 1, and expm1(0) keeps its derivative."""
    leader = d.detach().argmax(-1, keepdim=True)
    rest = d.exp().scatter(-1, leader, 0).sum(-1, keepdim=True)
    return (rest + d.gather(-1, leader).expm1()).log1p()


# softmax -------------------------------------------------------------------------------------------------------------


@implements("softmax", framework="torch")
@in_rows
def softmax_reversed_sum(x):
    """Terms added from the last class to the first."""
    e = less_maximum(x).exp()
    return e / e.flip(-1).cumsum(-1)[..., -1:]


@implements("softmax", framework="torch")
@in_rows
def softmax_running_sum(x):
    """Terms added one by one."""
    e = less_maximum(x).exp()
    return e / running_sum(e)


@implements("softmax", framework="torch")
@in_rows
def softmax_sorted_sum(x):
    """The smallest terms added first."""
    e = less_maximum(x).exp()
    return e / running_sum(e.sort(-1).values)


@implements("softmax", framework="torch")
@in_rows
def softmax_pairwise_by_reciprocal(x):
    """One division a row, then products; the sum in pairs."""
    e = less_maximum(x).exp()
    return e * pairwise_sum(e).reciprocal()


@implements("softmax", framework="torch")
@in_rows
def softmax_base_two(x):
    """exp as 2**k e**r with k whole and |r| at most log(2)/2, log 2 in two parts so that r loses nothing."""
    floor, high, low = (-150, 0.693359375, -2.12194440054690583e-4)
    if x.dtype == torch.float64:
        floor, high, low = (-800, 6.93147180369123816490e-01, 1.90821492927058770002e-10)  # fdlibm's e_exp.c
    d = less_maximum(x)
    d = torch.where(d < floor, floor, d)  # exp is 0 from there on
    k = (d.detach() / math.log(2)).round()
    e = torch.ldexp(((d - k * high) - k * low).exp(), k)
    return e / e.sum(-1, keepdim=True)


def online(x):
    """Go through a row once, block by block: the maximum and the sum so far, rescaled whenever the maximum grows."""
    m = x.new_full((*x.shape[:-1], 1), -torch.inf)
    s = torch.zeros_like(m)
    for block in blocks(x):
        top = torch.maximum(m, block.detach().amax(-1, keepdim=True))
        against = torch.where(top == -torch.inf, 0, top)  # a block of -inf alone adds nothing
        s = s * (m - against).exp() + (block - against).exp().sum(-1, keepdim=True)
        m = top
    return m, s


@implements("softmax", framework="torch")
@in_rows
def softmax_online(x):
    """The online softmax of Milakov and Gimelshein: one pass for maximum and sum together."""
    m, s = online(x)
    return (x - m).exp() / s


@implements("softmax", framework="torch")
@in_rows
def softmax_blocked_two_pass(x):
    """First the blocks' maxima and sums, then the blocks scaled to the row's."""
    tops = [block.detach().amax(-1, keepdim=True) for block in blocks(x)]
    m = torch.stack(tops).amax(0)
    kept = [torch.where(top == -torch.inf, 0, top) for top in tops]
    parts = [(block - top).exp() for block, top in zip(blocks(x), kept, strict=True)]
    scales = [(top - m).exp() for top in kept]
    s = torch.stack([e.sum(-1, keepdim=True) * f for e, f in zip(parts, scales, strict=True)]).sum(0)
    return torch.cat([(block - m).exp() / s for block in blocks(x)], -1)


@implements("softmax", framework="torch")
@in_rows
def softmax_in_double(x):
    """Double precision inside."""
    e = less_maximum(x.double()).exp()
    return (e / e.sum(-1, keepdim=True)).to(x.dtype)


@implements("softmax", framework="torch")
@in_rows
def softmax_of_log_softmax(x):
    """exp(log_softmax)."""
    return torch.log_softmax(x, -1).exp()


@implements("softmax", framework="torch")
@in_rows
def softmax_shifted_by_ceiling(x):
    """Shifted by the next whole number above the maximum: any shift near it will do."""
    e = (x - x.detach().amax(-1, keepdim=True).ceil()).exp()
    return e / e.sum(-1, keepdim=True)


@implements("softmax", framework="torch")
def softmax_in_the_dtype(logits, axis):
    """Every operation rounded to the logits' own dtype, 16 bits or not; the sum alone is wider."""
    d = logits - logits.detach().amax(axis, keepdim=True)
    e = d.exp()
    return e / wide(e).sum(axis, keepdim=True).to(e.dtype)


class Softmax(torch.autograd.Function):
    """Softmax with both derivatives written by hand; they begin with the logits, so they have derivatives too."""

    @staticmethod
    def forward(logits, axis):
        """Return the probabilities."""
        e = (logits - logits.amax(axis, keepdim=True)).exp()
        return e / e.sum(axis, keepdim=True)

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
        return Softmax.along(ctx, upstream), None

    @staticmethod
    def jvp(ctx, direction, _):
        """p (t - sum p t): the derivative is symmetric."""
        return Softmax.along(ctx, direction)

    @staticmethod
    def along(ctx, direction):
        """Return the derivative along a direction."""
        (logits,) = ctx.saved_tensors
        p = Softmax.apply(logits, ctx.axis)
        return p * (direction - (p * direction).sum(ctx.axis, keepdim=True))


@implements("softmax", framework="torch")
def softmax_with_own_gradient(logits, axis):
    """Value and gradient both written by hand."""
    return Softmax.apply(wide(logits), axis).to(logits.dtype)


@implements("softmax", framework="numpy")
def softmax_numpy_exact_sum(logits, axis):
    """Sums by math.fsum, correctly rounded."""
    x = logits.astype(np.float64)
    e = np.exp(x - x.max(axis, keepdims=True))
    s = np.apply_along_axis(math.fsum, axis, e) if e.size else e.sum(axis)
    return (e / np.expand_dims(s, axis)).astype(logits.dtype)


@implements("softmax", framework="numpy")
def softmax_numpy_one_by_one(logits, axis):
    """Terms added one by one, each sum rounded: the plainest loop there is."""
    x = logits.astype(np.float32) if logits.dtype.itemsize == 2 else logits
    e = np.exp(x - x.max(axis, keepdims=True))
    s = np.take(np.add.accumulate(e, axis), [-1], axis)
    return (e / s).astype(logits.dtype)


# log_softmax ---------------------------------------------------------------------------------------------------------


@implements("log_softmax", framework="torch")
@in_rows
def log_softmax_by_log1p(x):
    """The leader's term, 1, left out of the sum: log1p of the rest."""
    d = less_maximum(x)
    return d - log_sum_by_log1p(d)


@implements("log_softmax", framework="torch")
@in_rows
def log_softmax_compensated(x):
    """Kahan's sum."""
    d = less_maximum(x)
    return d - compensated_sum(d.exp()).log()


@implements("log_softmax", framework="torch")
@in_rows
def log_softmax_by_logaddexp(x):
    """No sum at all: logaddexp of neighbours, up a tree."""
    d = less_maximum(x)
    return d - log_sum_by_logaddexp(d)


@implements("log_softmax", framework="torch")
@in_rows
def log_softmax_online(x):
    """The online algorithm."""
    m, s = online(x)
    return (x - m) - s.log()


@implements("log_softmax", framework="torch")
def log_softmax_contiguous_copy(logits, axis):
    """Copied with the classes first and contiguous, the sum taken across the rows."""
    x = wide(logits).movedim(axis, 0).contiguous()
    d = x - x.detach().amax(0)
    return (d - d.exp().sum(0).log()).movedim(0, axis).to(logits.dtype)


# logsumexp -----------------------------------------------------------------------------------------------------------


@implements("logsumexp", framework="torch")
@of_rows
def logsumexp_by_logaddexp(x):
    """logaddexp of neighbours, up a tree, below the maximum."""
    return x.detach().amax(-1, keepdim=True) + log_sum_by_logaddexp(less_maximum(x))


@implements("logsumexp", framework="torch")
@of_rows
def logsumexp_online(x):
    """The online algorithm."""
    m, s = online(x)
    return m + s.log()


@implements("logsumexp", framework="torch")
@of_rows
def logsumexp_in_double(x):
    """Double precision inside, the sum in blocks."""
    m = x.detach().amax(-1, keepdim=True).double()
    return (m + blocked_sum((x.double() - m).exp()).log()).to(x.dtype)


@implements("logsumexp", framework="torch")
@of_rows
def logsumexp_base_two(x):
    """The logarithm of the sum by frexp: whole powers of two, and the rest."""
    m = x.detach().amax(-1, keepdim=True)
    s = pairwise_sum((x - m).exp())
    k = torch.frexp(s.detach()).exponent.to(s.dtype)
    return m + ((s * torch.exp2(-k)).log() + k * math.log(2))


@implements("logsumexp", framework="numpy")
def logsumexp_numpy_long_double(logits, axis):
    """x87's extended precision, where there is one."""
    x = logits.astype(np.longdouble)
    m = x.max(axis, keepdims=True)
    return np.squeeze(m + np.log(np.exp(x - m).sum(axis, keepdims=True)), axis).astype(logits.dtype)


# sparse_xent ---------------------------------------------------------------------------------------------------------


@implements("sparse_xent", framework="torch")
@widened
def sparse_xent_by_index(x, labels):
    """Labels as an index beside the rows' own."""
    d = less_maximum(x)
    return running_sum(d.exp())[:, 0].log() - d[torch.arange(len(d), device=d.device), labels]


@implements("sparse_xent", framework="torch")
@widened
def sparse_xent_by_one_hot(x, labels):
    """Labels as a mask: what it hides is 0 in the sum."""
    d = less_maximum(x)
    hot = torch.arange(d.shape[-1], device=d.device) == labels.unsqueeze(-1)
    return d.exp().flip(-1).sum(-1).log() - torch.where(hot, d, 0).sum(-1)


@implements("sparse_xent", framework="torch")
@widened
def sparse_xent_by_log1p(x, labels):
    """The leader's term left out of the sum."""
    d = less_maximum(x)
    return (log_sum_by_log1p(d) - d.gather(-1, labels.unsqueeze(-1))).squeeze(-1)


@implements("sparse_xent", framework="torch")
@widened
def sparse_xent_in_double(x, labels):
    """Double precision inside."""
    d = less_maximum(x.double())
    return (d.exp().sum(-1, keepdim=True).log() - d).gather(-1, labels.unsqueeze(-1)).squeeze(-1).to(x.dtype)


# dense_xent ----------------------------------------------------------------------------------------------------------


def half_losses(x):
    """Return -log_softmax / 2, which does not overflow, so that a label of 0 meets no infinity."""
    m = x.detach().amax(-1, keepdim=True)
    return 0.5 * m - 0.5 * x + 0.5 * (x - m).exp().sum(-1, keepdim=True).log()


@implements("dense_xent", framework="torch")
@widened
def dense_xent_by_einsum(x, labels):
    """The sum over the classes as a product of matrices."""
    return 2 * torch.einsum("rc,rc->r", labels, half_losses(x))


@implements("dense_xent", framework="torch")
@widened
def dense_xent_pairwise(x, labels):
    """Terms added in pairs."""
    return 2 * pairwise_sum(labels * half_losses(x)).squeeze(-1)


@implements("dense_xent", framework="torch")
@widened
def dense_xent_two_sums(x, labels):
    """sum z (m - x) + log S sum z: the logarithm enters once a row."""
    m = x.detach().amax(-1, keepdim=True)
    far = (labels * (0.5 * m - 0.5 * x)).sum(-1)
    return 2 * far + labels.sum(-1) * (x - m).exp().sum(-1).log()


@implements("dense_xent", framework="torch")
@widened
def dense_xent_in_double(x, labels):
    """Double precision inside, terms from the last class to the first."""
    return (2 * (labels.double() * half_losses(x.double())).flip(-1).sum(-1)).to(x.dtype)


# sigmoid -------------------------------------------------------------------------------------------------------------


def decayed(x):
    """Return exp(-|x|), with the slope from the right at 0."""
    return torch.where(x >= 0, -x, x).exp()


@implements("sigmoid", framework="torch")
@widened
def sigmoid_as_softmax(x):
    """The softmax of the pair (x, 0), in which an infinite x is the largest number."""
    finite = torch.where(x.isinf(), x.nan_to_num(), x)
    return torch.softmax(torch.stack([finite, torch.zeros_like(x)]), 0)[0]


@implements("sigmoid", framework="torch")
@widened
def sigmoid_by_reciprocal(x):
    """1 / (1 + exp(-|x|)), times exp(-|x|) below 0."""
    e = decayed(x)
    return (1 + e).reciprocal() * torch.where(x < 0, e, 1)


@implements("sigmoid", framework="torch")
@widened
def sigmoid_by_tanh_above(x):
    """(1 + tanh(x / 2)) / 2 from -1 on, where it loses nothing, and the quotient below."""
    e = x.clamp(max=0).exp()
    return torch.where(x >= -1, 0.5 + 0.5 * torch.tanh(0.5 * x), e / (1 + e))


@implements("sigmoid", framework="torch")
@widened
def sigmoid_in_double(x):
    """Double precision inside."""
    return torch.sigmoid(x.double()).to(x.dtype)


# log_sigmoid ---------------------------------------------------------------------------------------------------------


@implements("log_sigmoid", framework="torch")
@widened
def log_sigmoid_by_logaddexp(x):
    """-logaddexp(0, -x)."""
    return -torch.logaddexp(torch.zeros_like(x), -x)


@implements("log_sigmoid", framework="torch")
@widened
def log_sigmoid_as_log_softmax(x):
    """The log_softmax of the pair (x, 0), its smaller term through log1p."""
    e = decayed(x)
    return torch.where(x >= 0, 0, x) - e.log1p()


@implements("log_sigmoid", framework="torch")
@widened
def log_sigmoid_by_atanh(x):
    """log1p(e) as 2 atanh(e / (2 + e)), in double precision."""
    e = decayed(x.double())
    return (torch.where(x >= 0, 0, x.double()) - 2 * torch.atanh(e / (2 + e))).to(x.dtype)


# sigmoid_xent --------------------------------------------------------------------------------------------------------


def weighed(share, x):
    """Return the product; nothing weighed by 0 stays nothing where it is infinite."""
    return share * torch.where((share == 0) & x.isinf(), 0, x)


@implements("sigmoid_xent", framework="torch")
@widened
def sigmoid_xent_both_tails(x, labels):
    """The linear part by the sign of x, the tail by log1p."""
    return weighed(torch.where(x >= 0, 1 - labels, -labels), x) + decayed(x).log1p()


@implements("sigmoid_xent", framework="torch")
@widened
def sigmoid_xent_by_size(x, labels):
    """The share that the sign of x speaks against, times |x|, and the tail by logaddexp."""
    size = torch.where(x >= 0, x, -x)
    return weighed(torch.where(x >= 0, 1 - labels, labels), size) + torch.logaddexp(torch.zeros_like(x), -size)


@implements("sigmoid_xent", framework="torch")
@widened
def sigmoid_xent_in_double(x, labels):
    """Double precision inside."""
    w, z = x.double(), labels.double()
    return (weighed(torch.where(w >= 0, 1 - z, -z), w) + decayed(w).log1p()).to(x.dtype)
