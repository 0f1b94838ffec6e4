#!/usr/bin/env bash
# jax on the CPU: under jit, softmax of logits times a scale is nan where the same line is right without jit.
#
# Guess: jit compiles jax.nn.softmax(x * c) to the same arithmetic in one pass; the answers differ by a few units in the last
#     place, and a row whose products are finite has a finite softmax with a sum of 1 in both.
# Seen: jit puts x * c and the subtraction of the maximum into one fused multiply-add, x c - max, whose product is not rounded.
#     The maximum is one of the rounded products. So the largest exponent is the rounding error of its product in place of
#     0: half a unit in the last place of the logit, a hundred or more from logits of 1e10 on. exp of that is inf, or all
#     exponents are far below 0: softmax is nan, logsumexp and log_softmax infinite. At 1e6 a log-probability is above 0.
# Why users care: softmax(scores * scale) is attention. A row that is masked whole with the smallest float before it is scaled,
#     or a training that diverges, gives nan under jit and none in the debugger, where jit is off.
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

SCALE = np.float32(0.12)
LEVELS = np.linspace(1, 2, 64)[:, None] * [1.0, 0.999, 0.5]


def answers(function, rows):
    """Return what a function of scaled rows gives, eager and under jit."""
    def scaled(x):
        return function(x * SCALE, axis=-1)

    x = jnp.asarray(rows, jnp.float32)
    return [np.asarray(call(x)).reshape(len(rows), -1) for call in (scaled, jax.jit(scaled))]


print(f"jax {jax.__version__}: of 64 rows of a size, how many have an answer that is not finite, eager and under jit")
found = {}
for power in range(6, 13):
    line = f"1e{power:<3}"
    for function in (jax.nn.softmax, jax.nn.log_softmax, jax.nn.logsumexp):
        counts = [int((~np.isfinite(one)).any(axis=1).sum()) for one in answers(function, LEVELS * 10.0**power)]
        found.setdefault(power, []).append(tuple(counts))
        line += f"   {function.__name__} {counts[0]:2} {counts[1]:2}"
    print(line)
masked = [one[0].tolist() for one in answers(jax.nn.softmax, np.full((1, 3), np.finfo(np.float32).min))]
above = [float(one.max()) for one in answers(jax.nn.log_softmax, LEVELS * 1e6)]
print("softmax of three times the smallest float32, scaled:", *masked)
print("the largest of the log-probabilities at 1e6:", *above)
as_told = (
    all(eager == 0 for counts in found.values() for eager, _ in counts)
    and all(jit == 0 for power in range(6, 10) for _, jit in found[power])
    and all(jit > 0 for power in range(10, 13) for _, jit in found[power])
    and np.isfinite(masked[0]).all() and np.isnan(masked[1]).all()
    and above[0] <= 0 < above[1]
)
sys.exit(0 if as_told else "changed")
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
