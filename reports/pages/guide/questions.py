"""The questions of the guide, each a function, in the order in which they stand on the page.

The first paragraph of its docstring is the question, the second the answer in words, and what it returns are the
numbers beside them.
"""

from __future__ import annotations

from harness.model import DTYPES, Checked, Result, Score, Source
from harness.ops import OPS
from reports import marks, numbers
from reports.material import Material
from reports.pages.guide import answer
from reports.pages.guide.answer import Answer, Piece, best, frameworks, of_framework, of_implementation, usual, worst

PURPOSES = {record.name: record.caption for record in sorted(OPS.values(), key=lambda record: record.labels == "none")}
LABELS = {  # checks about labels that a loss is not made for
    "special.label_too_large": "an index equal to the number of classes",
    "special.label_negative": "the index -1",
    "special.label_minus_100": "the index -100, which torch ignores by default",
    "special.labels_not_summing_to_one": "a row of labels that does not sum to one",
    "special.labels_outside_unit_interval": "labels below 0 or above 1",
}
SIGMOID_EXAMPLES = ("so-dense-is-softmax-2", "so-sigmoid-5", "so-sigmoid-half", "so-double-softmax", "so-log-of-logits")
SUMS = "law.rows_sum_to_one"


def choice(material: Material) -> Answer:
    """Which function do I call?

    One that takes logits and does all of it at once. Of the fused functions asked, this is the one of each
    framework whose worst answer, value or gradient, in any mode and input family, is closest to its budget in
    float32.
    """
    names = frameworks(material)
    rows = []
    for op, purpose in PURPOSES.items():
        fused = answer.scores(material, op, "fused")
        pieces = [answer.worst_of_best(of_framework(fused, name)) for name in names]
        if any(piece.text for piece in pieces):
            rows.append((Piece(op, note=purpose), *pieces))
    return Answer(("to compute", *names), rows, "matrix")


def fused_or_composed(material: Material) -> Answer:
    """Softmax, then log, then sum: how does it differ from the fused function?

    In exact arithmetic not at all; in floating point by what softmax rounds away before the logarithm sees it: a
    probability that underflows to 0 becomes an infinite loss, and one close to 1 a loss of 0. Each line is the best
    function of its kind in float32; the last column is its worst input family.
    """
    rows = []
    for op in ("dense_xent", "sparse_xent", "log_softmax"):
        members: dict[tuple[str, str], list[Result]] = {}
        for score in answer.scores(material, op, "fused", "composed", "naive", quantities=("value",)):
            implementation = score.target.implementation
            members.setdefault((implementation.framework, implementation.kind), []).append(score)
        for (framework, kind), scores in sorted(members.items()):
            first = best(scores)
            name = Piece(first[0].target.implementation.name, symbol=framework, note=f"{op}, {kind}")
            rows.append((name, worst(usual(first)), worst(first)))
    return Answer(("function", "normal logits", "worst family"), rows, "matrix")


def three_losses(material: Material) -> Answer:
    """Sparse, dense, sigmoid: are they not the same?

    Sparse is dense with one-hot labels, written as an index. Sigmoid is another model: each class is a coin of its
    own and its loss is log(1 + exp(x)) - label * x, where softmax makes the classes compete; a logit is the log
    odds log(p / (1 - p)) of its coin. Feeding probabilities to a function that wants logits trains, and is wrong.
    """
    rows = []
    for example in SIGMOID_EXAMPLES:
        family = str(Source("published", example))
        scores = [one for one in material.answers if one.case.family == family and isinstance(one.outcome, Score)]
        if scores:
            name = Piece(example, f"#published-{example}", note=material.descriptions.get(family, ""))
            rows.append(
                (name, worst(_of_kinds(scores, "fused")), worst(_of_kinds(scores, "composed", "naive", "misuse")))
            )
    return Answer(("published example", "fused, worst", "other kinds, worst"), rows, "examples")


def spellings(material: Material) -> Answer:
    """Does it matter in which mode, or by which of its names, I call it?

    The worst answer to dense_xent in float32, value or gradient, by mode. Names of one function answer alike; a
    compiler may take another path, and then answers differ.
    """
    fused = answer.scores(material, "dense_xent", "fused")
    modes = list(dict.fromkeys(score.target.mode for score in fused))
    names = {score.target.implementation for score in fused}
    rows = []
    for name in sorted(names, key=lambda one: (one.framework, one.name)):
        scores = of_implementation(fused, name)
        by_mode = (worst([score for score in scores if score.target.mode == mode]) for mode in modes)
        rows.append((Piece(name.name, symbol=name.framework), *by_mode))
    return Answer(("function", *modes), rows, "matrix")


def narrow(material: Material) -> Answer:
    """May I compute it in float16 or bfloat16?

    The worst value of any fused function, in ulps of its own format. One ulp of bfloat16 is 65 536 ulps of float32:
    it has between two and three digits, and a loss of one ulp is seen in the third.
    """
    rows = []
    for op in PURPOSES:
        fused = answer.scores(material, op, "fused", dtypes=DTYPES, quantities=("value",))
        if fused:
            rows.append((Piece(op), *(worst([one for one in fused if one.case.dtype == dtype]) for dtype in DTYPES)))
    return Answer(("op", *DTYPES), rows, "matrix")


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
    return Answer(("labels", *names), rows, "policies")


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
    return Answer(("op", *names), rows, "laws")


def epsilon(material: Material) -> Answer:
    """Does it help to add a small number inside the logarithm?

    It turns an infinite loss into a wrong one: below the number added, every probability gives about the same loss
    and hardly a gradient. The fused function needs no such help.
    """
    scores = [
        score
        for op in ("dense_xent", "sparse_xent")
        for score in answer.scores(material, op, "misuse", "naive", "composed", quantities=("value",))
        if "1e-7" in score.target.implementation.name
    ]
    rows = []
    for name in dict.fromkeys(score.target.implementation for score in scores):
        members = of_implementation(scores, name)
        rows.append((Piece(name.name, symbol=name.framework), worst(usual(members)), worst(members)))
    return Answer(("function", "normal logits", "worst family"), rows, "examples")


QUESTIONS = (choice, fused_or_composed, three_losses, spellings, narrow, wrong_labels, sums_to_one, epsilon)


def _of_kinds(results: list[Result], *kinds: str) -> list[Result]:
    return [result for result in results if result.target.implementation.kind in kinds]


def _furthest(results: list[Result]) -> Piece:
    """Return the check that is furthest off, as a share of what its law allows."""
    found = [(result.outcome.over, result) for result in results if isinstance(result.outcome, Checked)]
    if not found:
        return Piece("")
    over, result = max(found, key=lambda pair: pair[0])
    return Piece(f"{numbers.short(over)} of what rounding allows", f"#{SUMS}", marks.symbol(result))
