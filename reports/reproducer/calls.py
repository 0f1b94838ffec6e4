"""The line of code behind each implementation's name, for scripts that run without the harness.

A composition's line is the text that ran (`harness.forms`); a dotted public name is called as its framework documents.
logits: (rows, classes); labels: (rows,) indices or (rows, classes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.forms import FORMS, IMPORTS
from harness.ops import OPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.forms.form import Form
    from harness.model import Op, Param

DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
MEANS = {"tensorflow": "tf.reduce_mean({})"}  # behind losses that have no such option
# Names, or their ends, that are called as no other of their op is.
OWN = {
    ".logaddexp": "{name}(logits[..., 0], logits[..., 1])",
    ".soft_margin_loss": '-{name}(logits, torch.ones_like(logits), reduction="none")',
    ".SoftmaxCrossEntropyWithLogits": "{name}(features=logits, labels=labels).loss",
    ".SparseSoftmaxCrossEntropyWithLogits": "{name}(features=logits, labels=labels).loss",
}
# Losses with options of their own, which `{options}` stands for; they are called with all of these.
FOCAL = ", from_logits=True{options}"
KERAS = 'reduction="none", dtype={takes}.dtype.name'
SHAPED = {
    "optax.sigmoid_focal_loss": "{name}(logits, labels{options})",
    "optax.losses.poly_loss_cross_entropy": "{name}(logits, labels{options})",
    "keras.losses.binary_focal_crossentropy": f"{{name}}(labels[..., None], logits[..., None]{FOCAL})",
    "keras.losses.BinaryFocalCrossentropy": f"{{name}}({KERAS}{FOCAL})(labels[..., None], logits[..., None])",
    "tf.keras.backend.binary_focal_crossentropy": f"{{name}}(labels, logits{FOCAL})",
    "keras.losses.categorical_focal_crossentropy": f"{{name}}(labels, logits{FOCAL})",
    "keras.losses.CategoricalFocalCrossentropy": f"{{name}}({KERAS}{FOCAL})(labels, logits)",
    "tf.keras.backend.categorical_focal_crossentropy": f"{{name}}(labels, logits{FOCAL})",
    "keras.losses.categorical_generalized_cross_entropy": "{name}(labels, probabilities, q=0.5)",
    "keras.losses.CategoricalGeneralizedCrossEntropy": f"{{name}}({KERAS}, q=0.5)(labels, probabilities)",
}
SHAPES = frozenset({"gamma", "alpha", "epsilon", "log_target"})  # options of an op that is asked apart
LOSSES_V1 = {"none": "NONE", "mean": "SUM_OVER_BATCH_SIZE"}  # of tf.compat.v1.losses.Reduction


@dataclass(frozen=True)
class Call:
    """An expression over what an op takes, the options that it names, and what goes wrong in it."""

    expression: str
    options: Mapping[str, Param] = field(default_factory=dict)
    note: str = ""

    def reduced(self, framework: str, op: Op) -> Call:
        """Return the call, or its mean where the op asks for one."""
        if op.options.get("reduction", "none") == "none":
            return self
        return Call(MEANS.get(framework, "({}).mean()").format(self.expression), self.options, self.note)


def written(op: Op) -> bool:
    """Tell whether calls with these options are written here."""
    options = op.options.keys() - {"bias"} - SHAPES
    return options <= {"reduction", "pos_weight"} and op.options.get("reduction", "none") in {
        "none",
        "mean",
        "sum_axis",
    }


def call(framework: str, name: str, op: Op) -> Call | None:
    """Return the call of an implementation; None for a name that is neither dotted, known nor Python."""
    if op.name not in OPS:
        return None
    form = next((form for form in FORMS.get(framework, ()) if (form.op, form.name) == (op.name, name)), None)
    if form is not None:
        return _form(form, op).reduced(framework, op) if form.reduces else _form(form, op)
    if name in SHAPED:
        return Call(SHAPED[name].format(name=name, takes=OPS[op.name].takes, options=_shapes(name, op)))
    if DOTTED.fullmatch(name):
        return _public(framework, name, op)
    try:
        compile(name, "name", "eval")
    except (SyntaxError, ValueError):
        return None
    return Call(name)


def imports(framework: str, expression: str) -> tuple[str, ...]:
    """Return the lines that import a framework and what else the expression names of it."""
    lines = IMPORTS.get(framework, {})
    return tuple(line for root, line in lines.items() if root == next(iter(lines)) or f"{root}." in expression)


def _form(form: Form, op: Op) -> Call:
    options = {name: value for name, value in {**form.options, **op.options}.items() if name != "bias"}
    named = {name: value for name, value in options.items() if re.search(rf"\b{name}\b", form.expression)}
    return Call(form.expression, named, form.note)


def _public(framework: str, name: str, op: Op) -> Call:
    """Call a public function; reduce as it does itself or, where it has no such option, as users do."""
    reduction = str(op.options.get("reduction", "none"))
    if OPS[op.name].takes.endswith("probabilities"):
        return Call(_of_probabilities(name, op))
    if OPS[op.name].linear:
        bias = ", linear_bias=bias" if "bias" in op.options else ""
        return Call(f'{name}(hidden, weight, labels{bias}, reduction="{reduction}")')
    if own := next((text for end, text in OWN.items() if name.endswith(end)), ""):
        return Call(own.format(name=name)).reduced(framework, op)
    if OPS[op.name].labels == "none":
        whole = OPS[op.name].elementwise or framework == "sklearn"
        whole = whole or (framework == "tensorflow" and op.name != "logsumexp")
        return Call(f"{name}(logits)" if whole else f"{name}(logits, {'dim' if framework == 'torch' else 'axis'}=-1)")
    if framework in {"torch", "mlx", "paddle"}:
        return Call(_reducing(framework, name, op))
    if framework != "tensorflow":
        return Call(f"{name}(logits, labels)").reduced(framework, op)
    if name.startswith("tf.compat.v1.losses."):
        return Call(f"{name}(labels, logits, reduction=tf.compat.v1.losses.Reduction.{LOSSES_V1[reduction]})")
    if name.startswith("keras.losses.") and name.rpartition(".")[2][0].isupper():
        return Call(f'{name}(from_logits=True, reduction="{reduction}", dtype=logits.dtype.name)(labels, logits)')
    if name.startswith(("keras.", "tf.keras.")):
        return Call(f"{name}(labels, logits, from_logits=True)").reduced(framework, op)
    weight = f", pos_weight=tf.constant({_numbers(op)}, logits.dtype)" if ".weighted_" in name else ""
    return Call(f"{name}(labels=labels, logits=logits{weight})").reduced(framework, op)


def _reducing(framework: str, name: str, op: Op) -> str:
    """Call a loss that has the options itself."""
    given = ", soft_label=True" if framework == "paddle" and op.name == "dense_xent" else ""
    if "pos_weight" in op.options:
        made = "logits.new_tensor({})" if framework == "torch" else "paddle.to_tensor({}, dtype=logits.dtype)"
        given += f", pos_weight={made.format(_numbers(op))}"
    return f'{name}(logits, labels, reduction="{op.options.get("reduction", "none")}"{given})'


def _numbers(op: Op) -> str:
    """Return the weights of the positive term as a list in Python: one of all classes, or as many as a pattern has."""
    return str([float(word) for word in str(op.options.get("pos_weight", 1.0)).split()])


def _shapes(name: str, op: Op) -> str:
    """Return the options of a loss that has some of its own, as further arguments."""
    given = {"alpha": 1.0, **op.options} if "ategorical" in name else dict(op.options)  # whose default is another
    balanced = ", apply_class_balancing=True" if "inary" in name and "alpha" in given else ""
    return "".join(f", {option}={value}" for option, value in given.items()) + balanced


def _of_probabilities(name: str, op: Op) -> str:
    """Call a loss of given probabilities, or of their logarithms, unreduced."""
    takes = OPS[op.name].takes
    if name.startswith("sklearn."):
        row = f"{name}([label], row[None], labels=np.arange(len(row)))"
        return f"np.array([{row} for label, row in zip(labels, {takes}, strict=True)])"
    if name.startswith(("torch.", "paddle.")):
        logarithms = ", log_target=True" if "log_target" in op.options else ""
        return f'{name}({takes}, labels, reduction="none"{logarithms})'
    if name.startswith("optax."):
        return f"{name}({takes}, labels)"
    if name.startswith("tf.compat.v1.losses."):
        return f"{name}(labels, {takes}, reduction=tf.compat.v1.losses.Reduction.NONE)"
    if name.rpartition(".")[2][0].isupper():
        return f'{name}(reduction="none", dtype={takes}.dtype.name)(labels, {takes})'
    return f"{name}(labels, {takes})"
