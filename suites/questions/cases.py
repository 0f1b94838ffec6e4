"""The cases of a preset, ops x quantities x families x shapes x dtypes, and the arrays of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import product

import numpy as np

from harness.model import DTYPES, EIGHTS, FORMATS, Array, Case, Inputs, Op, Source
from harness.ops import APART, ASKED, OPS, VALUE_AND_GRADIENT, VALUE_ONLY, one_a_row, plain
from harness.scoring import line
from reference.bounds.heights import LONG
from suites.questions import corpus, families, linear, options, published
from suites.questions.families import FAMILIES
from suites.questions.presets import Preset, Shape
from suites.questions.swept import pairs, widths
from suites.questions.swept.lines import LABELS, LINES

# Few shapes, because each is a compilation for every compiled function.
SQUARE: Shape = (32, 64)
FEW: Shape = (8, 16)
ROW_FAMILIES: Mapping[str, Shape] = {
    **dict.fromkeys(("normal_small", "normal", "normal_large", "offset", "wide_spread", "confident"), SQUARE),
    **dict.fromkeys(("near_ties", "all_equal", "ones", "lse_near_zero", "extremes", "subnormals"), SQUARE),
    "at_zero": FEW,
    "two_class_gap": (256, 2),
    "swamp": (2, 32_768),
    "long_row": (1, 100_000),
    "vocabulary": (2, 32_768),
}
POINT_FAMILIES: Mapping[str, Shape] = dict.fromkeys(
    ("normal_small", "normal", "normal_large", "offset", "wide_spread", "extremes", "subnormals"), SQUARE
) | {"at_zero": FEW, "two_class_gap": (256, 2)}
# Of ops that are asked apart, by what they take; points are logits that are answered one by one.
APART_FAMILIES: Mapping[str, Mapping[str, Shape]] = {
    "probabilities": dict.fromkeys(("shares", "near_certain"), FEW),
    "log_probabilities": {"log_shares": FEW},
    "logits": dict.fromkeys(("small_rows", "confident"), FEW),
    "points": dict.fromkeys(("normal_large", "confident"), FEW),
}
EIGHT_FAMILIES = ("normal", "confident")  # in 8 bits, where other families have nowhere to go
# One family in growing sizes: how errors grow with the logits. Closest between 1 and 100, where rounding x - max is
# felt first, and where exp overflows unless shifted.
SIZES = (0.001, 0.01, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0, 10_000.0)
SWEEP = tuple(str(Source("sweep", "magnitude", f"{size:g}")) for size in SIZES)
EVERY_FLOAT16, FINITE_FLOAT16 = "every_float16", (63_488, 2)  # a family by itself, and its shape
SPEED = str(Source("speed", "speed"))  # plain normal logits
SPEED_BYTES = 4 * 16  # a float32 logit, and what its forward and backward pass may hold at once


def cases(preset: Preset) -> Iterator[Case]:
    """Yield the cases of a preset, those that share logits together, so that goldens share their sums."""
    for name in {**ROW_FAMILIES, **POINT_FAMILIES}:
        for dtype in DTYPES:
            for seed in preset.seeds:
                yield from _of_family(preset, name, dtype, seed)
    yield from _sweeps(preset)
    yield from _apart(preset)
    yield from linear.cases(preset.seeds, DTYPES, more=preset.linear_more)
    yield from _eights(preset)
    for example_id, example in published.EXAMPLES.items():
        for dtype in example.dtypes:
            for quantity in VALUE_AND_GRADIENT:
                rows, classes = np.shape(example.logits)
                yield Case(example.op, quantity, str(Source("published", example_id)), dtype, rows, classes)
    yield from corpus.cases(shipped=preset.corpus)


def _sweeps(preset: Preset) -> Iterator[Case]:
    for name in SWEEP:
        for dtype in preset.sweep_dtypes:
            for seed in preset.seeds:
                yield from _of_every(name, dtype, SQUARE, seed)
    yield from _lines(preset)
    if preset.exhaustive:
        yield from _of_every(EVERY_FLOAT16, "float16", FINITE_FLOAT16)


def _lines(preset: Preset) -> Iterator[Case]:
    """Yield every number of short formats, to the functions of one number."""
    for dtype, name in product(preset.line_dtypes, LINES):
        yield from lines(name, dtype)


def lines(name: str, dtype: str) -> Iterator[Case]:
    """Yield the cases of a line: of losses those with its label, of other ops those without."""
    for op, quantity in product(ASKED, VALUE_AND_GRADIENT):
        if OPS[op.name].elementwise and (OPS[op.name].labels == "row") == (name in LABELS):
            yield Case(op, quantity, name, dtype, *line.shape(FORMATS[dtype]))


def _eights(preset: Preset) -> Iterator[Case]:
    quantities = VALUE_AND_GRADIENT if preset.checks_every_dtype else VALUE_ONLY
    for dtype, name in product(EIGHTS, EIGHT_FAMILIES):
        for op, quantity in product(plain(), quantities):
            if name in (POINT_FAMILIES if OPS[op.name].elementwise else ROW_FAMILIES):
                yield Case(op, quantity, name, dtype, *FEW)


def _apart(preset: Preset) -> Iterator[Case]:
    draws = dict.fromkeys(draw for shapes in APART_FAMILIES.values() for draw in shapes.items())
    for (name, shape), dtype in product(draws, preset.option_dtypes):
        for op in APART:
            if apart_families(op).get(name) == shape:
                for quantity in APART[op]:
                    yield Case(op, quantity, name, dtype, *shape)


def apart_families(op: Op) -> Mapping[str, Shape]:
    """Return the families that an op which is asked apart is asked in, each with its shape."""
    return APART_FAMILIES[_taken(op)]


def _taken(op: Op) -> str:
    record = OPS[op.name]
    return "points" if record.elementwise and record.takes == "logits" else record.takes


def speed_cases(preset: Preset, memory_bytes: int) -> Iterator[Case]:
    """Yield what is timed: value and gradient of every op in float32, with fewer rows where memory is short."""
    for op in (*plain(), *(Op(name) for name, record in OPS.items() if record.linear)):
        for rows, classes in preset.speed_shapes:
            fitting = rows
            while fitting > 1 and fitting * classes * SPEED_BYTES > memory_bytes:
                fitting //= 2
            for quantity in OPS[op.name].forward_and_backward:
                yield Case(op, quantity, speed_source(op.name), "float32", fitting, classes)


def speed_source(op: str, features: int = 0) -> str:
    """Return what the inputs of an op that is timed are drawn from; features: of hidden states, 0 for the usual."""
    return str(Source("speed", "speed", str(features or linear.SPEED_FEATURES) if OPS[op].linear else ""))


def _of_family(preset: Preset, name: str, dtype: str, seed: int) -> Iterator[Case]:
    for op, quantities in ASKED.items():
        shape = (POINT_FAMILIES if OPS[op.name].elementwise else ROW_FAMILIES).get(name)
        if shape is None or (shape[1] >= LONG and dtype not in preset.long_dtypes):
            continue
        if op.options.get("reduction") == "mean" and name not in ("normal", "offset", "confident"):
            continue  # the mean adds one sum to what the un-reduced op is asked in every family
        for quantity in quantities:
            yield Case(op, quantity, name, dtype, *shape, seed)


def _of_every(name: str, dtype: str, shape: Shape, seed: int = 0) -> Iterator[Case]:
    for op in plain():
        for quantity in VALUE_AND_GRADIENT:
            yield Case(op, quantity, name, dtype, *shape, seed)


def inputs(case: Case) -> Inputs:
    """Draw the arrays of a case."""
    if OPS[case.op.name].linear:
        return linear.speed(case) if case.source.kind == "speed" else linear.inputs(case)
    return _speed(case) if case.source.kind == "speed" else _drawn(case)  # what is timed is too large to keep


@lru_cache(maxsize=8)  # targets are asked case by case
def _drawn(case: Case) -> Inputs:
    match case.source.kind:
        case "published":
            return _published(case)
        case "corpus":
            return corpus.inputs(case)
        case "options":
            return options.inputs(case)
    logits, rng = families.draw(case), np.random.default_rng((7, *families.generator(case)))
    return Inputs(logits, _labels(case, logits, rng), _upstream(case, rng))


def _upstream(case: Case, rng: np.random.Generator) -> Array:
    """Draw incoming gradients, +-1/32 to +-2 in steps of 1/32, never 0: exact in every dtype."""
    if case.source.name in LINES and OPS[case.op.name].elementwise:
        return families.to_dtype(np.ones((case.rows, case.classes)), case.dtype)
    mean = case.op.options.get("reduction") == "mean"
    shape = () if mean else (case.rows,) if one_a_row(case.op) else (case.rows, case.classes)
    steps = rng.integers(1, 65, shape) * rng.choice([-1, 1], shape)
    return families.to_dtype(np.asarray(steps / 32), case.dtype)


def _labels(case: Case, logits: Array, rng: np.random.Generator) -> Array | None:
    """Draw labels that every dtype holds exactly, so that distributions sum to 1 exactly.

    indices: the largest, the smallest and random classes in turn. distributions: counts of 256 draws over 256, or
    one-hot, in turn. Of an elementwise loss: 0, 1 and sixteenths between.
    """
    rows, classes, record = case.rows, case.classes, OPS[case.op.name]
    if record.labels == "none":
        return None
    if record.elementwise and case.source.name in LABELS:
        return families.to_dtype(np.full((rows, classes), LABELS[case.source.name]), case.dtype)
    if record.elementwise:
        levels = np.concatenate([np.zeros(8), np.ones(8), np.arange(1, 16) / 16])
        if case.op.options.get("log_target"):
            return families.to_dtype(families.log_shares(rng, rows, classes, FORMATS[case.dtype]), case.dtype)
        if record.takes == "log_probabilities":
            levels = np.arange(1, 17) / 16  # the gradient of a label of 0 is infinite
        return families.to_dtype(rng.choice(levels, (rows, classes)), case.dtype)
    wide = logits.astype(np.float64)
    index = np.where(np.arange(rows) % 3 == 0, wide.argmax(1), rng.integers(0, classes, rows))
    index = np.where(np.arange(rows) % 3 == 1, wide.argmin(1), index).astype(np.int64)
    if record.labels == "index":
        return index
    soft = rng.multinomial(256, np.full(classes, 1 / classes), rows) / 256
    one_hot = np.arange(classes) == index[:, None]
    return families.to_dtype(np.where(np.arange(rows)[:, None] % 2 == 0, soft, one_hot), case.dtype)


def _published(case: Case) -> Inputs:
    example = published.EXAMPLES[case.source.name]
    logits = families.to_dtype(np.array(example.logits), case.dtype)
    labels = None
    if example.labels is not None:
        given = np.array(example.labels)
        labels = given if given.dtype.kind == "i" else families.to_dtype(given, case.dtype)
    return Inputs(logits, labels, _upstream(case, np.random.default_rng(5)))


def _speed(case: Case) -> Inputs:
    """Draw in float32 at once: at 4096 x 32768 a float64 draw would take more memory than the functions timed."""
    rng = np.random.default_rng(case.rows)
    shape = (case.rows, case.classes)
    logits = rng.standard_normal(shape, dtype=np.float32)
    record = OPS[case.op.name]
    if record.takes == "probabilities":
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
    upstream = rng.choice(np.array([0.5, 1.0], np.float32), case.rows if record.one_a_row else shape)
    index = rng.integers(0, case.classes, case.rows)
    labels: Array | None = None
    if record.labels == "index":
        labels = index
    elif record.labels == "row":
        labels = np.zeros(shape, np.float32)
        labels[np.arange(case.rows), index] = 1
    if case.dtype == "float32":
        return Inputs(logits, labels, upstream)
    if labels is not None and labels.dtype.kind == "f":
        labels = families.to_dtype(labels, case.dtype)
    return Inputs(families.to_dtype(logits, case.dtype), labels, families.to_dtype(upstream, case.dtype))


def descriptions() -> dict[str, str]:
    """Return each family's docstring, for the reader of a page."""
    every: Mapping[str, Callable[..., object]] = {**FAMILIES, **linear.FAMILIES}
    own = {name: " ".join((function.__doc__ or "").split()) for name, function in every.items()}
    return {**own, **pairs.DESCRIPTIONS, **widths.DESCRIPTIONS}
