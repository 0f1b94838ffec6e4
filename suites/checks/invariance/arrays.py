"""How a call's arrays lie in memory, and the dtype of its labels: neither changes an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from harness.adapters.adapter import Adapter
from harness.adapters.calls import Layout, given
from harness.model import QUANTITIES, Array, Checked, Inputs, Op, Target
from harness.ops import OPS as RECORDS
from harness.ops import VALUE_AND_GRADIENT
from suites.checks.check import Asking, Spec
from suites.checks.invariance.batches import Surroundings, Truth
from suites.checks.invariance.suite import BY_ROW, IN_MEMORY, INVARIANCE, LINEAR, ODD, OPS

AS_VIEWS: Mapping[Layout, str] = {  # what is asked of a case's own numbers, in words
    "transposed": "a view that is transposed",
    "strided": "a view that is strided",
    "offset": "a view that is offset",
    "wider": "rows of a wider array",
}
FLAT: tuple[Layout, ...] = ("strided", "offset", "reversed")  # of arrays that have one axis
WITH_LABELS = tuple(op for op in OPS if RECORDS[op.name].labels != "none")
WITHOUT = tuple(op for op in OPS if op not in WITH_LABELS)
INDICES = ("int32", "int16", "uint8")
LABELLED = (32, 200)  # rows, and so many classes that a uint8 needs all of its bits


def has_layouts(adapter: Adapter, _target: Target) -> bool:
    """Take the frameworks whose users choose where an array lies."""
    return bool(adapter.layouts)


@INVARIANCE.check(IN_MEMORY, LINEAR, asks=has_layouts)
def layout(asking: Asking) -> Checked:
    """Views are answered as contiguous arrays are, or refused: transposed, strided, offset, rows of a wider array."""
    truth, plain = Truth.of(asking), asking.answer()
    found = Surroundings.with_plain(truth, plain)
    arrays = given(asking.inputs, asking.case.quantity)
    for view, words in AS_VIEWS.items():
        got = asking.attempt(layouts={name: view for name, array in arrays.items() if array.ndim == 2})
        found.attempted(view, words, got, asking.inputs, truth, plain)
    return found.checked()


@INVARIANCE.check(
    Spec(WITH_LABELS, QUANTITIES, "normal", *ODD, ("float32",)),
    Spec(WITHOUT, ("grad_logits",), "normal", *ODD, ("float32",)),
    LINEAR,
    asks=has_layouts,
)
def strides(asking: Asking) -> Checked:
    """Labels and incoming gradients are taken, or refused, however they lie: sliced, reversed, or one for all rows."""
    found = Surroundings()
    for name, view, inputs in views(asking):
        if view not in asking.adapter.layouts:
            continue
        truth, plain = Truth.of(asking, inputs), asking.answer(inputs)
        found.allowed = max(found.allowed, Surroundings.with_plain(truth, plain).allowed)
        got = asking.attempt(inputs, layouts={name: view})
        words = {"upstream": "incoming gradients"}.get(name, name)
        found.attempted(f"{words} {view}", f"a call whose {words} are {view}", got, inputs, truth, plain)
    return found.checked()


def views(asking: Asking) -> Iterator[tuple[str, Layout, Inputs]]:
    """Yield arrays of a call with the memory that they are to lie in, and inputs whose numbers do."""
    for name, array in given(asking.inputs, asking.case.quantity).items():
        if array.ndim == 1:
            yield from ((name, view, asking.inputs) for view in FLAT)
        first: Array = np.broadcast_to(array[:1], array.shape)
        field = "logits" if name == "hidden" else name  # of `Inputs`
        yield name, "repeated", replace(asking.inputs, **{field: first})
        if name == "upstream":
            yield name, "expanded", replace(asking.inputs, upstream=np.ones_like(array))


@INVARIANCE.check(
    Spec((Op.of("sparse_xent"),), VALUE_AND_GRADIENT, "normal", *LABELLED, ("float32",)),
    replace(BY_ROW, rows=LABELLED[0], classes=LABELLED[1]),
)
def label_dtype(asking: Asking) -> Checked:
    """Class indices in int32, int16 and uint8 are the classes that they are in int64, 200 of them, or are refused.

    The answer keeps the dtype of the logits.
    """
    labels = asking.inputs.labels
    assert labels is not None
    truth, plain = Truth.of(asking), asking.answer()
    found = Surroundings.with_plain(truth, plain)
    for dtype in INDICES if asking.adapter.compiles(asking.target.mode) == "nothing" else INDICES[:1]:
        inputs = replace(asking.inputs, labels=labels.astype(dtype))
        found.attempted(f"labels in {dtype}", f"a call whose labels are {dtype}", asking.attempt(inputs), inputs, truth)
    return found.checked()
