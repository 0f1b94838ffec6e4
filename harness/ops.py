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
WITH_LABELS: tuple[Quantity, ...] = (*VALUE_AND_GRADIENT, "grad_labels")
VALUE_AND_HIDDEN: tuple[Quantity, ...] = ("value", "grad_hidden")

MEAN: Mapping[str, Param] = {"reduction": "mean"}
FOCUS: Mapping[str, Param] = {"gamma": 1.5, "alpha": 0.25}


@dataclass(frozen=True)
class Record:
    """One op. All that the harness knows of it beside its formulas is read from here.

    labels: none; `index`, a class a row; or `row`, numbers shaped like the logits.
    takes: what stands where other ops have logits; hidden states come with a weight, which makes logits of them. apart:
    asked in few small families of what it takes, and of no law.
    value: `row`, one number a row; `class`, one a class that depends on the whole row; or `point`, one a logit that
    depends on it alone. variants: options that are asked in every input family beside none.
    """

    name: str
    labels: Literal["none", "index", "row"]
    value: Literal["row", "class", "point"]
    caption: str  # what one gets, for a reader who looks for a function
    variants: tuple[Mapping[str, Param], ...] = ()
    takes: Literal["logits", "probabilities", "log_probabilities", "hidden"] = "logits"
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
        if self.linear:
            return (*VALUE_AND_HIDDEN, "grad_weight")
        return WITH_LABELS if self.labels == "row" else VALUE_AND_GRADIENT

    @property
    def forward_and_backward(self) -> tuple[Quantity, ...]:
        """The value, and its gradient with respect to the first array."""
        return VALUE_AND_HIDDEN if self.linear else VALUE_AND_GRADIENT

    def quantities_with(self, options: Mapping[str, Param]) -> tuple[Quantity, ...]:
        """Return what is asked with options: a bias has a gradient of its own."""
        if "bias" in options:
            return ("value", "grad_bias")
        return self.forward_and_backward if options else self.quantities

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of the arrays that a function of it is called with, in order."""
        labels = () if self.labels == "none" else ("labels",)
        return (self.takes, *(("weight",) if self.linear else ()), *labels)

    @property
    def linear(self) -> bool:
        """Whether the logits are a product that is its own business."""
        return self.takes == "hidden"

    @property
    def signature(self) -> str:
        """What a function that somebody wants judged is called with."""
        return f"({', '.join((*self.arrays, *(('axis',) if self.takes_axis else ())))})"


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
        Record(
            *("kl_div", "row", "point"),
            "the terms of a Kullback-Leibler divergence: log-probabilities, and labels that are probabilities",
            ({"log_target": True}, {"reduction": "sum_axis"}, {"log_target": True, "reduction": "sum_axis"}),
            takes="log_probabilities",
            apart=True,
        ),
        Record("entropy", "none", "row", "the entropy of their probabilities", apart=True),
        Record("bernoulli_entropy", "none", "point", "the entropy of a yes or no, class by class", apart=True),
        Record(
            *("sigmoid_focal_xent", "row", "point"),
            "a sigmoid's loss times (1 - p)**gamma of what is right: easy classes count for less; gamma is 2",
            (FOCUS,),
            apart=True,
        ),
        Record(
            *("focal_xent", "row", "row"),
            "the loss of a distribution, each class times (1 - p)**gamma: easy rows count for less; gamma is 2",
            (FOCUS,),
            apart=True,
        ),
        Record(
            *("poly_xent", "row", "row"),
            "the loss of a distribution plus epsilon (1 - p) of what is right; epsilon is 2",
            ({"epsilon": -1.0},),
            apart=True,
        ),
        Record(
            *("adaptive_xent", "index", "row"),
            "a loss in two steps: half of the classes beside a logit of 0 for all others, then these by themselves",
            apart=True,
        ),
        Record(
            *("generalized_prob_xent", "index", "row"),
            "(1 - p**q) / q of a given probability of the right class, q is 1/2: between its logarithm and 1 - p",
            takes="probabilities",
            apart=True,
        ),
        Record(
            *("linear_xent", "index", "row"),
            "a loss of hidden states times a vocabulary matrix: one right class of many, labels are class indices",
            ({"bias": True},),
            takes="hidden",
        ),
        Record(
            *("linear_dense_xent", "row", "row"),
            "a loss of hidden states times a vocabulary matrix: labels are a distribution, as a teacher's",
            takes="hidden",
        ),
    )
}


def _asked(*, linear: bool = False, apart: bool = False) -> Mapping[Op, tuple[Quantity, ...]]:
    return {
        Op.of(record.name, **options): record.quantities_with(options)
        for record in OPS.values()
        if (record.linear, record.apart) == (linear, apart)
        for options in ({}, *record.variants)
    }


# What is asked in every input family, and of each its quantities: ops of logits, and those that make these themselves.
ASKED = _asked()
ASKED_LINEAR = _asked(linear=True)
# What is asked in few families of its own.
APART = _asked(apart=True)


def plain(*values: str) -> tuple[Op, ...]:
    """Return the ops of logits without options whose value is one of these kinds; all where none is named."""
    chosen = (record for record in OPS.values() if not (record.apart or record.linear))
    return tuple(Op(record.name) for record in chosen if not values or record.value in values)


def one_a_row(op: Op) -> bool:
    """Tell whether an op that is not reduced has one value a row, by itself or by a reduction over the classes."""
    return OPS[op.name].one_a_row or str(op.options.get("reduction")).endswith("_axis")
