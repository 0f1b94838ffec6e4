#!/usr/bin/env bash
# torch: Categorical(probs=) of 1000 bfloat16 probabilities has log-probabilities of -4.84, exp of which sums to 7.9, and no gradient.
#
# Guess: log_prob is the logarithm of the probability, to the two or three digits of bfloat16: of one in 1000 it is -6.91, and
#     through softmax it has the gradient 1 - p at its own logit, as Categorical(logits=) gives both.
# Seen: probabilities are held between eps and 1 - eps before the logarithm, and eps is the spacing of the format at 1, not its
#     smallest number: 1/128 in bfloat16, 1/1024 in float16. All that is less likely has log_prob -4.84 and a gradient of 0; the
#     entropy of 1000 equal classes is 4.84, and p = k / 500 500 is 0 away from the same backwards, where the divergence is 0.99.
# Why users care: a policy or a language model's head of a few hundred choices that hands softmax to Categorical trains in
#     float32 and, cast to bfloat16, gets a gradient of exactly 0 from REINFORCE, with finite losses and no warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys

import torch
from torch.distributions import Categorical, kl_divergence

print(f"torch {torch.__version__}; exact: log_prob -6.908, its gradient 0.999, entropy 6.908, sum 1, divergence 0.992")
rising = torch.arange(1.0, 1001.0)
rising /= rising.sum()
found = {}
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    for given, numbers in (("logits", torch.log), ("probs", torch.clone)):
        logits = torch.zeros(1000, dtype=dtype, requires_grad=True)
        equal = Categorical(**{given: logits if given == "logits" else logits.softmax(-1)})
        every = equal.log_prob(torch.arange(1000))
        gradient = torch.autograd.grad(every[3], logits)[0][3]
        one, other = (Categorical(**{given: numbers(p).to(dtype)}) for p in (rising, rising.flip(0)))
        answers = every[3], gradient, equal.entropy(), every.double().exp().sum(), kl_divergence(one, other)
        found[dtype, given] = [round(answer.item(), 2) for answer in answers]
        print(f"{dtype!s:15} {given:7}", *(f"{answer.item():9.4g}" for answer in answers))
erased = found[torch.bfloat16, "probs"] == [-4.84, 0.0, 4.84, 7.88, 0.0]
others = [numbers for key, numbers in found.items() if key != (torch.bfloat16, "probs")]
right = all(abs(numbers[0] + 6.91) < 0.02 and abs(numbers[1] - 1) < 0.01 for numbers in others)
sys.exit(0 if erased and right else f"changed: {found}")
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
