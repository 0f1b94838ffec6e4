"""The content hash of a question, the file of its golden, and a golden's decimal digits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from harness.model import Array, Golden, Inputs, Op, Quantity

SAFE = 500  # |exponent| up to which hi, lo and their product with an ulp are normal float64 numbers

Certify = Callable[[Op, Quantity, Inputs], Golden]  # answers ops without options
Audited = Callable[[Op, Quantity, Inputs, float], Golden]  # the same, with the share of rows that the arbiter redoes
Piece = tuple[Array, Array, Array, Array]  # hi, lo, exponent, relative radius; flat


def content(op: Op, quantity: Quantity, inputs: Inputs) -> str:
    """Return the SHA-256 of a question: op, options, quantity, and the dtype, shape and bytes of every input."""
    digest = hashlib.sha256(f"{op}/{quantity}".encode())
    for array in (inputs.logits, inputs.labels, None if quantity == "value" else inputs.upstream):
        if array is not None:
            little = np.ascontiguousarray(array)
            digest.update(f"/{little.dtype.name}{little.shape}".encode())
            digest.update(little.reshape(-1).view(np.uint8).data)  # Note: little-endian hosts only, as the frameworks
    return digest.hexdigest()


def join(pieces: Sequence[Piece], shape: tuple[int, ...]) -> Golden:
    """Put the rows together; exponents are folded into hi and lo where all are safe there."""
    hi, lo, exponent, radius = (np.concatenate(part) for part in zip(*pieces, strict=True))
    widest = float(radius.max(initial=0.0))
    if (np.abs(exponent) < SAFE).all():
        return Golden(np.ldexp(hi, exponent).reshape(shape), np.ldexp(lo, exponent).reshape(shape), None, widest)
    return Golden(hi.reshape(shape), lo.reshape(shape), exponent.reshape(shape), widest)


def read(path: Path) -> Golden:
    """Read a golden's file."""
    with np.load(path) as stored:
        return Golden(stored["hi"], stored["lo"], stored.get("exponent"), float(stored["radius"]))


def write(path: Path, golden: Golden) -> None:
    """Write a golden's file; another process sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Any] = {"hi": golden.hi, "lo": golden.lo, "radius": np.float64(golden.radius)}
    if golden.exponent is not None:
        parts["exponent"] = golden.exponent
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **parts)
    temporary.replace(path)


def digits(golden: Golden, index: tuple[int, ...], count: int = 30) -> str:
    """Return an exact value in decimal, to `count` significant digits or as many as its radius certifies."""
    if golden.radius:
        count = min(count, int(-np.log10(golden.radius)))
    exponent = 0 if golden.exponent is None else int(golden.exponent[index])
    with mpmath.workprec(max(160, 4 * count)):
        value = mpmath.mpf(float(golden.hi[index])) + mpmath.mpf(float(golden.lo[index]))
        return str(mpmath.nstr(mpmath.ldexp(value, exponent), count))
