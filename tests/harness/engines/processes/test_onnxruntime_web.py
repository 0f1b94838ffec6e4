"""ONNX Runtime Web answers the models that the other engines of ONNX are given; skipped where it is not there."""

import numpy as np
import pytest

from harness import adapters
from harness.adapters import NotInstalled
from harness.model import Inputs, Op, Target, Unsupported


@pytest.fixture(scope="module")
def web():
    """Start the engine."""
    pytest.importorskip("onnx")
    try:
        return adapters.load("onnxruntime_web")
    except NotInstalled as missing:
        pytest.skip(str(missing))


def ask(engine, op, logits, upstream, labels=None, mode="opset18", **options):
    """Ask the operator of an op."""
    implementation = next(each for each in engine.implementations() if each.op == op)
    inputs = Inputs(np.array(logits, np.float32), labels, np.array(upstream, np.float32))
    return engine.ask(Op.of(op, **options), "value", inputs, Target(implementation, mode))


@pytest.mark.parametrize("mode", ["opset18", "opset11"])
def test_operators_are_answered_in_every_opset(web, mode):
    """A model of each opset is loaded and run."""
    np.testing.assert_allclose(ask(web, "softmax", [[0, 0, 0, 0]], np.ones((1, 4)), mode=mode), [[0.25] * 4])
    np.testing.assert_allclose(ask(web, "logsumexp", [[1, 1]], [1], mode=mode), [1 + np.log(2)], rtol=1e-6)


def test_sigmoid_is_zero_from_minus_20_on(web):
    """The sigmoid is an approximation that is right to an absolute error alone."""
    np.testing.assert_array_equal(ask(web, "sigmoid", [[-20.0]], [[1]]), [[0.0]])  # exactly 2.06e-9


def test_labels_and_options_reach_the_model(web):
    """Ignored labels are left out; an option that the operator lacks is not asked."""
    labels = np.array([0, 1], np.int64)

    losses = ask(web, "sparse_xent", [[0, 0], [0, 0]], [1, 1], labels, ignore_index=1)

    np.testing.assert_allclose(losses, [np.log(2), 0], rtol=1e-6)
    assert isinstance(ask(web, "sparse_xent", [[0, 0]], [1], labels[:1], label_smoothing=0.1), Unsupported)
