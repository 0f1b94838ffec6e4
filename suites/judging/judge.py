"""Outcome -> judgement: what conforms, what is a known deviation, and what is news.

A fused function promises a stable answer and is judged by class S; in a 16-bit format class N is accepted, and shown
as such, because arithmetic in the format itself is a choice frameworks document; class E likewise, because it is how
hardware takes exponentials. Of a long row that meets S by the worst case alone it is said how much is lost. Composed,
naive, misused and control implementations promise nothing and are shown beside it.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness.model import BudgetClass, Case, Checked, Crashed, Failed, Judgement, Outcome, Score, Target, TimedOut
from harness.store import typed
from harness.store.hints import Malformed
from reference.bounds import heights

PROCESS = "invariance.process"  # the check of what a call does beside answering, found with any question
EXPECTED = Path(__file__).parents[1] / "expected.toml"  # of the frameworks; of engines a file each, beside it
ACCEPTED: tuple[BudgetClass, ...] = ("P", "C", "S", "E", "N")
# A name that says what it accumulates in is held to that: sums in 16 bits, class N, are then not accepted.
ACCUMULATES_WIDELY = re.compile(r"\bacc_dtype=torch\.float(32|64)\b")
# What is recorded as it is and deviates where one is strict: (check, policy), both by glob.
STRICT = (
    *((f"invariance.{check}", "bits differ*") for check in ("batch", "many_rows", "threads", "layout", "strides")),
    *((f"invariance.{check}", "bits differ*") for check in ("summed", "retained", "interleaved", "checkpointed")),
    ("special.label_*", "wrap*"),
    ("special.label_*", "clip*"),
    ("special.cost_by_width", "faster*"),
    ("law.sum_beyond_float16", "overflows*"),
)


@dataclass(frozen=True)
class Known:
    """A known deviation, one a mechanism: case and target globs, how far it goes, why, and a link.

    case, target: a glob, or several. at_most: error over the class S bound; of a check, difference over allowance.
    raises: the call gives no answer; else an entry covers answers alone, and a call that raises is news.
    seen: the versions that it was seen with, as `torch 2.13.0`; a run of others that finds nothing of it says so.
    """

    case: tuple[str, ...] | str
    target: tuple[str, ...] | str
    reason: str
    at_most: float = float("inf")
    raises: bool = False
    link: str = ""
    seen: tuple[str, ...] = ()

    def names(self, case: str, target: str) -> bool:
        """Tell whether an answer to a case by a target may be of this deviation."""
        return _matches(target, self.target) and _matches(case, self.case)

    def covers(self, case: Case, target: Target, outcome: Outcome) -> bool:
        """Tell whether this deviation is the listed one, and no worse than listed."""
        if not self.names(str(case), str(target)):
            return False
        beyond = over(outcome)
        return self.raises if beyond is None else beyond <= self.at_most


def _matches(name: str, globs: str | Sequence[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in ([globs] if isinstance(globs, str) else globs))


def over(outcome: Outcome) -> float | None:
    """Return how far an outcome goes beyond what is allowed, as `at_most` counts it; None where nothing came back."""
    match outcome:
        case Score():
            return outcome.over_bound["S"]
        case Checked():
            return outcome.over
    return None


def known_deviations(own: Iterable[Path] = (), *, shipped: bool = True) -> tuple[Known, ...]:
    """Read the list that ships, and lists of a user's own. Raises ValueError for one that is none."""
    ours = (EXPECTED, *sorted(EXPECTED.with_suffix("").glob("*.toml"))) if shipped else ()
    return tuple(entry for path in (*ours, *own) for entry in listed(path))


def listed(path: Path) -> tuple[Known, ...]:
    """Read one list. Raises ValueError for a file that is none, and for an entry that is no Known."""
    form = f"expected a file in the form of {EXPECTED.name}"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("known", [])
    except OSError as error:
        raise ValueError(f"list of known deviations is {path} ({error.strerror}), {form}") from error
    except ValueError as error:
        raise ValueError(f"list of known deviations is {path}, which is no TOML ({error}), {form}") from error
    try:
        return tuple(typed.made(Known, entry) for entry in (entries if isinstance(entries, list) else [entries]))
    except Malformed as error:
        raise ValueError(
            f"an entry of {path} is not as expected: {error}; see the first lines of {EXPECTED}"
        ) from error


def judge(
    case: Case, target: Target, outcome: Outcome, known: Iterable[Known], *, strict: bool = False
) -> tuple[Judgement, str]:
    """Return the judgement and, for what deviates, the reason; strict: what is recorded otherwise deviates too."""
    trouble = deviation(target, outcome)
    if trouble is None and strict and lenient(case, outcome):
        assert isinstance(outcome, Checked)
        trouble = f"recorded as {outcome.policy!r}, and strict: {outcome.detail or 'it depends on more than its row'}"
    if trouble is None:
        settled = isinstance(outcome, Score) or (isinstance(outcome, Checked) and not outcome.policy)
        if not (settled and target.implementation.kind == "fused"):
            return "unjudged", ""
        return "conforms", worst_case(case, outcome) if isinstance(outcome, Score) else ""
    for entry in known:
        if entry.covers(case, target, outcome):
            return "known", entry.reason + (f" ({entry.link})" if entry.link else "")
    return "deviates", trouble


def lenient(case: Case, outcome: Outcome) -> bool:
    """Tell whether an outcome is recorded and would deviate where one is strict."""
    policy = outcome.policy if isinstance(outcome, Checked) else ""
    return any(fnmatchcase(case.check, check) and fnmatchcase(policy, words) for check, words in STRICT)


def worst_case(case: Case, score: Score) -> str:
    """Say by how much a long row errs beyond what chance explains, and nothing where it does not.

    The height is that of a sum whose every rounding errs by u in one direction: where it is far above 1, nearly all of
    the bound is the sum's.
    """
    if score.budget_class != "S" or "C" not in score.over_bound or "N" in score.over_bound or score.swept:
        return ""  # rounding to 16 bits on the way is another reason
    implied = score.over_bound["S"] * heights.worst(case.classes)
    text = f"by the worst case alone, as {implied:.0f} roundings of a row's sum in one direction would err"
    text += f" (chance: {heights.chance(case.classes):.0f}, in pairs: {heights.pairwise(case.classes):.0f})"
    if score.worst is None:
        return text
    exact, got = float.fromhex(score.worst.expected), float.fromhex(score.worst.got)
    return text + (f"; {abs(got - exact) / abs(exact):.2g} of the answer is lost" if exact else "")


def deviation(target: Target, outcome: Outcome) -> str | None:
    """Say what is wrong with an outcome, or None."""
    match outcome:
        case Crashed(reason):
            return f"the process died: {reason}"
        case TimedOut(seconds):
            return f"no answer in {seconds:g} s"
        case Failed(kind="raised", reason=reason) if target.implementation.kind == "fused":
            return f"the call raised {reason}"
        case Failed(reason=reason) if target.implementation.kind == "fused":
            return f"the answer: {reason}"
        case Score() if target.implementation.kind == "fused" and outcome.budget_class not in accepted(target):
            return _exceeds(outcome)
        case Checked() if target.implementation.kind == "fused" and not outcome.over <= 1:
            return _breaks(outcome)
        case _:
            return None


def accepted(target: Target) -> tuple[BudgetClass, ...]:
    """Return the classes that a target's answers may be of; N is not among them where its name says float32."""
    wide = ACCUMULATES_WIDELY.search(target.implementation.name)
    return tuple(kind for kind in ACCEPTED if kind != "N") if wide else ACCEPTED


def _exceeds(score: Score) -> str:
    verdicts = "".join(f", {name.replace('_', ' ')}: {count}" for name, count in score.verdicts.items())
    met = f"meets class {score.budget_class}" if score.budget_class else "meets no class"
    return (
        f"error is {score.over_bound['S']:.3g} times the class S bound ({met}; max {score.max_ulp:.3g} ulp{verdicts})"
    )


def _breaks(checked: Checked) -> str:
    if math.isinf(checked.over):
        return checked.detail
    return f"difference is {checked.over:.3g} times what is allowed: {checked.detail}"
