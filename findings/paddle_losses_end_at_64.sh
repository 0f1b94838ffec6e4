#!/usr/bin/env bash
# PaddlePaddle on a CPU: no cross-entropy, log-softmax or masked loss is larger than 64 and the row's log-sum.
#
# Guess: cross_entropy and log_softmax of logits [0, 100] give 100 and -100 for class 0, as every framework does; a class that
#     is masked by -inf has probability 0 and an infinite loss.
# Seen: 64, -64, a probability of 1.6e-28 and, of the masked class, a loss of 64: what lies further than 64 below the row's
#     maximum is held there before the exponential is taken, in float64 too, where exp reaches to -745.
# Why users care: a model that is sure and wrong looks better than it is, by an amount that depends on nothing it did; a label
#     that a mask excludes, which elsewhere shows as inf at once, hides in a finite mean; exported or ported models report
#     another loss from the same logits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet paddlepaddle==3.3.1 setuptools==80.9.0 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys

import numpy as np
import paddle
import paddle.nn.functional as F

paddle.set_device("cpu")
label = paddle.to_tensor([0])
found = {}
for dtype in ("float32", "float64"):
    wrong, masked = (paddle.to_tensor(np.array([row], dtype)) for row in ([0.0, 100.0], [-np.inf, 0.0]))
    found[dtype] = [
        float(F.cross_entropy(wrong, label)),
        float(F.log_softmax(wrong)[0, 0]),
        float(f"{float(F.softmax(wrong)[0, 0]):.3g}"),
        float(F.cross_entropy(masked, label)),
    ]
    print(f"{dtype}: loss, log_softmax, softmax of [0, 100], class 0, and the loss of a masked class:", found[dtype])
print("exact: 100, -100, 3.72e-44, inf; paddle", paddle.__version__)
sys.exit("changed" if set(map(tuple, found.values())) != {(64.0, -64.0, 1.6e-28, 64.0)} else 0)
PYTHON
"$folder/environment/bin/python" -W ignore "$folder/run.py"
