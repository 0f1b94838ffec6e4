"""The cases of options, alone and together, with inputs that tell one meaning of an option from another.

Labels are drawn so that every denominator is a power of two, and no two denominators that a mean may have are equal:
of 8 rows 4 are ignored, class weights sum to 4 over the labels of 8 rows and to 2 over those of 4, and of the sample
weights, whose sum is 2, half are 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from harness import options
from harness.model import Array, Case, Inputs, Op, Param, Quantity, Source
from harness.ops import OPS, VALUE_AND_GRADIENT, WITH_LABELS, Record, one_a_row, plain
from suites.questions import families

FAMILIES = ("normal_large", "offset")
SCALED_FAMILIES = ("normal_large", "coarse")
LAYOUT_FAMILIES = ("normal_large",)
ROWS, CLASSES = 8, 16
SIGMOID_CLASSES = 4  # as many as patterns have: in bfloat16, a sum of many elements would hide a wrong denominator
LAYOUT_ROWS, LAYOUT_CLASSES = 24, 5
RANKS = (1, 2, 3, 4, 5)

CLASS_WEIGHT = "1 0.5 0.25 2"
RESIDUES = (0, 1, 2, 2)  # of the labels of rows that count, in turn, modulo the length of the patterns over classes
SAMPLE_WEIGHT = "0.25 0 0.75 0"
MASK = "1 1 1 0"  # leaves the labels' classes
POS_WEIGHT = "3 0.5 1 2"
SMOOTHING = 0.125


BY_CLASS: dict[str, Param] = {"class_weight": CLASS_WEIGHT}
BY_SAMPLE: dict[str, Param] = {"sample_weight": SAMPLE_WEIGHT}
SMOOTH: dict[str, Param] = {"label_smoothing": SMOOTHING}
IGNORE: dict[str, Param] = {"ignore_index": -100}
CAP: dict[str, Param] = {"softcap": 8.0}
SCALE: dict[str, Param] = {"scale": 0.0859375}  # 11 / 128: of few bits, and no power of two
ATTENTION: dict[str, Param] = {**SCALE, "added_mask": "0 0 0 -inf"}  # leaves the labels' classes
SQUARE: dict[str, Param] = {"z_loss": 2.0**-7}
IMAGE: dict[str, Param] = {"axis": 1, "rank": 3}  # as segmentation has it: (N, C, d)


def ops_of(
    name: str, quantities: tuple[Quantity, ...], given: Mapping[str, Param], *reductions: str
) -> dict[Op, tuple[Quantity, ...]]:
    """Return an op with some options, in each reduction; labels have a gradient where nothing is reduced."""
    return {
        Op.of(name, **given, **({"reduction": one} if one != "none" else {})): quantities
        if one == "none"
        else VALUE_AND_GRADIENT
        for one in reductions
    }


SPARSE = {
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, {}, "sum", "mean"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, IGNORE, "none", "sum", "mean", "mean_valid"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, {"ignore_index": 3}, "none", "mean_valid"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, BY_CLASS | {"ignore_index": 3}, "mean_classweight"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, SMOOTH | {"ignore_index": 3}, "none", "mean_valid"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, {"ignore_index": 255, "label_dtype": "uint8"}, "mean_valid"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, BY_CLASS, "none", "sum", "mean", "mean_classweight"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, BY_CLASS | IGNORE, "mean_classweight"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, BY_SAMPLE, "none", "sum", "mean", "mean_sampleweight", "mean_nonzero"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, BY_SAMPLE | IGNORE, "mean_valid"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, SMOOTH, "none", "mean"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, SMOOTH | BY_CLASS, "none", "mean_classweight"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, SMOOTH | IGNORE, "none", "mean_valid"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, SMOOTH | IGNORE | BY_CLASS, "mean_classweight"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, {"mask": MASK}, "none"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, CAP, "none"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, SQUARE, "none", "mean"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, SQUARE | IGNORE, "none", "mean_valid"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, CAP | SQUARE, "none"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, IMAGE | IGNORE, "mean_valid"),
    **ops_of("sparse_xent", VALUE_AND_GRADIENT, IMAGE | BY_CLASS | SMOOTH, "mean_classweight"),
    **{
        Op.of("sparse_xent", label_dtype=dtype): VALUE_AND_GRADIENT
        for dtype in ("int8", "int16", "int32", "int64", "uint8", "float32")
    },
}
DENSE = {
    **ops_of("dense_xent", VALUE_AND_GRADIENT, {}, "sum", "mean"),
    **ops_of("dense_xent", WITH_LABELS, BY_CLASS, "none", "sum", "mean"),
    **ops_of("dense_xent", WITH_LABELS, BY_SAMPLE, "none", "sum", "mean", "mean_sampleweight", "mean_nonzero"),
    **ops_of("dense_xent", WITH_LABELS, SMOOTH, "none", "mean"),
    **ops_of("dense_xent", VALUE_AND_GRADIENT, SMOOTH | BY_CLASS, "none", "mean"),
    **ops_of("dense_xent", VALUE_AND_GRADIENT, SMOOTH | BY_SAMPLE, "mean_nonzero"),
    **ops_of("dense_xent", WITH_LABELS, {"label_sum": "1 0.5 2 0"}, "none"),
    **ops_of("dense_xent", VALUE_AND_GRADIENT, {"mask": MASK}, "none"),
    **ops_of("dense_xent", WITH_LABELS, CAP, "none"),
    **ops_of("dense_xent", WITH_LABELS, SQUARE, "none"),
    **ops_of("dense_xent", VALUE_AND_GRADIENT, CAP | SQUARE, "none", "mean"),
    **ops_of("dense_xent", VALUE_AND_GRADIENT, IMAGE | SMOOTH, "none"),
    **ops_of("dense_xent", VALUE_AND_GRADIENT, IMAGE | BY_CLASS, "mean"),
    **ops_of("dense_xent", VALUE_AND_GRADIENT, {"label_dtype": "int32"}, "none"),
}
SIGMOID = {
    **ops_of("sigmoid_xent", VALUE_AND_GRADIENT, {}, "sum", "mean", "mean_axis"),
    **ops_of("sigmoid_xent", VALUE_AND_GRADIENT, {"pos_weight": 3.0}, "sum", "mean"),
    **ops_of("sigmoid_xent", WITH_LABELS, {"pos_weight": POS_WEIGHT}, "none"),
    **ops_of("sigmoid_xent", WITH_LABELS, BY_CLASS, "none", "sum", "mean"),
    **ops_of("sigmoid_xent", VALUE_AND_GRADIENT, BY_CLASS | {"pos_weight": POS_WEIGHT}, "mean"),
    **ops_of(
        *("sigmoid_xent", WITH_LABELS, BY_SAMPLE),
        *("none", "sum", "mean", "mean_sampleweight", "mean_nonzero", "mean_axis"),
    ),
    **ops_of("sigmoid_xent", WITH_LABELS, SMOOTH, "none", "mean", "mean_axis"),
    **ops_of("sigmoid_xent", VALUE_AND_GRADIENT, {"label_dtype": "int32"}, "none"),
}
SCALED = {
    **{Op.of(name, **SCALE): VALUE_AND_GRADIENT for name in ("softmax", "log_softmax", "logsumexp", "sparse_xent")},
    **{Op.of(name, **ATTENTION): VALUE_AND_GRADIENT for name in ("softmax", "logsumexp", "sparse_xent")},
}
LAYOUTS = {
    Op.of(op.name, axis=axis, rank=rank): VALUE_AND_GRADIENT
    for op in plain("class", "row")
    for rank in RANKS
    for axis in range(-rank, rank)
}
FEW_LAYOUTS = frozenset(
    Op.of(op.name, axis=axis, rank=rank) for op in LAYOUTS for axis, rank in ((0, 1), (1, 3), (-4, 5))
)  # for modes that compile for each
OTHERS = {
    Op.of("softmax", mask=MASK): VALUE_AND_GRADIENT,
    Op.of("log_softmax", mask=MASK): VALUE_AND_GRADIENT,
    Op.of("logsumexp", term_weight=CLASS_WEIGHT): VALUE_AND_GRADIENT,
    Op.of("logsumexp", mask=MASK): VALUE_AND_GRADIENT,
    **SPARSE,
    **DENSE,
    **SIGMOID,
    **SCALED,
}


def cases(dtypes: Sequence[str], layout_dtypes: Sequence[str]) -> Iterator[Case]:
    """Yield the cases; layouts change no arithmetic, so one family is enough for them."""
    for dtype in dtypes:
        for family in dict.fromkeys((*FAMILIES, *SCALED_FAMILIES)):
            for op, quantities in OTHERS.items():
                if family not in (SCALED_FAMILIES if op in SCALED else FAMILIES):
                    continue
                classes = SIGMOID_CLASSES if OPS[op.name].elementwise else CLASSES
                for quantity in quantities:
                    yield Case(op, quantity, str(Source("options", family)), dtype, ROWS, classes)
    for dtype in layout_dtypes:
        for family in LAYOUT_FAMILIES:
            for op, quantities in LAYOUTS.items():
                for quantity in quantities:
                    rows = 1 if op.options["rank"] == 1 else LAYOUT_ROWS
                    yield Case(op, quantity, str(Source("options", family)), dtype, rows, LAYOUT_CLASSES)


def of_parameter(op: str, name: str) -> Case:
    """Return the question that stands for a parameter which is no option: no one can say what its answer is."""
    classes = SIGMOID_CLASSES if OPS[op].elementwise else CLASSES
    source = str(Source("options", LAYOUT_FAMILIES[0]))
    return Case(Op.of(op, **{name: "its own"}), "value", source, "float32", ROWS, classes)


def suite(case: Case) -> str:
    """Name what a preset may spare a mode: `layouts`, but for a few; `narrow options`, in 16 bits; other `options`."""
    if case.op in LAYOUTS and case.op not in FEW_LAYOUTS:
        return "layouts"
    return "narrow options" if "16" in case.dtype else "options"


def inputs(case: Case) -> Inputs:
    """Draw the arrays of a case; ops that differ in their layout alone are drawn alike."""
    op, logits = case.op, families.draw(case)
    rng = np.random.default_rng((11, *families.generator(case)))
    labels = drawn_labels(case, logits, rng)
    steps = rng.integers(1, 65, logits.shape) * rng.choice([-1, 1], logits.shape)
    upstream = families.to_dtype(steps / 32, case.dtype)  # as in the suites without options
    if options.reduces(op):
        upstream = upstream[0, 0]
    elif one_a_row(op):
        upstream = upstream[:, 0].reshape(outer(op, case.rows))
    else:
        upstream = options.arranged(op, upstream)
    if labels is not None:
        labels = labels.reshape(outer(op, case.rows)) if labels.ndim == 1 else options.arranged(op, labels)
    return Inputs(options.arranged(op, logits), labels, np.asarray(upstream))


def outer(op: Op, rows: int) -> tuple[int, ...]:
    """Return the shape of what an op has one of a row."""
    return options.outer(rows, int(op.options.get("rank", 2)))


def drawn_labels(case: Case, logits: Array, rng: np.random.Generator) -> Array | None:
    """Draw labels by row, for an op that has them.

    sparse: the largest, the smallest and random logits in turn, among the classes of a residue; every other row ignored
    where that is asked. dense: soft and one-hot rows in turn, the sums as asked. sigmoid: 0, 1 and sixteenths between.
    """
    asked, (rows, classes) = case.op.options, logits.shape
    dtype = str(asked.get("label_dtype", case.dtype))
    whole = np.dtype(dtype).kind in "iu" if "label_dtype" in asked else False
    index = indices(case.op, logits.astype(np.float64), rng)
    match OPS[case.op.name]:
        case Record(labels="none"):
            return None
        case Record(labels="index"):
            return index.astype(str(asked.get("label_dtype", "int64")))
        case Record(value="point"):
            levels = np.concatenate([np.zeros(8), np.ones(8), np.arange(1, 16) / 16 if not whole else []])
            labels = rng.choice(levels, (rows, classes))
        case _:
            soft = rng.multinomial(256, np.full(classes, 1 / classes), rows) / 256
            one_hot = np.arange(classes) == index[:, None]
            labels = np.where((np.arange(rows)[:, None] % 2 == 0) & (not whole), soft, one_hot)
            labels = labels * np.array(options.repeated(str(asked.get("label_sum", "1")), rows))[:, None]
    return labels.astype(dtype) if whole else families.to_dtype(labels, dtype)


def indices(op: Op, logits: Array, rng: np.random.Generator) -> Array:
    """Draw class indices by row, the ignored one in every other row where there is one."""
    ignored = op.options.get("ignore_index")
    rows, classes = logits.shape
    labels = np.empty(rows, np.int64)
    for row in range(rows):
        counted = row if ignored is None else row // 2
        among = np.arange(RESIDUES[counted % len(RESIDUES)], classes, len(RESIDUES))
        choices = among[logits[row, among].argmax()], among[logits[row, among].argmin()], rng.choice(among)
        labels[row] = choices[row % 3]
        if ignored is not None and row % 2:
            labels[row] = ignored
    return labels
