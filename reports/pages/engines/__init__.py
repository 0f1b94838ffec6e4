"""Engines: what models are exported to and what else people train with, beside torch and TensorFlow in this run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.model import QUANTITIES, Checked, Result, Score, Unsupported
from reports import layout, lines, marks, numbers
from reports.material import FORMAT, FRAMEWORKS, Material, Piece, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TITLE = "Engines beside the frameworks"
NAV = "Engines"
PLACE = 35
BESIDE = {"torch": ("torch", "eager"), "TensorFlow": ("tensorflow", "eager")}  # what it is held against, and how run
ORDINARY = "normal"
TAILS = ("confident", "two_class_gap", "wide_spread", "swamp")  # families whose rows have some
GROUPS = {  # of special values, by what a reader looks for
    "nan": ("nan_logit", "not_finite_in_long_rows"),
    "-inf, masked": ("masked_class", "masked_blocks", "every_class_masked", "zero_label_on_masked_class"),
    "inf": ("infinite_logit", "infinite_logits", "infinite_logit_of_sigmoid_xent"),
    "huge and tiny": ("largest_magnitudes", "subnormal_logits", "signed_zeros"),
    "labels": ("label_minus_100", "label_negative", "label_too_large", "labels_not_summing_to_one"),
    "clipping": ("impossible_class", "saturated"),
}
NAMED = 3  # differences in a cell; the rest are counted

Key = tuple[str, str, str, str]  # check, op, quantity, dtype


@dataclass(frozen=True)
class Line:
    """An engine in modes that answer alike: by op the worst on ordinary rows, then by group how it differs."""

    framework: str
    modes: str
    ordinary: Sequence[Sequence[Piece]]
    special: Sequence[Sequence[Piece]]


def render(material: Material) -> str:
    """Return the page's HTML; nothing where no engine answered."""
    found: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in material.judged:
        implementation = result.target.implementation
        if implementation.kind == "fused" or implementation.framework not in FRAMEWORKS:
            found[implementation.framework, result.target.mode].append(result)
    engines = {key: _fused(results) for key, results in sorted(found.items()) if key[0] not in FRAMEWORKS}
    if not engines:
        return ""
    ops = list(dict.fromkeys(one.case.op.name for results in engines.values() for one in _ordinary(results)))
    beside = {name: _words(found.get(key, ())) for name, key in BESIDE.items()}
    every = [
        Line(*key, [_of_op(results, op) for op in ops], _special(results, beside)) for key, results in engines.items()
    ]
    return layout.fill(
        "pages/engines/page.html.j2",
        ops=ops,
        groups=["tails", *GROUPS, "options"],
        lines=_merged(every),
        beside=[name for name, words in beside.items() if words],
        missing=[entry for entry in material.not_run if entry.framework not in FRAMEWORKS],
    )


def _merged(every: Iterable[Line]) -> list[Line]:
    """Return the lines, one for the modes of an engine that answer alike; its links are of the first."""
    alike: dict[object, list[Line]] = defaultdict(list)
    for line in every:
        told = tuple(tuple((one.text, one.symbol) for one in cell) for cell in (*line.ordinary, *line.special))
        alike[line.framework, told].append(line)
    return [replace(first, modes=", ".join(line.modes for line in (first, *more))) for first, *more in alike.values()]


def _fused(results: Sequence[Result]) -> list[Result]:
    """Return what promises a stable answer, op by op; of an op that nothing of the engine promises, all there is."""
    promised = {one.case.op.name for one in results if one.target.implementation.kind == "fused"}
    return [one for one in results if one.target.implementation.kind == "fused" or one.case.op.name not in promised]


def _ordinary(results: Iterable[Result]) -> list[Result]:
    """Return the distances of ops without options on ordinary rows, in float32 where they were asked in that."""
    asked = [
        one
        for one in results
        if one.case.family == ORDINARY and not (one.case.check or one.case.op.params) and isinstance(one.outcome, Score)
    ]
    return [one for one in asked if one.case.dtype == FORMAT] or asked


def _of_op(results: Sequence[Result], op: str) -> list[Piece]:
    """Return the worst of each quantity of an op on ordinary rows."""
    asked = [one for one in _ordinary(results) if one.case.op.name == op]
    by_quantity = {name: [one for one in asked if one.case.quantity == name] for name in QUANTITIES}
    return [_worst(members, name.replace("_", " ")) for name, members in by_quantity.items() if members]


def _worst(results: Sequence[Result], note: str) -> Piece:
    """Return the worst of some distances, in ulps."""
    worst = max(results, key=marks.weight)
    assert isinstance(worst.outcome, Score)
    return Piece(
        numbers.short(worst.outcome.max_ulp), place(worst), marks.symbol(worst), f"{note}, {worst.case.family}"
    )


def _special(results: Sequence[Result], beside: Mapping[str, Mapping[Key, set[str]]]) -> list[list[Piece]]:
    """Return the tails, each group of special values beside torch and TensorFlow, and the options."""
    tails = [
        one
        for one in results
        if one.case.source.name in TAILS and not one.case.check and isinstance(one.outcome, Score)
        if (one.case.dtype, one.case.quantity, one.case.source.kind) == (FORMAT, "value", "family")
    ]
    groups = [
        _beside([one for one in results if one.case.check.removeprefix("special.") in checks], beside)
        for checks in GROUPS.values()
    ]
    return [[_worst(tails, "ulps")] if tails else [], *groups, _options(results)]


def _beside(results: Sequence[Result], beside: Mapping[str, Mapping[Key, set[str]]]) -> list[Piece]:
    """Return whose answers an engine's are, or how they differ."""
    answered = [one for one in results if not isinstance(one.outcome, Unsupported)]
    differences: list[Result] = []
    for name, words in beside.items():
        shared = [one for one in answered if _key(one) in words]
        other = [one for one in shared if _word(one) not in words[_key(one)]]
        if shared and not other:
            return [Piece(f"as {name}", place(shared[0]), note=f"{len(shared)} questions")]
        differences = differences or other
    return _listed({f"{one.case.op}: {_word(one)}": one for one in differences or answered})


def _listed(told: Mapping[str, Result]) -> list[Piece]:
    """Return the first of some texts, each with its answer, and how many more there are."""
    pieces = [Piece(text, place(one), marks.symbol(one), marks.why(one)) for text, one in list(told.items())[:NAMED]]
    return [*pieces, Piece(f"and {len(told) - NAMED} more")] if len(told) > NAMED else pieces


def _options(results: Sequence[Result]) -> list[Piece]:
    """Return the options that mean something else than their names say."""
    asked = [one for one in results if one.case.source.kind == "options" and not isinstance(one.outcome, Unsupported)]
    if not asked:
        return []
    off = {
        " ".join((one.case.op.name, *([one.case.quantity] if one.case.quantity != "value" else [])))
        + f": {lines.meaning(one)}": one
        for one in asked
        if marks.fails(one)
    }
    return _listed(off) if off else [Piece("as asked", place(asked[0]), note=f"{len(asked)} questions")]


def _words(results: Iterable[Result]) -> dict[Key, set[str]]:
    """Return what was answered to each special question."""
    words: dict[Key, set[str]] = defaultdict(set)
    for one in results:
        if one.case.check.startswith("special.") and not isinstance(one.outcome, Unsupported):
            words[_key(one)].add(_word(one))
    return words


def _key(result: Result) -> Key:
    case = result.case
    return case.check, str(case.op), case.quantity, case.dtype


def _word(result: Result) -> str:
    """Return an answer in a word or a few."""
    broken = isinstance(result.outcome, Checked) and result.judgement in {"deviates", "known"}
    return marks.policy(result) if not broken or marks.policy(result) != marks.CLAIMED else "not as claimed"
