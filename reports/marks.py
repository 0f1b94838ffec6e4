"""The mark of a result: a symbol, how much it matters, and the number beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model import Checked, Crashed, Failed, Result, Score, TimedOut, Unsupported
from reports import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.verdict import Grade

SYMBOLS: Mapping[str, str] = {
    "✗": "new deviation: outside the budget it is judged by, and not in the list of known deviations",
    "!": "known deviation, listed with its reason",
    "✓": "conforms, within budget S: what a stable algorithm can promise; on a long row within P or C",
    "S": "conforms by the worst case alone: on a long row, and further off than roundings that behave like chance",
    "E": "conforms, within budget E only: what exponentials by powers of two can promise",
    "U": "conforms, within budget U only: what an unshifted algorithm can promise",
    "N": "conforms, within budget N only: what arithmetic in the narrow type itself can promise",
    "○": "shown, not judged: composed, naive, misuse and control implementations promise nothing",
    "⚠": "no answer: failed, crashed or timed out",
    "∅": "unsupported: the framework says so itself",
}

CLAIMED = "as claimed"  # the word of an answer that keeps a rule

COUNTED: Mapping[str, str] = {  # beside the words under which the questions of two runs are counted
    "worse": "▲",
    "accepted": "△",
    "better": "▼",
    "cannot tell": "?",
    "other bits": "≠",
    "unchanged": "=",
}

LOOKS: Mapping[Grade, str] = {
    **dict.fromkeys(("died", "worse"), "bad"),
    **dict.fromkeys(("unjudged", "incomplete"), "unknown"),
    **dict.fromkeys(("partly", "good"), "good"),
}


def symbol(result: Result) -> str:
    """Return the symbol of a result."""
    if result.judgement in {"deviates", "known"}:
        return "✗" if result.judgement == "deviates" else "!"
    match result.outcome:
        case Unsupported():
            return "∅"
        case Score(budget_class=budget):
            if result.judgement == "unjudged":
                return "○"
            worst_alone = budget == "S" and "C" in result.outcome.over_bound and "N" not in result.outcome.over_bound
            return "✓" if budget in {None, "S", "P", "C"} and not worst_alone else str(budget)
        case Checked():
            return "○" if result.judgement == "unjudged" else "✓"
    return "⚠"


def rank(result: Result) -> int:
    """Return how much a result matters; where several share a cell, the highest is shown."""
    if result.judgement in {"deviates", "known"}:
        return 5 if result.judgement == "deviates" else 3
    match result.outcome:
        case Failed() | Crashed() | TimedOut():
            return 4
        case Unsupported():
            return 1
    return 2


def weight(result: Result) -> tuple[int, float]:
    """Return how much a result matters: its mark's rank, then its worst ulp."""
    outcome = result.outcome
    return rank(result), (numbers.ulps(outcome.max_ulp) or 0.0) if isinstance(outcome, Score) else 0.0


def fails(result: Result) -> bool:
    """Tell whether an answer is outside every budget that may be promised, judged or not, or is none."""
    if result.judgement == "unjudged":
        return not isinstance(result.outcome, Unsupported) and getattr(result.outcome, "budget_class", None) is None
    return result.judgement != "conforms"


def hardness(result: Result, families: Sequence[str]) -> tuple[float, float]:
    """Return how hard an answer's inputs are, for an order: the place of its family, and its size."""
    source = result.case.source
    return float(families.index(source.name) if source.name in families else len(families)), _size(source.size)


def _size(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def ratio(score: Score) -> tuple[float | None, str]:
    """Return error / bound of class S, one scale for all, and the tightest class met, `none` where there is none."""
    if "S" not in score.over_bound:
        return None, ""
    return score.over_bound["S"], score.budget_class or "none"


def why(result: Result) -> str:
    """Return the reason stored with a result: of its judgement, else of its outcome."""
    match result.outcome:
        case Unsupported(reason=reason) | Failed(reason=reason) | Crashed(reason=reason):
            return reason if not result.reason else f"{reason} ({result.reason})"
        case TimedOut(seconds):
            return f"no answer within {seconds:g} s" + (f" ({result.reason})" if result.reason else "")
    return result.reason


def policy(result: Result) -> str:
    """Return the answer in a few words."""
    match result.outcome:
        case Checked(policy=word):
            return word or CLAIMED
        case Unsupported():
            return "unsupported"
        case Failed(reason=reason):
            return f"error: {reason}"
    return type(result.outcome).__name__.lower()
