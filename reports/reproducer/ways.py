"""Ways to an answer beside a call of a function: one that is exported, an operator in a model, a pipe to a program."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.ops import one_a_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.model import Op, Param, Target

FRAMEWORKS = frozenset({"jax", "mlx", "paddle", "tensorflow", "torch"})  # with a template of their own
# Paths out of a framework, whose functions they name in parentheses behind their own name.
SOURCES = {"jax_export": "jax", "saved_model": "tensorflow", "torch_export": "torch", "torch_onnx": "torch"}
# What they need, and import beside the source, by the path and its mode or by the path alone.
BESIDE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "jax_export": ("jax", ("from jax import export",)),
    "jax_export:tensorflow": ("jax and tensorflow", ("import tensorflow as tf", "from jax.experimental import jax2tf")),
    "saved_model": ("tensorflow", ("import tempfile",)),
    "torch_export": ("torch", ()),
    "torch_onnx": ("torch, onnx, onnxscript and onnxruntime", ("import io", "import onnxruntime")),
}
# What runs models of ONNX, as its users import it; without an import it is a program that is handed the model.
RUNTIMES: Mapping[str, tuple[str, ...]] = {
    "onnx": ("from onnx.reference import ReferenceEvaluator",),
    "onnxruntime": ("import onnxruntime",),
    "onnxruntime_web": (),
    "openvino": ("import io", "import openvino"),
}
OPERATORS: Mapping[str, Mapping[str, Param]] = {  # with the attributes that their ops take
    "LogSoftmax": {"axis": -1},
    "ReduceLogSumExp": {"keepdims": 0},
    "Sigmoid": {},
    "Softmax": {"axis": -1},
    "SoftmaxCrossEntropyLoss": {"reduction": "none"},
}
AXES_ARE_INPUTS = 18  # the opset from which on a reduction's axes are no attribute


@dataclass(frozen=True)
class Way:
    """How a script asks. template: its name in this folder. framework, name: of the function that is called, if any."""

    template: str
    framework: str
    name: str
    needs: str = ""  # beside numpy and ml_dtypes, as a sentence has it
    imports: tuple[str, ...] = ()
    command: tuple[str, ...] = ()  # that starts a program
    options: tuple[str, ...] = ()  # that a program is asked with, as the process protocol writes them
    upstream: str = ""  # the shape of an incoming gradient, as an expression
    attributes: Mapping[str, Param] = field(default_factory=dict)  # of an operator
    opset: str = ""  # as an expression
    axes: bool = False  # are an input of the operator


def way(op: Op, target: Target, program: str) -> Way:
    """Return the way to an answer. program: the command of the program that answered, nothing where none did."""
    framework, name = target.implementation.framework, target.implementation.name
    operator, command = name.rpartition(".")[2], tuple(shlex.split(program))
    if framework in RUNTIMES:
        return _model(framework, operator, op, target.mode, command) if operator in OPERATORS else _plain(target)
    if command:
        options = tuple(f"{option} {value}" for option, value in op.options.items() if option != "bias")
        return Way(
            *("program", framework, name, f"the program {framework}", ("import subprocess",), command),
            *(options, _upstream(op)),
        )
    if framework not in SOURCES:
        return Way(framework, framework, name, framework) if framework in FRAMEWORKS else _plain(target)
    source, inner = SOURCES[framework], name.partition("(")[2].removesuffix(")")
    needs, imports = BESIDE.get(f"{framework}:{target.mode}", BESIDE[framework])
    return Way(source, source, inner, needs, imports)


def _plain(target: Target) -> Way:
    framework, name = target.implementation.framework, target.implementation.name
    return Way("plain", framework, name, "" if framework == "numpy" else framework)


def _model(framework: str, operator: str, op: Op, mode: str, command: tuple[str, ...]) -> Way:
    """Return the way through a model of one operator."""
    number = re.fullmatch(r"opset(\d+)", mode)
    attributes, axes = dict(OPERATORS[operator]), operator == "ReduceLogSumExp"
    if axes and number and int(number[1]) < AXES_ARE_INPUTS:
        attributes, axes = {**attributes, "axes": "[-1]"}, False
    if "reduction" in attributes:
        attributes["reduction"] = repr(op.options.get("reduction", "none"))
    beside = (*RUNTIMES[framework], *(("import subprocess",) if command else ()))
    imports = ("import onnx", f"from onnx import helper{', numpy_helper' if axes else ''}", *beside)
    opset = number[1] if number else "onnx.defs.onnx_opset_version()"
    needs = "onnx" if framework == "onnx" else f"onnx and {framework}"
    return Way("model", framework, operator, needs, imports, command, attributes=attributes, opset=opset, axes=axes)


def _upstream(op: Op) -> str:
    if op.options.get("reduction", "none") not in {"none", "sum_axis"}:
        return "()"
    return "-1" if one_a_row(op) else "logits.shape"
