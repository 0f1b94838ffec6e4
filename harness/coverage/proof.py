"""Whether a public function does what a row does: by the traces of both, in every dtype and with the options named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ml_dtypes  # noqa: F401 - gives numpy bfloat16
import numpy as np

from harness.adapters.adapter import Adapter, built
from harness.adapters.catalogue import Builder, Spelling
from harness.adapters.fence import fenced
from harness.model import Array, Op, Param
from harness.ops import OPS, one_a_row
from harness.options import SHOWN, arranged, outer, reduces

ROWS, CLASSES = 4, 6
AXIS: Mapping[str, Param] = {"rank": 3}  # of an axis that is named


def differs(adapter: Adapter, spelling: Spelling) -> str:
    """Return in what a function differs from its row; empty where every trace is the same.

    Shapes are small, and each option is named alone: Python of a framework that branches on more is not seen through.
    What both refuse is the same, as a dtype that neither takes, but not everything can be.
    """
    for op in _asked(spelling):
        traces = []
        for dtype in spelling.dtypes:
            own, row = (_trace(adapter, build, op, dtype) for build in (spelling.build, spelling.like))
            if own != row:
                return f"{op} of {dtype}"
            traces.append(own)
        if not any(isinstance(trace, str) for trace in traces):
            return f"{op} is refused by both"
    return ""


def _asked(spelling: Spelling) -> Iterator[Op]:
    if spelling.plain:
        yield Op.of(spelling.op)
    shown = {name: value for name, value in spelling.options.items() if name in SHOWN}
    for name, value in spelling.options.items():
        if name not in SHOWN:
            yield Op.of(spelling.op, **{name: value}, **({**AXIS, **shown} if name == "axis" else shown))


def _trace(adapter: Adapter, build: Builder, op: Op, dtype: str) -> str | tuple[str, ...]:
    """Return a trace, or what was raised, whose message may name what is called."""

    def call() -> Any:
        function = built(build, op, "it")
        arrays = [adapter.put(array, mode=adapter.plainest, device="cpu") for array in _arrays(op, dtype)]
        return adapter.traced(function, *arrays)

    got: Any = fenced(call)
    return got if isinstance(got, str) else (type(got).__name__, getattr(got, "error", ""))


def _arrays(op: Op, dtype: str) -> list[Array]:
    """Return logits, labels where the op has them, and the upstream, by the op's options."""
    record, numbers = OPS[op.name], np.dtype(dtype)
    rows = (np.arange(ROWS * CLASSES).reshape(ROWS, CLASSES) % 5 - 2).astype(numbers)
    lengths = outer(ROWS, int(op.options.get("rank", 2)))
    labels = {
        "none": [],
        "index": [(np.arange(ROWS) % CLASSES).reshape(lengths)],
        "row": [arranged(op, (np.arange(ROWS * CLASSES).reshape(ROWS, CLASSES) % 2).astype(numbers))],
    }[record.labels]
    upstream = np.ones(lengths if one_a_row(op) else arranged(op, rows).shape)
    if reduces(op):
        upstream = np.ones(())
    return [arranged(op, rows), *labels, upstream.astype(numbers)]
