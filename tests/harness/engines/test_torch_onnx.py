"""Torch by way of ONNX: what its exporters make of a loss, as figures."""

import numpy as np
import pytest

from harness import adapters
from harness.model import Failed, Inputs, Op, Target, Unsupported

for needed in ("torch", "onnxscript", "onnxruntime"):
    pytest.importorskip(needed)

PATH = adapters.load("torch_onnx")
NAMES = {
    "log_sigmoid": "logsigmoid",
    "sparse_xent": "cross_entropy",
    "sigmoid_xent": "binary_cross_entropy_with_logits",
}


def ask(mode, op, logits, labels=None, **options):
    """Ask torch's fused function of an op by the path; return its answer, or what became of it."""
    shown = f"torch.onnx.export(torch.nn.functional.{NAMES[op]})"
    asked = next(one for one in PATH.implementations() if (one.op, one.name) == (op, shown))
    given = None if labels is None else np.array(labels)
    inputs = Inputs(np.array(logits, np.float32), given, np.ones(1, np.float32))
    return PATH.ask(Op.of(op, **options), "value", inputs, Target(asked, mode), fits=False)


@pytest.mark.parametrize("mode", ["dynamo", "torchscript"])
def test_log_sigmoid_becomes_the_logarithm_of_a_sigmoid(mode):
    """The exporter writes Log(Sigmoid(x)), and the runtime's Sigmoid is 0: -inf for -20, an infinite loss."""
    assert ask(mode, "log_sigmoid", [[-20.0, 1.0]])[0, 0] == -np.inf
    loss = ask(mode, "sigmoid_xent", [[-20.0, 1.0]], np.zeros((1, 2), np.float32))
    assert not np.isfinite(loss[0, 0])


def test_label_smoothing_is_dropped_by_one_exporter_and_refused_by_the_other():
    """0.2038 is the mean without smoothing; with 0.1 it is 0.9205."""
    question = ("sparse_xent", [[20.0, 0.0, 0.0], [1.0, 2.0, 3.0]], [0, 2])
    given = {"label_smoothing": 0.1, "reduction": "mean"}

    assert ask("dynamo", *question, **given) == pytest.approx(0.2038, abs=1e-4)
    refused = ask("torchscript", *question, **given)
    assert isinstance(refused, Unsupported)
    assert "label_smoothing" in refused.reason


def test_soft_labels_become_a_model_that_is_none():
    """Probabilities are handed to an operator of class indices, without a word; the runtime refuses the model."""
    soft = np.full((1, 2), 0.5, np.float32)
    name = "torch.onnx.export(torch.nn.functional.cross_entropy)"
    asked = next(one for one in PATH.implementations() if (one.op, one.name) == ("dense_xent", name))
    inputs = Inputs(np.zeros((1, 2), np.float32), soft, np.ones(1, np.float32))

    found = PATH.ask(Op("dense_xent"), "value", inputs, Target(asked, "torchscript"))

    assert isinstance(found, Failed)
    assert found.error == "InvalidGraph"
