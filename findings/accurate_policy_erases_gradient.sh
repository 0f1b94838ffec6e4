#!/usr/bin/env bash
# torch: linear_cross_entropy with acc_policy="accurate" gives a confident label no gradient in bfloat16; the default does.
#
# Guess: LinearCrossEntropyOptions(acc_policy="accurate") is at least as accurate as LinearCrossEntropyOptions(), whose policy
#     is "auto": the documentation calls it the broadest use of acc_dtype, with noticeably better gradients.
# Seen: acc_dtype is float32 for 16-bit inputs under "auto" alone. Naming any policy makes it the inputs' own dtype, so the
#     probability is rounded before 1 is subtracted. Of logits (9, 0, 0, 0) the label's gradient is -0.00037; "auto" gives
#     that, "accurate" and "balanced" give 0, as the loss without options does. With acc_dtype=torch.float32 beside the
#     policy it is back.
# Why users care: who turns the most accurate policy on for a 16-bit language model head gets the gradient of the least
#     accurate one: well-learnt tokens push their neighbours up and themselves nowhere, without a warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys

import torch

Options = torch.nn.LinearCrossEntropyOptions
print(f"torch {torch.__version__}; exact -0.000370092")
asked = {
    "no options": None,
    "auto": Options(),
    "accurate": Options(acc_policy="accurate"),
    "balanced": Options(acc_policy="balanced"),
    "accurate, acc_dtype=float32": Options(acc_policy="accurate", acc_dtype=torch.float32),
}
erased = {}
for name, options in asked.items():
    hidden = torch.tensor([[9.0, 0.0, 0.0, 0.0]], dtype=torch.bfloat16, requires_grad=True)
    weight, label = torch.eye(4, dtype=torch.bfloat16), torch.tensor([0])
    torch.nn.functional.linear_cross_entropy(hidden, weight, label, options=options).backward()
    gradient = hidden.grad[0, 0].item()
    erased[name] = gradient == 0
    print(f"{name:28} {gradient:.6g}")
expected = dict(zip(asked, (True, False, True, True, False), strict=True))
sys.exit("changed" if erased != expected else 0)
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
