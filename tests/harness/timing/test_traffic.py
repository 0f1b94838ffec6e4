"""The least traffic of every op, counted by hand, and the time that a limit allows for it."""

import pytest

from harness.model import Case, Op
from harness.ops import OPS
from harness.timing import traffic
from harness.timing.traffic import Bandwidth, Traffic

ROWS, CLASSES = 4, 10
# op: bytes read and written for the value, and for the gradient with the value, of 4 rows of 10 float32 logits:
# an array as large as the logits is 160 bytes, one number a row 16, one class index a row 32
BY_HAND = {
    "softmax": ((160, 160), (320, 320)),
    "log_softmax": ((160, 160), (320, 320)),
    "sigmoid": ((160, 160), (320, 320)),
    "log_sigmoid": ((160, 160), (320, 320)),
    "logsumexp": ((160, 16), (176, 176)),
    "sparse_xent": ((192, 16), (208, 176)),
    "dense_xent": ((320, 16), (336, 176)),
    "sigmoid_xent": ((320, 160), (480, 320)),
    "linear_dense_xent": ((328, 16), (344, 64)),
    "linear_xent": ((200, 16), (216, 64)),  # 3 features: hidden states 48 bytes, a weight 120
}


def case(op, quantity="value", dtype="float32"):
    """Return a small case."""
    return Case(Op.of(op), quantity, "speed/3" if OPS[op].linear else "speed", dtype, ROWS, CLASSES)


@pytest.mark.parametrize("op", [name for name, record in OPS.items() if not record.apart])
def test_least_traffic(op):
    """Every op that can be asked moves what was counted by hand, forward and with its gradient."""
    value, gradient = BY_HAND[op]

    assert traffic.least(case(op)) == Traffic(*value)
    assert traffic.least(case(op, OPS[op].forward_and_backward[1])) == Traffic(*gradient)


def test_gradient_of_labels_is_as_large():
    """The gradient with respect to dense labels moves as much as that with respect to the logits."""
    assert traffic.least(case("dense_xent", "grad_labels")) == traffic.least(case("dense_xent", "grad_logits"))


@pytest.mark.parametrize(("dtype", "size"), [("float16", 2), ("bfloat16", 2), ("float32", 4), ("float64", 8)])
def test_bytes_of_a_number(dtype, size):
    """A softmax moves two numbers an element, whatever they are; the logits are half of it."""
    assert traffic.least(case("softmax", dtype=dtype)).moved == 2 * size * ROWS * CLASSES
    assert traffic.logits_bytes(case("softmax", dtype=dtype)) == size * ROWS * CLASSES


@pytest.mark.parametrize(
    ("moved", "seconds"),
    [(Traffic(100, 100), 10.0), (Traffic(100, 0), 25.0), (Traffic(100, 60), 6.0 + 10.0), (Traffic(0, 0), 0.0)],
)
def test_floor(moved, seconds):
    """What is written is copied at 20 bytes a second, both ways counted; what is only read, read at 4."""
    assert moved.floor_seconds(Bandwidth(copy=20.0, read=4.0)) == pytest.approx(seconds)
