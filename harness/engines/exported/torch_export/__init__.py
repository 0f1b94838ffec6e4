"""PyTorch by way of its own programs: `torch.export`, and TorchScript by tracing."""

from __future__ import annotations

from typing import ClassVar

import torch

from harness.adapters import Function, Native, NotSupported
from harness.adapters.torch import Adapter as Torch
from harness.engines.exported.modules import Module
from harness.engines.exported.paths import HELD, Path, exported


class Adapter(Path):
    """Mode `export` is torch.export and its module, `trace` is torch.jit.trace."""

    source = Torch()
    catalogue = exported(source.catalogue, "torch_export", "torch.export")
    modes = ("export", "trace")
    compiling: ClassVar = dict.fromkeys(modes, "export")
    checks: ClassVar = (HELD,)
    differentiates = True

    def export(self, function: Function, arrays: tuple[Native, ...], mode: str) -> Function:
        module = Module(function)
        try:
            if mode == "export":
                return torch.export.export(module, arrays).module()
            return torch.jit.trace(module, arrays, check_trace=False)
        except Exception as refusal:
            raise NotSupported(f"mode {mode} refuses: {type(refusal).__name__}: {refusal}") from refusal
