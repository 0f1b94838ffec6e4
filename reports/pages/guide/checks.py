"""The questions of the guide that laws, special values and published examples answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model import Checked, Result, Score, Source
from reports import marks, numbers
from reports.material import FRAMEWORKS, Piece
from reports.pages.guide import answer
from reports.pages.guide.answer import Answer, frameworks, of_framework, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.material import Material

LABELS = {  # checks about labels that a loss is not made for
    "special.label_too_large": "an index equal to the number of classes",
    "special.label_negative": "the index -1",
    "special.label_minus_100": "the index -100, which torch ignores by default",
    "special.labels_not_summing_to_one": "a row of labels that does not sum to one",
    "special.labels_outside_unit_interval": "labels below 0 or above 1",
}
SIGMOID_EXAMPLES = ("so-dense-is-softmax-2", "so-sigmoid-5", "so-sigmoid-half", "so-double-softmax", "so-log-of-logits")
SUMS = "law.rows_sum_to_one"
LOSSES = ("dense_xent", "sparse_xent", "sigmoid_xent")
EVERY = "--preset quick"  # which asks them all


def three_losses(material: Material) -> Answer:
    """Sparse, dense, sigmoid: are they not the same?

    Sparse is dense with one-hot labels, written as an index. Sigmoid is another model: each class is a coin of its
    own and its loss is log(1 + exp(x)) - label * x, where softmax makes the classes compete.
    """
    rows, every = [], list[Result]()
    for example in SIGMOID_EXAMPLES:
        family = str(Source("published", example))
        scores = [one for one in material.answers if one.case.family == family and isinstance(one.outcome, Score)]
        if scores:
            named = Piece(example, f"#published-{example}", note=material.descriptions.get(family, ""))
            rows.append((named, *(worst(_fused(scores, but=but)) for but in (False, True))))
            every += scores
    said = [(len(some), sum(not marks.fails(one) for one in some)) for some in (_fused(every), _fused(every, but=True))]
    sentence = (
        f"Of {said[0][0]} answers of fused functions to these examples {said[0][1]} are within a bound,"
        f" of {said[1][0]} of other kinds {said[1][1]}."
    )
    return Answer(sentence, ("published example", "fused, worst", "other kinds, worst"), rows, "examples", EVERY)


def exported(material: Material) -> Answer:
    """Will my exported model compute the same loss?

    Not by itself: what it is exported to has kernels and formulas of its own, and may drop an option. On ordinary rows
    they mostly agree; they part where a right answer is sure, where a class is masked, and by options.
    """
    engines = [name for name in frameworks(material) if name not in FRAMEWORKS]
    rows, said = [], []
    for engine in engines:
        asked = [
            one for one in of_framework([*material.answers, *material.options], engine) if one.case.op.name in LOSSES
        ]
        scores = [one for one in asked if isinstance(one.outcome, Score)]
        if scores:
            usual = [one for one in scores if one.case.family == "normal" and not one.case.op.params]
            rows.append((Piece(engine), worst(usual), worst(scores)))
            said.append(f"{engine} {sum(map(marks.fails, scores))} of {len(scores)}")
    sentence = f"Answers to losses outside every budget: {', '.join(said)}."
    return Answer(sentence, ("engine", "ordinary rows, worst", "all, worst"), rows, "engines", "--on onnxruntime")


def wrong_labels(material: Material) -> Answer:
    """What if the labels are out of range, or no distribution?

    Neither mathematics nor most documentation says; the frameworks differ, and so do modes of one. What fused
    functions did, the most frequent first.
    """
    names = frameworks(material)
    policies = {one.case.check for one in material.checked if isinstance(one.outcome, Checked) and one.outcome.policy}
    claims = {one.case.check for one in material.checked} - policies  # which have a line on the page of laws
    rows = []
    for check, meaning in LABELS.items():
        results = [one for one in material.checked if one.case.check == check and one.case.quantity == "value"]
        pieces = [answer.in_words(of_framework(results, name)) for name in names]
        if any(piece.text for piece in pieces):
            rows.append((Piece(meaning, f"#{check}" if check in claims else "#policies"), *pieces))
    differing = sum(len({piece.text for piece in row[1:] if piece.text}) > 1 for row in rows)
    sentence = f"The frameworks asked do not all answer alike for {differing} of {len(rows)} kinds of such labels."
    return Answer(sentence, ("labels", *names), rows, "policies", EVERY)


def sums_to_one(material: Material) -> Answer:
    """Does softmax sum to one?

    To rounding: each probability is rounded once, so a row misses one by up to the sum of their half ulps. The
    furthest row of any function, as a share of what the law allows it.
    """
    names = frameworks(material)
    results = [one for one in material.checked if one.case.check == SUMS and isinstance(one.outcome, Checked)]
    rows = []
    for op in dict.fromkeys(str(result.case.op) for result in results):
        of_op = [result for result in results if str(result.case.op) == op]
        rows.append((Piece(op), *(_furthest(of_framework(of_op, name)) for name in names)))
    broken = sum(result.judgement in {"known", "deviates"} for result in results)
    sentence = f"Of {len(results)} answers {len(results) - broken} sum to one, to what rounding allows."
    return Answer(sentence, ("op", *names), rows, "laws", EVERY)


def _fused(results: Sequence[Result], *, but: bool = False) -> list[Result]:
    """Return the answers of fused functions, or all but those."""
    return [one for one in results if (one.target.implementation.kind == "fused") is not but]


def _furthest(results: Sequence[Result]) -> Piece:
    """Return the check that is furthest off, as a share of what its law allows."""
    found = [(result.outcome.over, result) for result in results if isinstance(result.outcome, Checked)]
    if not found:
        return Piece("")
    over, result = max(found, key=lambda pair: pair[0])
    return Piece(f"{numbers.short(over)} of what rounding allows", f"#{SUMS}", marks.symbol(result))
