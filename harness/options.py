"""The options of an op as its params spell them: suites ask them, the reference says what they mean.

What differs from class to class or from row to row is a pattern, such as "1 0.5 0.25 2": numbers apart by blanks,
repeated over the classes or the rows. Patterns hold dyadic numbers, so that every format has them exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice

import numpy as np

from harness.model import Array, Op

OPTIONS: Mapping[str, str] = {
    "axis": "the axis of the classes",
    "rank": "the number of axes of the logits",
    "reduction": "what becomes of the losses",
    "class_weight": "a factor of each class's term, a pattern over the classes",
    "sample_weight": "a factor of each row's loss, a pattern over the rows",
    "ignore_index": "the label of the rows that do not count",
    "label_smoothing": "e: labels become (1 - e) y + e / classes; of a sigmoid (1 - e) z + e / 2",
    "softcap": "c: logits become c tanh(x / c)",
    "z_loss": "z: to each loss comes z logsumexp**2, of the logits that the loss is of",
    "gamma": "of a focal loss, the exponent of 1 - p",
    "alpha": "of a focal loss, its factor; of a sigmoid's, that of a label of 1, and 1 - alpha of a label of 0",
    "epsilon": "of a poly loss, the factor of 1 - p",
    "log_target": "of a divergence: whether labels are logarithms of probabilities, as log-probabilities are",
    "pos_weight": "a factor of the positive term, a number or a pattern over the classes",
    "mask": "a pattern over the classes: 0 where a class is left out of the row",
    "term_weight": "of a logsumexp: a factor of each class's exponential, a pattern over the classes",
    "scale": "c: logits become c x, a product in front of the function, as attention has it",
    "added_mask": "a pattern over the classes, added in front of the function: -inf where one is left out, else 0",
    "bias": "of a linear op: whether a bias is added to the logits",
    "label_dtype": "the dtype that labels come in",
    "label_sum": "what a row of labels sums to, a pattern over the rows",
}
REDUCTIONS: Mapping[str, str] = {
    "none": "one loss a row, or an element of a sigmoid",
    "sum": "their sum",
    "mean": "their sum over their number, ignored ones and those without a weight included",
    "mean_valid": "their sum over the number of those that are not ignored",
    "mean_classweight": "their sum over the sum of the class weights of the labels that are not ignored",
    "mean_sampleweight": "their sum over the sum of the sample weights",
    "mean_nonzero": "their sum over the number of sample weights that are not 0",
    "mean_axis": "one a row: the mean over the classes of a sigmoid's losses",
    "sum_axis": "one a row: the sum over the classes of a divergence's terms",
}
# What the inputs show of themselves: a builder is told only where it has the parameter.
SHOWN = frozenset({"rank", "label_sum"})
# What is done in front of a function, so that it has no parameter for it.
IN_FRONT = frozenset({"scale", "added_mask"})
# No framework's losses have these; a function is asked where it has the parameter.
RARE = frozenset({"softcap", "z_loss"})


def repeated(pattern: str, count: int) -> tuple[float, ...]:
    """Return the numbers of a pattern, repeated to a count."""
    return tuple(islice(cycle(map(float, pattern.split())), count))


def reduces(op: Op) -> bool:
    """Tell whether an op's value is one number: what is reduced over the classes alone ends in `_axis`."""
    reduction = str(op.options.get("reduction", "none"))
    return reduction != "none" and not reduction.endswith("_axis")


def outer(rows: int, rank: int) -> tuple[int, ...]:
    """Return the lengths of the axes beside the classes': the smallest factors of the rows first, the rest last.

    Raises ValueError where there is no axis to hold the rows.
    """
    if rank == 1 and rows != 1:
        raise ValueError(f"rows are {rows}, expected 1; logits of rank 1 are one row")
    lengths = []
    for _ in range(rank - 2):
        lengths.append(next((factor for factor in range(2, rows + 1) if rows % factor == 0), 1))
        rows //= lengths[-1]
    return (*lengths, rows)[: rank - 1]


def arranged(op: Op, rows: Array) -> Array:
    """Turn (rows, classes) into an array of the op's rank, its classes along the op's axis."""
    rank, axis = int(op.options.get("rank", 2)), int(op.options.get("axis", -1))
    return np.moveaxis(rows.reshape(*outer(len(rows), rank), rows.shape[1]), -1, axis)


def along_rows(op: Op, array: Array) -> Array:
    """Undo `arranged`."""
    axis = int(op.options.get("axis", -1))
    return np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])
