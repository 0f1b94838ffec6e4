"""The content hash of a question, the file of its golden, and a golden's decimal digits."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import mpmath
import numpy as np

from harness.model import Array, Golden, Inputs, Op, Quantity

LEVEL = 1  # of zlib: digits of exact values hardly pack, and where a sample says so they are stored as they are
SAMPLE, PACKS = 2048, 0.8  # bytes of hi and of lo, and the share that they must come down to
SAFE = 500  # |exponent| up to which hi, lo and their product with an ulp are normal float64 numbers

Certify = Callable[[Op, Quantity, Inputs], Golden]  # answers ops without options
Audited = Callable[[Op, Quantity, Inputs, float], Golden]  # the same, with the share of rows that the arbiter redoes
Piece = tuple[Array, Array, Array, Array]  # hi, lo, exponent, relative radius; flat


def content(op: Op, quantity: Quantity, inputs: Inputs) -> str:
    """Return the SHA-256 of a question: op, options, quantity, and the dtype, shape and bytes of every input."""
    digest = hashlib.sha256(f"{op}/{quantity}".encode())
    upstream = None if quantity == "value" else inputs.upstream
    for array in (inputs.logits, inputs.labels, inputs.weight, inputs.bias, upstream):
        if array is not None:
            little = np.ascontiguousarray(array)
            digest.update(f"/{little.dtype.name}{little.shape}".encode())
            digest.update(little.reshape(-1).view(np.uint8).data)  # Note: little-endian hosts only, as the frameworks
    return digest.hexdigest()


def shape(quantity: Quantity, inputs: Inputs) -> tuple[int, ...]:
    """Return the shape of a golden: of the value, or of what a gradient is of."""
    return inputs.like(quantity).shape


def join(pieces: Sequence[Piece], shape: tuple[int, ...]) -> Golden:
    """Put the rows together; exponents are folded into hi and lo where all are safe there."""
    hi, lo, exponent, radius = (np.concatenate(part) for part in zip(*pieces, strict=True))
    widest = float(radius.max(initial=0.0))
    if not exponent.any():
        return Golden(hi.reshape(shape), lo.reshape(shape), None, widest)
    if (np.abs(exponent) < SAFE).all():
        return Golden(np.ldexp(hi, exponent).reshape(shape), np.ldexp(lo, exponent).reshape(shape), None, widest)
    return Golden(hi.reshape(shape), lo.reshape(shape), exponent.reshape(shape), widest)


def write(path: Path, name: str, golden: Golden) -> None:
    """Write a golden's file, its name in it; another process sees all of it or nothing. Raises OSError, with a path.

    Note: not synchronised with the disk, which takes longer than many a golden: what a power cut leaves of a file is
    told by its digest, and made anew.
    """
    exponent = golden.exponent
    parts = [golden.hi, golden.lo, *([] if exponent is None else [exponent])]
    values = _packed(b"".join(np.ascontiguousarray(part).tobytes() for part in parts))
    head = {"name": name, "shape": golden.hi.shape, "radius": golden.radius, "exponent": exponent is not None}
    text = json.dumps(head).encode()
    keep(path, b"\n".join((_digest(text, values), text, values)))


def keep(path: Path, content: bytes) -> None:
    """Write a file; another process sees all of it or nothing. Raises OSError, with a path."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _packed(values: bytes) -> bytes:
    """Return values as a stream of zlib's, packed if their middle and end look as though that were worth its time."""
    middle = len(values) // 2
    sample = values[max(middle - SAMPLE, 0) : middle] + values[-SAMPLE:]
    return zlib.compress(values, LEVEL if len(zlib.compress(sample, LEVEL)) <= PACKS * len(sample) else 0)


def read(path: Path, name: str, shape: tuple[int, ...]) -> Golden | None:
    """Read the golden of a name and shape; None where its file is damaged, or another one's.

    Raises OSError for one that cannot be opened.
    """
    digest, _, rest = path.read_bytes().partition(b"\n")
    text, _, values = rest.partition(b"\n")
    if digest != _digest(text, values):
        return None
    head = json.loads(text)
    if (head["name"], tuple(head["shape"])) != (name, shape):
        return None
    numbers = np.frombuffer(zlib.decompress(values), np.float64).reshape(-1, *shape)
    exponent = numbers[2].view(np.int64) if head["exponent"] else None
    return Golden(numbers[0], numbers[1], exponent, head["radius"])


def _digest(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"\n".join(parts), digest_size=16).hexdigest().encode()


def digits(golden: Golden, index: tuple[int, ...], count: int = 30) -> str:
    """Return an exact value in decimal, to `count` significant digits or as many as its radius certifies."""
    if golden.radius:
        count = min(count, int(-np.log10(golden.radius)))
    exponent = 0 if golden.exponent is None else int(golden.exponent[index])
    return _decimal(float(golden.hi[index]), float(golden.lo[index]), exponent, count)


@lru_cache(maxsize=1024)  # many targets of a case are furthest off in the same element
def _decimal(hi: float, lo: float, exponent: int, count: int) -> str:
    with mpmath.workprec(max(160, 4 * count)):
        return str(mpmath.nstr(mpmath.ldexp(mpmath.mpf(hi) + mpmath.mpf(lo), exponent), count))
