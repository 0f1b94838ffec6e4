"""ONNX's engines: what they are asked, and what they were found to answer, as figures."""

import ml_dtypes
import numpy as np
import pytest

from harness import adapters
from harness.model import Inputs, Op, Target, Unsupported
from suites.questions import cases, presets

pytest.importorskip("onnxruntime")

ONNXRUNTIME, REFERENCE = adapters.load("onnxruntime"), adapters.load("onnx")
ENGINES = {"onnxruntime": ONNXRUNTIME, "onnx": REFERENCE}
OPERATORS = {
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "logsumexp": "ReduceLogSumExp",
    "sigmoid": "Sigmoid",
    "sparse_xent": "SoftmaxCrossEntropyLoss",
}


def ask(engine, op, logits, labels=None, mode="newest", dtype="float32", **options):
    """Ask an operator of an engine; return its answer, or what became of it."""
    root = {"onnxruntime": "onnxruntime", "onnx": "onnx.reference"}[engine]
    name = f"{root}.{OPERATORS[op]}"
    adapter = ENGINES[engine]
    asked = next(one for one in adapter.implementations() if (one.op, one.name) == (op, name))
    inputs = Inputs(np.array(logits, dtype), None if labels is None else np.array(labels), np.ones(1, dtype))
    return adapter.ask(Op.of(op, **options), "value", inputs, Target(asked, mode), fits=False)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("mode", ["newest", "opset18", "opset17", "opset13", "opset11"])
def test_operators_answer_in_every_opset(engine, mode):
    """Each operator is right for small logits in each opset; a loss that an opset has not is unsupported."""
    logits = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, -1.0]])
    whole = np.log(np.exp(logits).sum(axis=1))

    assert ask(engine, "logsumexp", logits, mode=mode) == pytest.approx(whole)
    assert ask(engine, "log_softmax", logits, mode=mode) == pytest.approx(logits - whole[:, None], abs=1e-6)
    loss = ask(engine, "sparse_xent", logits, [2, 0], mode=mode)
    if mode == "opset11":
        assert loss == Unsupported("opset 11 has no operator SoftmaxCrossEntropyLoss")
    else:
        assert loss == pytest.approx(whole - [2, 1], abs=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_options_of_the_loss_mean_what_they_say(engine):
    """The mean is over the weights of the labels that are not ignored."""
    logits, labels = np.zeros((4, 4)), [0, 1, -100, 3]
    given = {"class_weight": "1 2 0 4", "ignore_index": -100, "reduction": "mean_classweight"}

    assert ask(engine, "sparse_xent", logits, labels, **given) == pytest.approx(np.log(4))
    assert ask(engine, "sparse_xent", logits, labels, ignore_index=-100) == pytest.approx(
        np.log(4) * np.array([1, 1, 0, 1])
    )
    refused = ask(engine, "sparse_xent", logits, labels, ignore_index=-100, reduction="mean")
    assert refused == Unsupported("reduction is 'mean', expected one of 'none', 'sum', 'mean_valid'")


def test_softmax_of_an_old_opset_takes_the_last_axis_alone():
    """Before opset 13 an axis stands for all from it on, which is another function."""
    logits = np.zeros((2, 3, 4))

    assert ask("onnxruntime", "softmax", logits, axis=1, rank=3) == pytest.approx(np.full((2, 3, 4), 1 / 3))
    assert isinstance(ask("onnxruntime", "softmax", logits, mode="opset11", axis=1, rank=3), Unsupported)
    assert ask("onnxruntime", "softmax", logits, mode="opset11", axis=2, rank=3) == pytest.approx(
        np.full((2, 3, 4), 0.25)
    )


def test_types_without_kernels_are_unsupported():
    """Where the runtime says that it has no kernel, that is no failure."""
    found = ask("onnxruntime", "sigmoid", [[0.0]], dtype=ml_dtypes.bfloat16)

    assert isinstance(found, Unsupported)
    assert "Could not find an implementation" in found.reason


def test_sigmoid_of_onnxruntime_vanishes():
    """It is exactly 0 from -18 on, where the sigmoid is 1.5e-8."""
    assert ask("onnxruntime", "sigmoid", [[-20.0]])[0, 0] == 0
    assert ask("onnx", "sigmoid", [[-20.0]])[0, 0] == pytest.approx(2.0611536e-9)


def test_log_softmax_of_the_reference_evaluator_is_the_logarithm_of_a_softmax():
    """It is -inf from a gap of 104 on."""
    assert ask("onnx", "log_softmax", [[0.0, -110.0]])[0, 1] == -np.inf
    assert ask("onnxruntime", "log_softmax", [[0.0, -110.0]])[0, 1] == -110


def test_swamp_is_lost_by_the_kernel_and_kept_by_the_definition():
    """One 0 and 100 000 times -17: the kernel's sum stands at 1; what overflows at 710 adds up in double."""
    swamp = np.array([[0.0] + [-17.0] * 100_000])

    assert ask("onnxruntime", "logsumexp", swamp, mode="opset18")[0] == 0
    assert ask("onnx", "logsumexp", swamp)[0] == pytest.approx(0.0041314, rel=1e-3)
    assert ask("onnxruntime", "logsumexp", [[710.0, 0.0]], mode="opset18")[0] == 710
    if ONNXRUNTIME.environment("cpu")["newest opset"] == "28":
        assert ask("onnxruntime", "logsumexp", swamp)[0] == pytest.approx(0.0041314, rel=1e-3)
        assert ask("onnxruntime", "logsumexp", [[710.0, 0.0]])[0] == np.inf


def test_gradients_are_not_asked():
    """A model for inference has none, and is not asked for them; nor in a dtype that it does not take."""
    asked = [case for case in cases.cases(presets.PRESETS["quick"]) if ONNXRUNTIME.asked(case)]

    assert {case.quantity for case in asked} == {"value"}
    assert {case.dtype for case in asked} == {"float16", "float32", "float64"}
    inputs = Inputs(np.zeros((1, 2), np.float32), None, np.ones((1, 2), np.float32))
    target = Target(ONNXRUNTIME.implementations()[0], "newest")
    assert ONNXRUNTIME.ask(Op("softmax"), "grad_logits", inputs, target) == Unsupported("onnxruntime has no gradients")
