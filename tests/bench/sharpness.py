"""How small a fault of a row's sum the default preset finds, op x dtype x width, in value alone and in gradient alone.

`python -m tests.bench.sharpness` plants S (1 - f) in torch kernels that are right but for it, f a power of two, and
asks of each width the check that is sharpest there, `law.exact_rows`. It prints log2 of the smallest f that is found,
and fails where that is above the goal: 2**-20 in float32, 2**-48 in float64, one ulp of 1 in the 16-bit formats.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from harness import adapters
from harness.adapters import Catalogue, judged
from harness.model import FORMATS, Case, Op, Quantity, Target
from suites.checks.check import Asking
from suites.checks.laws import exact
from suites.checks.laws.law import BY_ROW
from tests.kernels.lawful import wide

PARTS: tuple[Quantity, ...] = ("value", "grad_logits")
GOALS = {"float16": 10, "bfloat16": 7, "float32": 20, "float64": 48}  # -log2 of the fault
DEEPEST = 60  # beyond the precision of every format

Kernel = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """By how much the row sum is low, relative, in the value and in the gradient."""

    value: float
    gradient: float


def softmax(e, _d, s, low, _z):
    """Return the value, and the gradient by the incoming one."""
    p = e / low
    return e / s, lambda g: p * (g - (g * p).sum(-1, keepdim=True))


def log_softmax(e, d, s, low, _z):
    """As above."""
    return d - s.log(), lambda g: g - e / low * g.sum(-1, keepdim=True)


def logsumexp(e, _d, s, low, _z):
    """As above, the maximum left out."""
    return s.log(), lambda g: g * (e / low)


def cross_entropy(e, d, s, low, z):
    """As above, of labels as distributions."""
    some = torch.where(z == 0, 0, z * (s.log() - d)).sum(-1, keepdim=True)
    return some, lambda g: g * (e / low * z.sum(-1, keepdim=True) - z)


FORMULAS = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
    "sparse_xent": cross_entropy,
    "dense_xent": cross_entropy,
}


def planted(op: str, fault: Fault) -> Kernel:
    """Return a kernel with a fault."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, logits, z):
            x = wide(logits)
            m = x.amax(-1, keepdim=True)
            d = x - m
            e = d.exp()
            s = e.sum(-1, keepdim=True)
            value, ctx.along = FORMULAS[op](e, d, s * (1 - fault.value), s * (1 - fault.gradient), z)
            ctx.dtype = logits.dtype
            return (value + m if op == "logsumexp" else value).to(logits.dtype)

        @staticmethod
        def backward(ctx, g):
            return ctx.along(wide(g)).to(ctx.dtype), None

    def loss(logits, labels):
        z = torch.nn.functional.one_hot(labels, logits.shape[-1]) if op == "sparse_xent" else wide(labels)
        return Planted.apply(logits, z.to(wide(logits).dtype))[:, 0]

    def of_axis(logits, axis):  # noqa: ARG001 - asked along the last one
        got = Planted.apply(logits, None)
        return got[:, 0] if op == "logsumexp" else got

    return loss if op.endswith("xent") else of_axis


def finds(op: Op, quantity: Quantity, dtype: str, width: int, depth: int) -> bool:
    """Tell whether a fault of 2**-depth is found."""
    size = 2.0**-depth
    fault = Fault(size, 0.0) if quantity == "value" else Fault(0.0, size)
    catalogue = Catalogue("torch")
    catalogue.form(op.name, "planted", "fused")(judged.builder(op.name, planted(op.name, fault), "torch"))
    adapter = adapters.load("torch").offering(catalogue)
    case = Case(op, quantity, exact.FAMILY, dtype, exact.FEW, width, check="law.exact_rows")
    asking = Asking(adapter, case, Target(adapter.implementations()[0], "eager"), _none)
    return exact.of_widths(asking, (width,)).over > 1


def _none(*_: object) -> Any:
    raise AssertionError("exact rows ask no golden of the tiers")


def smallest(op: Op, dtype: str, quantity: Quantity) -> list[int]:
    """Return -log2 of the smallest fault that is found, width by width."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    depths, depth = [], GOALS[dtype]
    for width in exact.WIDTHS:  # the one before is a good guess
        while depth > 0 and not finds(op, quantity, dtype, width, depth):
            depth -= 1
        while depth < DEEPEST and finds(op, quantity, dtype, width, depth + 1):
            depth += 1
        depths.append(depth)
    return depths


def main() -> int:
    """Print a table an op; return 1 where a goal is missed."""
    out = Console(width=None if sys.stdout.isatty() else 140)
    questions = [(op, dtype, quantity) for op in BY_ROW for dtype in GOALS for quantity in PARTS]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(questions, pool.map(smallest, *zip(*questions, strict=True)), strict=True))
    for op in BY_ROW:
        table = Table("classes", title=f"{op}: log2 of the smallest fault of a row's sum that is found")
        columns = [(dtype, quantity) for dtype in GOALS for quantity in PARTS]
        for dtype, quantity in columns:
            table.add_column(f"{dtype}\n{'value' if quantity == 'value' else 'gradient'}", justify="right")
        for place, width in enumerate(exact.WIDTHS):
            table.add_row(f"{width}", *(f"-{found[op, dtype, quantity][place]}" for dtype, quantity in columns))
        out.print(table)
    missed = [
        f"{op} {dtype} {quantity} of {width} classes: 2**-{depth}, expected 2**-{GOALS[dtype]}"
        for (op, dtype, quantity), depths in found.items()
        for width, depth in zip(exact.WIDTHS, depths, strict=True)
        if depth < GOALS[dtype]
    ]
    out.print("\n".join(missed) or "every goal is reached: float32 2**-20, float64 2**-48, 16 bits one ulp of 1")
    for dtype, goal in GOALS.items():
        depths = [depth for (_, name, _), every in found.items() for depth in every if name == dtype]
        out.print(
            f"{dtype}: 2**-{min(depths)} to 2**-{max(depths)}, precision {FORMATS[dtype].precision}, goal 2**-{goal}"
        )
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
