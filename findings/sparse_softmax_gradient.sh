#!/usr/bin/env bash
# torch: the gradient of torch.sparse.softmax(x, dim=-1) is the diagonal of the Jacobian alone; with dim=1 it is right.
#
# Guess: a negative axis counts from the end, forward and backward, as it does for torch.softmax; so of a matrix dim=-1 and
#     dim=1 have one gradient, p_i (g_i - sum_j p_j g_j), and a gradient through softmax sums to 0 over its row.
# Seen: the values are the same. Backward, dim=-1 gives p_i (1 - p_i) g_i, as if every element were a row of its own: the
#     gradient with respect to the other elements of the row is missing, in float32 and float64, for COO tensors that are
#     coalesced or not, of softmax and of log_softmax.
# Why users care: sparse attention and graph attention normalise the edges of a node with dim=-1 or dim=1, whichever reads
#     better; one of them trains on a wrong gradient without a word, and gradcheck with dim=1 passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys
import warnings

import torch

warnings.simplefilter("ignore")  # sparse invariant checks are off by default
x = torch.tensor([[0.0, 1.0, 2.0]], dtype=torch.float64, requires_grad=True)
upstream = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
print(f"torch {torch.__version__}")
wrong = {}
for name in ("softmax", "log_softmax"):
    dense = torch.autograd.grad(getattr(torch, name)(x, dim=-1), x, upstream)[0]
    print(f"torch.{name:38} {dense.tolist()[0]}")
    for dim in (1, -1):
        sparse = torch.sparse_coo_tensor([[0, 0, 0], [0, 1, 2]], x[0], (1, 3))
        value = getattr(torch.sparse, name)(sparse, dim=dim).to_dense()
        gradient = torch.autograd.grad(value, x, upstream)[0]
        wrong[name, dim] = not torch.allclose(gradient, dense)
        print(f"torch.sparse.{name:11} dim={dim:2}                 {gradient.tolist()[0]}")
expected = {("softmax", 1): False, ("softmax", -1): True, ("log_softmax", 1): False, ("log_softmax", -1): True}
sys.exit("changed" if wrong != expected else 0)
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
