"""The ops, one record each: what an op takes, what it gives and what is asked of it.

A new op is a record here, one formula in each tier of the reference, one bound, and its rows in the adapters. One that
is asked `apart` needs less: the arbiter alone answers it, in families of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.model import Op, Param, Quantity

VALUE_ONLY: tuple[Quantity, ...] = ("value",)
VALUE_AND_GRADIENT: tuple[Quantity, ...] = ("value", "grad_logits")

MEAN: Mapping[str, Param] = {"reduction": "mean"}


@dataclass(frozen=True)
class Record:
    """One op. All that the harness knows of it beside its formulas is read from here.

    labels: none; `index`, a class a row; or `row`, numbers shaped like the logits.
    takes: what stands where other ops have logits. apart: asked in few small families of what it takes, and of no law.
    value: `row`, one number a row; `class`, one a class that depends on the whole row; or `point`, one a logit that
    depends on it alone. variants: options that are asked in every input family beside none.
    """

    name: str
    labels: Literal["none", "index", "row"]
    value: Literal["row", "class", "point"]
    caption: str  # what one gets, for a reader who looks for a function
    variants: tuple[Mapping[str, Param], ...] = ()
    takes: Literal["logits", "probabilities"] = "logits"
    apart: bool = False

    @property
    def elementwise(self) -> bool:
        """Whether every logit is answered by itself."""
        return self.value == "point"

    @property
    def one_a_row(self) -> bool:
        """Whether the value is one number a row."""
        return self.value == "row"

    @property
    def takes_axis(self) -> bool:
        """Whether a function of this op is told which axis holds the classes; losses take the last."""
        return self.labels == "none" and not self.elementwise

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What is asked of it: indices have no gradient."""
        return (*VALUE_AND_GRADIENT, "grad_labels") if self.labels == "row" else VALUE_AND_GRADIENT

    @property
    def signature(self) -> str:
        """What a function that somebody wants judged is called with."""
        second = ", axis" if self.takes_axis else "" if self.labels == "none" else ", labels"
        return f"({self.takes}{second})"


OPS: Mapping[str, Record] = {
    record.name: record
    for record in (
        Record("softmax", "none", "class", "probabilities that sum to one"),
        Record("log_softmax", "none", "class", "their logarithms"),
        Record("logsumexp", "none", "row", "the logarithm of their normaliser"),
        Record("sparse_xent", "index", "row", "a loss: one right class of many, labels are class indices"),
        Record(
            *("dense_xent", "row", "row"),
            "a loss: labels are a distribution over the classes, such as one-hot or smoothed ones",
            (MEAN,),
        ),
        Record("sigmoid", "none", "point", "the probability of a yes, class by class"),
        Record("log_sigmoid", "none", "point", "its logarithm"),
        Record(
            *("sigmoid_xent", "row", "point"),
            "a loss: every class is a yes or no of its own, several may be right at once",
            ({"pos_weight": 3.0},),
        ),
        Record(
            *("sparse_prob_xent", "index", "row"),
            "the loss of probabilities that are given: one right class of many, labels are class indices",
            takes="probabilities",
            apart=True,
        ),
        Record(
            *("dense_prob_xent", "row", "row"),
            "the loss of probabilities that are given: labels are a distribution over the classes",
            takes="probabilities",
            apart=True,
        ),
        Record(
            *("binary_prob_xent", "row", "point"),
            "the loss of a probability that is given: every class is a yes or no of its own",
            takes="probabilities",
            apart=True,
        ),
    )
}

# What is asked in every input family, and of each its quantities.
ASKED: Mapping[Op, tuple[Quantity, ...]] = {
    Op.of(record.name, **options): VALUE_AND_GRADIENT if options else record.quantities
    for record in OPS.values()
    if not record.apart
    for options in ({}, *record.variants)
}
# What is asked in few families of its own.
APART: Mapping[Op, tuple[Quantity, ...]] = {
    Op.of(record.name): record.quantities for record in OPS.values() if record.apart
}


def plain(*values: str) -> tuple[Op, ...]:
    """Return the ops without options whose value is one of these kinds; all where none is named. None is apart."""
    chosen = (record for record in OPS.values() if not record.apart and (not values or record.value in values))
    return tuple(Op(record.name) for record in chosen)
