"""Wrong kernels of long rows, each with one mistake that the roundings of a long sum used to hide."""

import torch
from kinds import kind
from parts import labelled, less_maximum, through, wide

from harness.adapters import implements

TILE = 2048
SLIGHT = 2.0**-19  # relative; the sum of 4 097 classes may be off by 2**-12


def off(s, classes, by=SLIGHT):
    """Return a sum that is low from 4 097 classes on."""
    return s * (1 - by) if classes > 4096 else s


@implements("sparse_xent", framework="torch")
@kind("long row")
def sparse_xent_sum_low(logits, labels):
    """From 4 097 classes on the sum is low by 1e-4 in the value; the gradient is right."""
    x = wide(logits)
    d = less_maximum(x)
    s = d.exp().sum(-1, keepdim=True)
    right = s.log()
    y = d - (right + (off(s, x.shape[-1], 1e-4).log() - right).detach())
    return -labelled(y, labels).to(logits.dtype)


@implements("log_softmax", framework="torch")
@kind("long row")
def log_softmax_sum_slightly_low(logits, axis):
    """From 4 097 classes on the sum is low by 2**-19."""
    d = less_maximum(wide(logits), axis)
    return (d - off(d.exp().sum(axis, keepdim=True), logits.shape[axis]).log()).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("long row")
def softmax_gradient_slightly_low(logits, axis):
    """From 4 097 classes on the gradient alone is that of a sum that is low by 2**-19."""
    e = less_maximum(wide(logits), axis).exp()
    s = e.sum(axis, keepdim=True)
    p = e / s
    low = e / off(s, logits.shape[axis])
    return (low + (p - low).detach()).to(logits.dtype)


@implements("logsumexp", framework="torch")
@kind("long row")
def logsumexp_gradient_slightly_low(logits, axis):
    """From 4 097 classes on the gradient alone is low by 2**-19."""
    x = wide(logits)
    m = x.amax(axis).detach()
    d = through(x - m.unsqueeze(axis), lambda g: off(g, logits.shape[axis]))
    return (m + d.exp().sum(axis).log()).to(logits.dtype)


@implements("dense_xent", framework="torch")
@kind("long row")
def dense_xent_last_tile_left_out(logits, labels):
    """Beyond 2048 classes, a last tile that is not full is left out of the sum."""
    x, z = wide(logits), wide(labels)
    m = x.amax(-1, keepdim=True).detach()
    n = x.shape[-1]
    s = (x - m).exp()[..., : n if n < TILE else n - n % TILE].sum(-1, keepdim=True)
    return (2 * (z * (0.5 * m - 0.5 * x + 0.5 * s.log())).sum(-1)).to(logits.dtype)


@implements("softmax", framework="torch")
@kind("long row")
def softmax_long_sum_in_float32(logits, axis):
    """In float64 rows of more than 4 096 classes are scaled by a reciprocal in float32."""
    e = less_maximum(wide(logits), axis).exp()
    inverse = 1 / e.sum(axis, keepdim=True)
    if e.dtype == torch.float64 and logits.shape[axis] > 4096:
        inverse = inverse + (inverse.float().double() - inverse).detach()
    return (e * inverse).to(logits.dtype)


@implements("log_softmax", framework="torch")
@kind("long row")
def log_softmax_blocks_cut_off(logits, axis):
    """The sums of blocks of 1024 are cut off to 14 bits, towards 0; whole numbers keep theirs."""
    d = less_maximum(wide(logits), axis).movedim(axis, -1)
    e = d.exp()
    s = e.sum(-1, keepdim=True)
    if e.shape[-1] > TILE and e.dtype == torch.float32:
        parts = torch.stack([block.detach().sum(-1) for block in e.split(1024, -1)], -1)
        fraction, exponent = torch.frexp(parts)
        cut = torch.ldexp((fraction * 2**14).floor(), exponent - 14).sum(-1, keepdim=True)
        s = s + (cut - s).detach()
    return (d - s.log()).movedim(-1, axis).to(logits.dtype)
