"""Ops x quantities x families x shapes x dtypes -> Cases, and which of them a preset asks of which target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harness.model import DTYPES, Array, Case, Inputs
from harness.ops import ASKED, OPS, VALUE_AND_GRADIENT, plain
from suites.questions import families, options, published
from suites.questions.families import FAMILIES

Shape = tuple[int, int]  # rows, classes
# Few shapes, because each is a compilation for every compiled function.
SQUARE: Shape = (32, 64)
ROW_FAMILIES: Mapping[str, Shape] = {
    **dict.fromkeys(("normal_small", "normal", "normal_large", "offset", "wide_spread", "confident"), SQUARE),
    **dict.fromkeys(("near_ties", "all_equal", "lse_near_zero", "extremes", "subnormals"), SQUARE),
    "two_class_gap": (256, 2),
    "swamp": (2, 32_768),
    "long_row": (1, 100_000),
    "vocabulary": (2, 32_768),
}
POINT_FAMILIES: Mapping[str, Shape] = dict.fromkeys(
    ("normal_small", "normal", "normal_large", "offset", "wide_spread", "extremes", "subnormals"), SQUARE
) | {"two_class_gap": (256, 2)}
# One family in growing sizes: how errors grow with the logits. Closest between 1 and 100, where rounding x - max is
# felt first, and where exp overflows unless shifted.
SIZES = (0.001, 0.01, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0, 10_000.0)
SWEEP = tuple(f"magnitude/{size:g}" for size in SIZES)
SPEED = "speed"  # the family of what is timed; plain normal logits
families.SAMPLED.add(SPEED)
SPEED_BYTES = 4 * 16  # a float32 logit, and what its forward and backward pass may hold at once
LONG = 2_048  # classes from which a row counts as long


@dataclass(frozen=True)
class Preset:
    """How much to ask. A mode that compiles for every shape can be asked less than one that does not."""

    name: str
    seeds: tuple[int, ...]
    long_dtypes: tuple[str, ...]  # dtypes of the long rows
    sweep_dtypes: tuple[str, ...]  # dtypes of the sweep over magnitudes
    sweep_kinds: tuple[str, ...]  # and kinds that it is asked of
    sparing: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]  # framework:mode -> (dtypes, kinds) asked of it
    short_only: frozenset[str]  # framework:mode pairs that are spared the long rows
    speed_shapes: tuple[Shape, ...]
    speed_ops: tuple[str, ...]  # timed by a run that names no op; none for all
    option_dtypes: tuple[str, ...]
    layout_dtypes: tuple[str, ...]  # dtypes of options that change no arithmetic
    spared: Mapping[str, frozenset[str]]  # suite or one check -> framework:mode pairs that it leaves out
    speed_all: bool  # time every fused function, not only the first of each op

    def asks(self, case: Case, framework: str, mode: str, kind: str) -> bool:
        """Tell whether a case is asked of a kind of implementation in a framework's mode."""
        pair = f"{framework}:{mode}"
        dtypes, kinds = self.sparing.get(pair, (DTYPES, ()))
        if case.family in SWEEP and self.sweep_kinds and kind not in self.sweep_kinds:
            return False
        if case.dtype not in dtypes or (kinds and kind not in kinds):
            return False
        return not (pair in self.short_only and case.classes >= LONG)

    def checks(self, suite: str, case: Case, framework: str, mode: str) -> bool:
        """Tell whether a check of a suite is asked of a framework's mode."""
        pair = f"{framework}:{mode}"
        spared = self.spared.get(case.check, self.spared.get(suite, ()))
        return pair not in spared and self.asks(case, framework, mode, "fused")


EVERY_KIND: tuple[str, ...] = ()
PROMISING = ("fused", "control")  # what promises a stable answer, and the textbook, for scale
COMPILING = frozenset({"torch:compile", "tensorflow:xla", "tensorflow:function", "tensorflow:session"})
# Bad class indices, which modes are known to treat differently.
LABEL_CHECKS = ("special.label_too_large", "special.label_negative", "special.label_minus_100")
COMMON = ("float32", "bfloat16")  # what most training runs in
PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "quick",
            seeds=(0,),
            long_dtypes=COMMON,
            sweep_dtypes=("float32",),
            sweep_kinds=PROMISING,
            # A compilation costs 0.1 s (XLA) to 0.8 s (inductor) for every function, shape and dtype; eager jax
            # compiles every primitive. TF's graphs mostly run the kernels that eager TF runs.
            sparing={
                "torch:compile": (COMMON, ("fused",)),
                "tensorflow:xla": (COMMON, ("fused",)),
                "tensorflow:function": (COMMON, EVERY_KIND),
                "tensorflow:session": (COMMON, EVERY_KIND),
                "jax:eager": (("float32",), EVERY_KIND),
            },
            short_only=frozenset({"torch:compile", "tensorflow:xla", "jax:eager"}),
            speed_shapes=((64, 1000), (512, 8192)),
            speed_ops=("softmax", "sparse_xent"),  # each op is compiled, by every mode that compiles, for minutes
            option_dtypes=COMMON,
            layout_dtypes=("float32",),
            # Checks ask in many shapes, each one a compilation.
            spared={
                "special": COMPILING | {"jax:eager"},
                **dict.fromkeys(
                    LABEL_CHECKS, frozenset({"torch:compile", "tensorflow:function", "tensorflow:session"})
                ),
                "law": COMPILING | {"jax:eager"},
                "invariance": COMPILING | {"jax:eager"},
                "options": COMPILING | {"jax:eager"},
                **dict.fromkeys(("layouts", "narrow options"), COMPILING | {"jax:eager", "jax:jit"}),
                "invariance.modes": frozenset(),  # asks nothing that is not compiled for the plain questions
            },
            speed_all=False,
        ),
        Preset(
            "standard",
            seeds=(0, 1),
            long_dtypes=DTYPES,
            sweep_dtypes=("float16", "bfloat16", "float32"),
            sweep_kinds=PROMISING,
            sparing={"torch:compile": (DTYPES, ("fused", "composed"))},
            short_only=frozenset({"torch:compile"}),
            speed_shapes=((8, 10), (64, 1000), (512, 8192), (4096, 32_768)),
            speed_ops=(),
            option_dtypes=DTYPES,
            layout_dtypes=("float32",),
            spared={
                "layouts": frozenset({"torch:compile"}),
                "law": frozenset({"torch:compile"}),
                "invariance": frozenset({"torch:compile"}),
                "invariance.modes": frozenset(),
            },
            speed_all=True,
        ),
        Preset(
            "full",
            seeds=(0, 1, 2, 3),
            long_dtypes=DTYPES,
            sweep_dtypes=DTYPES,
            sweep_kinds=EVERY_KIND,
            sparing={},
            short_only=frozenset(),
            speed_shapes=((8, 10), (64, 1000), (512, 8192), (1024, 100_000), (4096, 32_768)),
            speed_ops=(),
            option_dtypes=DTYPES,
            layout_dtypes=DTYPES,
            spared={},
            speed_all=True,
        ),
    )
}


def cases(preset: Preset) -> Iterator[Case]:
    """Yield the cases of a preset, those that share logits together, so that goldens share their sums."""
    for name in {**ROW_FAMILIES, **POINT_FAMILIES}:
        for dtype in DTYPES:
            for seed in preset.seeds:
                yield from _of_family(preset, name, dtype, seed)
    for name in SWEEP:
        for dtype in preset.sweep_dtypes:
            for seed in preset.seeds:
                yield from _of_sweep(name, dtype, seed)
    for example_id, example in published.EXAMPLES.items():
        for dtype in example.dtypes:
            for quantity in VALUE_AND_GRADIENT:
                rows, classes = np.shape(example.logits)
                yield Case(example.op, quantity, published.PREFIX + example_id, dtype, rows, classes)


def speed_cases(preset: Preset, memory_bytes: int) -> Iterator[Case]:
    """Yield what is timed: value and gradient of every op in float32, with fewer rows where memory is short."""
    for op in plain():
        for rows, classes in preset.speed_shapes:
            fitting = rows
            while fitting > 1 and fitting * classes * SPEED_BYTES > memory_bytes:
                fitting //= 2
            for quantity in VALUE_AND_GRADIENT:
                yield Case(op, quantity, SPEED, "float32", fitting, classes)


def _of_family(preset: Preset, name: str, dtype: str, seed: int) -> Iterator[Case]:
    for op, quantities in ASKED.items():
        shape = (POINT_FAMILIES if OPS[op.name].elementwise else ROW_FAMILIES).get(name)
        if shape is None or (shape[1] >= LONG and dtype not in preset.long_dtypes):
            continue
        if op.options.get("reduction") == "mean" and name not in ("normal", "offset", "confident"):
            continue  # the mean adds one sum to what the un-reduced op is asked in every family
        for quantity in quantities:
            yield Case(op, quantity, name, dtype, *shape, seed)


def _of_sweep(name: str, dtype: str, seed: int) -> Iterator[Case]:
    for op in plain():
        for quantity in VALUE_AND_GRADIENT:
            yield Case(op, quantity, name, dtype, *SQUARE, seed)


def inputs(case: Case) -> Inputs:
    """Draw the arrays of a case."""
    return _speed(case) if case.family == SPEED else _drawn(case)  # what is timed is too large to keep


@lru_cache(maxsize=8)  # targets are asked case by case
def _drawn(case: Case) -> Inputs:
    if case.family.startswith(published.PREFIX):
        return _published(case)
    if case.family.startswith(options.PREFIX):
        return options.inputs(case)
    logits = families.draw(case.family, case.dtype, case.rows, case.classes, case.seed)
    rng = np.random.default_rng((7, *families.generator(case.family, case.rows, case.classes, case.seed)))
    return Inputs(logits, _labels(case, logits, rng), _upstream(case, rng))


def _upstream(case: Case, rng: np.random.Generator) -> Array:
    """Draw incoming gradients, +-1/32 to +-2 in steps of 1/32, never 0: exact in every dtype."""
    mean = case.op.options.get("reduction") == "mean"
    shape = () if mean else (case.rows,) if OPS[case.op.name].one_a_row else (case.rows, case.classes)
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
    if record.elementwise:
        levels = np.concatenate([np.zeros(8), np.ones(8), np.arange(1, 16) / 16])
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
    example = published.EXAMPLES[case.family.removeprefix(published.PREFIX)]
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
    return {name: " ".join((function.__doc__ or "").split()) for name, function in FAMILIES.items()}
