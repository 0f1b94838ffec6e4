"""The flags of test vectors: which a test has, which kind of bug each means, what it does to a user."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from harness.model import FORMATS, Golden
from harness.ops import OPS
from reference import rounding
from reference.question import Question
from reference.vectors import Value
from suites.questions import cases


class Note(NamedTuple):
    """A flag's note, as files print it."""

    bug_type: str
    description: str
    effect: str


# family -> (bug type, effect); its description is the family's docstring.
OF_FAMILIES: dict[str, tuple[str, str]] = {
    "normal_small": ("rounding", "A lean of one ulp in every probability adds up over a batch."),
    "normal": ("rounding", "None beyond rounding: an implementation that fails here fails everywhere."),
    "normal_large": ("rounding", "Small probabilities carry the error of x - max, magnified by exp."),
    "offset": ("overflow, cancellation", "inf or nan without a shift; lost digits where x - logsumexp is formed."),
    "wide_spread": ("underflow", "Subnormal probabilities are flushed to 0, and their logarithm becomes -inf."),
    "confident": ("cancellation", "The loss of a well-learnt example is 0, or noise, and so is its gradient."),
    "near_ties": ("rounding", "A wrong last bit in x - max changes which class leads."),
    "all_equal": ("scale", "softmax is off 1/n although nothing has to be rounded but the quotient."),
    "swamp": ("summation", "A plain running sum drops every small term: the loss reads 0 where it is not."),
    "lse_near_zero": ("cancellation", "logsumexp keeps no correct digit."),
    "two_class_gap": ("branch", "exp or log1p jumps where its algorithm changes branch."),
    "extremes": ("overflow", "x - max overflows: nan, or a class at the other end of the range counted in."),
    "subnormals": ("underflow", "Subnormal inputs read as 0 change gradients and products with them."),
    "long_row": ("summation", "The sum's error grows with the number of classes."),
    "log_shares": ("rounding", "log z - x is rounded away where both are near, and the divergence with it."),
    "small_rows": ("rounding", "A common offset costs the entropy its digits where it is taken from logits."),
    "shares": ("rounding", "None beyond rounding: probabilities in the middle of their range."),
    "near_certain": ("cancellation", "1 - p is rounded away, or an epsilon takes the place of a small probability."),
    "hidden_normal": ("rounding", "None beyond rounding: an implementation that fails here fails everywhere."),
    "hidden_mixed_scale": ("summation", "Small features are dropped where products are added in a narrow format."),
    "near_duplicates": ("rounding", "Logits rounded on the way tie, and the label's neighbour takes its share."),
    "common_direction": ("cancellation", "Logits rounded on the way lose in an offset what tells them apart."),
    "cancelling_products": ("cancellation", "A sum of products in a narrow format keeps nothing of the logits."),
    "confident_states": ("cancellation", "p rounded before 1 is subtracted leaves the label no gradient."),
    "hidden_zero": ("edge case", "A row of padding has a loss of log n, and a gradient for the hidden states."),
    "whole_numbers": ("rounding", "The products are exact; what is off is the loss's own error."),
    "vocabulary": ("summation", "The loss of a language model is off by more than a step of training."),
}
OF_CONTENT: dict[str, Note] = {
    "OneClass": Note("edge case", "A row of one class.", "Losses and gradients are exactly 0 and softmax exactly 1."),
    "EqualLogits": Note("edge case", "All logits of a row are equal.", "softmax is 1/n; ties are decided exactly."),
    "NegativeZero": Note(
        "sign", "A logit is -0, which is 0 in every formula.", "A branch on the sign bit goes astray."
    ),
    "ExactZero": Note(
        "cancellation", "An answer is exactly 0; either sign of zero is right.", "Noise where there should be none."
    ),
    "NearZeroLog": Note(
        "cancellation",
        "A logarithm or loss smaller than the format's unit roundoff, and not 0.",
        "log of a rounded softmax gives 0; only log1p of the other classes' sum keeps its digits.",
    ),
    "SubnormalResult": Note(
        "underflow", "An answer rounds to a subnormal number of the input's format.", "Flushed to 0 under FTZ."
    ),
    "RoundsToZero": Note(
        "underflow", "An answer is not 0, but rounds to 0 in the input's format.", "Its logarithm is still finite."
    ),
    "Overflows": Note(
        "overflow", "An answer is finite, but rounds to an infinity of the input's format.", "inf is right here."
    ),
    "NegativeInfinity": Note(
        "special value",
        "A logit is -inf, as masks make it: that class has probability 0 and the others share the rest.",
        "nan by -inf - -inf or 0 * inf.",
    ),
    "PositiveInfinity": Note(
        "special value",
        "One logit is +inf: the limit, as it grows, is probability 1 there and 0 elsewhere.",
        "Most implementations answer nan by inf - inf; a limit is what mathematics gives, not what IEEE 754 asks for.",
    ),
    "NaN": Note(
        "special value",
        "A logit is nan; every answer that depends on it is nan, of any sign and payload.",
        "A nan lost on the way hides what went wrong before.",
    ),
    "AllNegativeInfinity": Note(
        "policy",
        "Every logit is -inf, a row that is masked as a whole; no limit exists but for logsumexp, which is -inf.",
        "nan is recorded; 0 and 1/n are as good. Such tests are `acceptable`, whatever the answer.",
    ),
    "SeveralInfinities": Note(
        "policy",
        "Two logits are +inf; the answer depends on how they grow, but for logsumexp, which is +inf.",
        "nan is recorded; an even share is as good. Such tests are `acceptable`, whatever the answer.",
    ),
    "ZeroLabelAtInfinity": Note(
        "special value", "A label of 0 meets an infinite log-probability; no weight, no loss.", "nan by 0 * inf."
    ),
    "IgnoredRow": Note(
        "padding",
        "A row's label is the one that is ignored: its loss is exactly 0, and it adds nothing to a gradient.",
        "Padding is trained on; or a label of no class is read as one.",
    ),
    "KnownWorst": Note(
        "regression",
        "The worst row found so far for a function of a framework, of its family and format; one output recorded.",
        "Whatever the framework did wrong here, another may do too.",
    ),
    "Published": Note(
        "documentation", "An example of a question-and-answer page or blog.", "The digits printed there are not exact."
    ),
    "ManyClasses": Note("summation", "A row of more classes than the others; some outputs recorded.", "As its family."),
}


def flag_of(family: str) -> str:
    """Return a family's flag: its name in CamelCase."""
    return family.title().replace("_", "")


def notes() -> dict[str, dict[str, str]]:
    """Return every flag's note as files print it."""
    described = cases.descriptions()
    every = {flag_of(name): Note(kind, described[name], effect) for name, (kind, effect) in OF_FAMILIES.items()}
    return {
        flag: {"bugType": note.bug_type, "description": note.description, "effect": note.effect}
        for flag, note in (every | OF_CONTENT).items()
    }


def flags_of(asked: Question, family: str, out: tuple[Value, ...], origin: tuple[str, ...]) -> tuple[str, ...]:
    """Return a test's flags: its family, what its numbers show, and where it comes from."""
    own = (flag_of(family),) if family in OF_FAMILIES else ()
    return (*own, *_of_logits(asked), *_of_answers(asked, out), *origin)


def _of_logits(asked: Question) -> Iterator[str]:
    x, elementwise = asked.logits, OPS[asked.op.name].elementwise
    if not elementwise and asked.classes == 1:
        yield "OneClass"
    if OPS[asked.op.name].linear:  # x are hidden states
        yield from () if all(asked.live) else ("IgnoredRow",)
        return
    if not elementwise and asked.rows == 1 and asked.classes > 1 and len(set(x)) == 1 and math.isfinite(x[0]):
        yield "EqualLogits"
    if any(value == 0 and math.copysign(1, value) < 0 for value in x):
        yield "NegativeZero"
    tops, bottoms = x.count(math.inf), x.count(-math.inf)
    if any(map(math.isnan, x)):
        yield "NaN"
    if not elementwise and (tops > 1 or bottoms == len(x)):
        yield "SeveralInfinities" if tops else "AllNegativeInfinity"
    else:
        yield from ("PositiveInfinity",) * (tops > 0)
        yield from ("NegativeInfinity",) * (bottoms > 0)
    weights = asked.labels if asked.op.name == "dense_xent" and asked.quantity == "value" else ()
    if any(z == 0 and (x[j] == -math.inf or (tops and x[j] != math.inf)) for j, z in enumerate(weights)):
        yield "ZeroLabelAtInfinity"


LOGARITHMS = frozenset(
    {
        *("log_softmax", "logsumexp", "sparse_xent", "dense_xent", "log_sigmoid", "sigmoid_xent"),
        *("linear_xent", "linear_dense_xent"),
    }
)


def _of_answers(asked: Question, out: tuple[Value, ...]) -> Iterator[str]:
    form = FORMATS[asked.dtype]
    finite = [value for value in out if math.isfinite(value.hi)]
    exact_zero = [value.hi == 0 for value in finite]
    hi, lo = (np.array([getattr(value, name) for value in finite]) for name in ("hi", "lo"))
    exponent = np.array([value.e2 for value in finite], np.int64)
    rounded = np.abs(rounding.nearest(Golden(hi, lo, exponent, 0.0), form))
    unequal = ~np.array(exact_zero, bool)
    shown = {
        "ExactZero": any(exact_zero),
        "NearZeroLog": asked.op.name in LOGARITHMS
        and asked.quantity == "value"
        and any(value.hi and math.frexp(value.hi)[1] + value.e2 <= -form.precision for value in finite),
        "SubnormalResult": bool(((rounded > 0) & (rounded < 2.0**form.emin)).any()),
        "RoundsToZero": bool((unequal & (rounded == 0)).any()),
        "Overflows": bool(np.isinf(rounded).any()),
    }
    yield from (flag for flag, there in shown.items() if there)
