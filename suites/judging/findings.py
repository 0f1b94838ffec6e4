"""Results -> findings: what deviates, one a cause, the most harmful first, each with its plainest example."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.model import EIGHTS, Case, Checked, Failed, Result, Score, Target, Worst
from harness.scoring import harm, tolerances
from suites.judging import judge, mechanism
from suites.judging.mechanism import Key

# Families of plain, short rows: where these are wrong, most checks of the quantity fail as well.
PLAIN = ("normal", "normal_small")
DIGITS = {
    **dict.fromkeys(EIGHTS, 3),
    "bfloat16": 4,
    "float16": 5,
    "float32": 9,
    "float64": 17,
}  # that tell a dtype's numbers apart
FELT, TENFOLD = 1e-4, 10.0  # of a number: the errors that are told in percent
SHOWN = 6  # numbers of a row, in a terminal
QUANTITIES = {
    "value": "value",
    "grad_logits": "gradient",
    "grad_labels": "gradient of the labels",
    **{f"grad_{name}": f"gradient of the {name}" for name in ("hidden", "weight", "bias")},
}
DRAWS = ("row = ", "hidden, weight, bias = ")  # lines of Python that draw an input

Question = tuple[Case, Target]


@dataclass(frozen=True)
class Finding:
    """One cause of wrong answers, told by its plainest example; all fields are plain values.

    check, case and what follows are the example's; worst_input, expected and got are hex floats. answers: those that
    deviate so; not_asked: questions that were spared after ten of them. noticed: whether the default tolerances of
    well-known comparisons would have seen it. explain: what to run, or to write, to see more.
    """

    mechanism: str
    implementation: str
    op: str
    framework: str
    check: str
    case: str
    target: str
    quantity: str
    family: str
    dtype: str
    mode: str
    device: str
    worst_input: Mapping[str, str] | None
    expected: str | None
    exact: str | None
    got: str | None
    reason: str
    decimals: Mapping[str, str]
    harm: float | None
    noticed: Mapping[str, bool]
    answers: int
    not_asked: int
    checks: tuple[str, ...]
    families: tuple[str, ...]
    dtypes: tuple[str, ...]
    modes: tuple[str, ...]
    cases: tuple[str, ...]
    explain: str = ""


def check(case: Case) -> str:
    """Name what an answer was judged by."""
    if case.check:
        return case.check
    if case.source.kind in {"published", "options"}:
        return case.source.kind
    return "accuracy" if case.quantity == "value" else "gradient"


def causes(results: Iterable[Result]) -> dict[Key, list[Result]]:
    """Group deviations by cause; those that follow from wrong answers to plain questions are put to these.

    The causes come in the order of their harm.
    """
    groups: dict[Key, list[Result]] = {}
    for result in results:
        groups.setdefault(mechanism.of(result), []).append(result)
    roots = {key: list(members) for key, members in groups.items() if not _may_follow(key)}
    for key in [key for key in groups if _may_follow(key)]:
        homes = [next((root for root in roots if _explains(roots[root], member)), None) for member in groups[key]]
        if None not in homes:
            for root, member in zip(homes, groups.pop(key), strict=True):
                groups[root].append(member)  # type: ignore[index]  # none is None
    return dict(sorted(groups.items(), key=lambda item: harm.rank(example(item[1])), reverse=True))


def _may_follow(key: Key) -> bool:
    """Tell whether a cause may be a consequence: laws, special values and options hold an answer to the truth too."""
    return key[0] == "options" or (key[0] == "check" and key[1].startswith(("law.", "special.")))


def _explains(cause: Sequence[Result], other: Result) -> bool:
    """Tell whether plain answers of a quantity and dtype are wrong as another is; or are no numbers, as it is none."""
    case, lost = other.case, _lost(other)
    return any(
        (result.case.quantity, result.case.dtype) == (case.quantity, case.dtype)
        and (result.case.family in PLAIN or (lost and _lost(result)))
        for result in cause
        if isinstance(result.outcome, Score)
    )


def _lost(result: Result) -> bool:
    """Tell whether an answer to finite logits is no number."""
    worst = result.outcome.worst if isinstance(result.outcome, Score | Checked) else None
    special = worst is None or any(word in worst.logits for word in ("nan", "inf"))
    return worst is not None and not special and not math.isfinite(float.fromhex(worst.got))


def example(results: Sequence[Result]) -> Result:
    """Return the plainest of some results."""
    return max(results, key=lambda result: (not _follows(result), harm.plain_first(result)))


def _follows(result: Result) -> bool:
    return bool(result.case.check)


def findings(results: Sequence[Result], not_asked: Sequence[Question] = ()) -> tuple[Finding, ...]:
    """Return what deviates among the results of one function."""
    deviating = [result for result in results if result.judgement == "deviates"]
    grouped = causes(deviating)
    if not any(isinstance(result.outcome, Score | Checked) for result in results) and grouped:
        # Nothing was answered: what came first is the reason.
        first = mechanism.of(deviating[0])
        grouped = {first: sorted(deviating, key=lambda result: mechanism.of(result) != first)}
        return (_finding(grouped[first], not_asked, deviating[0]),)
    return tuple(_finding(members, not_asked, example(members)) for members in grouped.values())


def _finding(members: Sequence[Result], not_asked: Sequence[Question], best: Result) -> Finding:
    case, outcome, implementation = best.case, best.outcome, best.target.implementation
    worst = outcome.worst if isinstance(outcome, Score | Checked) else None
    size = harm.harm(best)
    where = {(member.target, mechanism.group(member.case)) for member in members}
    return Finding(
        mechanism=named(best),
        implementation=implementation.name,
        op=str(case.op),
        framework=implementation.framework,
        check=check(case),
        case=str(case),
        target=str(best.target),
        quantity=case.quantity,
        family=case.family,
        dtype=case.dtype,
        mode=best.target.mode,
        device=best.target.device,
        worst_input={"logits": worst.logits, "label": worst.label, "upstream": worst.upstream} if worst else None,
        expected=worst.expected if worst else None,
        exact=worst.exact if worst else None,
        got=worst.got if worst else None,
        reason=best.reason,
        decimals=decimals(case, worst) if worst else {},
        harm=size if math.isfinite(size) else None,
        noticed=tolerances.noticed(case.dtype, outcome),
        answers=len(members),
        not_asked=sum((target, mechanism.group(asked)) in where for asked, target in not_asked),
        checks=_each(check(member.case) for member in members),
        families=_each(member.case.family for member in members),
        dtypes=_each(member.case.dtype for member in members),
        modes=_each(member.target.mode for member in members),
        cases=_each(f"{member.case}@{member.target}" for member in members),
    )


def _each(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def named(result: Result) -> str:
    """Say in a line what went wrong."""
    case, name = result.case, result.target.implementation.name
    match result.outcome:
        case Failed(kind="raised", error=error):
            return f"`{name}` raises {error}"
        case Failed(message=message):
            return f"`{name}` {message}" if message.startswith("returned") else f"`{name}`: {message}"
        case Checked(detail=detail) if case.check == judge.PROCESS:
            return f"`{name}` {detail.removeprefix('the call ')}"
        case Checked():
            return f"breaks {case.check}"
        case Score() as score:
            lost = next(iter(score.verdicts), "").replace("_", " ")
            return f"{QUANTITIES[case.quantity]} of {case.op} is {_off(score)}" + (f" ({lost})" if lost else "")
    return result.reason


def _off(score: Score) -> str:
    """Say how far the worst element is off: in percent where that is felt, else in ulps."""
    if score.worst is None:
        return "off"
    got, expected = float.fromhex(score.worst.got), float.fromhex(score.worst.expected)
    if not (math.isfinite(got) and math.isfinite(expected) and expected):
        return f"{got:g}, not {expected:g}"
    off = abs(got - expected) / abs(expected)
    return f"{off:.{0 if off > 1 else 2}%} off" if FELT <= off < TENFOLD else f"{abs(score.worst.ulp):.3g} ulp off"


def decimals(case: Case, worst: Worst) -> dict[str, str]:
    """Return got, expected and the input in decimals; of a long row its beginning."""
    digits = DIGITS[case.dtype]
    got, expected = (decimal(text, digits) for text in (worst.got, worst.expected))
    if got == expected and worst.got != worst.expected:
        got, expected = (decimal(text, DIGITS["float64"]) for text in (worst.got, worst.expected))
    parts = {"logits": worst.logits, "label": worst.label, "upstream": worst.upstream}
    shown = {name: row(text, digits, whole=name == "label") for name, text in parts.items() if text}
    return {"got": got, "expected": expected, **shown}


def decimal(text: str, digits: int) -> str:
    """Return a hex float in decimals."""
    return f"{float.fromhex(text):.{digits}g}" if text else ""


def row(text: str, digits: int, *, whole: bool) -> str:
    """Return a stored row in decimals: the numbers, `index=value` of what is not 0, or how a long row is drawn."""
    words = text.split()
    try:
        numbers = [word if whole and word.lstrip("-").isdigit() else _pair(word, digits) for word in words]
    except ValueError:
        drawn = next((line for line in text.splitlines() if line.startswith(DRAWS)), text.splitlines()[0])
        return f"drawn by {drawn.rpartition(' = ')[2] if drawn.startswith(DRAWS[1]) else drawn.removeprefix('row = ')}"
    if len(numbers) == 1:
        return numbers[0]
    more = f", ... {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return f"[{', '.join(numbers[:SHOWN])}{more}]"


def _pair(word: str, digits: int) -> str:
    place, equals, number = word.rpartition("=")
    return f"{place}{equals}{decimal(number, digits)}"
