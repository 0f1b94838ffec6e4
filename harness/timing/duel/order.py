"""What a worker is asked to prepare, and what it says of it: plain values, which travel between processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.model import Case, Quantity, Target

Arrays = dict[str, tuple[str, str, tuple[int, ...]] | None]  # part: path, dtype, shape


@dataclass(frozen=True)
class Order:
    """A call to prepare: a quantity of an op, asked of a function in a mode on a device, with its arrays in files."""

    framework: str
    name: str
    file: str  # whose function it is; empty for a framework's own
    mode: str
    device: str
    op: str
    options: dict[str, Any]
    quantity: Quantity
    arrays: Arrays
    outgrow_bytes: int  # the cache that copies of the arrays are to outgrow
    graph: bool = False  # replay a recording of the calls, where the framework can

    @classmethod
    def of(
        cls, case: Case, target: Target, file: str, arrays: Arrays, outgrow_bytes: int, *, graph: bool = False
    ) -> Order:
        """Ask a case of a target."""
        return cls(
            target.implementation.framework,
            target.implementation.name,
            file,
            target.mode,
            target.device,
            case.op.name,
            case.op.options,
            case.quantity,
            arrays,
            outgrow_bytes,
            graph,
        )


@dataclass(frozen=True)
class Preparation:
    """What a worker says of a call that it has prepared. Seconds are a call's; the first one compiles and traces."""

    first_seconds: float
    seconds: float
    overhead_seconds: float  # of the loop around it, and its wait
    copies: int  # of the arrays, which take turns
    bytes: int  # of one copy
    cache_bytes: int  # of the last-level cache; 0 where nobody tells
    synchronised: str  # how a stamp is taken, in words
