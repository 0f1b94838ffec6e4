"""Refusals aloud: who raises for an axis, a rank, a length or a dtype, whatever the numbers, gives no wrong answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from harness.adapters.adapter import Adapter
from harness.model import Array, Failed, Inputs, Op, Unsupported
from suites.questions.families import to_dtype

T = TypeVar("T")
REFUSING = ("NotImplementedError", "ValueError", "TypeError", "AssertionError")  # what code raises that means it
NOT_JUDGED = "not judged: "  # in front of what a function is not asked, and why
ALOUD = "refused aloud"
IN_PART = ("refused", "sizes refused")  # policies of checks that judged the rest


def read(
    got: T | Unsupported | Failed,
    adapter: Adapter,
    op: Op,
    inputs: Inputs,
    again: Callable[[Inputs], object],
) -> T | Unsupported | Failed:
    """Return what came back; where somebody's own function raised and does so for plain numbers too, as unsupported.

    again: asks the same of other inputs of the same shapes and dtypes.
    """
    if not (adapter.judged and isinstance(got, Failed) and got.kind == "raised" and got.error in REFUSING):
        return got
    probed = again(plain(op, inputs))
    alike = isinstance(probed, Failed) and (probed.kind, probed.error) == (got.kind, got.error)
    return Unsupported(f"{NOT_JUDGED}{ALOUD}: {got.reason}") if alike else got


def plain(op: Op, inputs: Inputs) -> Inputs:
    """Return inputs of the same shapes and dtypes that nobody refuses for their numbers."""
    dtype, logits = inputs.logits.dtype.name, inputs.logits
    ones = to_dtype(np.ones(inputs.upstream.shape), dtype)
    return replace(
        inputs,
        logits=to_dtype(np.arange(logits.size).reshape(logits.shape) % 5 / 4, dtype),
        labels=_labels(op, inputs),
        upstream=ones,
        weight=None if inputs.weight is None else to_dtype(np.ones(inputs.weight.shape), dtype),
        bias=None if inputs.bias is None else to_dtype(np.zeros(inputs.bias.shape), dtype),
        direction=None if inputs.direction is None else to_dtype(np.ones(inputs.direction.shape), dtype),
    )


def _labels(op: Op, inputs: Inputs) -> Array | None:
    """Return the first class of every row, as an index or one-hot."""
    if inputs.labels is None or inputs.labels.ndim != inputs.logits.ndim or not inputs.labels.size:
        return None if inputs.labels is None else np.zeros_like(inputs.labels)
    hot = np.zeros(inputs.labels.shape)
    np.moveaxis(hot, int(op.options.get("axis", -1)), 0)[0] = 1
    return hot.astype(inputs.labels.dtype)


def reason(outcome: Unsupported) -> str:
    """Return why a part is not judged; nothing where a function just does not offer it."""
    return outcome.reason.removeprefix(NOT_JUDGED) if outcome.reason.startswith(NOT_JUDGED) else ""
