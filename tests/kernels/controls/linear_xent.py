"""Correct linear_xent kernels that are written unusually."""

import torch

from harness.adapters import implements

BLOCK = 24


def wide(array):
    """Return an array in float32, or wider as it is."""
    return array if array.dtype == torch.float64 else array.float()


@implements("linear_xent", framework="torch")
def linear_xent_with_every_option(
    hidden, weight, labels, *, bias=None, class_weight=None, reduction="none", ignore_index=-100, label_smoothing=0.0
):
    """The loss of widened logits, with all that torch's own takes."""
    logits = wide(hidden) @ wide(weight).T
    if bias is not None:
        logits = logits + wide(bias)
    return torch.nn.functional.cross_entropy(
        logits,
        labels,
        weight=None if class_weight is None else wide(class_weight),
        reduction=reduction,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
    ).to(hidden.dtype)


class ByBlocks(torch.autograd.Function):
    """Blocks of the vocabulary, a running maximum and sum; the logits are made anew in the backward pass."""

    @staticmethod
    def forward(ctx, hidden, weight, labels):
        """Go over the blocks, the last one shorter."""
        x, w = wide(hidden), wide(weight)
        most = torch.full((len(x),), -torch.inf, dtype=x.dtype)
        total = torch.zeros(len(x), dtype=x.dtype)
        labelled = torch.zeros_like(total)
        for start in range(0, len(w), BLOCK):
            logits = x @ w[start : start + BLOCK].T
            inside = (labels >= start) & (labels < start + logits.shape[-1])
            labelled[inside] = logits[inside, labels[inside] - start]
            higher = torch.maximum(most, logits.amax(-1))
            total = total * (most - higher).exp() + (logits - higher[:, None]).exp().sum(-1)
            most = higher
        ctx.save_for_backward(hidden, weight, labels, most, total)
        return (most - labelled + total.log()).to(hidden.dtype)

    @staticmethod
    def backward(ctx, upstream):
        """Subtract the label in float32, and round the gradient of the logits once."""
        hidden, weight, labels, most, total = ctx.saved_tensors
        x, w, g = wide(hidden), wide(weight), wide(upstream)
        of_hidden, parts = torch.zeros_like(x), []
        for start in range(0, len(w), BLOCK):
            block = w[start : start + BLOCK]
            of = (x @ block.T - most[:, None]).exp() / total[:, None]
            inside = (labels >= start) & (labels < start + len(block))
            of[inside, labels[inside] - start] -= 1
            of = of * g[:, None]
            of_hidden += of @ block
            parts.append(of.T @ x)
        return of_hidden.to(hidden.dtype), torch.cat(parts).to(weight.dtype), None


@implements("linear_xent", framework="torch")
def linear_xent_by_blocks(hidden, weight, labels):
    """Block after block of the vocabulary."""
    return ByBlocks.apply(hidden, weight, labels)


@implements("linear_xent", framework="torch")
def linear_xent_chunked_in_float32(hidden, weight, labels, *, reduction="none"):
    """Chunk after chunk of the rows, added up in float32."""
    widened = wide(weight)  # once, so that its gradient is added up in float32 too
    losses = [
        torch.nn.functional.cross_entropy(wide(rows) @ widened.T, some, reduction="none")
        for rows, some in zip(hidden.split(3), labels.split(3), strict=True)
    ]
    every = torch.cat(losses)
    return {"none": every, "sum": every.sum(), "mean": every.mean()}[reduction].to(hidden.dtype)


@implements("linear_xent", framework="torch")
def linear_xent_rounds_its_logits(hidden, weight, labels):
    """The product in the dtype itself, as a layer gives it; its loss in float32."""
    logits = hidden @ weight.T
    return torch.nn.functional.cross_entropy(wide(logits), labels, reduction="none").to(hidden.dtype)
