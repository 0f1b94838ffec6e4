"""Policies: what comes back where neither mathematics nor documentation fixes the answer, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model import Checked, Failed, Result, Unsupported
from reports import layout, lines
from reports.material import Material

if TYPE_CHECKING:
    from collections.abc import Iterable

TITLE = "Policies, side by side"
NAV = "Policies"
PLACE = 65
PREFIX = "special."


@dataclass(frozen=True)
class PolicyTable:
    """One op and quantity: checks across, implementations down."""

    op: str
    quantity: str
    checks: tuple[str, ...]
    rows: tuple[tuple[str, str, str, tuple[str, ...]], ...]  # framework, implementation, modes, policies


def render(material: Material) -> str:
    """Return the page's HTML; nothing where no policy was recorded."""
    policies = [r for r in material.checked if isinstance(r.outcome, Checked) and r.outcome.policy]
    checks = {r.case.check for r in policies if r.case.check.startswith(PREFIX)}
    tables = list(by_op(r for r in material.checked if r.case.check in checks))
    return layout.fill("pages/policies/page.html.j2", tables=tables, claims=material.descriptions) if tables else ""


def by_op(results: Iterable[Result]) -> Iterable[PolicyTable]:
    """Yield a table an op and quantity; modes of an implementation that answer alike share a line."""
    grouped: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        grouped.setdefault((str(result.case.op), result.case.quantity), []).append(result)
    for (op, quantity), members in sorted(grouped.items()):
        checks = tuple(sorted({member.case.check for member in members}))
        answers: dict[tuple[str, str, str], dict[str, list[str]]] = {}
        for member in members:
            implementation = member.target.implementation
            row = implementation.framework, implementation.name, lines.where(member.target)
            words = answers.setdefault(row, {}).setdefault(member.case.check, [])
            if (word := policy(member)) not in words:
                words.append(word)  # dtypes may differ
        yield PolicyTable(op, quantity, checks, tuple(_merge(answers, checks)))


def _merge(
    answers: dict[tuple[str, str, str], dict[str, list[str]]], checks: tuple[str, ...]
) -> Iterable[tuple[str, str, str, tuple[str, ...]]]:
    alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (framework, name, mode), found in sorted(answers.items()):
        words = tuple(" or ".join(found.get(check, ())) for check in checks)
        alike.setdefault((framework, name, words), []).append(mode)
    return ((framework, name, ", ".join(modes), words) for (framework, name, words), modes in alike.items())


def policy(result: Result) -> str:
    """Return the answer in a few words."""
    match result.outcome:
        case Checked(policy=word):
            return word or "as claimed"
        case Unsupported():
            return "unsupported"
        case Failed(reason=reason):
            return f"error: {reason}"
    return type(result.outcome).__name__.lower()
