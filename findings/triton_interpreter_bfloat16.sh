#!/usr/bin/env bash
# Triton: in the interpreter a product of two bfloat16 numbers is that of their bit patterns, as 16-bit integers.
#
# Guess: TRITON_INTERPRET=1 computes in bfloat16 through float32, as it does in float16, or says that it cannot: its manual
#     lists bfloat16 among its limits.
# Seen: no error, and other numbers: 0.5 * 0.5 is 0, -1.25 * 0.5 is 3.7e19. bfloat16 is kept as numpy's uint16, and products
#     and sums are taken of these integers, modulo 2**16. Where one side is float32 the other is cast first, and all is well.
# Why users care: a kernel that is right on a GPU fails its tests on a CPU; or one that is never asked in bfloat16 there passes.
#     Liger-Kernel multiplies gradients by the incoming one so: its bfloat16 gradients of a mean have no sense in the
#     interpreter, and its float16 ones have.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet torch==2.13.0 triton==3.7.1 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import os
import sys

os.environ["TRITON_INTERPRET"] = "1"
import torch
import triton
import triton.language as tl


@triton.jit
def product(answer, one, other, size: tl.constexpr):
    at = tl.arange(0, size)
    tl.store(answer + at, tl.load(one + at) * tl.load(other))


print(f"triton {triton.__version__}; exact [0.25, -0.625, 1.0, 1.5]")
right = {}
for kind, factor in (("float16", "float16"), ("bfloat16", "float32"), ("bfloat16", "bfloat16")):
    numbers = torch.tensor([0.5, -1.25, 2.0, 3.0], dtype=getattr(torch, kind))
    answer = torch.empty_like(numbers)
    product[(1,)](answer, numbers, torch.tensor([0.5], dtype=getattr(torch, factor)), size=4)
    patterns = numbers.view(torch.int16).int() * torch.tensor([0.5], dtype=torch.bfloat16).view(torch.int16).int()
    integers = patterns.to(torch.int16).view(torch.bfloat16)
    right[kind, factor] = torch.equal(answer, numbers / 2)
    print(f"{kind:8} times {factor:8} {answer.tolist()}")
print(f"bit patterns, multiplied    {integers.tolist()}")
expected = dict(zip(right, (True, True, False), strict=True))
sys.exit("changed" if right != expected or not torch.equal(answer, integers) else 0)
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
