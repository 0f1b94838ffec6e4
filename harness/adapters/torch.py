"""PyTorch, eager and torch.compile."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import torch

from harness import adapters
from harness.adapters import Builder, Catalogue, Function, Native, NotSupported

if TYPE_CHECKING:
    from harness.model import Array

catalogue = Catalogue("torch")

# Change the answers of mode compile: whether Inductor rounds to the storage type between fused operations, and which
# mathematics it lets the compilers use (torch/_inductor/config.py). torch's version does not show them.
FLAGS = (
    "TORCHINDUCTOR_EMULATE_PRECISION_CASTS",
    "TORCHINDUCTOR_CPP_ENABLE_UNSAFE_MATH_OPT_FLAG",
    "TORCHINDUCTOR_USE_FAST_MATH",
)
# One code object serves many functions, dtypes and shapes, and each is one entry; torch's own limits are 8 and 256.
ENTRIES = 1 << 20


def plain(function: Function) -> Builder:
    """Make a composition without options a builder."""
    return lambda: function


def reducing(losses: Function) -> Builder:
    """Give a composition of un-reduced losses the option `reduction` as users write it: .mean() behind the losses."""

    def build(*, reduction: str = "none") -> Function:
        match reduction:
            case "none":
                return losses
            case "mean":
                return lambda logits, labels: losses(logits, labels).mean()
        raise NotSupported(f"reduction is {reduction!r}, expected 'none' or 'mean'")

    return build


@catalogue.public("softmax", "torch.softmax", "torch.nn.functional.softmax", within=globals())
@catalogue.public("log_softmax", "torch.log_softmax", "torch.nn.functional.log_softmax", within=globals())
@catalogue.public("logsumexp", "torch.logsumexp", within=globals())
def over_classes(function: Function) -> Function:
    """Build a function of the last axis; torch wants it named."""
    return lambda logits: function(logits, dim=-1)


@catalogue.public("sigmoid", "torch.sigmoid", within=globals())
@catalogue.public("log_sigmoid", "torch.nn.functional.logsigmoid", within=globals())
def elementwise(function: Function) -> Function:
    """Build a function of every element."""
    # Note: not the builtin itself; torch.compile needs a Python frame to start from.
    return lambda logits: function(logits)  # noqa: PLW0108


@catalogue.public("sparse_xent", "torch.nn.functional.cross_entropy", within=globals())
@catalogue.public("dense_xent", "torch.nn.functional.cross_entropy", within=globals())
def cross_entropy(function: Function, *, reduction: str = "none") -> Function:
    """Build the loss; class indices and class probabilities are one function, told apart by the labels' shape."""
    return lambda logits, labels: function(logits, labels, reduction=reduction)


@catalogue.public("sigmoid_xent", "torch.nn.functional.binary_cross_entropy_with_logits", within=globals())
def binary_cross_entropy_with_logits(function: Function, *, pos_weight: float | None = None) -> Function:
    """Build the loss; without pos_weight torch takes another branch than with pos_weight 1, so None is passed on."""
    if pos_weight is None:
        return lambda logits, labels: function(logits, labels, reduction="none")
    return lambda logits, labels: function(logits, labels, reduction="none", pos_weight=logits.new_full((), pos_weight))


@catalogue.form("softmax", "torch.exp(logits) / torch.exp(logits).sum()", "naive")
@plain
def _(logits: Native) -> Native:
    exponentials = torch.exp(logits)
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


@catalogue.form("log_softmax", "logits - torch.logsumexp(logits)", "composed")
@plain
def _(logits: Native) -> Native:
    return logits - torch.logsumexp(logits, dim=-1, keepdim=True)


@catalogue.form("log_softmax", "torch.log(torch.softmax(logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return torch.log(torch.softmax(logits, dim=-1))


@catalogue.form("logsumexp", "torch.log(torch.exp(logits).sum())", "naive")
@plain
def _(logits: Native) -> Native:
    return torch.log(torch.exp(logits).sum(dim=-1))


@catalogue.form("sigmoid", "1 / (1 + torch.exp(-logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return 1 / (1 + torch.exp(-logits))


@catalogue.form("log_sigmoid", "-torch.nn.functional.softplus(-logits)", "composed")
@plain
def _(logits: Native) -> Native:
    return -torch.nn.functional.softplus(-logits)


@catalogue.form("log_sigmoid", "torch.log(torch.sigmoid(logits))", "naive")
@plain
def _(logits: Native) -> Native:
    return torch.log(torch.sigmoid(logits))


@catalogue.form("sparse_xent", "torch.nn.functional.nll_loss(torch.log_softmax(logits), labels)", "composed")
def _(*, reduction: str = "none") -> Function:
    return lambda logits, labels: torch.nn.functional.nll_loss(
        torch.log_softmax(logits, dim=-1), labels, reduction=reduction
    )


@catalogue.form("sparse_xent", "torch.logsumexp(logits) - logits[labels]", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return torch.logsumexp(logits, dim=-1) - logits.gather(-1, labels[:, None])[:, 0]


@catalogue.form("sparse_xent", "-torch.log(torch.softmax(logits))[labels]", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -torch.log(torch.softmax(logits, dim=-1)).gather(-1, labels[:, None])[:, 0]


@catalogue.form("dense_xent", "-sum(labels * torch.log_softmax(logits))", "composed")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * torch.log_softmax(logits, dim=-1)).sum(dim=-1)


@catalogue.form("dense_xent", "-sum(labels * torch.log(torch.softmax(logits)))", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * torch.log(torch.softmax(logits, dim=-1))).sum(dim=-1)


@catalogue.form("dense_xent", "-sum(labels * torch.log(torch.softmax(logits) + 1e-7))", "naive")
@reducing
def _(logits: Native, labels: Native) -> Native:
    # 1e-7 is keras.config.epsilon(), copied far beyond Keras; 1e-8 and less are lost in float16.
    return -(labels * torch.log(torch.softmax(logits, dim=-1) + 1e-7)).sum(dim=-1)


@catalogue.form("sparse_xent", "torch.nn.functional.cross_entropy(torch.softmax(logits), labels)", "misuse")
@catalogue.form("dense_xent", "torch.nn.functional.cross_entropy(torch.softmax(logits), labels)", "misuse")
def _(*, reduction: str = "none") -> Function:
    return lambda logits, labels: torch.nn.functional.cross_entropy(
        torch.softmax(logits, dim=-1), labels, reduction=reduction
    )


@catalogue.form("dense_xent", "-sum(labels * torch.log(logits))", "misuse")
@reducing
def _(logits: Native, labels: Native) -> Native:
    return -(labels * torch.log(logits)).sum(dim=-1)


@catalogue.form(
    "sigmoid_xent",
    "-labels * logsigmoid(logits) - (1 - labels) * logsigmoid(-logits)",
    "composed",
)
@plain
def _(logits: Native, labels: Native) -> Native:
    logsigmoid = torch.nn.functional.logsigmoid
    return -labels * logsigmoid(logits) - (1 - labels) * logsigmoid(-logits)


# Naive and not composed: once the sigmoid has rounded to 1 (logits above 17 in float32), log(1 - 1) can only be
# guessed, and torch guesses -100. The clamp is documented, the loss of the logit is the composition's.
@catalogue.form("sigmoid_xent", "torch.nn.functional.binary_cross_entropy(torch.sigmoid(logits), labels)", "naive")
@plain
def _(logits: Native, labels: Native) -> Native:
    return torch.nn.functional.binary_cross_entropy(torch.sigmoid(logits), labels, reduction="none")


@catalogue.form(
    "sigmoid_xent",
    "-labels * torch.log(torch.sigmoid(logits)) - (1 - labels) * torch.log(1 - torch.sigmoid(logits))",
    "naive",
)
@plain
def _(logits: Native, labels: Native) -> Native:
    probabilities = torch.sigmoid(logits)
    return -labels * torch.log(probabilities) - (1 - labels) * torch.log(1 - probabilities)


@catalogue.form("sigmoid_xent", "-labels * torch.log(torch.sigmoid(logits))", "misuse")
@plain
def _(logits: Native, labels: Native) -> Native:
    return -labels * torch.log(torch.sigmoid(logits))


def compiled(function: Function) -> Function:
    """Compile, and make every way back to eager an error: a mode that quietly answers as another is worse than none."""
    dynamo = torch._dynamo.config  # noqa: SLF001 - not all have a public name in torch 2.7; imported when first used
    dynamo.suppress_errors = False
    dynamo.fail_on_recompile_limit_hit = True
    dynamo.recompile_limit = dynamo.accumulated_recompile_limit = ENTRIES
    torch._inductor.config.compile_threads = 1  # noqa: SLF001 - as above; more would start a pool of processes
    native: Function = torch.compile(function, fullgraph=True, dynamic=False)
    if dynamo.disable or native is function:
        raise NotSupported("torch.compile is switched off; unset TORCH_COMPILE_DISABLE and TORCHDYNAMO_DISABLE")
    return native


def differentiated(function: Function, argument: int, *arrays: Native) -> tuple[Native, Native]:
    """Return the value and its gradient; the last array is the upstream."""
    *given, upstream = arrays
    # A fresh leaf shares the data, so a call copies nothing and leaves no graph behind for the next.
    given[argument] = leaf = given[argument].detach().requires_grad_()
    value = function(*given)
    return value, torch.autograd.grad(value, leaf, upstream)[0]


class Adapter(adapters.Adapter):
    """PyTorch on the cpu and on every cuda device."""

    catalogue = catalogue
    modes = ("eager", "compile")

    def devices(self) -> tuple[str, ...]:  # noqa: D102 - as the base class says, here and below
        return ("cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count())))

    def environment(self, device: str) -> dict[str, str]:  # noqa: D102
        found = {
            "torch": torch.__version__,
            "threads": str(torch.get_num_threads()),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),  # follows ATEN_CPU_CAPABILITY
            "deterministic": str(torch.are_deterministic_algorithms_enabled()),
            **{flag: os.environ[flag] for flag in FLAGS if flag in os.environ},
        }
        if device.startswith("cuda"):
            found |= {"device": torch.cuda.get_device_name(device), "cuda": str(torch.version.cuda)}
        return found

    def put(self, array: Array, *, mode: str, device: str) -> Native:  # noqa: ARG002, D102
        copy = np.array(array, order="C")
        if copy.dtype == ml_dtypes.bfloat16:  # numpy's bfloat16 is ml_dtypes', unknown to torch: go through the bits
            return torch.from_numpy(copy.view(np.int16)).view(torch.bfloat16).to(device)
        return torch.from_numpy(copy).to(device)

    def get(self, native: Native) -> Array:  # noqa: D102
        tensor = native.detach().cpu()
        if tensor.dtype == torch.bfloat16:
            return np.array(tensor.view(torch.int16).numpy()).view(ml_dtypes.bfloat16)
        return np.array(tensor.numpy())

    def wait(self, native: Native) -> None:  # noqa: D102
        tensors = native if isinstance(native, tuple) else (native,)
        for device in {tensor.device for tensor in tensors if tensor.device.type == "cuda"}:
            torch.cuda.synchronize(device)

    def forward(self, function: Function, mode: str) -> Function:  # noqa: D102
        return compiled(function) if mode == "compile" else function

    def backward(self, function: Function, mode: str, argument: int) -> Function:  # noqa: D102
        # Only the forward is wrapped, as users do it: torch.compile then compiles the backward with it.
        return partial(differentiated, self.forward(function, mode), argument)
