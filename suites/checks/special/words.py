"""An answer that nothing fixes, in a few words: nan, inf, 0, 1/n, error IndexError, or what another question gets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from harness.model import FORMATS, Array, Checked, Failed, Inputs, Op, Unsupported
from suites.checks.check import Asking, NoAnswer
from suites.checks.special import distance

KINDS = ("nan", "inf", "-inf", "0", "numbers")
Word = Callable[[str, str], str]  # of (mode, device)
ERROR = "error"  # in front of the exception's type, in which modes may differ


@dataclass(frozen=True)
class Like:
    """Another question, whose answer an implementation may give instead; its op where it is not the asked one."""

    inputs: Inputs
    op: Op | None = None


def of(got: Array | Unsupported | Failed, shape: tuple[int, ...]) -> str | Array:
    """Return the word for an answer that is none, else the answer. Raises NoAnswer where it is not supported."""
    match got:
        case Unsupported():
            raise NoAnswer(got)
        case Failed():
            return f"{ERROR} {got.error or got.message}"
    return got if got.shape == shape else f"shape {got.shape}"


def named(asking: Asking, got: Array, likes: Mapping[str, Like]) -> str:
    """Name some rows of an answer: after the first question whose answer they are, else after their kinds."""
    return next((name for name, like in likes.items() if _is(asking, got, like)), kinds(got))


def _is(asking: Asking, got: Array, like: Like) -> bool:
    of_op = replace(asking, case=replace(asking.case, op=like.op or asking.case.op))
    try:
        return distance.furthest(of_op, got, like.inputs).over <= 1
    except ValueError:  # no rule is written
        return False


def kinds(got: Array) -> str:
    """Name what an answer consists of: nan, inf, -inf, 0 and numbers; 1/n where all are that."""
    flat = got.astype(np.float64).ravel()
    if not flat.size:
        return "empty"
    near = 2 * FORMATS[got.dtype.name].unit if got.dtype.name in FORMATS else 0.0
    if flat.size > 1 and (np.abs(flat * flat.size - 1) <= near * flat.size).all():
        return "1/n"
    found = {str(number) if not math.isfinite(number) else "numbers" if number else "0" for number in flat.tolist()}
    return " and ".join(kind for kind in KINDS if kind in found)


def rows(inputs: Inputs, some: slice) -> Inputs:
    """Return some rows."""
    labels = None if inputs.labels is None else inputs.labels[some]
    return Inputs(inputs.logits[some], labels, inputs.upstream[some])


def phrase(words: Mapping[str, str]) -> str:
    """Return the word of most parts, then the others with the parts that they are of."""
    parts: dict[str, list[str]] = {}
    for part, word in words.items():
        parts.setdefault(word, []).append(part)
    usual, *others = sorted(parts, key=lambda word: -len(parts[word]))
    return ", but ".join([usual, *(f"{word} for {' and '.join(parts[word])}" for word in others)])


@dataclass(frozen=True)
class Documented:
    """What a framework's documentation says, of a check and target by glob."""

    check: str
    target: str
    quantity: str
    word: str
    source: str

    def says(self, asking: Asking) -> bool:
        """Tell whether this is about a question."""
        asked = (asking.case.check, str(asking.target), asking.case.quantity)
        return all(map(fnmatchcase, asked, (self.check, self.target, self.quantity)))


TF_SPARSE = "tf.nn.sparse_softmax_cross_entropy_with_logits: other labels raise on CPU, and return NaN rows on GPU"
TF_SOFTMAX = "tf.nn.softmax and log_softmax raise InvalidArgumentError if logits is empty"
JAX_SOFTMAX = "jax.nn.softmax and log_softmax: if any input values are +inf, the result will be all NaN"
OPTAX_SAFE = "optax.safe_softmax_cross_entropy: 0 when logits=-inf and labels=0"
TORCH_IGNORED = "torch.nn.functional.cross_entropy: ignore_index=-100 contributes nothing"
DOCUMENTED = (
    Documented("special.infinite_logit*", "jax.nn.*softmax@*", "value", "nan", JAX_SOFTMAX),
    Documented("special.zero_label_on_masked_class", "optax.safe_*", "value", "limit", OPTAX_SAFE),
    Documented("special.label_minus_100", "torch.nn.functional.cross_entropy@*", "*", "0", TORCH_IGNORED),
    Documented("special.label_*", "tf.*sparse_softmax_cross_entropy*:cuda*", "*", "nan", TF_SPARSE),
    Documented("special.label_*", "tf.*sparse_softmax_cross_entropy*", "*", ERROR, TF_SPARSE),
    Documented("special.zero_classes", "tf.*nn.*softmax[@(]*", "value", ERROR, TF_SOFTMAX),
)


def record(asking: Asking, own: str) -> Checked:
    """Record a policy; one that its documentation denies is a deviation."""
    first = next((entry for entry in DOCUMENTED if entry.says(asking)), None)
    if first is None or alike(own, first.word):
        return Checked(1, 0.0, policy=own)
    return Checked(1, math.inf, own, f"policy is {own!r}, expected {first.word!r}, as documented: {first.source}")


def alike(one: str, other: str) -> bool:
    """Tell whether two policies are one; the type of an error is a detail."""
    return one == other or (one.startswith(ERROR) and other.startswith(ERROR))


def policy(asking: Asking, word: Word, *, promised: bool = True) -> Checked:
    """Record a target's policy, and hold it against that of the framework's plainest mode on the cpu.

    promised: whether the two have to agree; somebody's own function is not made for bad labels.
    """
    target = asking.target
    found = record(asking, word(target.mode, target.device))
    plain = asking.other_mode()
    if (target.mode, target.device) == plain or found.over:
        return found
    try:
        there = word(*plain)
    except NoAnswer:
        return found
    if alike(found.policy, there):
        return found
    where = f"in mode {plain[0]} on the {plain[1]}"
    over = math.inf if promised else 0.0
    return replace(found, over=over, detail=f"policy is {found.policy!r}, expected {there!r}, as {where}")
