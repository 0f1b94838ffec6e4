"""The digest of an answer's bits: equal where two runs gave the same answer, not merely one that is as good."""

from __future__ import annotations

import hashlib

import numpy as np

from harness.model import Array

DIGITS = 16  # hex; two answers that differ share a digest with probability 2**-64


def digest(got: Array) -> str:
    """Return the first digits of the SHA-256 of an answer in its own dtype: in C order, the lowest byte first.

    -0.0 is another answer than 0.0; every nan is the same one, because neither IEEE 754 nor a framework promises the
    sign and the payload of a nan.
    """
    size = got.dtype.itemsize
    plain = np.where(np.isnan(got), np.array(np.nan, got.dtype), got)
    return hashlib.sha256(plain.view(f"u{size}").astype(f"<u{size}", copy=False).tobytes()).hexdigest()[:DIGITS]
