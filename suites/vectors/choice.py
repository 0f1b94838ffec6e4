"""Which test vectors the project publishes: a curated choice of questions, with the answers and flags of each.

Every op and quantity in every family and dtype at small shapes, one class, equal logits, published examples, infinite
and nan logits, a few longer rows, and the rows on which frameworks did worst. The worst rows are inputs that no code
here can draw again: they are read from a store of results, or from the files that are there.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from harness.model import DTYPES, Array, Case, Inputs, Op, Quantity, Source
from harness.ops import APART, ASKED, OPS, plain
from reference import limits
from reference.arbiter import settle
from reference.question import Numbers, Question, Validity
from reference.vectors import SHORT_NAMES, File, Value, Vector, truth
from suites.questions import cases, published
from suites.questions.cases import POINT_FAMILIES, ROW_FAMILIES
from suites.vectors import flags, linear


@dataclass(frozen=True)
class Chosen:
    """A question with where it comes from."""

    question: Question
    family: str
    origin: tuple[str, ...] = ()  # flags that the numbers do not show: KnownWorst, Published, ManyClasses


def chosen(worst: Iterable[Chosen]) -> list[Chosen]:
    """Return all questions in the order of the files, each once: where it first stands, as what it was called last."""
    of_linear = itertools.starmap(Chosen, linear.questions())
    every = itertools.chain(_drawn(), _edges(), _long(), _published(), _special(), _apart(), of_linear, worst)
    return list({repr(item.question): item for item in every}.values())  # -0 equals 0, but reads otherwise


# family -> (rows drawn, classes, rows taken); of the others OF_ANY.
OF_ANY = ((8, 5, (0,)), (8, 10, (1,)))
OF_SOME: Mapping[str, tuple[tuple[int, int, tuple[int, ...]], ...]] = {
    "two_class_gap": ((112, 2, (5, 24, 40, 63, 72, 88, 104)),),
    "all_equal": ((12, 3, (1, 7)), (12, 10, (3, 9))),
    "confident": ((6, 5, (0, 2, 4)), (6, 10, (1,))),
    "swamp": ((2, 5, (0,)), (2, 12, (1,))),
}
APART_ROWS = (0, 1, 2)  # a label in turn the largest, the smallest and any class; soft labels and one-hot ones
MEAN_FAMILIES = ("normal", "offset", "confident")
OF_ROWS = tuple(name for name in ROW_FAMILIES if name != "ones")  # beside all_equal it has nothing to say on short rows


def _drawn() -> Iterator[Chosen]:
    for op, quantities in ASKED.items():
        elementwise = OPS[op.name].elementwise
        mean = op.options.get("reduction") == "mean"
        families = MEAN_FAMILIES if mean else POINT_FAMILIES if elementwise else OF_ROWS
        for quantity, family, dtype in itertools.product(quantities, families, DTYPES):
            if mean:
                yield Chosen(_question(Case(op, quantity, family, dtype, 3, 4), (0, 1, 2)), family)
                continue
            for rows, classes, taken in OF_SOME.get(family, OF_ANY):
                case = Case(op, quantity, family, dtype, rows, classes)
                for some in (taken,) if elementwise else [(row,) for row in taken]:
                    yield Chosen(_question(case, some), family)


def _apart() -> Iterator[Chosen]:
    for op, quantities in APART.items():
        if op.params:
            continue  # files hold no options of theirs
        for quantity, family, dtype in itertools.product(quantities, cases.apart_families(op), DTYPES):
            case = Case(op, quantity, family, dtype, 8, 6)
            for row in APART_ROWS:
                yield Chosen(_question(case, (row,)), family)


def _edges() -> Iterator[Chosen]:
    for (op, quantity), dtype in itertools.product(_row_questions(), DTYPES):
        for family in ("normal", "extremes"):
            yield Chosen(_question(Case(op, quantity, family, dtype, 3, 1), (0,)), family)
    for (op, quantity), classes in itertools.product(_row_questions(), range(2, 13)):
        yield Chosen(_question(Case(op, quantity, "all_equal", "float32", 1, classes), (0,)), "all_equal")


def _long() -> Iterator[Chosen]:
    for (op, quantity), (family, classes) in itertools.product(
        _row_questions(), (("swamp", 200), ("vocabulary", 60), ("long_row", 100))
    ):
        for dtype in ("float32",) if op.name == "dense_xent" else ("float32", "bfloat16"):
            asked = _question(Case(op, quantity, family, dtype, 1, classes), (0,))
            if len(asked.upstream) > 1 and family == "swamp":
                continue  # 200 upstreams say nothing that 100 do not
            if quantity != "value" or not OPS[op.name].one_a_row:
                asked = replace(asked, at=(0, classes // 2, classes - 1))
            yield Chosen(asked, family, ("ManyClasses",))


def _row_questions() -> list[tuple[Op, Quantity]]:
    return [(op, quantity) for op in plain("class", "row") for quantity in ASKED[op]]


PUBLISHED_ROWS = 4  # of an example


def _published() -> Iterator[Chosen]:
    quantities: tuple[Quantity, ...] = ("value", "grad_logits")
    for name, example in published.EXAMPLES.items():
        rows, classes = np.shape(example.logits)
        for dtype, quantity in itertools.product(example.dtypes, quantities):
            family = str(Source("published", name))
            case = Case(example.op, quantity, family, dtype, rows, classes)
            whole = example.op.options.get("reduction") == "mean"
            for taken in [tuple(range(rows))] if whole else [(row,) for row in range(min(rows, PUBLISHED_ROWS))]:
                yield Chosen(_question(case, taken), family, ("Published",))


def _question(case: Case, taken: tuple[int, ...]) -> Question:
    """Return some rows of a case as one question; an elementwise op takes them as one row."""
    inputs = cases.inputs(case)
    one = OPS[case.op.name].elementwise or case.op.options.get("reduction") != "mean"
    return Question(
        case.op,
        case.quantity,
        case.dtype,
        _flat(inputs.logits, taken),
        () if inputs.labels is None else _flat(inputs.labels, taken),
        _upstream(case, inputs, taken),
        rows=1 if one else len(taken),
    )


def _upstream(case: Case, inputs: Inputs, taken: tuple[int, ...]) -> Numbers:
    if case.quantity == "value":
        return ()
    return _flat(inputs.upstream, taken if inputs.upstream.ndim else ())


def _flat(array: Array, taken: tuple[int, ...]) -> Numbers:
    picked = array[list(taken)] if taken else array
    return tuple(picked.astype(np.float64).ravel().tolist())


INF, NAN = math.inf, math.nan
SPECIAL_ROWS: tuple[Numbers, ...] = (
    (0.5, -INF, 2.0),
    (1.0, INF, -2.0),
    (-INF, -INF, -INF),
    (1.0, NAN, 2.0),
    # The next in float32 only.
    (-INF, 1.5, -INF),
    (-INF, 1.0, 1.0, -INF),
    (INF, -INF, 0.5),
    (INF, INF, 0.0),
    (-0.0, 0.0, -0.0),
    (NAN, -INF, 0.0),
)
IN_ALL_DTYPES = 4
SPECIAL_POINTS: Numbers = (INF, -INF, NAN, -0.0, 0.0, 1.5)
UPSTREAM: Numbers = (0.5, -1.25, 2.0, 0.75, -0.03125, 1.0)
SOFT: Numbers = (0.25, 0.5, 0.125, 0.125)


def _special() -> Iterator[Chosen]:
    for (op, quantity), (index, row) in itertools.product(_row_questions(), enumerate(SPECIAL_ROWS)):
        for dtype in DTYPES if index < IN_ALL_DTYPES else ("float32",):
            for labels in _special_labels(op, row):
                asked = Question(op, quantity, dtype, row, labels, _special_upstream(op, quantity, row))
                if not limits.is_special(asked) or _has_rule(asked):
                    yield Chosen(asked, "special")
    for op, quantities in ASKED.items():
        elementwise = OPS[op.name].elementwise
        n = len(SPECIAL_POINTS)
        levels = (0.0, 1.0, 0.5) if OPS[op.name].labels == "row" else (None,)
        for quantity, dtype, level in itertools.product(quantities if elementwise else (), DTYPES, levels):
            labels = () if level is None else (level,) * n
            up = () if quantity == "value" else UPSTREAM[:n]
            yield Chosen(Question(op, quantity, dtype, SPECIAL_POINTS, labels, up), "special")


def _special_labels(op: Op, row: Numbers) -> list[Numbers]:
    match op.name:
        case "sparse_xent":
            return [(0.0,), (1.0,)]
        case "dense_xent":
            one_hot = [tuple(float(j == k) for j in range(len(row))) for k in range(2)]
            masked = tuple(0.0 if x == -INF else z for x, z in zip(row, SOFT, strict=False))
            return list(dict.fromkeys((*one_hot, masked)))
        case _:
            return [()]


def _special_upstream(op: Op, quantity: Quantity, row: Numbers) -> Numbers:
    if quantity == "value":
        return ()
    if OPS[op.name].one_a_row:
        return UPSTREAM[1:2]
    masked = op.name == "log_softmax"  # else sum g goes on counting a class that is not there
    return tuple(0.0 if masked and x == -INF else g for x, g in zip(row, UPSTREAM, strict=False))


def _has_rule(asked: Question) -> bool:
    try:
        limits.limit(asked)
    except ValueError:
        return False
    return True


WORST = ("KnownWorst",)
ORIGINS = (*WORST, "Published", "ManyClasses")


def files(worst: Iterable[Chosen]) -> list[File]:
    """Answer all questions; one file an op, in the order of the ops."""
    counts: Counter[str] = Counter()
    by_op: dict[str, list[Vector]] = {name: [] for name in OPS}
    for item in chosen(worst):
        stem = stem_of(item)
        by_op[item.question.op.name].append(_vector(f"{stem}-{counts[stem]:02}", item))
        counts[stem] += 1
    return [File(name, provenance(), notes_for(vectors), tuple(vectors)) for name, vectors in by_op.items() if vectors]


def of_worst(questions: Iterable[Question]) -> File:
    """Answer some rows of one op, the worst that were found, each once."""
    items = {repr(one): Chosen(one, "corpus", WORST) for one in questions}.values()
    vectors = tuple(_vector(f"{stem_of(item)}-{i:02}", item) for i, item in enumerate(items))
    return File(vectors[0].question.op.name, provenance(), notes_for(vectors), vectors)


def provenance() -> dict[str, str | int]:
    """Say what made the numbers."""
    try:
        own = version("xentbench")
    except PackageNotFoundError:  # a checkout that is not installed
        own = "0"
    return {"tool": f"xentbench {own}", "arbiter": settle.backend(), "bits": truth.START_BITS}


def notes_for(vectors: Iterable[Vector]) -> dict[str, dict[str, str]]:
    """Return the notes of the flags that some tests carry."""
    every = flags.notes()
    return {flag: every[flag] for flag in sorted({flag for vector in vectors for flag in vector.flags})}


def stem_of(item: Chosen) -> str:
    """Return a test's id without its number."""
    asked = item.question
    options = "".join(f"-{name}={value}" for name, value in asked.op.params)
    worst = "-worst" if item.origin == WORST else ""
    short = SHORT_NAMES[asked.dtype]
    return f"{asked.op.name}{options}-{asked.quantity}-{item.family}-{short}-n{asked.classes}{worst}"


def _vector(name: str, item: Chosen) -> Vector:
    out, validity = answers(item.question)
    return Vector(
        name, item.question, item.family, out, flags.flags_of(item.question, item.family, out, item.origin), validity
    )


def answers(asked: Question) -> tuple[tuple[Value, ...], Validity]:
    """Answer a question by the arbiter, or where a logit is not finite, by the rules for limits."""
    if not limits.is_special(asked):
        return tuple(truth.values(asked)), "valid"
    ruled = limits.limit(asked)
    finite = truth.values(ruled.finite) if ruled.finite else []
    fixed = [answer if isinstance(answer, float) else 0.0 for answer in ruled.answers]
    plain = truth.with_patterns([Value(y, 0.0, 0, None) for y in fixed], asked.dtype)
    found = [plain[k] if isinstance(answer, float) else finite[answer] for k, answer in enumerate(ruled.answers)]
    return tuple(found), ruled.validity
