"""Hidden states and weights whose product is a vocabulary's logits: families, shapes and cases of linear ops.

As in `suites.questions.families` a function draws in float64, is printed in reports and in scripts, and uses numpy
alone; it returns hidden states (rows, features), a weight (classes, features) and a bias (classes,). Labels are the
largest, the smallest and random classes in turn; of an op whose labels are probabilities, one of these classes alone
and counts of 256 draws over 256, in turn.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from harness import options as spelled
from harness.model import FORMATS, Array, Case, Format, Inputs, Op, Quantity, Source
from harness.ops import ASKED_LINEAR, OPS
from suites.questions.families import to_dtype
from suites.questions.options import BY_CLASS, CAP, IGNORE, SMOOTH, SQUARE, indices

Drawn = tuple[Array, Array, Array]
Family = Callable[[np.random.Generator, int, int, int, Format], Drawn]
FAMILIES: dict[str, Family] = {}
Shape = tuple[int, int, int]  # rows, features, classes

OPTION_SHAPES: Mapping[str, Shape] = {
    "hidden_normal": (8, 8, 16),
    "only_padding": (8, 8, 16),
    "many_rows": (512, 2, 1030),
}
SPEED_FEATURES = 256
CHECKED: Shape = (8, 16, 40)  # of most checks: `quick` asks its families in it, so that it is compiled already
CHECK = ("linear/hidden_normal/16", CHECKED[0], CHECKED[2])  # the source, rows and classes of such a check


def family(function: Family) -> Family:
    """Register a family under its name."""
    FAMILIES[function.__name__] = function
    return function


@family
def hidden_normal(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """Normal hidden states and a weight of logits with standard deviation 3: what a random test would ask."""
    weight = 3 * rng.standard_normal((classes, features)) / np.sqrt(features)
    return rng.standard_normal((rows, features)), weight, rng.standard_normal(classes)


@family
def hidden_mixed_scale(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """Features from 2**-12 to 2**4 in size, as outlying channels of trained models are: small ones count as well."""
    size = 2.0 ** np.linspace(4, -12, features)
    hidden = rng.standard_normal((rows, features)) * rng.permutation(size)
    return hidden, rng.standard_normal((classes, features)), np.zeros(classes)


@family
def near_duplicates(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """Classes in pairs whose weights differ by an ulp or not at all: their logits are told apart by exact products."""
    half = rng.standard_normal(((classes + 1) // 2, features))
    step = rng.choice([0.0, 1.0], (half.shape[0], 1)) * 2.0 ** (1 - form.precision)
    weight = np.concatenate([half, half * (1 + step)])[:classes]
    return rng.standard_normal((rows, features)), weight, np.zeros(classes)


@family
def common_direction(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """All weights share a direction, so that every logit is offset by 30 to 300, which cancels in the loss alone."""
    hidden, weight = rng.standard_normal((rows, features)), rng.standard_normal((classes, features))
    hidden[:, 0], weight[:, 0] = np.linspace(4, 40, rows), 7.5
    return hidden, weight, rng.standard_normal(classes)


@family
def cancelling_products(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """Products of 2**8 and its opposite leave logits near 1: a sum in 16 bits keeps nothing of them."""
    hidden, weight = rng.standard_normal((rows, features)), rng.standard_normal((classes, features))
    weight /= np.sqrt(features)
    hidden[:, 0], weight[:, 0] = 16.0, 16.0
    hidden[:, -1], weight[:, -1] = -16.0, 16.0
    return hidden, weight, np.zeros(classes)


@family
def confident_states(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """One class leads, by exact logits: the label's gradient is 1 - p, nothing of which a rounded p has left."""
    weight = rng.choice([-1.0, 1.0], (classes, features))
    leader = rng.integers(0, classes, rows)
    return weight[leader] * np.resize([0.5, 0.75, 1.0, 0.625], rows)[:, None], weight, np.zeros(classes)


@family
def hidden_zero(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """Every other row of hidden states is 0, as padding is: the loss is log n, and the gradient's sum is exact."""
    hidden, weight = rng.standard_normal((rows, features)), rng.standard_normal((classes, features))
    hidden[::2] = 0
    return hidden, weight, np.zeros(classes)


@family
def whole_numbers(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """Small whole numbers: every sum of products is exact in any order, and what is left is the loss's own error."""
    hidden, weight = rng.integers(-2, 3, (rows, features)), rng.integers(-2, 3, (classes, features))
    weight[:, 4:] = 0
    return hidden.astype(float), weight.astype(float), rng.integers(-2, 3, classes).astype(float)


@family
def many_rows(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """A batch's rows, each near log n as at the start: their sum in 16 bits, chunk by chunk, stands still halfway."""
    return rng.standard_normal((rows, features)) / 8, rng.standard_normal((classes, features)), np.zeros(classes)


@family
def only_padding(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """A batch of padding: every label is the ignored one, so that losses, their sum and gradients are exactly 0."""
    hidden, weight = rng.standard_normal((rows, features)), rng.standard_normal((classes, features))
    hidden[::2] = 0
    return hidden, weight, np.zeros(classes)


@family
def wide_vocabulary(rng: np.random.Generator, rows: int, classes: int, features: int, form: Format) -> Drawn:
    """A vocabulary of no multiple of a block, logits around 0: zero columns that fill its last block would count."""
    weight = rng.standard_normal((classes, features)) / np.sqrt(features)
    return rng.standard_normal((rows, features)), weight, np.zeros(classes)


# Shapes by family, those of `quick` first and few, because each is a compilation for every function that is compiled.
QUICK: Mapping[str, tuple[Shape, ...]] = {
    "hidden_normal": (CHECKED,),
    "hidden_mixed_scale": (CHECKED,),
    "near_duplicates": (CHECKED,),
    "common_direction": (CHECKED,),
    "cancelling_products": (CHECKED,),
    "confident_states": (CHECKED,),
    "hidden_zero": (CHECKED,),
    "whole_numbers": (CHECKED,),
    "wide_vocabulary": ((4, 4, 513),),
}
MORE: Mapping[str, tuple[Shape, ...]] = {
    "hidden_normal": ((32, 64, 1000), (8, 1, 40), (4, 4096, 64)),
    "wide_vocabulary": ((2, 4, 50_257), (2, 2, 128_256), (2, 2, 151_936), (1, 2, 262_144)),
}
# Options, each with its quantities; drawn in 8 rows, whose denominators are powers of two.
GRADIENTS: tuple[Quantity, ...] = ("value", "grad_hidden", "grad_weight")
OPTIONS: Mapping[Op, tuple[Quantity, ...]] = {
    Op.of("linear_xent", **{**given, **({"reduction": reduction} if reduction != "none" else {})}): GRADIENTS
    for given, reductions in (
        ({}, ("sum", "mean")),
        (IGNORE, ("none", "sum", "mean_valid")),
        (BY_CLASS, ("none", "mean_classweight")),
        (SMOOTH, ("none", "mean")),
        (SMOOTH | IGNORE, ("mean_valid",)),
        (CAP, ("none",)),
        (SQUARE, ("none", "mean")),
        (CAP | SQUARE, ("none",)),
    )
    for reduction in reductions
} | {Op.of("linear_xent", bias=True, reduction="sum"): ("value", "grad_bias")}
# Labels that are probabilities: in fewer families, because the product is the same, and the loss of logits has its own.
SOFT = ("hidden_normal", "common_direction", "cancelling_products", "confident_states")
VALUE_AND_BIAS: tuple[Quantity, ...] = ("value", "grad_bias")
SOFT_OPTIONS: Mapping[Op, tuple[Quantity, ...]] = {
    Op.of("linear_dense_xent", reduction="sum"): GRADIENTS,
    Op.of("linear_dense_xent", reduction="mean"): GRADIENTS,
    Op.of("linear_dense_xent", bias=True): VALUE_AND_BIAS,
    Op.of("linear_dense_xent", **SMOOTH, reduction="mean"): GRADIENTS,
    Op.of("linear_dense_xent", **BY_CLASS): GRADIENTS,
}
# A mean over no rows is 0 / 0, which is anybody's policy.
PADDED: Mapping[Op, tuple[Quantity, ...]] = {
    Op.of("linear_xent", **IGNORE): GRADIENTS,
    Op.of("linear_xent", **IGNORE, reduction="sum"): GRADIENTS,
}
OVER_ROWS = Op.of("linear_xent", reduction="mean")  # of many rows


def cases(seeds: Sequence[int], dtypes: Sequence[str], *, more: bool) -> Iterator[Case]:
    """Yield the plain cases of linear ops, families in turn; `more`: the larger shapes too."""
    for name in FAMILIES:
        for shape in (*QUICK.get(name, ()), *(MORE.get(name, ()) if more else ())):
            for dtype in dtypes:
                for seed in seeds:
                    for op, quantities in ASKED_LINEAR.items():
                        asked = name in SOFT and shape == CHECKED if OPS[op.name].labels == "row" else True
                        if asked and (not op.params or name == "hidden_normal"):
                            for quantity in quantities:
                                yield case(op, quantity, name, dtype, shape, seed)


def option_cases(dtypes: Sequence[str]) -> Iterator[Case]:
    """Yield the cases of options."""
    for dtype in dtypes:
        for name, asked in (("hidden_normal", OPTIONS), ("hidden_normal", SOFT_OPTIONS), ("only_padding", PADDED)):
            for op, quantities in asked.items():
                for quantity in quantities:
                    yield _of_options(op, quantity, name, dtype)
        yield _of_options(OVER_ROWS, "value", "many_rows", dtype)


def _of_options(op: Op, quantity: Quantity, name: str, dtype: str) -> Case:
    rows, _, classes = OPTION_SHAPES[name]
    return Case(op, quantity, str(Source("options", name)), dtype, rows, classes)


def features(case: Case) -> int:
    """Return the length of a case's hidden states."""
    return OPTION_SHAPES[case.source.name][1] if case.source.kind == "options" else int(case.source.size)


def case(op: Op, quantity: str, name: str, dtype: str, shape: Shape, seed: int = 0) -> Case:
    """Return a case of a family and shape."""
    rows, features, classes = shape
    return Case(op, quantity, source(name, features), dtype, rows, classes, seed)  # type: ignore[arg-type]


def source(name: str, features: int) -> str:
    """Return what hidden states and weights of a family and length are drawn from."""
    return str(Source("linear", name, str(features)))


def generator(case: Case) -> tuple[int, ...]:
    """Return the entropy of a draw; dtype is left out, so that all see the same numbers before rounding."""
    return (zlib.crc32(case.source.name.encode()), case.rows, case.classes, features(case), case.seed)


def draw(case: Case) -> Drawn:
    """Draw hidden states, weight and bias, rounded to the case's dtype."""
    rng, function = np.random.default_rng(generator(case)), FAMILIES[case.source.name]
    drawn = function(rng, case.rows, case.classes, features(case), FORMATS[case.dtype])
    hidden, weight, bias = (to_dtype(part, case.dtype) for part in drawn)
    return hidden, weight, bias


@lru_cache(maxsize=8)
def inputs(case: Case) -> Inputs:
    """Draw the arrays of a case."""
    hidden, weight, bias = draw(case)
    rng = np.random.default_rng((13, *generator(case)))
    logits = hidden.astype(np.float64) @ weight.astype(np.float64).T
    turn = np.arange(case.rows) % 3
    index = np.where(turn == 0, logits.argmax(1), rng.integers(0, case.classes, case.rows))
    index = np.where(turn == 1, logits.argmin(1), index).astype(np.int64)
    if case.op.options.keys() - {"bias", "reduction"}:
        index = indices(case.op, logits, rng)
    if case.source.name == "only_padding" and "ignore_index" in case.op.options:
        index[:] = case.op.options["ignore_index"]
    steps = rng.integers(1, 65, case.rows) * rng.choice([-1, 1], case.rows)
    upstream = np.asarray(steps[0] / 32 if spelled.reduces(case.op) else steps / 32)
    given = bias if case.op.options.get("bias") else None
    labels = soft(index, case) if OPS[case.op.name].labels == "row" else index
    return Inputs(hidden, labels, to_dtype(upstream, case.dtype), weight=weight, bias=given)


def soft(index: Array, case: Case) -> Array:
    """Draw labels that are probabilities, rows that every dtype adds up to 1: one-hot and drawn ones in turn.

    One-hot ones stand where a family is confident.
    """
    rng = np.random.default_rng((17, *generator(case)))
    drawn = rng.multinomial(256, np.full(case.classes, 1 / case.classes), case.rows) / 256
    one_hot = np.arange(case.classes) == index[:, None]
    return to_dtype(np.where(np.arange(case.rows)[:, None] % 2 == 0, one_hot, drawn), case.dtype)


def speed(case: Case) -> Inputs:
    """Draw what is timed, in float32 at once: normal logits."""
    rng, length = np.random.default_rng(case.rows), int(case.source.size)
    hidden = rng.standard_normal((case.rows, length), dtype=np.float32)
    weight = rng.standard_normal((case.classes, length), dtype=np.float32) / np.float32(np.sqrt(length))
    labels = rng.integers(0, case.classes, case.rows)
    parts = [hidden, weight, rng.choice(np.array([0.5, 1.0], np.float32), case.rows)]
    if case.dtype != "float32":
        parts = [to_dtype(part, case.dtype) for part in parts]
    if OPS[case.op.name].labels == "row":
        labels, index = np.zeros((case.rows, case.classes), parts[0].dtype), labels
        labels[np.arange(case.rows), index] = 1
    return Inputs(parts[0], labels, parts[2], weight=parts[1])
