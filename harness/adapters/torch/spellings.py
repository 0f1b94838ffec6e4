"""Further names of torch's functions, each of which is shown to do what a row does; they are not asked again."""

from __future__ import annotations

from typing import Any

import torch

from harness.adapters import Function, NotSupported
from harness.adapters.torch.functions import CATALOGUE, over_classes

SPARSE: dict[str, Any] = {"reduction": "mean", "class_weight": "1 0.5", "ignore_index": 1, "label_smoothing": 0.125}
DENSE: dict[str, Any] = {"reduction": "mean", "class_weight": "1 0.5", "label_smoothing": 0.125}
SIGMOID: dict[str, Any] = {"reduction": "sum", "class_weight": "1 0.5", "pos_weight": "3 0.5", "sample_weight": "1 0.5"}


def negated(function: Function, *, axis: int = -1) -> Function:
    """Build softmax of the negated logits, which no rounding tells apart from softmin."""
    row = over_classes(function, axis=axis)
    return lambda logits: row(-logits)


def of_images(function: Function, *, axis: int = -1, rank: int = 2) -> Function:
    """Build the module of (N, C, H, W), which has no other axis."""
    if (axis, rank) != (-3, 4):
        raise NotSupported(f"axis is {axis} of {rank}, expected -3 of 4")
    return lambda logits: function(logits)  # noqa: PLW0108 - as in functions.py


def negative(*, axis: int = -1) -> Function:
    """Build what softmin is the same as."""
    return negated(CATALOGUE.found("torch.softmax"), axis=axis)


def negated_softplus(function: Function) -> Function:
    """Build log_sigmoid of softplus."""
    return lambda logits: -function(-logits)


def of_log_probabilities(function: Function) -> Function:
    """Build the loss of log-probabilities, which `log_softmax` gives."""
    return lambda logits, labels: function(torch.log_softmax(logits, dim=-1), labels, reduction="none")


def of_probabilities(function: Function) -> Function:
    """Build the loss of probabilities, which `sigmoid` gives."""
    return lambda logits, labels: function(torch.sigmoid(logits), labels, reduction="none")


def by_number(function: Function) -> Function:
    """Build the loss of the C++ binding, whose reduction is a number: 0 for none."""
    return lambda logits, labels: function(logits, labels, None, None, 0)


def divergence_by_number(function: Function) -> Function:
    """Build the terms of the C++ binding, whose reduction is a number, too."""
    return lambda log_probabilities, labels: function(log_probabilities, labels, 0)


SAME = CATALOGUE.spelled
XENT, BINARY = "torch.nn.functional.cross_entropy", "torch.nn.functional.binary_cross_entropy_with_logits"
SAME("softmax", "torch.softmax", "torch.special.softmax", "torch.Tensor.softmax", "torch.nn.Softmax", axis=0)
SAME("softmax", "torch.softmax", "torch.nn.Softmax2d", build=of_images, plain=False, axis=-3, rank=4)
SAME(
    *("softmax", "torch.softmax", "torch.nn.functional.softmin", "torch.nn.Softmin"),
    like=negative,
    shown="torch.softmax of negated logits",
    axis=0,
)
SAME(
    *("log_softmax", "torch.log_softmax", "torch.special.log_softmax", "torch.Tensor.log_softmax"),
    "torch.nn.LogSoftmax",
    axis=0,
)
SAME("logsumexp", "torch.logsumexp", "torch.special.logsumexp", "torch.Tensor.logsumexp", axis=0)
SAME(
    *("sigmoid", "torch.sigmoid", "torch.special.expit", "torch.nn.functional.sigmoid"),
    *("torch.Tensor.sigmoid", "torch.nn.Sigmoid"),
)
SAME("log_sigmoid", "torch.nn.functional.logsigmoid", "torch.nn.LogSigmoid")
SAME("log_sigmoid", "-torch.nn.functional.softplus(-logits)", "torch.nn.Softplus", build=negated_softplus)
SAME("sparse_xent", XENT, "torch.nn.CrossEntropyLoss", **SPARSE)
SAME("dense_xent", XENT, "torch.nn.CrossEntropyLoss", **DENSE)
SAME(
    "sparse_xent",
    *("torch.nn.functional.nll_loss(torch.log_softmax(logits), labels)", "torch.nn.NLLLoss", "torch.nn.NLLLoss2d"),
    build=of_log_probabilities,
)
SAME("sigmoid_xent", BINARY, "torch.nn.BCEWithLogitsLoss", **SIGMOID)
SAME("sigmoid_xent", BINARY, "torch.binary_cross_entropy_with_logits", build=by_number)
SAME(
    *("sigmoid_xent", "torch.nn.functional.binary_cross_entropy(torch.sigmoid(logits), labels)", "torch.nn.BCELoss"),
    build=of_probabilities,
)
SAME("log_sigmoid", "torch.nn.functional.soft_margin_loss", "torch.nn.SoftMarginLoss")
SAME(
    *("sigmoid_xent", "torch.nn.functional.multilabel_soft_margin_loss", "torch.nn.MultiLabelSoftMarginLoss"),
    plain=False,
    reduction="mean_axis",
)
SAME("logsumexp", "torch.logaddexp", "torch.Tensor.logaddexp")
SAME("kl_div", "torch.nn.functional.kl_div", "torch.nn.KLDivLoss", log_target=True)
SAME("kl_div", "torch.nn.functional.kl_div", "torch.kl_div", build=divergence_by_number)
