"""A library that somebody else has written: a softmax of three digits."""

import numpy as np

__version__ = "3.1"


def softmax(logits, axis=-1):
    """Return probabilities, rounded."""
    weights = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.round(weights / weights.sum(axis=axis, keepdims=True), 3).astype(logits.dtype)
