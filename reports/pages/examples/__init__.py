"""Published examples, asked again: what readers were once shown, and what comes back today."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from harness.model import KINDS, Result, Score, Worst
from reports import layout, lines, marks, numbers
from reports.material import Material, text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

TITLE = "Published examples"
NAV = "Examples"
PLACE = 75


@dataclass(frozen=True)
class ExampleAnswer:
    """One implementation's answer to one example, the same in so many modes."""

    result: Result
    modes: tuple[str, ...]
    symbol: str
    ulp: float | None
    got: str
    exact: str
    off: str
    reason: str
    at: str


def render(material: Material) -> str:
    """Return the page's HTML; nothing where no published example was asked."""
    examples: dict[str, list[Result]] = {}
    for answer in material.answers:
        if answer.case.source.kind == "published":
            examples.setdefault(answer.case.family, []).append(answer)
    if not examples:
        return ""
    return layout.fill(
        "pages/examples/page.html.j2",
        examples=[_example(family, answers, material) for family, answers in sorted(examples.items())],
    )


def _example(family: str, answers: list[Result], material: Material) -> dict[str, object]:
    name = answers[0].case.source.name
    kinds = list(KINDS)
    answers = sorted(
        answers, key=lambda a: (a.case.quantity != "value", kinds.index(a.target.implementation.kind), *_by(a))
    )
    description = material.descriptions.get(family) or material.descriptions.get(name, "")
    title, _, question = description.partition(": ")
    return {
        "name": name,
        "title": title,
        "question": question,
        "published": material.published.get(name) or material.published.get(family, ""),
        "worst": worst(answers),
        "answers": by_modes(answers),
    }


def by_modes(answers: Iterable[Result]) -> list[ExampleAnswer]:
    """Return what the table shows of each answer; modes of an implementation that answer alike share one."""
    found: dict[Hashable, ExampleAnswer] = {}
    for answer in answers:
        new, case = example_answer(answer), answer.case
        seen = (case.op, answer.target.implementation, case.quantity, case.dtype, new.ulp, new.got, new.reason)
        first = found.get(seen)
        found[seen] = replace(first, modes=(*first.modes, *new.modes)) if first else new
    return list(found.values())


def worst(answers: list[Result]) -> dict[str, float]:
    """Return the worst ulp of the values of each kind."""
    found: dict[str, float] = {}
    for answer in answers:
        kind = answer.target.implementation.kind
        if isinstance(answer.outcome, Score) and answer.case.quantity == "value":
            found[kind] = max(found.get(kind, 0.0), answer.outcome.max_ulp)
    return found


def _by(answer: Result) -> tuple[object, ...]:
    case, target = answer.case, answer.target
    implementation, mode = target.implementation, (target.mode != "eager", target.mode, target.device)
    return str(case.op), implementation.framework, implementation.name, *mode, case.dtype


def example_answer(answer: Result) -> ExampleAnswer:
    """Return what the table shows of an answer: its worst element in decimals, or why there is none."""
    outcome = answer.outcome
    score = outcome if isinstance(outcome, Score) else None
    worst = score.worst if score else None
    return ExampleAnswer(
        answer,
        (lines.where(answer.target),),
        marks.symbol(answer),
        score.max_ulp if score else None,
        decimal(worst.got) if worst else "",
        digits(worst.exact) if worst else "",
        distance(worst) if worst else "",
        marks.why(answer) if score is None or answer.reason else "",
        text(answer),
    )


def decimal(hexadecimal: str) -> str:
    """Print a hex float in its shortest round-trip decimals."""
    return repr(_number(hexadecimal))


def digits(exact: str) -> str:
    """Shorten an exact value to 20 significant digits, enough to see any format's error."""
    mantissa, exponent, power = exact.lower().partition("e")
    significant = 0
    for place, character in enumerate(mantissa):
        significant += character.isdigit() and (significant > 0 or character != "0")
        if significant > 20:
            return mantissa[:place] + "…" + exponent + power
    return exact


def distance(worst: Worst) -> str:
    """Print the absolute error of the worst element."""
    try:
        return numbers.short(float(abs(Fraction(_number(worst.got)) - Fraction(worst.exact))))
    except (ValueError, OverflowError):  # nan or infinite, one of the two
        return "" if worst.got == worst.exact else "∞"


def _number(text: str) -> float:
    return float.fromhex(text)
