"""Wrong implementations on purpose: what the judges must catch. Each is a mistake that somebody has shipped."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.model import Array, Inputs, Op, Quantity
from tests.made import textbook


@dataclass(frozen=True)
class Fault:
    """A wrong implementation, the question that shows it, and the verdict it earns, if any."""

    op: str
    quantity: Quantity
    family: str
    dtype: str
    answer: Callable[[Inputs, Array], Array]  # inputs and the correctly rounded answer in, answer out
    verdict: str | None = None


FAULTS: dict[str, Fault] = {}


def fault(op, quantity, family, dtype="float32", verdict=None):
    """Register a wrong implementation under its name."""

    def register(answer):
        FAULTS[answer.__name__] = Fault(op, quantity, family, dtype, answer, verdict)
        return answer

    return register


def one_changed(right, change, where=None):
    """Return a copy with one element changed: the largest, unless told which."""
    got = right.copy()
    index = np.unravel_index(int(np.abs(got).argmax()) if where is None else where, got.shape)
    got[index] = change(got[index])
    return got


@fault("softmax", "value", "offset", verdict="nan")
def shift_missing(inputs, _right):
    """exp of the logits as they are: inf / inf at large ones."""
    e = np.exp(inputs.logits)
    return e / e.sum(-1, keepdims=True)


@fault("logsumexp", "value", "offset", verdict="overflow")
def shift_missing_in_logsumexp(inputs, _right):
    """log of a sum that overflowed."""
    return np.log(np.exp(inputs.logits).sum(-1))


@fault("sparse_xent", "value", "confident")
def epsilon_inside_log(inputs, _right):
    """-log(p + 1e-7): no loss above 16."""
    p = textbook.answer(Op.of("softmax"), "value", inputs)
    return -np.log(np.take_along_axis(p, inputs.labels[:, None], -1)[:, 0] + np.float32(1e-7))


@fault("softmax", "value", "normal")
def float16_accumulator(inputs, _right):
    """A float32 function whose sum is kept in float16."""
    e = textbook.exp(inputs.logits - inputs.logits.max(-1, keepdims=True))
    return e / textbook.add_up(e.astype(np.float16)).astype(np.float32)


@fault("log_softmax", "value", "normal", "bfloat16")
def cut_below_bfloat16(_inputs, right):
    """Three bits of the significand left of eight."""
    return (right.view(np.uint16) & np.uint16(0xFFE0)).view(right.dtype)


@fault("softmax", "value", "normal", verdict="zero_for_nonzero")
def stale_zero(_inputs, right):
    """One element that was never written."""
    return one_changed(right, lambda _: 0)


@fault("log_softmax", "value", "normal", verdict="wrong_sign")
def sign_flipped(_inputs, right):
    """One element of the other sign."""
    return one_changed(right, lambda y: -y)


@fault("softmax", "value", "normal")
def one_element_off(_inputs, right):
    """One element wrong by 2**-10, relative."""
    return one_changed(right, lambda y: y * np.float32(1 + 2.0**-10))


@fault("softmax", "value", "normal", "float64")
def computed_in_float32(inputs, _right):
    """A float64 function that computes in float32."""
    return textbook.answer(Op.of("softmax"), "value", inputs, "float32")


@fault("softmax", "value", "normal")
def wrong_axis(inputs, _right):
    """The rows normalised along the columns."""
    turned = Inputs(np.ascontiguousarray(inputs.logits.T), None, inputs.upstream.T)
    return textbook.answer(Op.of("softmax"), "value", turned).T


@fault("softmax", "grad_logits", "normal")
def upstream_ignored(inputs, _right):
    """A gradient that takes the incoming one for ones."""
    ones = Inputs(inputs.logits, None, np.ones_like(inputs.upstream))
    return textbook.answer(Op.of("softmax"), "grad_logits", ones)


@fault("sparse_xent", "grad_logits", "normal")
def label_off_by_one(inputs, _right):
    """The class beside the labelled one."""
    beside = Inputs(inputs.logits, (inputs.labels + 1) % inputs.logits.shape[1], inputs.upstream)
    return textbook.answer(Op.of("sparse_xent"), "grad_logits", beside)


@fault("dense_xent", "grad_logits", "normal")
def gradient_of_the_sum(inputs, right):
    """A gradient scaled by the number of rows."""
    return right * np.float32(len(inputs.logits))


@fault("sigmoid_xent", "value", "normal_large")
def clipped_logits(inputs, _right):
    """Logits clipped to +-16, as some losses do to avoid overflow."""
    clipped = Inputs(inputs.logits.clip(-16, 16), inputs.labels, inputs.upstream)
    return textbook.answer(Op.of("sigmoid_xent"), "value", clipped)


@fault("log_sigmoid", "value", "normal_large")
def log_of_sigmoid(inputs, _right):
    """log(sigmoid(x)): 1 - e**-x is rounded to 1 before the logarithm."""
    return np.log(textbook.answer(Op.of("sigmoid"), "value", inputs))
