"""The digest of an answer: the same for the same numbers, another for any other bit."""

import hashlib

import ml_dtypes
import numpy as np
import pytest

from harness.scoring import bits

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]


def test_digest_is_of_the_bytes():
    """The digest is the beginning of the SHA-256 of the bytes, so that other programs can make it too."""
    expected = hashlib.sha256(bytes.fromhex("0000803f 00000040")).hexdigest()[:16]

    assert bits.digest(np.array([1.0, 2.0], np.float32)) == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_last_bit_counts(dtype):
    """An answer that differs in one last bit has another digest."""
    answer = np.array([0.5, 1.0, 2.0], dtype)
    other = answer.copy()
    other.view(f"u{other.itemsize}")[1] += 1

    assert bits.digest(other) != bits.digest(answer) == bits.digest(answer.copy())


@pytest.mark.parametrize("dtype", DTYPES)
def test_sign_of_zero_counts(dtype):
    """-0.0 is another answer than 0.0."""
    assert bits.digest(np.array([-0.0], dtype)) != bits.digest(np.array([0.0], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_nan_is_the_same(dtype):
    """The sign and the payload of a nan say nothing; that it is one, does."""
    nan = np.array([1.0, np.nan], dtype)
    other = nan.copy()
    unsigned = other.view(f"u{other.itemsize}")
    unsigned[1] ^= np.array(1 << (8 * other.itemsize - 1) | 1, unsigned.dtype)

    assert np.isnan(other[1])
    assert other.tobytes() != nan.tobytes()
    assert bits.digest(other) == bits.digest(nan) != bits.digest(np.array([1.0, np.inf], dtype))


def test_layout_says_nothing():
    """The same matrix has the same digest however it lies in memory, and a scalar has one as well."""
    matrix = np.arange(12, dtype=np.float32).reshape(3, 4)

    assert bits.digest(np.asfortranarray(matrix)) == bits.digest(matrix) == bits.digest(matrix.astype(">f4"))
    assert bits.digest(matrix.T) != bits.digest(matrix)
    assert len(bits.digest(np.array(1.0, np.float32))) == 16
