#!/usr/bin/env bash
# jax: the logsumexp of float8_e4m3fn [7, 0] is nan, that of float8_e5m2 is 7; softmax of the first is nan everywhere.
#
# Guess: logsumexp subtracts the maximum in every format, so that of [16, 0] is 16, which float8_e4m3fn holds exactly, as it does
#     all numbers up to 448 of a few bits; and softmax of [16, 0] is [1, 0].
# Seen: the maximum of a row is taken with -inf to begin with, and this format has no infinity: -inf becomes nan, and the
#     maximum nan. logsumexp replaces a maximum that is not finite by 0, so that exp(7) = 1097 is beyond 448, and nan; below,
#     at [6, 0], it is right. softmax and log_softmax subtract the nan. jnp.max of the same row is right. Under jit, one
#     compiled softmax gives several answers to the same row, some of them finite, as [0.19, 0.81]; these are only printed.
# Why users care: float8_e4m3fn is the format of activations, with more digits than float8_e5m2. Small logits pass a test of
#     logsumexp, and the first confident row trains on nan.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet jax==0.10.2 ml-dtypes==0.6.0 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np

print(f"jax {jax.__version__}")
print("row         format          logsumexp  softmax                   log_softmax       max")
found = {}
for row in ([6.0, 0.0], [7.0, 0.0], [16.0, 0.0], [1.0, 2.0]):
    for name in ("float8_e4m3fn", "float8_e5m2"):
        x = jnp.asarray(row, jnp.float32).astype(getattr(jnp, name))
        answers = [np.asarray(of(x), np.float32) for of in (jax.nn.logsumexp, jax.nn.softmax, jax.nn.log_softmax, jnp.max)]
        shown = [str(answer.tolist()) for answer in answers]
        print(f"{row!s:11} {name:15} {shown[0]:10} {shown[1]:25} {shown[2]:17} {shown[3]}")
        found[tuple(row), name] = [bool(np.isnan(answer).any()) for answer in answers]
x, compiled = jnp.asarray([16.0, 0.0], jnp.float32).astype(jnp.float8_e4m3fn), jax.jit(jax.nn.softmax)
jitted = Counter(str(np.asarray(compiled(x)).tolist()) for _ in range(200))
print("200 calls of softmax of [16, 0] under jit:", dict(jitted))
expected = {key: [key[1] == "float8_e4m3fn" and key[0][0] > 6, *[key[1] == "float8_e4m3fn"] * 2, False] for key in found}
sys.exit(f"changed: {found}" if found != expected else 0)
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
