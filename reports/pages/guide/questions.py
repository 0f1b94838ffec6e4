"""The questions of the guide, each a function, in the order in which they stand on the page.

The first paragraph of its docstring is the question, the second the answer in words, and what it returns is the answer
in this run's figures.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.model import DTYPES, Implementation
from reports.numbers import short
from reports.pages.guide import answer, checks
from reports.pages.guide.answer import Answer, frameworks
from reports.pages.guide.contender import COLUMNS, Contender, best, champions, contenders, together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reports.material import Material

LOSSES = ("dense_xent", "sparse_xent")
PLAIN = ("softmax", "log_softmax", "logsumexp", "sigmoid", *LOSSES, "sigmoid_xent")
COMPOSED = ("composed", "naive")
TWO_CLASSES = "two_class_gap"  # the family of two outputs


def choice(material: Material) -> Answer:
    """Which function do I call?

    One that takes logits and does all of it at once. Of the fused functions of each framework this is the one that
    gets furthest before it fails, then the one with most digits right on ordinary inputs, in float32.
    """
    every = [each for op in PLAIN for each in champions(contenders(material, op))]
    losses = [f"{one.name} ({one.framework})" for one in every if one.note == "sparse_xent, fused"]
    return _table(f"For class indices: {', '.join(losses)}." if losses else "", every, "matrix", PLAIN)


def logits(material: Material) -> Answer:
    """What are logits?

    The numbers before softmax, one a class, of any size: log odds, of which softmax makes probabilities. Adding one
    number to all of them changes nothing, because softmax divides by the sum; sigmoid takes the log odds of one event,
    log(p / (1 - p)), back to p.
    """
    usual, moved = (contenders(material, "softmax", family=name, ordinary=name) for name in ("normal", "offset"))
    table = _table("", champions(moved), "examples", ("softmax", "sigmoid"))
    said = {"softmax of ordinary logits": usual, "with a large number added to each": moved}
    return replace(table, details=[(name, together(members, "")) for name, members in said.items()])


def softmax_or_loss(material: Material) -> Answer:
    """Softmax, or softmax_cross_entropy?

    Softmax where probabilities are read; to train, the loss, and on logits: it does its own softmax. A network that
    ends in softmax and is trained by a loss of logits does it twice.
    """
    groups = {
        "softmax": contenders(material, "softmax"),
        "a loss that takes logits": contenders(material, *LOSSES),
        "a loss that takes probabilities, of those": contenders(material, "dense_prob_xent", "sparse_prob_xent"),
    }
    return _grouped(groups, "matrix", ("softmax", *LOSSES, "dense_prob_xent"))


def fused_or_composed(material: Material) -> Answer:
    """Softmax, then log, then sum: how does it differ from the fused function?

    In exact arithmetic not at all; in floating point by what softmax rounds away before the logarithm sees it: a
    probability that underflows to 0 becomes an infinite loss, and one close to 1 a loss of 0.
    """
    groups = {
        "fused": contenders(material, *LOSSES),
        "log_softmax, then sum": contenders(material, *LOSSES, kinds=("composed",)),
        "softmax, then log, then sum": contenders(material, *LOSSES, kinds=("naive",), wanted=_without_epsilon),
    }
    return _grouped(groups, "matrix", LOSSES)


def sparse_or_dense(material: Material) -> Answer:
    """Sparse or dense?

    The same loss: sparse takes an index where dense takes a row of labels, which has to be made and read. Dense is for
    labels that are no single class.
    """
    sparse, dense = (contenders(material, op) for op in ("sparse_xent", "dense_xent"))
    found = _grouped({"sparse": sparse, "dense": dense}, "speed", ("sparse_xent", "dense_xent"))
    return replace(found, sentence=found.sentence + _beside(sparse, dense, "dense"))


def double_softmax(material: Material) -> Answer:
    """What if I feed softmax to a loss that takes logits?

    It trains, and is wrong: the loss takes probabilities for logits, between 0 and 1, so that it can neither become
    small for a sure and right answer nor large for a wrong one, and gradients fade.
    """
    groups = {
        "logits": contenders(material, *LOSSES),
        "softmax of them": contenders(material, *LOSSES, kinds=("misuse",), wanted=lambda one: "softmax(" in one.name),
    }
    return _grouped(groups, "examples", LOSSES)


def bce(material: Material) -> Answer:
    """Sigmoid and BCE, or BCE with logits?

    With logits: sigmoid rounds a probability near 1 to 1, and the logarithm of 1 - 1 is infinite.
    """
    groups = {
        "with logits": contenders(material, "sigmoid_xent"),
        "sigmoid, then logarithms": contenders(material, "sigmoid_xent", kinds=COMPOSED),
    }
    return _grouped(groups, "matrix", ("sigmoid_xent",))


def two_outputs(material: Material) -> Answer:
    """For two classes: two outputs with softmax, or one with sigmoid?

    The same model: the cross-entropy of logits (a, b) with label 1 is the sigmoid loss of b - a. One output is half the
    work; the difference b - a, once taken, is rounded.
    """
    groups = {
        "two outputs": contenders(material, *LOSSES, family=TWO_CLASSES, ordinary=""),
        "one": contenders(material, "sigmoid_xent", family=TWO_CLASSES, ordinary=""),
    }
    return _grouped(groups, "magnitude", (*LOSSES, "sigmoid_xent"))


def reduction(material: Material) -> Answer:
    """Which reduction: none, sum or mean?

    None leaves a loss a row. A mean may be over rows or over their weights: which, is on the page of options. A sum
    grows with the rows, so that in a 16-bit format it may overflow.
    """
    ops = [op for name in LOSSES for op in answer.ops_with(material, name, "reduction")]
    groups: dict[str, list[Contender]] = {}
    for op in sorted(ops, key=str):
        groups.setdefault(str(op.options.get("reduction", "none")), []).extend(contenders(material, str(op)))
    return _grouped(groups if {*groups} - {"none"} else {}, "options", LOSSES, decided=False)


def narrow(material: Material) -> Answer:
    """May I compute it in float16 or bfloat16?

    float16 has 3.3 digits and bfloat16 2.4, whatever computes in it; how many of them are left, and whether more is
    lost on the way, is what is asked.
    """
    groups = {dtype: contenders(material, *PLAIN, dtype=dtype) for dtype in DTYPES}
    found = _grouped({dtype: members for dtype, members in groups.items() if members}, "matrix", PLAIN, decided=False)
    rows = [one for members in groups.values() for one in champions(members) if "dense_xent" in one.note]
    return replace(found, rows=[one.cells for one in rows] or found.rows)


def which_framework(material: Material) -> Answer:
    """Which framework?

    They compute the same mathematics, by other kernels: they may differ at the edges of a format, in what they offer,
    and in speed.
    """
    groups = {
        name: contenders(material, *PLAIN, wanted=lambda one, name=name: one.framework == name)  # type: ignore[misc]
        for name in frameworks(material)
    }
    found = _grouped(groups, "overview", PLAIN)
    rows = [one for members in groups.values() for one in champions(members) if "sparse_xent" in one.note]
    return replace(found, rows=[one.cells for one in rows] or found.rows)


def eager_or_compiled(material: Material) -> Answer:
    """Eager or compiled?

    A compiler may fuse, reorder and approximate, so that it answers otherwise than eager; whether that is better is
    found by asking.
    """
    groups: dict[str, list[Contender]] = {}
    for one in contenders(material, *LOSSES, by_mode=True):
        groups.setdefault(one.name.rpartition("@")[2], []).append(one)
    return _grouped(groups, "matrix", LOSSES)


def epsilon(material: Material) -> Answer:
    """Does it help to add a small number inside the logarithm?

    It turns an infinite loss into a wrong one: below the number added, every probability gives about the same loss
    and hardly a gradient. The fused function needs no such help.
    """
    groups = {
        "fused": contenders(material, *LOSSES),
        "with 1e-7 added": contenders(
            material, *LOSSES, kinds=(*COMPOSED, "misuse"), wanted=lambda one: not _without_epsilon(one)
        ),
    }
    return _grouped(groups, "examples", LOSSES)


QUESTIONS: Sequence[Callable[[Material], Answer]] = (
    *(choice, logits, softmax_or_loss, fused_or_composed, sparse_or_dense, checks.three_losses, double_softmax, bce),
    *(two_outputs, reduction, narrow, which_framework, eager_or_compiled, checks.sums_to_one, checks.wrong_labels),
    *(epsilon, checks.exported),
)


def _without_epsilon(implementation: Implementation) -> bool:
    return "1e-7" not in implementation.name


def _grouped(
    groups: Mapping[str, Sequence[Contender]], page: str, ops: Sequence[str], *, decided: bool = True
) -> Answer:
    """Return how each group did, in a sentence, and the strongest of each in a table; nothing of a single group.

    decided: whether the groups are what one may choose, so that the sentence begins with the best. They are held to the
    families that all of them were asked; where there is none, nothing is decided.
    """
    there = {name: members for name, members in groups.items() if members}
    if len(there) < min(2, len(groups) or 1):
        return _table("", [], page, ops)
    asked = [{one.case.family for each in members for one in each.results} for members in there.values()]
    common = set.intersection(*asked) if asked else set()
    held = {name: [each.on(common) for each in members] for name, members in there.items()} if common else there
    ahead, first = best(held), ""
    if decided and common:
        first = "By what fails in this run none is ahead." if len(ahead) == len(held) else f"By this run: {_or(ahead)}."
    table = _table(first, [one for each in held.values() for one in champions(each)], page, ops)
    return replace(table, details=[(name, together(members)) for name, members in held.items()])


def _or(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _table(sentence: str, members: Sequence[Contender], page: str, ops: Sequence[str]) -> Answer:
    return Answer(sentence, COLUMNS, [one.cells for one in members], page, f"--op {','.join(ops)}")


def _beside(first: Sequence[Contender], second: Sequence[Contender], name: str) -> str:
    """Return how much time and memory the fastest of the second takes beside that of the first, or what to run."""
    timed = [[one.timed for one in each if one.timed] for each in (first, second)]
    times = [min((one.seconds for one in each), default=0.0) for each in timed]
    peaks = [min((one.peak for one in each if one.peak), default=0.0) for each in timed]
    said = [
        f"{short(float(f'{later / earlier:.2g}'))} times the {what}"
        for what, (earlier, later) in (("time", times), ("memory", peaks))
        if earlier and later
    ]
    if not said:
        return " They were not timed side by side; try: xentbench tournament --op sparse_xent, and --op dense_xent."
    return f" The fastest {name} one takes {' and '.join(said)} of the fastest of the other."
