"""Checks that ask in several sizes: those that a function refuses aloud are left out, and the others are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from harness.model import Checked, Unsupported
from suites.checks.check import NoAnswer
from suites.judging import refusal

S = TypeVar("S")
T = TypeVar("T")


def each(ask: Callable[[S], T], sizes: Iterable[S]) -> tuple[list[T], list[str]]:
    """Ask for every size; return the answers, and why others are refused aloud. Raises NoAnswer where all are."""
    answers, refused = [], []
    for size in sizes:
        try:
            answers.append(ask(size))
        except NoAnswer as none:
            if not (isinstance(none.outcome, Unsupported) and refusal.reason(none.outcome)):
                raise
            refused.append(none)
    if refused and not answers:
        raise refused[0]
    return answers, [str(none) for none in refused]


def in_part(checked: Checked, refused: Sequence[str], count: int) -> Checked:
    """Return a finding; where it conforms, it says how many of so many sizes were refused."""
    if not refused or checked.over > 1:
        return checked
    reason = refused[0].removeprefix(refusal.NOT_JUDGED)
    return replace(checked, policy="sizes refused", detail=f"{len(refused)} of {count}: {reason}")
