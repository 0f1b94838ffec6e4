"""One element of an answer, with the row it belongs to, for a person to look at and to run again."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from harness.model import Array, Case, Inputs, Worst
from harness.ops import OPS
from suites.questions import families, linear_recipes, recipes
from suites.questions.swept import widths

WRITTEN_OUT = 256  # classes up to which a row is stored as hex floats; a longer one is stored as a recipe


def worst_element(
    case: Case,
    inputs: Inputs,
    index: tuple[int, ...],
    expected: float,
    got: float,
    *,
    exact: str = "",
    ulp: float = float("inf"),
) -> Worst:
    """Describe one element of an answer, with its row; with all rows of a mean, or where the classes lie otherwise."""
    linear_op = inputs.weight is not None  # whose gradients mix the rows: all are told, by how they are drawn
    whole = index == () or inputs.logits.ndim != 2 or linear_op
    row = index[0] if index else 0
    rows = ... if whole else slice(row, row + 1)
    short = (
        not linear_op and inputs.logits.shape[-1] <= WRITTEN_OUT and (not whole or len(inputs.logits) <= WRITTEN_OUT)
    )
    labels = ""
    if inputs.labels is not None:
        listed = inputs.labels[rows].astype(np.float64).ravel()
        labels = " ".join(str(int(k)) for k in listed) if OPS[case.op.name].labels == "index" else _sparse_hex(listed)
    recipe = "" if short else linear_recipes.told(case, inputs) if linear_op else recipes.recipe(case, row)
    upstream = inputs.upstream if inputs.upstream.ndim == 0 else inputs.upstream[rows]
    return Worst(
        index=index,
        logits=_hex(inputs.logits[rows]) if short else recipe,
        label=labels,
        upstream="" if case.quantity == "value" else _sparse_hex(upstream.astype(np.float64).ravel()),
        exact=exact,
        expected=expected.hex(),
        got=got.hex(),
        ulp=ulp,
    )


def row_again(case: Case, worst: Worst) -> Inputs:
    """Return the row of a sweep's worst element, of which all numbers are written out, as inputs of one row."""
    if case.source.name in widths.WIDTHS:
        return widths.inputs(case, widths.longest(case)[:, : widths.width_of(worst.logits)])
    logits = _of(worst.logits, case).reshape(1, -1)
    record = OPS[case.op.name]
    labels = None
    if record.labels == "index":
        labels = np.array([int(worst.label)])
    elif worst.label:
        labels = _of(worst.label, case).reshape(1, -1)
    shape = (1,) if record.one_a_row else logits.shape
    upstream = families.to_dtype(np.ones(shape), case.dtype)  # as sweeps have it
    return Inputs(logits, labels, upstream)


def _of(text: str, case: Case) -> Array:
    return families.to_dtype(np.array([float.fromhex(word) for word in text.split()]), case.dtype)


def _hex(values: Array) -> str:
    return _written(values.astype(np.float64).tobytes())


@lru_cache(maxsize=1024)  # the targets of a case are often furthest off in the same row
def _written(values: bytes) -> str:
    return " ".join(map(float.hex, np.frombuffer(values).tolist()))


def _sparse_hex(values: Array) -> str:
    """Write a short row in full; a long one as `index=value` of what is not 0, or its first value if all are equal."""
    if len(values) <= WRITTEN_OUT:
        return _hex(values)
    return _written_sparsely(values.tobytes())


@lru_cache(maxsize=4)  # the targets of a case share such a row, of up to 100 000 numbers
def _written_sparsely(row: bytes) -> str:
    values = np.frombuffer(row)
    at = np.flatnonzero(values)
    return " ".join(map("{}={}".format, at.tolist(), map(float.hex, values[at].tolist())))
