"""Refusals aloud: told from failures by asking the same of plain numbers."""

import numpy as np
import pytest

from harness.adapters import judged
from harness.adapters.numpy import Adapter
from harness.model import Case, Failed, Inputs, Op, Unsupported
from reference.cache import Memory
from suites.judging import ask, refusal
from suites.questions import cases


def narrow(logits):
    """Refuse rows of 64 and more."""
    if logits.shape[-1] >= 64:
        raise ValueError("fewer than 64 classes only")
    return logits / 2


def careful(logits):
    """Refuse large numbers."""
    if np.abs(logits).max() > 1000:
        raise ValueError("too large")
    return logits / 2


def broken(logits):
    """Fail, whatever comes."""
    return logits[10**9]


def outcome(function, case):
    """Ask a function."""
    adapter = Adapter().judging(judged.by_framework([("numpy", "sigmoid", function)])["numpy"], every_mode=True)
    (implementation,) = adapter.implementations()
    target = ask.Target(implementation, "eager")
    return ask.score(adapter, target, ask.Asked(case, Memory().golden))


@pytest.mark.parametrize(
    ("function", "family", "kind"),
    [
        pytest.param(narrow, "normal", Unsupported, id="by length"),
        pytest.param(careful, "offset", Failed, id="by numbers"),
        pytest.param(broken, "normal", Failed, id="an error that nobody means"),
    ],
)
def test_refusal_is_by_shape(function, family, kind):
    """Who raises for plain numbers of the shape refuses the shape; who does not, fails."""
    found = outcome(function, Case(Op.of("sigmoid"), "value", family, "float32", 32, 64))

    assert isinstance(found, kind)
    if isinstance(found, Unsupported):
        assert refusal.reason(found) == "refused aloud: ValueError: fewer than 64 classes only"


def test_frameworks_own_functions_are_not_probed():
    """What a framework raises is stored as it is."""
    got = Failed("raised", "no", "ValueError")

    assert refusal.read(got, Adapter(), Op.of("sigmoid"), None, None) is got


@pytest.mark.parametrize("op", ["sparse_xent", "dense_xent", "sigmoid_xent", "softmax"])
def test_plain_inputs_have_the_shapes(op):
    """Plain inputs differ in numbers alone, and labels are distributions."""
    given = cases.inputs(Case(Op.of(op), "grad_logits", "offset", "bfloat16", 4, 6))

    plain = refusal.plain(Op.of(op), given)

    for name in ("logits", "labels", "upstream"):
        was, now = getattr(given, name), getattr(plain, name)
        assert (was is None) == (now is None)
        assert was is None or (was.shape, was.dtype) == (now.shape, now.dtype)
    if op == "dense_xent":
        assert (plain.labels.astype(float).sum(-1) == 1).all()


def test_plain_labels_follow_the_axis():
    """One-hot labels lie along the axis of the classes."""
    logits = np.zeros((2, 5, 3), np.float32)
    given = Inputs(logits, logits, np.zeros((2, 3), np.float32))

    plain = refusal.plain(Op.of("dense_xent", axis=1, rank=3), given)

    assert (plain.labels.sum(1) == 1).all()


def test_functions_that_do_not_offer_something_refuse_nothing():
    """What is unsupported for want of a parameter is not told as not judged."""
    assert refusal.reason(Unsupported("kernel does not offer softmax(mask=1 1 1 0)")) == ""
