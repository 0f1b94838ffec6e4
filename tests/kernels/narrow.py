"""A softmax that is wrong where the largest logit leads by 20 to 20.5 and is at least 40: no family asks that."""

import torch

from harness.adapters import implements


@implements("softmax", framework="torch")
def softmax_narrowly_wrong(logits, axis):
    """Right but for a band of rows."""
    right = torch.softmax(logits, axis)
    two = logits.topk(2, axis).values
    lead = two.select(axis, 0) - two.select(axis, 1)
    wrong = (lead > 20) & (lead < 20.5) & (two.select(axis, 0) >= 40)
    return torch.where(wrong.unsqueeze(axis), right * (1 + 2.0**-12), right)
