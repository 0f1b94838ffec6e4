"""What a function of torch does: the operations that reach its dispatcher, forward and backward, with their arguments.

Python above the dispatcher computes nothing, and torch.compile starts from these operations; so functions with one
trace give one answer, in either mode.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from harness.adapters import Function, Native
from harness.adapters.torch import passes


class Record(TorchDispatchMode):  # type: ignore[misc]  # which torch does not type
    """Writes down every operation; a tensor is named by the order in which it was first seen."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        super().__init__()
        self.lines: list[str] = []
        self._seen: list[Native] = []  # kept, so that no other tensor comes to lie in its place

    def __torch_dispatch__(self, operation: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Write down an operation, and let it be done."""
        answer = operation(*args, **(kwargs or {}))
        defaults = [argument.default_value for argument in operation._schema.arguments]  # noqa: SLF001 - has no public name
        args = list(args)
        while args and not isinstance(args[-1], torch.Tensor) and args[-1] == defaults[len(args) - 1]:
            args.pop()  # what is given as the default is as if it were not given
        given = [self.name(one) for one in args] + [f"{key}={self.name(one)}" for key, one in (kwargs or {}).items()]
        self.lines.append(f"{self.name(answer)} = {operation}({', '.join(given)})")
        return answer

    def name(self, value: Any) -> str:
        """Return a text of an argument that is the same in another record of the same operations."""
        if isinstance(value, torch.Tensor):
            place = next((at for at, one in enumerate(self._seen) if one is value), len(self._seen))
            if place == len(self._seen):
                self._seen.append(value)
            return f"%{place}"
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(self.name, value))}]"
        return repr(int(value) if isinstance(value, float) and value.is_integer() else value)


def traced(function: Function, *arrays: Native) -> str:
    """Return the operations of a function's value and of its gradient with respect to the first array."""
    record = Record()
    for array in arrays:
        record.name(array)
    with record:
        answer = passes.differentiated(function, 0, *arrays)
    return "\n".join([*record.lines, record.name(answer)])
