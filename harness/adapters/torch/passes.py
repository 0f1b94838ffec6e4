"""Passes through a function of torch: forward and backward in every way that users take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint

from harness.adapters import Function, Native, NotSupported, Way

BATCH = 8  # rows of a batch that is mapped over; what is asked in ways is so many batches
# What torch.autocast narrows, by its manual ("CPU Ops that can autocast to bfloat16", and those that are made of them).
PRODUCTS = {
    *("matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "addmm", "addmv", "addbmm", "baddbmm", "linear"),
    *("bilinear", "einsum", "tensordot", "inner", "vecdot", "linalg_vecdot", "scaled_dot_product_attention"),
}
# One code object serves many functions, dtypes and shapes, and each is one entry; torch's own limits are 8 and 256.
ENTRIES = 1 << 20


def unlimited() -> Any:
    """Let one function be compiled for every dtype and shape that is asked; return torch's settings of it."""
    dynamo = torch._dynamo.config  # noqa: SLF001 - not all have a public name in torch 2.7; imported when first used
    dynamo.recompile_limit = dynamo.accumulated_recompile_limit = ENTRIES
    return dynamo


def compiled(function: Function, *, dynamic: bool = False) -> Function:
    """Compile, and make every way back to eager an error: a mode that quietly answers as another is worse than none."""
    dynamo = unlimited()
    dynamo.suppress_errors = False
    dynamo.fail_on_recompile_limit_hit = True
    torch._inductor.config.compile_threads = 1  # noqa: SLF001 - as above; more would start a pool of processes
    native: Function = torch.compile(function, fullgraph=True, dynamic=dynamic)
    if dynamo.disable or native is function:
        raise NotSupported("torch.compile is switched off; unset TORCH_COMPILE_DISABLE and TORCHDYNAMO_DISABLE")
    return native


def leafed(argument: int, arrays: tuple[Native, ...]) -> tuple[list[Native], Native, Native]:
    """Return what a function is called with, the leaf among it, and the upstream, which is the last array.

    A fresh leaf shares the data, so a call copies nothing and leaves no graph behind for the next.
    """
    *given, upstream = arrays
    given[argument] = leaf = given[argument].detach().requires_grad_()
    return given, leaf, upstream


def differentiated(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
    """Return the value and its gradient; the last array is the upstream."""
    given, leaf, upstream = leafed(argument, arrays)
    value = function(*given)
    return value, torch.autograd.grad(value, leaf, upstream)[0]


def summed(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
    """Take loss.sum().backward(), whose incoming gradient is one number, expanded; an upstream of ones asks for it."""
    given, leaf, _ = leafed(argument, arrays)
    value = function(*given)
    value.sum().backward()
    return value, leaf.grad


def retained(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
    """Take the gradient of a graph that another backward pass has gone through."""
    given, leaf, upstream = leafed(argument, arrays)
    value = function(*given)
    torch.autograd.grad(value, leaf, -2 * upstream, retain_graph=True)
    return value, torch.autograd.grad(value, leaf, upstream)[0]


def interleaved(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
    """Go forward with other numbers before the backward pass, and backward for those after it."""
    given, leaf, upstream = leafed(argument, arrays)
    value = function(*given)
    others, other, _ = leafed(argument, tuple(array.flip(0) for array in arrays))
    second = function(*others)
    gradient = torch.autograd.grad(value, leaf, upstream)[0]
    torch.autograd.grad(second, other, upstream)
    return value, gradient


def checkpointed(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
    """Keep nothing but the arrays: the backward pass goes forward once more."""
    return differentiated(lambda *given: checkpoint(function, *given, use_reentrant=False), argument, *arrays)


def mapped_by(rows: int) -> Callable[..., tuple[Native, Native]]:
    """Return the way over batches of so many rows, by torch.func.vmap of a function of one batch."""

    def mapped(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
        """Map over batches."""

        def one(*batch: Native) -> tuple[Native, Native]:
            *given, upstream = batch
            before, after = given[:argument], given[argument + 1 :]
            value, pullback = torch.func.vjp(lambda array: function(*before, array, *after), given[argument])
            return value, pullback(upstream)[0]

        parts = torch.func.vmap(one)(*(array.unflatten(0, (-1, rows)) for array in arrays))
        value, gradient = (part.flatten(0, 1) for part in parts)
        return value, gradient

    return mapped


class Products(TorchFunctionMode):  # type: ignore[misc]  # torch is not followed
    """Remembers a product that is called while autocast is on."""

    def __init__(self, device: str) -> None:
        """Name the kind of device; none is met yet."""
        super().__init__()
        self._device, self.met = device, ""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Make the call."""
        name = getattr(function, "__name__", "")
        if name in PRODUCTS and torch.is_autocast_enabled(self._device):
            self.met = name
        return function(*args, **(kwargs or {}))


def autocast(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
    """Go forward under autocast to bfloat16 and, as torch's manual has it, backward outside.

    Raises NotSupported for a function that calls a product, which autocast takes in bfloat16, as documented.
    """
    given, leaf, upstream = leafed(argument, arrays)
    device = leaf.device.type
    with torch.autocast(device, dtype=torch.bfloat16), Products(device) as products:
        value = function(*given)
    if products.met:
        raise NotSupported(
            f"not judged: under autocast: it calls {products.met}, which autocast takes in bfloat16, as documented"
        )
    return value, torch.autograd.grad(value, leaf, upstream)[0]


def tangents(function: Function, *arrays: Native) -> tuple[Native, Native]:
    """Return the value and its derivative along the last array, by forward-mode differentiation."""
    logits, *given, direction = arrays
    value, derivative = torch.func.jvp(lambda x: function(x, *given), (logits,), (direction,))
    return value, derivative


def curved(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
    """Return the gradient and its derivative along the last array: reverse over reverse, which all functions have.

    argument: whose derivative of the gradient's product with the direction is taken.
    """
    *given, upstream, direction = arrays
    leaves = {place: given[place].detach().requires_grad_() for place in {0, argument}}
    for place, leaf in leaves.items():
        given[place] = leaf
    (gradient,) = torch.autograd.grad(function(*given), leaves[0], upstream, create_graph=True)
    if not gradient.requires_grad:
        raise NotSupported("the gradient has no graph of its own: no second derivative is offered")
    return gradient, torch.autograd.grad(gradient, leaves[argument], direction)[0]


WAYS: Mapping[Way, Callable[..., tuple[Native, Native]]] = {
    "summed": summed,
    "retained": retained,
    "interleaved": interleaved,
    "checkpointed": checkpointed,
    "mapped": mapped_by(1),
    "batched": mapped_by(BATCH),
    "autocast": autocast,
}
