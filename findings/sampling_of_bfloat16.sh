#!/usr/bin/env bash
# jax: of 1000 equal bfloat16 logits random.categorical draws the first hundred 54 times in 100, and a tail of 25 % next to never.
#
# Guess: it draws from softmax(logits): of 1000 equal logits each tenth of the classes has a tenth of the draws. Rounded logits are
#     slightly other probabilities, and equal ones are exact in every format; the documentation tells of a bias below 1e-7, in float32.
# Seen: it adds Gumbel noise in the dtype of the logits and takes the largest. In bfloat16 the noise has 128 values, none above
#     4.84; of 1000 classes eight or so share that one, and the first of them is taken. A class 8 ahead of 1000 others, whose
#     probability is 0.749, is drawn 992 times in 1000. float16 has 1024 values: 15 times in 100, and 964 in 1000. mode="high"
#     comes near, with 732 and 795 in 1000; of logits cast to float32 all is right.
# Why users care: the last layer of a language model is often bfloat16. What is sampled from it is nearly greedy, prefers tokens
#     of low numbers, and log-probabilities of the samples, which are right, no longer are those of the sampler.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet jax==0.10.2 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys

import jax
import jax.numpy as jnp
import numpy as np

print(f"jax {jax.__version__}, 20 000 draws each")
print("logits          mode   first 100 of 1000 equal classes   one class 8 ahead of 1000   values of a million Gumbels")
found = {}
for name in ("float32", "float16", "bfloat16"):
    equal = jnp.zeros(1000, name)
    ahead = jnp.zeros(1001, name).at[0].set(8)
    values = len(np.unique(np.asarray(jax.random.gumbel(jax.random.key(1), (1_000_000,), name), np.float32)))
    for mode in ("low", "high"):  # "low" is what is taken unless one asks
        first, large = (jax.random.categorical(jax.random.key(0), x, shape=(20_000,), mode=mode) for x in (equal, ahead))
        found[name, mode] = float((first < 100).mean()), float((large == 0).mean())
        print(f"{name:15} {mode:6} {found[name, mode][0]:31.3f} {found[name, mode][1]:27.3f}", values if mode == "low" else "")
exact = 0.1, float(np.exp(8) / (np.exp(8) + 1000))
print(f"exact {exact[0]:48.3f} {exact[1]:27.3f}")
as_seen = all(abs(found["float32", mode][part] - exact[part]) < 0.02 for mode in ("low", "high") for part in (0, 1))
as_seen &= found["bfloat16", "low"][0] > 0.5 and found["bfloat16", "low"][1] > 0.98
as_seen &= found["float16", "low"][0] > 0.13 and found["float16", "low"][1] > 0.95
sys.exit(0 if as_seen else f"changed: {found}")
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
