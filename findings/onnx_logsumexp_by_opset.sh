#!/usr/bin/env bash
# onnxruntime: ReduceLogSumExp of [710, 0] is 710 in opset 18 and inf in opset 28; of a long tail it is right in 28 alone.
#
# Guess: the opset that a model names changes what operators take, as axes that became an input, and not what a runtime
#     computes: logsumexp is the same kernel, which subtracts the maximum.
# Seen: opset 28 defines the operator anew, onnxruntime 1.32.0 has a kernel for the older definition alone, and expands the new one
#     into what its specification gives as a body, Log(ReduceSum(Exp(x))) in double: inf from a logit of 709.8 on, in float32
#     as well, at any level of optimisation. The kernel of opsets 11 to 27 adds a row up in float32, one by one: of one 0 and 100 000
#     times -17 it answers 0, where 0.00413 is exact, which the expansion has.
# Why users care: an exporter that moves to the newest opset turns a loss that was finite into inf, and changes another in its first
#     digit, with no word by the exporter, the checker or the runtime, and with the weights unchanged.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROWS = {"[710, 0]": np.float32([[710, 0]]), "[0, 100 000 times -17]": np.float32([[0] + [-17] * 100_000])}


def answer(opset, row):
    axes = numpy_helper.from_array(np.array([-1]), "axes")
    node = helper.make_node("ReduceLogSumExp", ["x", "axes"], ["y"], keepdims=0)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, row.shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1,))
    graph = helper.make_graph([node], "g", [x], [y], [axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": row})[0][0])


print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
found = {}
for opset in (18, 27, 28):
    for name, row in ROWS.items():
        found[opset, name] = answer(opset, row)
        print(f"opset {opset}  logsumexp of {name:24} {found[opset, name]:g}")
short, long = ROWS
as_seen = all(found[opset, short] == 710 and found[opset, long] == 0 for opset in (18, 27))
as_seen &= found[28, short] == np.inf and abs(found[28, long] - 0.0041314) < 1e-6
sys.exit(0 if as_seen else "changed")
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
