#!/usr/bin/env bash
# numpyro: the entropy of Bernoulli(logits=) is 0 at -20 and nan at -100; at 20 it is right to the last digit.
#
# Guess: an entropy does not tell a yes from a no, so that both signs are as good; the documentation calls its form numerically
#     stable across the full range of log-odds.
# Seen: the form is ((1 + e**-x) log1p(e**-x) + e**-x x) / (1 + e**-x). Below 0 its two terms are large and nearly cancel: at
#     -10 5 digits are left in float32, at -20 none, and below -88 e**-x overflows: inf - inf.
# Why users care: a nan in an entropy bonus, or in a term of an ELBO, ends a training run; half of all sparse features have
#     logits like these.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet numpyro==0.22.0 jax==0.10.2

cat > "$folder/run.py" <<'PYTHON'
import math
import sys

import jax
import jax.numpy as jnp
import numpyro
from numpyro.distributions import Bernoulli

print(f"numpyro {numpyro.__version__}, jax {jax.__version__}, float32")
off = {}
for x in (-10.0, -20.0, -100.0):
    exact = math.log1p(math.exp(x)) - x * math.exp(x) / (1 + math.exp(x))
    low, high = (float(Bernoulli(logits=jnp.float32(sign * x)).entropy()) for sign in (1, -1))
    off[x] = not abs(low / exact - 1) < 1e-5
    print(f"exact {exact:.7g}; logit {x:g}: {low:.7g}; logit {-x:g}: {high:.7g}")
sys.exit("changed" if off != {-10.0: False, -20.0: True, -100.0: True} else 0)
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
