"""TensorFlow.js answers as its users see it; skipped where Node or its packages are not there."""

import numpy as np
import pytest

from harness import adapters
from harness.adapters import NotInstalled
from harness.engines.processes import node
from harness.model import Inputs, Op, Target, Unsupported


@pytest.fixture(scope="module")
def tfjs():
    """Start the engine."""
    try:
        return adapters.load("tfjs")
    except NotInstalled as missing:
        pytest.skip(str(missing))


def ask(engine, mode, quantity, op, logits, labels=None, upstream=None, **options):
    """Ask the first function of an op."""
    implementation = next(each for each in engine.implementations() if each.op == op)
    logits = np.array(logits, np.float32)
    labels = None if labels is None else np.array(labels, np.float32)
    upstream = np.ones_like(logits) if upstream is None else np.array(upstream, np.float32)
    return engine.ask(Op.of(op, **options), quantity, Inputs(logits, labels, upstream), Target(implementation, mode))


def test_modes_are_backends_and_answer_differently(tfjs):
    """The loss of a right answer is right on the cpu backend, and 0 on wasm, whose log1p adds the 1 first."""
    asked = ("value", "sigmoid_xent", [[-20.0, 1.0]], [[0.0, 1.0]])

    assert tfjs.modes == ("cpu", "wasm")
    np.testing.assert_allclose(ask(tfjs, "cpu", *asked), [[2.0611537e-09, 0.31326169]], rtol=1e-6)
    np.testing.assert_allclose(ask(tfjs, "wasm", *asked), [[0.0, 0.31326169]], rtol=1e-6)


@pytest.mark.parametrize("mode", ["cpu", "wasm"])
def test_gradients_are_its_own(tfjs, mode):
    """The gradient of the labels is what TensorFlow.js gives, which is no derivative of its loss."""
    logits, labels = [[0.0, 0.0, 0.0, 0.0]], [[1.0, 0.0, 0.0, 0.0]]

    of_logits = ask(tfjs, mode, "grad_logits", "dense_xent", logits, labels, [2.0])
    of_labels = ask(tfjs, mode, "grad_labels", "dense_xent", logits, labels, [2.0])

    np.testing.assert_allclose(of_logits, [[-1.5, 0.5, 0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(of_labels, [[1.5, -0.5, -0.5, -0.5]], rtol=1e-6)  # the derivative is 2 log 4 each


def test_options_are_asked(tfjs):
    """Smoothing and weights reach the loss; another axis, and a reduction that there is not, are refused."""
    asked = ("cpu", "value", "dense_xent", [[0.0, 3.0], [1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]])
    logits, labels = asked[3:]

    unreduced = ask(tfjs, *asked, [1.0, 1.0])
    smoothed = ask(tfjs, *asked, [1.0, 1.0], label_smoothing=0.5)
    weighed = ask(tfjs, *asked, 1.0, reduction="mean_sampleweight", sample_weight="2 0")

    np.testing.assert_allclose(unreduced, np.log1p(np.exp([3.0, -1.0])), rtol=1e-6)
    np.testing.assert_allclose(smoothed - unreduced, [-0.75, 0.25], rtol=1e-6)
    np.testing.assert_allclose(weighed, unreduced[0], rtol=1e-6)
    assert isinstance(ask(tfjs, "cpu", "value", "softmax", logits, axis=0), Unsupported)
    assert isinstance(ask(tfjs, "cpu", "value", "dense_xent", logits, labels, reduction="mean_valid"), Unsupported)


def test_packages_that_are_missing_are_named(tmp_path, monkeypatch):
    """Without its packages the engine is not installed, and the command is said that puts them there."""
    monkeypatch.setenv(node.HOME, str(tmp_path))
    monkeypatch.setattr(node.shutil, "which", lambda _: "/bin/node")

    with pytest.raises(NotInstalled, match=rf"@tensorflow/tfjs is not in {tmp_path}/tfjs; try: npm ci"):
        adapters.load("tfjs")

    monkeypatch.setattr(node.shutil, "which", lambda _: None)
    with pytest.raises(NotInstalled, match="needs node, which is not on the PATH"):
        adapters.load("tfjs")
