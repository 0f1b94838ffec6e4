"""Policies: what comes back where neither mathematics nor documentation fixes the answer, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import QUANTITIES, Checked, Result
from reports import layout, lines, marks
from reports.material import Material, exactly, told_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TITLE = "Policies, side by side"
NAV = "Policies"
PLACE = 65
PREFIX = "special."
LABELS = {  # what people ask first
    "special.label_negative": "label -1",
    "special.label_minus_100": "label -100",
    "special.label_too_large": "label too large",
}
STATES = {"unsupported": "unsupported", "error": "failed"}  # beginning of an answer that is no policy -> its state


@dataclass(frozen=True)
class Answered:
    """An answer in a few words, how many functions gave it, and where the page tells of these."""

    word: str
    functions: int
    at: str


@dataclass(frozen=True)
class Question:
    """A line of the first table: a question, and what each framework answers, the most frequent first."""

    check: str
    title: str
    op: str
    quantity: str
    cells: tuple[tuple[Answered, ...], ...]


@dataclass(frozen=True)
class PolicyTable:
    """One op and quantity: checks across, implementations down."""

    op: str
    quantity: str
    checks: tuple[str, ...]
    rows: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...]  # framework, name, modes, (policy, where)


def render(material: Material) -> str:
    """Return the page's HTML; nothing where no policy was recorded."""
    policies = [r for r in material.checked if isinstance(r.outcome, Checked) and r.outcome.policy]
    checks = {r.case.check for r in policies if r.case.check.startswith(PREFIX)}
    asked = [result for result in material.checked if result.case.check in checks]
    if not asked:
        return ""
    frameworks = sorted({result.target.implementation.framework for result in asked}, key=lines.framework)
    return layout.fill(
        "pages/policies/page.html.j2",
        frameworks=frameworks,
        questions=questions(asked, frameworks),
        tables=list(by_op(asked)),
        claims=material.descriptions,
        titles={check: title(check) for check in checks},
    )


def title(check: str) -> str:
    """Return a check's name in words."""
    return LABELS.get(check, check.removeprefix(PREFIX).replace("_", " "))


def questions(results: Iterable[Result], frameworks: Sequence[str]) -> list[Question]:
    """Return the lines of the first table: labels that are none first, then by name; values before gradients."""
    asked: dict[tuple[str, str, str], dict[str, list[Result]]] = {}
    for result in results:
        key = result.case.check, str(result.case.op), result.case.quantity
        asked.setdefault(key, {}).setdefault(result.target.implementation.framework, []).append(result)
    return [
        Question(check, title(check), op, quantity, tuple(answered(by.get(name, ())) for name in frameworks))
        for (check, op, quantity), by in sorted(asked.items(), key=lambda item: _order(*item[0]))
    ]


def _order(check: str, op: str, quantity: str) -> tuple[object, ...]:
    first = list(LABELS)
    return first.index(check) if check in first else len(first), check, op, [*QUANTITIES].index(quantity)  # type: ignore[arg-type]


def answered(results: Iterable[Result]) -> tuple[Answered, ...]:
    """Return what the functions of a framework answered to a question, the most frequent first."""
    by_word: dict[str, list[Result]] = {}
    for result in results:
        by_word.setdefault(marks.policy(result), []).append(result)
    found = [
        Answered(word, len({member.target.implementation for member in members}), at(members, word))
        for word, members in by_word.items()
    ]
    return tuple(sorted(found, key=lambda one: -one.functions))


def at(members: Sequence[Result], word: str, implementation: str = "") -> str:
    """Return where the page tells of the answers of a framework to a question, or of an implementation's, in a word."""
    case = members[0].case
    state = next((state for beginning, state in STATES.items() if word.startswith(beginning)), "")
    return told_by(
        members,
        check=case.check,
        op=case.op.name,
        quantity=case.quantity,
        framework=members[0].target.implementation.framework,
        implementation=implementation,
        state=state if not isinstance(members[0].outcome, Checked) else "",
        q=word if isinstance(members[0].outcome, Checked) and word != marks.CLAIMED else "",
    )


def by_op(results: Iterable[Result]) -> Iterable[PolicyTable]:
    """Yield a table an op and quantity; modes of an implementation that answer alike share a line."""
    grouped: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        grouped.setdefault((str(result.case.op), result.case.quantity), []).append(result)
    for (op, quantity), members in sorted(grouped.items()):
        checks = tuple(sorted({member.case.check for member in members}, key=lambda check: _order(check, "", "value")))
        answers: dict[tuple[str, str, str], dict[str, list[Result]]] = {}
        for member in members:
            implementation = member.target.implementation
            row = implementation.framework, implementation.name, lines.where(member.target)
            answers.setdefault(row, {}).setdefault(member.case.check, []).append(member)
        yield PolicyTable(op, quantity, checks, tuple(_merge(answers, checks)))


def _merge(
    answers: dict[tuple[str, str, str], dict[str, list[Result]]], checks: tuple[str, ...]
) -> Iterable[tuple[str, str, str, tuple[tuple[str, str], ...]]]:
    alike: dict[tuple[str, str, tuple[str, ...]], dict[str, dict[str, list[Result]]]] = {}
    for (framework, name, mode), found in sorted(answers.items()):
        words = tuple(
            " or ".join(dict.fromkeys(map(marks.policy, found.get(check, ())))) for check in checks
        )  # of dtypes
        alike.setdefault((framework, name, words), {})[mode] = found
    for (framework, name, words), modes in alike.items():
        cells = []
        for check, word in zip(checks, words, strict=True):
            members = [member for found in modes.values() for member in found.get(check, ())]
            cells.append((word, at(members, marks.CLAIMED, exactly(name)) if members else ""))
        yield framework, name, ", ".join(modes), tuple(cells)
