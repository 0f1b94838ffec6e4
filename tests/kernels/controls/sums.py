"""Sums over classes, and logarithms of sums of exponentials, in orders other than the usual one."""

import torch


def blocks(x):
    """Cut rows into blocks of classes, 64 or a few more."""
    return x.split(max(4, x.shape[-1] // 64), -1)


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
