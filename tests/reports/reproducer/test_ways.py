"""Scripts of engines: a model of one operator, a function that is exported, and a program that is asked by its pipe."""

import os
import shlex
import sys
from importlib.util import find_spec

import pytest

from tests.conftest import ROOT
from tests.reports.reproducer.test_script import result, run, ulps

OPERATORS = {
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "logsumexp": "ReduceLogSumExp",
    "sigmoid": "Sigmoid",
    "sparse_xent": "SoftmaxCrossEntropyLoss",
}
RUNTIMES = {  # by the dotted name that operators lie under
    "onnx.reference": ("newest", "opset17"),
    "onnxruntime": ("newest", "opset13", "unoptimised"),
    "openvino": ("newest", "unhinted", "opset18"),
}
LOSS, PROBABILITIES = "torch.nn.functional.cross_entropy", "torch.softmax"
EXPORTED = {  # what one process asks: engine and mode, function of the source, op and quantity
    "torch": (
        *((("torch_export", mode), LOSS, "sparse_xent", "grad_logits") for mode in ("export", "trace")),
        (("torch_export", "export"), PROBABILITIES, "softmax", "value"),
        *((("torch_onnx", mode), LOSS, "sparse_xent", "value") for mode in ("dynamo", "torchscript")),
    ),
    "tensorflow": (
        *(
            (("jax_export", mode), "optax.softmax_cross_entropy", "dense_xent", quantity)
            for mode in ("reimported", "tensorflow")
            for quantity in ("value", "grad_logits")
        ),
        *((("saved_model", "loaded"), "tf.nn.softmax", "softmax", quantity) for quantity in ("value", "grad_logits")),
    ),
}
NEEDED = {"torch": ("torch",), "tensorflow": ("tensorflow", "jax", "optax")}


def need(*packages):
    """Skip where a package is missing."""
    if missing := [name for name in packages if find_spec(name) is None]:
        pytest.skip(f"{missing[0]} is not installed, expected the extra of an engine; try: nox -s tests")


@pytest.mark.parametrize("root", RUNTIMES)
def test_operator_is_asked_in_a_model_of_its_own(root, tmp_path):
    """The script writes the model by onnx.helper, in the opset of the mode, and runs it as the engine does."""
    engine = root.partition(".")[0]
    need("onnx", engine)
    asked = [
        result(engine, op, f"{root}.{operator}", mode=mode)
        for op, operator in OPERATORS.items()
        for mode in RUNTIMES[root]
    ]

    said = run(asked, tmp_path)

    assert [text for text in said if ulps(text) > 50] == []


@pytest.mark.parametrize(
    "framework",
    [
        "torch",
        pytest.param(
            "tensorflow",
            marks=pytest.mark.skipif(
                "XENTBENCH_SLOW" not in os.environ, reason="jax and TensorFlow take six seconds; set XENTBENCH_SLOW=1"
            ),
        ),
    ],
)
def test_function_is_exported_on_the_way(framework, tmp_path):
    """The script calls the source's function by its own name, exports it, and asks what was exported."""
    need(*NEEDED[framework])
    there = find_spec("onnxruntime") and find_spec("onnxscript")
    asked = [
        result(engine, op, f"path({name})", mode=mode, quantity=quantity)
        for (engine, mode), name, op, quantity in EXPORTED[framework]
        if there or engine != "torch_onnx"
    ]

    said = run(asked, tmp_path)

    assert [text for text in said if ulps(text) > 50] == []


def test_program_is_asked_by_the_protocol(tmp_path):
    """The script starts the program by its command and speaks with it; where it gives no answer, its reason is told."""
    asked = [
        result("mine", "sigmoid", "my.sigmoid", mode="plain", dtype="float64", quantity=quantity)
        for quantity in ("value", "grad_logits")
    ]
    right, refuses = (
        {"program": shlex.join((sys.executable, str(ROOT / "tests" / "made" / "program.py"), behaviour))}
        for behaviour in ("right", "refuses")
    )

    said = run(asked, tmp_path, right)

    assert [text for text in said if ulps(text) > 4] == []
    assert "unsupported 1 why not for me" in run(asked[:1], tmp_path, refuses)[0]
