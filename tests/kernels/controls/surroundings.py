"""Correct kernels in torch that do by hand what strides, graphs, maps, autocast and large batches ask of them."""

import torch
from rows import wide

from harness.adapters import implements


def gradient(logits, labels):
    """Return p - e_y in a wide dtype."""
    p = torch.softmax(wide(logits), -1)
    return p - torch.nn.functional.one_hot(labels.long(), p.shape[-1])


class Kept(torch.autograd.Function):
    """A loss that keeps its gradient, and scales it into a new array."""

    @staticmethod
    def forward(context, logits, labels):
        """Return the losses."""
        context.save_for_backward(gradient(logits, labels))
        context.dtype = logits.dtype
        return torch.nn.functional.cross_entropy(logits, labels, reduction="none")

    @staticmethod
    def backward(context, upstream):
        """Return the gradient."""
        (kept,) = context.saved_tensors
        return (kept * wide(upstream)[:, None]).to(context.dtype), None


@implements("sparse_xent", framework="torch")
def sparse_xent_kept_gradient(logits, labels):
    """The gradient is computed in the forward pass; vmap, which needs a rule, is refused."""
    return Kept.apply(logits, labels)


@implements("sparse_xent", framework="torch")
def sparse_xent_contiguous_alone(logits, labels):
    """Memory read in one go, where it may be; all else is refused aloud."""
    if not (logits.is_contiguous() and labels.is_contiguous()):
        raise ValueError("logits and labels must be contiguous")
    if labels.dtype != torch.int64:
        raise TypeError(f"labels are {labels.dtype}, expected torch.int64")
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")


@implements("sparse_xent", framework="torch")
def sparse_xent_both_strides(logits, labels):
    """Memory read in one go, after a copy of what does not lie so."""
    rows = logits if logits.stride() == (logits.shape[-1], 1) else logits.contiguous()
    rows = rows.as_strided(rows.shape, (rows.shape[-1], 1), rows.storage_offset())
    return torch.nn.functional.cross_entropy(rows, labels.long(), reduction="none")


class Mapped(torch.autograd.Function):
    """A sigmoid with a rule of vmap: batches are rows like any others."""

    @staticmethod
    def forward(logits):
        """Return the sigmoid."""
        return torch.sigmoid(logits)

    @staticmethod
    def setup_context(context, _inputs, output):
        """Keep the answer."""
        context.save_for_backward(output)

    @staticmethod
    def backward(context, upstream):
        """Return the gradient."""
        (p,) = context.saved_tensors
        p, g = wide(p), wide(upstream)
        return (g * p * (1 - p)).to(upstream.dtype)

    @staticmethod
    def vmap(_info, in_dims, logits):
        """Return all batches' answers and where their axis is."""
        batches = logits.movedim(in_dims[0], 0)
        return Mapped.apply(batches.flatten(0, 1)).unflatten(0, batches.shape[:2]), 0


@implements("sigmoid", framework="torch")
def sigmoid_mapped(logits):
    """The kernel, mapped or not."""
    return Mapped.apply(logits)


class Wide(torch.autograd.Function):
    """A softmax whose sum is a product with ones, kept out of autocast."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(context, logits):
        """Return the softmax of float32 rows."""
        e = (logits - logits.amax(-1, keepdim=True)).exp()
        p = e / (e @ torch.ones(e.shape[-1], 1, dtype=e.dtype))
        context.save_for_backward(p)
        return p

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(context, upstream):
        """Return the gradient."""
        (p,) = context.saved_tensors
        return p * (upstream - (upstream * p).sum(-1, keepdim=True))


@implements("softmax", framework="torch")
def softmax_out_of_autocast(logits, axis):
    """Float32 rows through the kernel; other dtypes are torch's own."""
    if logits.dtype != torch.float32 or axis not in {-1, logits.ndim - 1}:
        return torch.softmax(logits, axis)
    return Wide.apply(logits)
