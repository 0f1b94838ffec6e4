"""Wrong kernels in torch that are right in a plain call: mistakes in strides, graphs, maps, modes and large batches."""

import torch
from kinds import kind
from parts import labelled, sparse_loss, wide

from harness.adapters import implements

BUFFERS = {}


def cross_entropy_gradient(logits, labels):
    """Return p - e_y in a wide dtype."""
    p = torch.softmax(wide(logits), -1)
    return p - torch.nn.functional.one_hot(labels.long(), p.shape[-1])


class ReadInOneGo(torch.autograd.Function):
    """A backward pass that reads the incoming gradient's memory from its beginning on."""

    @staticmethod
    def forward(context, logits, labels):
        """Return the losses."""
        context.save_for_backward(logits, labels)
        return sparse_loss(logits, labels)

    @staticmethod
    def backward(context, upstream):
        """Return the gradient; what lies behind the memory's end is read from its beginning."""
        logits, labels = context.saved_tensors
        there = upstream.untyped_storage().nbytes() // upstream.element_size()
        memory = upstream.as_strided((there,), (1,), 0)
        g = memory[(upstream.storage_offset() + torch.arange(len(upstream))) % there]
        return (cross_entropy_gradient(logits, labels) * wide(g)[:, None]).to(logits.dtype), None


@implements("sparse_xent", framework="torch")
@kind("strides")
def sparse_xent_upstream_in_one_go(logits, labels):
    """The incoming gradient read with stride 1, whatever its stride."""
    return ReadInOneGo.apply(logits, labels)


class SumForMean(torch.autograd.Function):
    """A backward pass that takes one number, expanded, for what a mean hands down."""

    @staticmethod
    def forward(context, logits, labels):
        """Return the losses."""
        context.save_for_backward(logits, labels)
        return sparse_loss(logits, labels)

    @staticmethod
    def backward(context, upstream):
        """Return the gradient, divided by the rows where it comes from a sum."""
        logits, labels = context.saved_tensors
        rows = len(upstream) if upstream.stride() == (0,) and len(upstream) > 1 else 1
        g = wide(upstream)[:, None] / rows
        return (cross_entropy_gradient(logits, labels) * g).to(logits.dtype), None


@implements("sparse_xent", framework="torch")
@kind("strides")
def sparse_xent_sum_for_mean(logits, labels):
    """loss.sum().backward() gets the gradient of loss.mean()."""
    return SumForMean.apply(logits, labels)


@implements("sparse_xent", framework="torch")
@kind("strides")
def sparse_xent_last_stride_alone(logits, labels):
    """Rows of a wider array are read as if they lay back to back: the guard looks at the last stride alone."""
    rows = logits if logits.stride(-1) == 1 else logits.contiguous()
    return sparse_loss(rows.as_strided(rows.shape, (rows.shape[-1], 1), rows.storage_offset()), labels)


@implements("sparse_xent", framework="torch")
@kind("strides")
def sparse_xent_label_stride(logits, labels):
    """Labels read one behind the other: of every second one of a longer array every one."""
    there = labels.untyped_storage().nbytes() // labels.element_size() - labels.storage_offset()
    memory = labels.as_strided((there,), (1,), labels.storage_offset())
    return sparse_loss(logits, memory[torch.arange(len(labels)) % max(there, 1)])


class ScaledInPlace(torch.autograd.Function):
    """A backward pass that scales the gradient it has kept, in place."""

    @staticmethod
    def forward(context, logits, labels):
        """Return the losses."""
        context.kept, context.dtype = cross_entropy_gradient(logits, labels), logits.dtype
        return sparse_loss(logits, labels)

    @staticmethod
    def backward(context, upstream):
        """Return what was kept, scaled once more."""
        return context.kept.mul_(wide(upstream)[:, None]).to(context.dtype), None


@implements("sparse_xent", framework="torch")
@kind("graph used twice")
def sparse_xent_scaled_in_place(logits, labels):
    """A second backward pass over the same graph gets its gradient scaled twice."""
    return ScaledInPlace.apply(logits, labels)


class LastForward(torch.autograd.Function):
    """A backward pass that goes by the module's last forward pass."""

    @staticmethod
    def forward(context, logits, axis):
        """Return the softmax, and keep it for all."""
        context.axis = axis
        BUFFERS["p"] = torch.softmax(wide(logits), axis)
        return BUFFERS["p"].to(logits.dtype)

    @staticmethod
    def backward(context, upstream):
        """Return the gradient of the last softmax, of whichever call."""
        p, g = BUFFERS["p"], wide(upstream)
        return (p * (g - (g * p).sum(context.axis, keepdim=True))).to(upstream.dtype), None


@implements("softmax", framework="torch")
@kind("graph used twice")
def softmax_one_workspace(logits, axis):
    """One workspace: two forward passes before the first backward pass, and the first gradient is the second's."""
    return LastForward.apply(logits, axis)


class Averaged(torch.autograd.Function):
    """A backward pass that divides by the forward passes since the last."""

    @staticmethod
    def forward(context, logits):
        """Return the sigmoid, and count."""
        p = torch.sigmoid(logits)
        context.save_for_backward(p)
        BUFFERS["passes"] = BUFFERS.get("passes", 0) + logits.requires_grad
        return p

    @staticmethod
    def backward(context, upstream):
        """Return the gradient."""
        (p,) = context.saved_tensors
        p = wide(p)
        return (wide(upstream) * p * (1 - p) / max(BUFFERS.pop("passes", 1), 1)).to(upstream.dtype)


@implements("sigmoid", framework="torch")
@kind("graph used twice")
def sigmoid_averaged_over_passes(logits):
    """Gradients averaged over accumulated passes: one that a checkpoint computes anew counts as another."""
    return Averaged.apply(logits)


class RowsForBatches(torch.autograd.Function):
    """A rule of vmap that mistakes rows for batches when it puts them back."""

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
        return (wide(upstream) * wide(p) * (1 - wide(p))).to(upstream.dtype)

    @staticmethod
    def vmap(_info, in_dims, logits):
        """Return all batches' answers and where their axis is."""
        batches = logits.movedim(in_dims[0], 0)
        return RowsForBatches.apply(batches.flatten(0, 1)).unflatten(0, batches.shape[:2][::-1]), 1


@implements("sigmoid", framework="torch")
@kind("one mode")
def sigmoid_rows_for_batches(logits):
    """Mapped over batches, each gets rows of the others."""
    return RowsForBatches.apply(logits)


@implements("sparse_xent", framework="torch")
@kind("one mode")
def sparse_xent_narrowed_by_autocast(logits, labels):
    """Under autocast the logits are rounded first: no custom_fwd(cast_inputs=torch.float32)."""
    narrow = torch.is_autocast_enabled(logits.device.type)
    return torch.nn.functional.cross_entropy(logits.bfloat16() if narrow else logits, labels, reduction="none")


@implements("log_softmax", framework="torch")
@kind("batch-dependent")
def log_softmax_rows_on_a_short_axis(logits, axis):
    """Rows on an axis of the grid that holds 65 535: what is beyond comes back as it was allocated."""
    y = torch.log_softmax(logits, axis)
    rows = logits.numel() // max(logits.shape[axis], 1)
    return y if rows <= 65_535 else y * 0


@implements("sparse_xent", framework="torch")
@kind("label type")
def sparse_xent_labels_two_at_a_time(logits, labels):
    """Labels' memory read as int64: of int32 ones two are taken for one."""
    if labels.dtype == torch.int32 and labels.numel():
        labels = torch.cat([labels, labels]).view(torch.int64)[: len(labels)] % logits.shape[-1]
    return -labelled(torch.log_softmax(logits, -1), labels)


@implements("softmax", framework="torch")
@kind("one dtype")
def softmax_float16_shifts_in_place(logits, axis):
    """In float16 alone the maximum is taken off in the caller's memory."""
    p = torch.softmax(logits, axis)
    if logits.dtype == torch.float16 and not logits.requires_grad:
        logits.sub_(logits.amax(axis, keepdim=True))
    return p


@implements("log_softmax", framework="torch")
@kind("process")
def log_softmax_turns_gradients_off(logits, axis):
    """Gradients turned off around a temporary, and not on again."""
    y = torch.log_softmax(logits, axis)
    torch.set_grad_enabled(False)
    return y
