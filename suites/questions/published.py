"""The published examples: inputs and digits that question-and-answer pages show for these functions.

Readers of those pages ask what each function computes and which to call; each example is asked of every framework and
mode today, beside its exact value and the digits once printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from harness.model import Op


@dataclass(frozen=True)
class Example:
    """One published example. `dtypes` names what the page used first; digits are as printed there."""

    op: Op
    logits: tuple[tuple[float, ...], ...]
    labels: tuple[tuple[float, ...], ...] | tuple[int, ...] | None
    digits: str
    dtypes: tuple[str, ...] = ("float32", "float64")


@cache
def _random_100x10() -> tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]:
    rng = np.random.default_rng(100)
    one_hot = np.eye(10)[rng.integers(0, 10, 100)]
    return tuple(map(tuple, rng.uniform(-1, 1, (100, 10)).tolist())), tuple(map(tuple, one_hot.tolist()))


_TWO_BY_THREE = ((0.5, 1.5, 0.1), (2.2, 1.3, 1.7))
_TWO_BY_THREE_LABELS = ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_SIX = ((1.0, 1.0, 2.0, 2.0, 2.0, 2.0),)
_SIGMOID_LOGITS = ((0.2, 0.2, 0.2, 0.2, 0.2), (0.3, 0.3, 0.2, 0.1, 0.1))
_SIGMOID_LABELS = ((0.0, 0.0, 0.0, 1.0, 0.0), (1.0, 0.0, 0.0, 0.0, 0.0))
_SIGMOID_DIGITS = (
    "[[0.7981388 0.7981388 0.7981388 0.59813893 0.7981388] [0.55435514 0.85435534 0.7981388 0.74439663 0.74439663]]"
)

EXAMPLES: Mapping[str, Example] = {
    "so-softmax-4": Example(
        Op.of("softmax"), ((0.1, 0.3, 0.5, 0.9),), None, "[[0.16838508 0.205666 0.25120102 0.37474789]]"
    ),
    "blog-softmax-6": Example(
        Op.of("softmax"), _SIX, None, "0.07768121 twice, 0.21115941 four times; sum printed as 1.0000000447034836"
    ),
    "blog-log-softmax-6": Example(
        Op.of("log_softmax"), _SIX, None, "-2.555142 twice, -1.5551419 four times; sum -11.330851554870605"
    ),
    "so-softmax-2x3": Example(
        Op.of("softmax"),
        _TWO_BY_THREE,
        None,
        "[[.227863 .61939586 .15274114] [.49674623 .20196195 .30129182]]",
        ("float64", "float32"),
    ),
    "so-dense-2x3": Example(
        Op.of("dense_xent"), _TWO_BY_THREE, _TWO_BY_THREE_LABELS, "[0.4790107 1.19967598]", ("float64", "float32")
    ),
    "so-dense-2x3-mean": Example(
        Op.of("dense_xent", reduction="mean"),
        _TWO_BY_THREE,
        _TWO_BY_THREE_LABELS,
        "0.83934333897877944 composed, 0.83934333897877922 fused: they differ in the last digits",
        ("float64", "float32"),
    ),
    "so-sparse-2x3": Example(
        Op.of("sparse_xent"), _TWO_BY_THREE, (1, 2), "[0.4790107 1.19967598], as dense", ("float64", "float32")
    ),
    "so-dense-is-softmax-2": Example(
        Op.of("dense_xent"),
        ((0.2, 0.8), (0.7, 0.3), (0.5, 0.5)),
        ((0.0, 1.0), (1.0, 0.0), (1.0, 0.0)),
        "[0.43748799 0.51301527 0.69314718]",
    ),
    "so-sigmoid-5": Example(Op.of("sigmoid_xent"), _SIGMOID_LOGITS, _SIGMOID_LABELS, _SIGMOID_DIGITS),
    "so-sigmoid-half": Example(
        Op.of("sigmoid_xent"),
        _SIGMOID_LOGITS,
        _SIGMOID_LABELS,
        "the positive term alone: [[0 0 0 0.59813893 0] [0.55435514 0 0 0 0]], the mistake the question is about",
    ),
    "so-random-100x10": Example(
        Op.of("dense_xent"), *_random_100x10(), "fused minus composed is 'almost zero everywhere'"
    ),
    "post-3": Example(Op.of("softmax"), ((2.0, 1.0, 0.1),), None, "0.7, 0.2, 0.1 (rounded prose)"),
    "so-double-softmax": Example(
        Op.of("dense_xent"),
        ((2.0, 1.0, 0.1), (10.0, 0.0, -10.0)),
        ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
        "softmax fed to the fused function trains, but worse ('0.6 to 0.8')",
    ),
    "so-log-of-logits": Example(
        Op.of("dense_xent"),
        ((-1.0, 2.0, 0.5),),
        ((0.25, 0.5, 0.25),),
        "-sum(labels * log(logits)) is undefined for a negative logit",
    ),
    "so-epsilon-hack": Example(
        Op.of("dense_xent"),
        ((100.0, 0.0, -100.0), (0.0, 30.0, -30.0)),
        ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
        "log(softmax + eps) is off where the fused function is right",
    ),
}

ASKED: Mapping[str, str] = {  # a title, and behind the colon what readers of the page ask
    "so-softmax-4": "Softmax of four logits: what are logits, and what does softmax make of them?",
    "blog-softmax-6": "Softmax of six logits, two of them alike: does softmax sum to one?",
    "blog-log-softmax-6": "Log-softmax of the same six logits: is it the logarithm of softmax?",
    "so-softmax-2x3": "Softmax of two rows of three: does it go over rows or columns?",
    "so-dense-2x3": "Cross-entropy of two rows of three: is the fused function softmax, then log, then sum?",
    "so-dense-2x3-mean": "Mean cross-entropy of two rows of three: why do the last digits differ?",
    "so-sparse-2x3": "Sparse cross-entropy of the same rows: is it the dense one with the labels as indices?",
    "so-dense-is-softmax-2": "Cross-entropy of two classes: may two outputs take softmax, or one a sigmoid?",
    "so-sigmoid-5": "Sigmoid cross-entropy of five classes: how does it differ from softmax cross-entropy?",
    "so-sigmoid-half": "Half of the sigmoid cross-entropy: why is it not -label * log(sigmoid)?",
    "so-random-100x10": "A hundred random rows of ten: do fused and composed cross-entropy agree?",
    "post-3": "Softmax of 2, 1 and 0.1: which probabilities do these scores stand for?",
    "so-double-softmax": "Softmax, and then softmax again: what if probabilities are given where logits are expected?",
    "so-log-of-logits": "The logarithm of a negative logit: why is the loss nan?",
    "so-epsilon-hack": "A small number inside the logarithm: does it help against log(0)?",
}
