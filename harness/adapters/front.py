"""What users write in front of a function: a factor of the logits, and a mask that is added to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.model import Param

Native = Any  # a framework's own array; as in `harness.adapters.catalogue`, which this is below
Function = Callable[..., Native]


def in_front(function: Function, weights: Function | None, given: Mapping[str, Param]) -> Function:
    """Return a function of logits that become c x, plus a pattern over the classes; as it is where nothing is given."""
    if not given:
        return function
    scale, added = float(given.get("scale", 1.0)), str(given.get("added_mask", ""))

    def run(logits: Native, *labels: Native) -> Native:
        x = logits * scale
        if added:
            assert weights is not None
            x = x + weights(logits, added, -1)
        return function(x, *labels)

    return run
