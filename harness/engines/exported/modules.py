"""What torch's exporters take: a module."""

import torch

from harness.adapters import Function, Native


class Module(torch.nn.Module):  # type: ignore[misc]
    """A function as a module, which exporters take."""

    def __init__(self, function: Function) -> None:
        """Keep the function."""
        super().__init__()
        self._function = function

    def forward(self, *arrays: Native) -> Native:
        """Call it."""
        return self._function(*arrays)
