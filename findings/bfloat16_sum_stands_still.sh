#!/usr/bin/env bash
# numpy with ml_dtypes: the sum of 1000 ones in bfloat16 is 256, and their mean is 0.256.
#
# Guess: numpy adds bfloat16 as it adds float16, inside float32 and in pairs, so that 1000 ones are 1000 and their mean is 1.
# Seen: numpy's loops for a dtype of another package add one by one and round each time. From 256 on, 256 + 1 rounds to 256,
#     and the sum stands still: at 1000 ones, at 100 000. The mean divides that. float16 gives 1000, a dot product 1000, a
#     sum over the other axis of a (1000, 2) array 256 again.
# Why users care: a softmax or a loss checked against "the same in numpy, in bfloat16" (jax.numpy's host arrays, checkpoints,
#     test suites) is checked against a normaliser that is wrong from 257 classes on; the test accuses the right kernel.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet numpy==2.4.6 ml-dtypes==0.6.0

cat > "$folder/run.py" <<'PYTHON'
import sys

import ml_dtypes
import numpy as np

ones = np.ones(1000, ml_dtypes.bfloat16)
found = {
    "sum of 1000 ones": float(ones.sum()),
    "sum of 100 000 ones": float(np.ones(100_000, ml_dtypes.bfloat16).sum()),
    "mean of 1000 ones": float(ones.mean()),
    "sum over the rows of (1000, 2)": float(np.ones((1000, 2), ml_dtypes.bfloat16).sum(axis=0)[0]),
    "dot product of 1000 ones": float(ones @ ones),
    "the same sum in float16": float(np.ones(1000, np.float16).sum()),
}
print(f"numpy {np.__version__}, ml_dtypes {ml_dtypes.__version__}")
for name, value in found.items():
    print(f"{name:32} {value:g}")
expected = [256.0, 256.0, 0.255859375, 256.0, 1000.0, 1000.0]
sys.exit("changed" if list(found.values()) != expected else 0)
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
