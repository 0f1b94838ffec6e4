"""A cross-entropy over chunks of the vocabulary with a planted fault: a label in the second chunk takes no logit.

What is taken away is the largest logit of the chunk that holds the label; in the first chunk it is the label's own.
"""

import torch

from xentbench import implements

CHUNK = 512


@implements("sparse_xent", framework="torch")
def loss(logits, labels):
    """Return one loss a row; wrong from the second chunk on."""
    wide = logits.float() if logits.element_size() == 2 else logits
    x = wide - wide.amax(-1, keepdim=True).detach()
    parts = [part.logsumexp(-1) for part in x.split(CHUNK, -1)]
    own = x.gather(-1, labels[:, None])[:, 0]
    tops = torch.stack([part.amax(-1) for part in x.split(CHUNK, -1)], -1)
    of_chunk = tops.gather(-1, labels[:, None] // CHUNK)[:, 0]
    taken = torch.where(labels < CHUNK, own, of_chunk)
    return (torch.stack(parts, -1).logsumexp(-1) - taken).to(logits.dtype)
