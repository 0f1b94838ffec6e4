"""Keras on torch, in a process of its own."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import torch

from harness.adapters import Function
from harness.adapters.keras import spell
from harness.adapters.torch.functions import CATALOGUE

VERSIONS = {"keras": keras.__version__}
SPARSE = "torch.nn.functional.cross_entropy"
BINARY = "torch.nn.functional.binary_cross_entropy_with_logits"


def of_cast_labels() -> Function:
    """Build what the object is the same as: it casts labels to its dtype, and the backend casts them back."""
    function = CATALOGUE.found(SPARSE)
    return lambda logits, labels: function(logits, labels.to(logits.dtype).to(torch.int64), reduction="none")


def mean(*, reduction: str) -> Function:
    """Build what binary_crossentropy is the same as."""
    del reduction
    function = CATALOGUE.found(BINARY)
    return lambda logits, labels: torch.mean(function(logits, labels, reduction="none"), dim=-1)


spell(
    CATALOGUE,
    keras,
    {
        "softmax": ("torch.softmax", None, ""),
        "log_softmax": ("torch.log_softmax", None, ""),
        "logsumexp": ("torch.logsumexp", None, ""),
        "logaddexp": ("torch.logaddexp", None, ""),
        "sigmoid": ("torch.sigmoid", None, ""),
        "log_sigmoid": ("torch.nn.functional.logsigmoid", None, ""),
        "softplus": ("-torch.nn.functional.softplus(-logits)", None, ""),
        "dense_xent": ("-sum(labels * torch.log_softmax(logits))", None, ""),
        "sparse_xent": (SPARSE, None, ""),
        "sparse_xent object": (SPARSE, of_cast_labels, f"{SPARSE} of labels cast to the dtype of the logits and back"),
        "sigmoid_xent": (BINARY, None, ""),
        "mean": (BINARY, mean, f"the mean of {BINARY} over the last axis"),
    },
    softmax=("bfloat16", "float32", "float64"),  # in float16 Keras computes in float32 on a CPU
    log_softmax=("bfloat16", "float32", "float64"),
    mean=("float32",),  # in others Keras's mean goes through float32, of float64 too
    logaddexp=("bfloat16", "float32"),  # float16 goes through float32 on a CPU, and so does float64
)
