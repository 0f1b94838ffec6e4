#!/usr/bin/env bash
# Thinc: the loss that CategoricalCrossentropy returns is no cross-entropy: a sum of squares, at most 2, smaller the longer the batch.
#
# Guess: it is the mean over the batch of -log p of the right class, as its name, its gradient p - y and normalize=True say: of a
#     right class that has 0.2 it is 1.609, whatever the number of rows, and it has no largest value.
# Seen: it is the sum of the squares of the gradient: 1.28 for one such row. Normalised, the gradient is divided by the rows and then
#     squared, so that 10 equal rows have 0.128 and 100 have 0.0128, where a mean would not move. A right class of 0.001 has
#     1.996 and one of 0.000001 has 2. It also puts models in another order: 0.3 for the right class is better than 0.35, where
#     the rest lies on seven classes and not on one.
# Why users care: the number in a training log is compared with log of the classes, with other libraries, turned into a perplexity,
#     or watched while the batch grows, as spaCy's compounding batches do: it falls with nothing learned.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet thinc==8.3.14 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from thinc.api import CategoricalCrossentropy

print(f"thinc {version('thinc')}")
asked = {
    "p = 0.2": ([0.2, 0.8], 1),
    "p = 0.2, 10 rows": ([0.2, 0.8], 10),
    "p = 0.2, 100 rows": ([0.2, 0.8], 100),
    "p = 0.001": ([0.001, 0.999], 1),
    "p = 0.000001": ([1e-6, 1 - 1e-6], 1),
    "p = 0.35, rest on one": ([0.35, 0.65] + [0.0] * 6, 1),
    "p = 0.3, rest on seven": ([0.3] + [0.1] * 7, 1),
}
found = []
for name, (row, count) in asked.items():
    guesses, labels = np.tile(np.float32([row]), (count, 1)), np.zeros(count, "i")
    gradient, loss = CategoricalCrossentropy()(guesses, labels)
    found.append(round(float(loss), 4))
    print(f"{name:24} loss {loss:8.4f}   mean cross-entropy {-np.log(row[0]):7.4f}   gradient at it {gradient[0, 0]:.4g}")
expected = [1.28, 0.128, 0.0128, 1.996, 2.0, 0.845, 0.56]
sys.exit(0 if found == expected else f"changed: {found}")
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
