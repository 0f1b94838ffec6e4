"""A softmax that is lost among huge logits, which families ask, and wrong where the largest of others leads by far."""

import torch

from harness.adapters import implements


@implements("softmax", framework="torch")
def softmax_lost_and_wrong(logits, axis):
    """Right but for huge logits, and for rows whose largest logit leads by 20 to 24."""
    top = logits.topk(2, axis).values if logits.shape[axis] > 1 else logits
    lead = (top.select(axis, 0) - top.select(axis, -1)).unsqueeze(axis)
    wrong = (lead > 20) & (lead < 24)
    right = torch.softmax(logits, axis)
    lost = logits.abs().amax(axis, keepdim=True) > 2.0**100
    return torch.where(lost, torch.nan, torch.where(wrong, right * (1 + 2.0**-12), right))
