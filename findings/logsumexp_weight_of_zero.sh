#!/usr/bin/env bash
# jax: the gradient of logsumexp(a, b=b) by a weight b of exactly 0 is 0, and optax's focal loss hands it on.
#
# Guess: log sum b e**a has the derivative e**a / sum by b, which b = 0 does not change: of a = [0, 0] and b = [1, 0] it is [1, 1].
#     So the gradient of optax.sigmoid_focal_loss by its label, which may be any number from 0 to 1, changes by a millionth
#     of itself from label 0 to label 1e-6.
# Seen: logsumexp puts -inf in the place of a where b is 0, so that 0 * inf is no nan; the derivative by that b is then 0: [1, 0].
#     At b = [1, 1e-6] it is [1, 1]. sigmoid_focal_loss takes log(1 - p_t) with the weights 1 - z and z, so that at labels of
#     exactly 0 and 1, which most are, the gradient by the label lacks a part: -1.94 for -1.42 at the logit 1 and label 0, and
#     -0.025 for -0.051 at the logit 2 and label 1.
# Why users care: soft labels, smoothing or noise rates that are learned are trained through this gradient, from labels 0 and 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet jax==0.10.2 optax==0.2.8 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys

import jax
import jax.numpy as jnp
import optax

by_weight = jax.grad(lambda b: jax.scipy.special.logsumexp(jnp.zeros(2), b=b))
by_label = jax.grad(lambda z, x: optax.sigmoid_focal_loss(x, z))
print(f"jax {jax.__version__}, optax {optax.__version__}")
weights = [[round(float(one), 3) for one in by_weight(jnp.asarray(b))] for b in ([1.0, 0.0], [1.0, 1e-6])]
print(f"logsumexp([0, 0], b) by b: {weights[0]} at b = [1, 0], {weights[1]} at b = [1, 1e-6]")
labels = []
for logit, label in ((1.0, 0.0), (1.0, 1e-6), (2.0, 1.0), (2.0, 1 - 1e-6)):
    labels.append(round(float(by_label(jnp.float32(label), jnp.float32(logit))), 2))
    print(f"sigmoid_focal_loss of the logit {logit:g} under the label {label:.7g}, by the label: {labels[-1]}")
as_seen = weights == [[1, 0], [1, 1]] and labels == [-1.94, -1.42, -0.02, -0.05]
sys.exit(f"changed: {weights}, {labels}" if not as_seen else 0)
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
