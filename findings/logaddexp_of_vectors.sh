#!/usr/bin/env bash
# Keras on OpenVINO: logaddexp of the vectors [0] and [100] is inf, of the matrices [[0]] and [[100]] it is 100.
#
# Guess: keras.ops.logaddexp(x, y) is max(x, y) + log(1 + e**-|x - y|), which is finite, symmetric, and elementwise: neither the
#     order of its arguments nor their shape changes a number.
# Seen: Keras writes that formula, and OpenVINO, which folds the whole eager call as one of constants, drops the absolute value
#     where the result has one axis: [0, -5] and [100, 2] give [inf, 9.0009], the other way round [100, 2.0009], as
#     matrices [100, 2.0009] both ways. Plain OpenVINO: |[0] - [100]| is -100, |[[0]] - [[100]]| is 100; so in 2025.4 and since, and
#     known there (openvino issue 38166). Of inputs of a model, which are no constants, it is right.
# Why users care: sums of log-probabilities, a vector of one sequence, are inf or too large by the gap between the two, in half
#     of the elements; a test that puts the larger argument first, or a batch of rows, sees nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet keras==3.15.1 openvino==2026.4.1 scipy==1.17.1 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import os
import sys

os.environ["KERAS_BACKEND"] = "openvino"
import keras
import numpy as np
import openvino as ov
from openvino import opset13

print(f"keras {keras.__version__}, openvino {ov.__version__}; exact [100, 2.0009]")
found = {}
for shape in ((2,), (2, 1)):
    x, y = (np.array(row, np.float32).reshape(shape) for row in ([0, -5], [100, 2]))
    for name, pair in (("x, y", (x, y)), ("y, x", (y, x))):
        found[shape, name] = [round(float(one), 4) for one in np.asarray(keras.ops.logaddexp(*pair)).ravel()]
        print(f"{shape!s:7} logaddexp({name}) {found[shape, name]}")
gaps = []
for shape in ((1,), (1, 1)):
    zero, hundred = (opset13.constant(np.full(shape, value, np.float32)) for value in (0, 100))
    model = ov.Model([opset13.abs(opset13.subtract(zero, hundred))], [])
    gaps.append(float(ov.Core().compile_model(model, "CPU")([])[0].ravel()[0]))
print(f"|0 - 100| of constants in OpenVINO: one axis {gaps[0]:g}, two axes {gaps[1]:g}")
right = [100.0, 2.0009]
as_seen = list(found.values()) == [[np.inf, 9.0009], right, right, right] and gaps == [-100.0, 100.0]
sys.exit(0 if as_seen else f"changed: {found}, {gaps}")
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
