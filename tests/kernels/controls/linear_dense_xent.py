"""Correct linear_dense_xent kernels that are written unusually."""

import torch

from harness.adapters import implements


def wide(array):
    """Return an array in float32, or wider as it is."""
    return array if array.dtype == torch.float64 else array.float()


@implements("linear_dense_xent", framework="torch")
def linear_dense_xent_with_every_option(
    hidden, weight, labels, *, bias=None, class_weight=None, reduction="none", label_smoothing=0.0
):
    """The loss of widened logits, chunk after chunk of the rows, with all that torch's own takes."""
    widened, given = wide(weight), None if class_weight is None else wide(class_weight)
    losses = []
    for rows, some in zip(hidden.split(3), labels.split(3), strict=True):
        logits = wide(rows) @ widened.T
        if bias is not None:
            logits = logits + wide(bias)
        losses.append(
            torch.nn.functional.cross_entropy(
                logits, wide(some), weight=given, reduction="none", label_smoothing=label_smoothing
            )
        )
    every = torch.cat(losses)
    return {"none": every, "sum": every.sum(), "mean": every.mean()}[reduction].to(hidden.dtype)
