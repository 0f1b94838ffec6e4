#!/usr/bin/env bash
# torch.logsumexp: the gradient of a row does not sum to one once the logits are large; jax's does.
#
# Guess: the gradient of logsumexp is the row's softmax, so it sums to 1 to a few units in the last place, whatever is added
#     to all logits.
# Seen: torch takes exp(x - result), and the result is rounded at the size of the logits. 64 equal logits of 2**24 in float32
#     have the logsumexp 2**24 + 4.16, which rounds to 2**24 + 4: each gradient is e**-4 in place of 1/64, and they sum to
#     1.17. At 2**20 it is 1.03, at 10 000 it is 0.9997. torch.softmax of the same row sums to 1, and so does jax's gradient.
# Why users care: the z-loss of language models is w logsumexp(x)**2, written with this function. Its gradient is the one that
#     keeps large logits from growing, and it is wrong by as much as they have grown: 3 % at logits of a million.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet torch==2.13.0 jax==0.10.2 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys

import jax
import numpy as np
import torch

print(f"torch {torch.__version__}, jax {jax.__version__}")
print("64 equal logits   torch.logsumexp   torch.softmax   jax.nn.logsumexp   (sums of the gradient, of the softmax)")
found = []
for level in (0.0, 1e4, 2.0**20, 2.0**24):
    row = np.full((1, 64), level, np.float32)
    x = torch.tensor(row, requires_grad=True)
    torch.logsumexp(x, -1).sum().backward()
    own = jax.grad(lambda v: jax.nn.logsumexp(v, axis=-1).sum())(row)
    sums = x.grad.double().sum().item(), torch.softmax(x, -1).double().sum().item(), float(np.float64(own).sum())
    print(f"{level:15.10g} {sums[0]:17.6f} {sums[1]:15.6f} {sums[2]:18.6f}")
    found.append([round(one, 3) for one in sums])
expected = [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.034, 1.0, 1.0], [1.172, 1.0, 1.0]]
sys.exit(f"changed: {found}" if found != expected else 0)
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
