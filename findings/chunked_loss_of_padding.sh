#!/usr/bin/env bash
# torch: the chunked linear_cross_entropy of a batch of padding has gradients of nan; without options they are 0.
#
# Guess: options choose how the loss is computed, not what it is: the mean over no labels is nan both ways, and the gradient,
#     which torch's cross_entropy gives as 0, is 0 both ways.
# Seen: with every label at ignore_index the mean is nan both ways. Backward, options=None gives 0 for hidden states and
#     weight; with LinearCrossEntropyOptions() every element of both gradients is nan. reduction="sum" gives 0 both ways.
# Why users care: a micro-batch of padding or of prompt tokens alone, which leaves the weights as they were today, turns
#     them into nan at the next step once chunking is turned on to save memory.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys

import torch

print(f"torch {torch.__version__}")
hidden, weight = torch.ones(4, 2, requires_grad=True), torch.ones(3, 2, requires_grad=True)
labels = torch.full((4,), -100)
found = []
for reduction in ("mean", "sum"):
    for options in (None, torch.nn.LinearCrossEntropyOptions()):
        loss = torch.nn.functional.linear_cross_entropy(hidden, weight, labels, reduction=reduction, options=options)
        gradients = torch.autograd.grad(loss, (hidden, weight))
        kinds = {"nan" if one.isnan().all() else "0" if not one.any() else "other" for one in gradients}
        found.append("/".join(sorted(kinds)))
        print(f"{reduction:5} {'chunked' if options else 'whole':8} loss {loss.item():g}, gradients {found[-1]}")
sys.exit("changed" if found != ["0", "nan", "0", "0"] else 0)
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
