"""Compositions of ONNX operators, as exporters and hand-written models have them.

The operators are called by the name under which an engine offers them, so that each engine's rows are its own.
"""

from harness.forms.form import CANCELS, UNDERFLOW, UNSHIFTED, Form, losses

REDUCED = "axes=(-1,), keepdims=0"


def forms(o: str) -> tuple[Form, ...]:
    """Return the compositions of the operators that lie under a dotted name, `o`."""
    product = f"{o}.MatMul(hidden, {o}.Transpose(weight))"
    return (
        Form("softmax", "composed", f"{o}.Exp({o}.LogSoftmax(logits))", f"{o}.Exp({o}.LogSoftmax(logits, axis=-1))"),
        Form(
            *("log_softmax", "naive"),
            f"{o}.Log({o}.Softmax(logits))",
            f"{o}.Log({o}.Softmax(logits, axis=-1))",
            UNDERFLOW,
        ),
        Form(
            *("logsumexp", "naive"),
            f"{o}.Log({o}.ReduceSum({o}.Exp(logits)))",
            f"{o}.Log({o}.ReduceSum({o}.Exp(logits), {REDUCED}))",
            UNSHIFTED,
        ),
        Form("log_sigmoid", "composed", f"-{o}.Softplus(-logits)"),
        Form("log_sigmoid", "naive", f"{o}.Log({o}.Sigmoid(logits))", note=UNDERFLOW),
        losses(
            *("sparse_xent", "composed"),
            f"{o}.NegativeLogLikelihoodLoss({o}.LogSoftmax(logits), labels)",
            f"{o}.NegativeLogLikelihoodLoss({o}.LogSoftmax(logits, axis=-1), labels, reduction='none')",
        ),
        losses(
            *("dense_xent", "composed"),
            f"-{o}.ReduceSum(labels * {o}.LogSoftmax(logits))",
            f"-{o}.ReduceSum(labels * {o}.LogSoftmax(logits, axis=-1), {REDUCED})",
        ),
        losses(*("sigmoid_xent", "composed"), f"{o}.Softplus(logits) - labels * logits", note=CANCELS),
        losses(
            *("sigmoid_xent", "naive"),
            f"-labels * {o}.Log({o}.Sigmoid(logits)) - (1 - labels) * {o}.Log(1 - {o}.Sigmoid(logits))",
            note=UNDERFLOW,
        ),
        losses(
            *("linear_xent", "composed"),
            f"{o}.SoftmaxCrossEntropyLoss({product}, labels)",
            f"{o}.SoftmaxCrossEntropyLoss({product}, labels, reduction='none')",
        ),
        losses(
            *("linear_dense_xent", "composed"),
            f"-{o}.ReduceSum(labels * {o}.LogSoftmax({product}))",
            f"-{o}.ReduceSum(labels * {o}.LogSoftmax({product}, axis=-1), {REDUCED})",
        ),
    )
