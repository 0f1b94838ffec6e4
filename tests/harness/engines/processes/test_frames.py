"""Messages come back as they were written, and what is none is refused with a word of what came."""

import io

import ml_dtypes
import numpy as np
import pytest

from harness.engines.processes import frames
from harness.engines.processes.frames import Broken, Ended, Message, read


def back(text):
    """Read a message from bytes."""
    return read(io.BytesIO(text))


@pytest.mark.parametrize("dtype", frames.DTYPES)
def test_arrays_come_back(dtype):
    """Every dtype travels bit for bit, in any number of axes."""
    arrays = {"a": np.arange(6).reshape(2, 3).astype(dtype), "b": np.array(1).astype(dtype)}

    got = back(Message("ask", 7, (("option", "axis -1"), ("mode", "cpu")), arrays).bytes)

    assert (got.kind, got.number, got.lines) == ("ask", 7, (("option", "axis -1"), ("mode", "cpu")))
    assert list(got.arrays) == ["a", "b"]
    for name, array in arrays.items():
        assert got.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(got.arrays[name], array)


def test_bytes_are_as_documented():
    """The bytes are those of the document, whoever writes them, on a machine of either byte order."""
    array = np.array([[1.0, -2.0]], ">f4")

    assert Message("answer", 3, (), {"value": array}).bytes == (
        b"answer 3\narray value float32 1 2\n\n\x00\x00\x80\x3f\x00\x00\x00\xc0"
    )
    assert back(b"answer 3\narray value bfloat16 1\n\n\x80\x3f").arrays["value"].tolist() == [1.0]
    assert np.dtype(ml_dtypes.bfloat16).itemsize == 2


def test_messages_follow_one_another():
    """A message takes what is its own, and no more."""
    one, other = Message("answer", 1, (), {"value": np.ones(2)}), Message("failed", 2, (("why", "no room"),))
    stream = io.BytesIO(one.bytes + other.bytes)

    assert read(stream).number == 1
    assert read(stream).every("why") == ("no room",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"Hello, world\n\n", "line is 'Hello, world', expected a kind and a number"),
        (b"\n", "line is empty"),
        (b"answer seven\n\n", "'answer seven'"),
        (b"answer -1\n\n", "'answer -1'"),
        (b"\x1b[2Janswer\n\n", r"\\x1b[2Janswer"),
        (b"answer 1\narray value float80 2\n\n", "array is 'value float80 2', expected a name, one of float16"),
        (b"answer 1\narray value\n\n", "array is 'value'"),
        (b"answer 1\narray\n\n", "array is ''"),
        (b"answer 1\narray value float32 2 x\n\n", "'value float32 2 x'"),
        (b"answer 1\narray value float32 1000000 1000000\n\n", "expected 2147483648 bytes at most"),
        (b"answer 1\narray value float32 0 999999999999999999 9\n\n", "expected 2147483648 bytes at most"),
        (b"answer 1\narray value float32" + b" 1" * 9 + b"\n\n1234", "the lengths of up to 8 axes"),
        (b"answer 1\n" + b"a b\n" * 10_001, "more than 10000 lines"),
        (b"x" * 70_000, "longer than 65536 bytes"),
    ],
)
def test_what_is_no_message_is_refused(text, says):
    """What came is shown, in signs that can be printed, beside what was expected."""
    with pytest.raises(Broken) as caught:
        back(text)

    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"answer 1",
        b"answer 1\n",
        b"answer 1\narray value float32 2\n",
        b"answer 1\narray value float32 2\n\n1234567",
    ],
)
def test_a_stream_that_ends_early_is_no_message(text):
    """The end of a stream is told apart from what is no message."""
    with pytest.raises(Ended):
        back(text)
