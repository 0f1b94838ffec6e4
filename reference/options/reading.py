"""The plain losses that a loss with options consists of: their labels, and a factor for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from harness import options
from harness.model import Array, Inputs, Op, Quantity
from harness.ops import OPS


@dataclass(frozen=True, eq=False)
class Loss:
    """Losses of `base`, an op without options, each times its factor, summed over some axes.

    inputs: by row, masked classes left out; labels smoothed and, of dense_xent, times the class weights. factor: of
    every loss, (rows,), or (rows, classes) of a sigmoid; the denominator is in it. over: the axes of `factor` that are
    summed. classes: masked ones included. kept: those that are not, by index. smoothed: 1 - e. through: the class
    weights that a gradient with respect to the labels as given has beside the factor. pos_weight: by class.
    """

    base: str
    inputs: Inputs
    factor: Array
    over: tuple[int, ...]
    classes: int
    kept: Array
    smoothed: float
    through: Array
    pos_weight: Array

    @property
    def labels(self) -> Array:
        """The labels in float64, an index as a one-hot row."""
        labels = self.inputs.labels
        assert labels is not None
        return one_hot(labels, len(self.kept)) if OPS[self.base].labels == "index" else labels

    def upstream(self, quantity: Quantity) -> Array:
        """Return the incoming gradient of every loss of `base`, shaped like the factor."""
        given = self.inputs.upstream.astype(np.float64)
        if self.over == (1,):
            given = given[:, None]  # a row's mean hands it on to its elements
        return np.asarray(given * self.factor * (self.smoothed if quantity == "grad_labels" else 1.0))

    def questions(self, quantity: Quantity) -> Iterator[tuple[tuple[slice | Array, ...], Op, Inputs]]:
        """Yield (place of the answer, op, inputs) of what the reference is asked; values without their factors."""
        inputs = replace(self.inputs, upstream=np.ones(self.factor.shape))
        if quantity != "value":
            inputs = replace(inputs, upstream=self.upstream(quantity))
        if not OPS[self.base].elementwise:
            yield (slice(None),), Op.of(self.base), inputs
            return
        assert inputs.labels is not None
        for weight in np.unique(self.pos_weight):
            at = np.flatnonzero(self.pos_weight == weight)
            some = Inputs(inputs.logits[:, at], inputs.labels[:, at], inputs.upstream[:, at])
            yield (slice(None), at), Op.of(self.base, pos_weight=float(weight)), some

    def dense(self) -> tuple[Array, Array]:
        """Return logits and labels of dense losses that equal these, with their factors: a row a loss.

        A sigmoid's loss is that of the two classes (0, x), whose -log_softmax is softplus(x) and softplus(-x).
        """
        x, z = self.inputs.logits, self.labels
        if OPS[self.base].elementwise:
            x, z = np.stack([np.zeros_like(x), x], axis=-1), np.stack([1 - z, self.pos_weight * z], axis=-1)
        return x, z * self.factor[..., None]


def read(op: Op, rows: Inputs) -> Loss:
    """Read the options of a loss; inputs by row. Raises ValueError for a denominator that is no power of two."""
    asked, (count, classes) = op.options, rows.logits.shape

    def numbers(name: str, length: int) -> Array:
        return np.array(options.repeated(str(asked.get(name, "1")), length))

    weights, samples = numbers("class_weight", classes), numbers("sample_weight", count)
    kept = np.flatnonzero(numbers("mask", classes))
    smoothing = float(asked.get("label_smoothing", 0.0))
    record, base, labels, through = OPS[op.name], op.name, rows.labels, np.ones(len(kept))
    assert labels is not None
    valid, of_label = np.ones(count, bool), np.ones(count)
    if record.labels == "index":
        valid = labels != asked.get("ignore_index")
        labels = np.where(valid, labels, kept[0]).astype(np.int64)
        of_label = weights[labels] * valid
    if record.elementwise:
        labels = (1 - smoothing) * labels.astype(np.float64) + smoothing / 2
        samples = np.repeat(samples[:, None], classes, axis=1)
        factor = samples * weights
    elif record.labels == "index" and not smoothing:
        labels, factor = np.searchsorted(kept, labels), samples * of_label
    else:
        labels = one_hot(labels, classes) if record.labels == "index" else labels.astype(np.float64)
        labels = (((1 - smoothing) * labels + smoothing / classes) * weights)[:, kept]
        through, factor = weights[kept], samples * valid
        base = "dense_xent" if record.labels == "index" else op.name
    reduction = str(asked.get("reduction", "none"))
    over = (1,) if reduction == "mean_axis" else tuple(range(factor.ndim)) if options.reduces(op) else ()
    return Loss(
        base,
        replace(rows, logits=rows.logits[:, kept], labels=labels),
        factor / denominator(reduction, valid, of_label, samples, classes),
        over,
        classes,
        kept,
        1 - smoothing,
        through,
        numbers("pos_weight", classes),
    )


def denominator(reduction: str, valid: Array, of_label: Array, samples: Array, classes: int) -> float:
    """Return what a reduction divides by. Raises ValueError where that is no power of two, and a quotient would round.

    valid, of_label: (rows,), rows that are not ignored, the class weights of their labels. samples: by loss.
    """
    below = {
        "none": 1.0,
        "sum": 1.0,
        "mean": samples.size,
        "mean_valid": valid.sum(),
        "mean_classweight": of_label.sum(),
        "mean_sampleweight": samples.sum(),
        "mean_nonzero": np.count_nonzero(samples),
        "mean_axis": classes,
    }
    if reduction not in below:
        raise ValueError(f"reduction is {reduction!r}, expected one of {', '.join(below)}")
    if np.frexp(below[reduction])[0] != 0.5:
        raise ValueError(
            f"denominator of {reduction} is {below[reduction]:g}, expected a power of two; draw other labels"
        )
    return float(below[reduction])


def one_hot(index: Array, classes: int) -> Array:
    """Return a row for each index, 1 there and 0 elsewhere."""
    return (np.arange(classes) == index[:, None]).astype(np.float64)
