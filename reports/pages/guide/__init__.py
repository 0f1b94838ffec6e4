"""The guide: which function to call, and what happens otherwise, answered with the numbers of this run.

Each question is one function: the first paragraph of its docstring is the question, the second the answer in words, and
what it returns are the numbers beside them. They stand on the page in the order they have here.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import DTYPES, Checked, Failed, Result, Score, Source, Unsupported
from harness.ops import OPS
from reports import layout, marks, numbers, table
from reports.material import Material, place

if TYPE_CHECKING:
    from harness.model import Implementation

TITLE = "Which function should I call?"
NAV = "Guide"
PLACE = 25
FORMAT = "float32"  # what most people compute in
PURPOSES = {record.name: record.caption for record in sorted(OPS.values(), key=lambda record: record.labels == "none")}
LABELS = {  # checks about labels that a loss is not made for
    "special.label_too_large": "an index equal to the number of classes",
    "special.label_negative": "the index -1",
    "special.label_minus_100": "the index -100, which torch ignores by default",
    "special.labels_not_summing_to_one": "a row of labels that does not sum to one",
    "special.labels_outside_unit_interval": "labels below 0 or above 1",
}
SIGMOID_EXAMPLES = ("so-dense-is-softmax-2", "so-sigmoid-5", "so-sigmoid-half", "so-double-softmax", "so-log-of-logits")


KINDS_ASKED = (("fused",), ("composed", "naive", "misuse"))


@dataclass(frozen=True)
class Cell:
    """A piece of an answer: text, its symbol, and the place in the report that proves it."""

    text: str
    at: str = ""
    symbol: str = ""
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """A table whose first column names the lines."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""  # the page that has it all


Question = Callable[[Material], Answer]
QUESTIONS: list[Question] = []


def question(function: Question) -> Question:
    """Register a question."""
    QUESTIONS.append(function)
    return function


def render(material: Material) -> str:
    """Return the page's HTML; a question that this run asked nothing about is left out."""
    asked = [(ask.__name__, inspect.getdoc(ask) or "", ask(material)) for ask in QUESTIONS]
    answers = [(name, *text.split("\n\n"), answer) for name, text, answer in asked if answer.rows]
    return layout.fill("pages/guide/page.html.j2", answers=answers) if answers else ""


@question
def choice(material: Material) -> Answer:
    """Which function do I call?

    One that takes logits and does all of it at once. Of the fused functions asked, this is the one of each
    framework whose worst answer, value or gradient, in any mode and input family, is closest to its budget in
    float32.
    """
    there = _frameworks(material)
    rows = []
    for op, purpose in PURPOSES.items():
        of = _members(material, op, kinds=("fused",), dtypes=(FORMAT,))
        best = [_best(r for r in of if r.target.implementation.framework == name) for name in there]
        if any(best):
            rows.append((Cell(op, note=purpose), *(_told(members) if members else Cell("") for members in best)))
    return Answer(
        ("to compute", *there),
        tuple(rows),
        "matrix",
    )


@question
def fused_or_composed(material: Material) -> Answer:
    """Softmax, then log, then sum: how does it differ from the fused function?

    In exact arithmetic not at all; in floating point by what softmax rounds away before the logarithm sees it: a
    probability that underflows to 0 becomes an infinite loss, and one close to 1 a loss of 0. Each line is the best
    function of its kind in float32; the last column is its worst input family.
    """
    rows = []
    for op in ("dense_xent", "sparse_xent", "log_softmax"):
        of = _members(material, op, kinds=("fused", "composed", "naive"), dtypes=(FORMAT,), quantities=("value",))
        for framework, kind in _pairs(of):
            members = [r for r in of if _pair(r) == (framework, kind)]
            usual = [r for r in members if r.case.family == "normal"]
            best = _best(members)
            name = Cell(best[0].target.implementation.name, symbol=framework, note=f"{op}, {kind}")
            rows.append((name, _worst(_of(usual, best)), _worst(best)))
    return Answer(
        ("function", "normal logits", "worst family"),
        tuple(rows),
        "matrix",
    )


@question
def three_losses(material: Material) -> Answer:
    """Sparse, dense, sigmoid: are they not the same?

    Sparse is dense with one-hot labels, written as an index. Sigmoid is another model: each class is a coin of its
    own and its loss is log(1 + exp(x)) - label * x, where softmax makes the classes compete; a logit is the log
    odds log(p / (1 - p)) of its coin. Feeding probabilities to a function that wants logits trains, and is wrong.
    """
    rows = []
    for example in SIGMOID_EXAMPLES:
        of = [
            r
            for r in material.answers
            if r.case.source == Source("published", example) and isinstance(r.outcome, Score)
        ]
        if of:
            kinds = [_worst([r for r in of if r.target.implementation.kind in wanted]) for wanted in KINDS_ASKED]
            rows.append((Cell(example, f"#published-{example}", note=_described(material, example)), *kinds))
    return Answer(
        ("published example", "fused, worst", "other kinds, worst"),
        tuple(rows),
        "examples",
    )


@question
def spellings(material: Material) -> Answer:
    """Does it matter in which mode, or by which of its names, I call it?

    The worst answer to dense_xent in float32, value or gradient, by mode. Names of one function answer alike; a
    compiler may take another path, and then answers differ.
    """
    of = _members(material, "dense_xent", kinds=("fused",), dtypes=(FORMAT,))
    modes = list(dict.fromkeys(r.target.mode for r in of))
    names = dict.fromkeys(r.target.implementation for r in of)
    rows = tuple(
        (
            Cell(one.name, symbol=one.framework),
            *(_worst([r for r in of if (r.target.implementation, r.target.mode) == (one, mode)]) for mode in modes),
        )
        for one in sorted(names, key=lambda one: (one.framework, one.name))
    )
    return Answer(
        ("function", *modes),
        rows,
        "matrix",
    )


@question
def narrow(material: Material) -> Answer:
    """May I compute it in float16 or bfloat16?

    The worst value of any fused function, in ulps of its own format. One ulp of bfloat16 is 65 536 ulps of float32:
    it has between two and three digits, and a loss of one ulp is seen in the third.
    """
    rows = []
    for op in PURPOSES:
        of = _members(material, op, kinds=("fused",), dtypes=DTYPES, quantities=("value",))
        if of:
            rows.append((Cell(op), *(_worst([r for r in of if r.case.dtype == dtype]) for dtype in DTYPES)))
    return Answer(
        ("op", *DTYPES),
        tuple(rows),
        "matrix",
    )


@question
def wrong_labels(material: Material) -> Answer:
    """What if the labels are out of range, or no distribution?

    Neither mathematics nor most documentation says; the frameworks differ, and so do modes of one. What fused
    functions did, the most frequent first.
    """
    there = _frameworks(material)
    rows = []
    for check, meaning in LABELS.items():
        of = [r for r in material.checked if r.case.check == check and r.case.quantity == "value"]
        cells = [_words([r for r in of if r.target.implementation.framework == name]) for name in there]
        if any(cell.text for cell in cells):
            rows.append((Cell(meaning, f"#{check}" if check in _linked(material) else "#policies"), *cells))
    return Answer(
        ("labels", *there),
        tuple(rows),
        "policies",
    )


@question
def sums_to_one(material: Material) -> Answer:
    """Does softmax sum to one?

    To rounding: each probability is rounded once, so a row misses one by up to the sum of their half ulps. The
    furthest row of any function, as a share of what the law allows it.
    """
    there = _frameworks(material)
    of = [r for r in material.checked if r.case.check == "law.rows_sum_to_one" and isinstance(r.outcome, Checked)]
    rows = []
    for op in dict.fromkeys(str(r.case.op) for r in of):
        cells = []
        for name in there:
            members = [r for r in of if (str(r.case.op), r.target.implementation.framework) == (op, name)]
            worst = max(members, key=_over, default=None)
            cells.append(
                Cell(
                    f"{numbers.short(_over(worst))} of what rounding allows",
                    "#law.rows_sum_to_one",
                    marks.symbol(worst),
                )
                if worst
                else Cell("")
            )
        rows.append((Cell(op), *cells))
    return Answer(
        ("op", *there),
        tuple(rows),
        "laws",
    )


@question
def epsilon(material: Material) -> Answer:
    """Does it help to add a small number inside the logarithm?

    It turns an infinite loss into a wrong one: below the number added, every probability gives about the same loss
    and hardly a gradient. The fused function needs no such help.
    """
    of = [
        r
        for op in ("dense_xent", "sparse_xent")
        for r in _members(material, op, kinds=("misuse", "naive", "composed"), dtypes=(FORMAT,), quantities=("value",))
        if "1e-7" in r.target.implementation.name
    ]
    names = dict.fromkeys(r.target.implementation for r in of)
    rows = tuple(
        (
            Cell(one.name, symbol=one.framework),
            _worst([r for r in of if r.target.implementation == one and r.case.family == "normal"]),
            _worst([r for r in of if r.target.implementation == one]),
        )
        for one in names
    )
    return Answer(
        ("function", "normal logits", "worst family"),
        rows,
        "examples",
    )


def _frameworks(material: Material) -> list[str]:
    """Return the frameworks that answered, the control left out."""
    return sorted({r.target.implementation.framework for r in material.answers} - {"numpy"})


def _members(
    material: Material,
    op: str,
    *,
    kinds: Sequence[str],
    dtypes: Sequence[str],
    quantities: Sequence[str] = ("value", "grad_logits"),
) -> list[Result]:
    """Return the scores of an op without options, the published examples left out."""
    return [
        r
        for r in material.scores.get(op, ())
        if r.target.implementation.kind in kinds and r.case.dtype in dtypes and r.case.quantity in quantities
    ]


def _best(results: Iterable[Result]) -> list[Result]:
    """Return the results of the implementation whose worst answer is the least over its budget."""
    by: dict[Implementation, list[Result]] = {}
    for result in results:
        by.setdefault(result.target.implementation, []).append(result)
    return min(by.values(), key=lambda members: max(map(_far, members)), default=[])


def _of(results: Iterable[Result], like: Sequence[Result]) -> list[Result]:
    return [r for r in results if r.target.implementation == like[0].target.implementation]


def _far(result: Result) -> tuple[float, float]:
    """How far an answer is off: over its tightest bound, then in ulps."""
    assert isinstance(result.outcome, Score)
    over = result.outcome.over_bound.get("S", math.inf)
    return (math.inf if math.isnan(over) else over), result.outcome.max_ulp


def _over(result: Result) -> float:
    assert isinstance(result.outcome, Checked)
    return result.outcome.over


def _told(members: Sequence[Result]) -> Cell:
    worst = _worst(members)
    return Cell(members[0].target.implementation.name, worst.at, worst.symbol, f"{worst.text}, {worst.note}")


def _worst(members: Sequence[Result]) -> Cell:
    """Tell the worst of some scores in ulps, with its family."""
    if not members:
        return Cell("")
    worst = max(members, key=table.weight)
    assert isinstance(worst.outcome, Score)
    return Cell(f"{numbers.short(worst.outcome.max_ulp)} ulp", place(worst), marks.symbol(worst), worst.case.family)


def _pair(result: Result) -> tuple[str, str]:
    return result.target.implementation.framework, result.target.implementation.kind


def _pairs(results: Iterable[Result]) -> list[tuple[str, str]]:
    return sorted({_pair(result) for result in results} - {("numpy", "control")})


def _described(material: Material, example: str) -> str:
    return material.descriptions.get(str(Source("published", example)), "")


def _words(members: Sequence[Result]) -> Cell:
    """Count the answers in words of fused functions, the most frequent first."""
    found: dict[str, int] = {}
    for result in members:
        if result.target.implementation.kind == "fused":
            match result.outcome:
                case Checked(policy=policy):
                    word = policy or ("as its formula says" if result.judgement == "conforms" else "off")
                case Failed():
                    word = "an error"
                case Unsupported():
                    continue
                case _:
                    word = "no answer"
            found[word] = found.get(word, 0) + 1
    return Cell(", ".join(sorted(found, key=lambda word: -found[word])))


def _linked(material: Material) -> set[str]:
    """Return the checks that have a line on the page of claims: those without a policy."""
    policies = {r.case.check for r in material.checked if isinstance(r.outcome, Checked) and r.outcome.policy}
    return {r.case.check for r in material.checked} - policies
