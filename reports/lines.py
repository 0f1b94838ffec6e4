"""A line of a table: one op with its options, asked of one target; how lines are told apart, sorted and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model import KINDS

if TYPE_CHECKING:
    from harness.model import Result, Target

Line = tuple[str, "Target"]  # op, who answered


def line(result: Result) -> Line:
    """Return the line a result belongs to."""
    return str(result.case.op), result.target


def order(line: Line) -> tuple[object, ...]:
    """Sort lines by op, framework, kind (fused first), name, mode."""
    op, target = line
    implementation = target.implementation
    kind = list(KINDS).index(implementation.kind)
    return op, implementation.framework, kind, implementation.name, target.mode, target.device


def where(target: Target) -> str:
    """Return the mode, with the device where it is not the cpu."""
    return target.mode if target.device == "cpu" else f"{target.mode} on {target.device}"
