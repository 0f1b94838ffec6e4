"""Compare one answer in two runs: better, worse or merely different, and why.

An accuracy is exact, so any difference beyond what its figure is certified to is a change. An answer as accurate as it
was may still be another one: its bits tell. A timing is a sample, so a change is what its interval and a named size
cannot explain. What of all that counts, harness/history/news.py says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple

from harness.history import news, ratio
from harness.history.news import News, Turn
from harness.model import (
    BUDGET_CLASSES,
    FORMATS,
    Case,
    Checked,
    Crashed,
    Failed,
    Outcome,
    Result,
    Score,
    TimedOut,
    Timing,
    Unsupported,
)
from harness.scoring import line, swept

Status = Literal["added", "removed", "changed", "cannot tell", "unchanged"]

CERTIFIED = 2.0**-63  # relative: what two goldens of one value may differ by, each certified to 2**-64
ARITHMETIC = 2.0**-40  # relative: sums of another numpy


class Fact(NamedTuple):
    """One thing that differs, and what kind of news it is where it turned worse."""

    news: News
    turn: Turn
    text: str


@dataclass(frozen=True, slots=True)  # two runs have hundreds of thousands
class Change:
    """One question to one target in two runs; `before` is None where it was added, `after` where it was removed."""

    status: Status
    turn: Turn
    news: News
    reason: str
    before: Result | None
    after: Result | None

    @property
    def result(self) -> Result:
        """The later of the two."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def aspect(self) -> Literal["accuracy", "speed"]:
        """What the question is about."""
        pair = (self.before, self.after)
        return "speed" if any(r is not None and isinstance(r.outcome, Timing) for r in pair) else "accuracy"


def unchanged(before: Result, after: Result) -> Change:
    """Return the change of a question of which there is no news."""
    return Change("unchanged", "none", "none", "", before, after)


def between(before: Result, after: Result, size: float = ratio.SIZE, runs: tuple[str, str] = ("", "")) -> Change:
    """Compare two answers to one question.

    size: the relative difference of times from which one counts. runs: the uids, between which a duel may have settled.
    """
    facts = list(_facts(before, after, size, runs))
    if not facts:
        return unchanged(before, after)
    if facts[0].news == "untold":
        return Change("cannot tell", "none", "untold", facts[0].text, before, after)
    if facts[0].news == "settled":
        return Change("unchanged", "none", "settled", facts[0].text, before, after)
    moved = same_bits(before, after)
    reason = "; ".join(fact.text for fact in facts)
    if moved:
        reason += "; the answer itself is the same bit by bit"
    first = next((fact for fact in facts if fact.turn != "different"), None)
    if not news.counted(before, after):
        return Change("changed", "different", "unjudged", reason, before, after)
    if first is None:
        alone = moved is False and all(fact.news == "bits" for fact in facts)
        return Change("changed", "different", "bits" if alone else "figures", reason, before, after)
    return Change("changed", first.turn, first.news if first.turn == "worse" else "better", reason, before, after)


def same_bits(before: Result | None, after: Result | None) -> bool | None:
    """Tell whether two answers are the same bit by bit; None where one side has no answer or its bits were not kept."""
    match before, after:
        case Result(outcome=Score(bits=was)), Result(outcome=Score(bits=now)) if was and now:
            return was == now
    return None


def broke(change: Change) -> bool:
    """Tell whether a process died or hung that did not before: the machinery failed, which is no score."""
    after = change.after
    if after is None or change.turn != "worse" or after.judgement == "known":
        return False
    return isinstance(after.outcome, Crashed | TimedOut)


def severity(change: Change) -> float:
    """Return by how much a figure moved, as the logarithm of a ratio; infinite where there is not one on each side."""
    before, after = (result.outcome if result else None for result in (change.before, change.after))
    match before, after:
        case Score(max_ulp=was), Score(max_ulp=now):
            moved = math.log1p(now) - math.log1p(was) if was != now else 0.0
        case Checked(over=was), Checked(over=now):
            moved = math.log1p(now) - math.log1p(was) if was != now else 0.0
        case Timing(seconds=old), Timing(seconds=new) if old and new and min(old + new) > 0:
            moved = math.log(median(new) / median(old))
        case _:
            return math.inf
    return math.inf if math.isnan(moved) else abs(moved)


def _facts(before: Result, after: Result, size: float, runs: tuple[str, str]) -> Iterator[Fact]:
    """Yield what differs, the most important first."""
    if before.judgement != after.judgement:
        why = f": {after.reason}" if after.judgement in {"deviates", "known"} and after.reason else ""
        turn = news.turned(news.RANKS[before.judgement], news.RANKS[after.judgement])
        yield Fact("judgement", turn, f"{after.judgement}, was {before.judgement}{why}")
    match before.outcome, after.outcome:
        case Score() as old, Score() as new:
            same = same_bits(before, after)
            figures = list(_scores(old, new, after.case, moved=not same))
            yield from figures
            if same is False and (apart := _lines_apart(old, new, after.case)):
                yield Fact("bits", "different", apart)
            elif not figures and same is False:
                yield Fact("bits", "different", f"answers differ in bits, largest error {old.max_ulp:.3g} ulp in both")
        case Checked() as old, Checked() as new:
            yield from _checks(old, new, after.case)
        case Timing() as old, Timing() as new:
            yield from _timings(old, new, size, runs)
        case Failed() as old, Failed() as new if _failure(old) != _failure(new):
            yield Fact("figures", "different", f"raised {_failure(new)}, was {_failure(old)}")
        case old, new if type(old) is not type(new):
            turn = news.turned(_silence(old), _silence(new))
            yield Fact("lost", turn, f"{in_words(new)}, was {in_words(old)}")


def _lines_apart(old: Score, new: Score, case: Case) -> str:
    """Say in which binades two answers to a line differ; nothing of answers to anything else."""
    if not (old.swept and new.swept):
        return ""
    was, now = swept.unpack(old.swept), swept.unpack(new.swept)
    rows = swept.differing(was, now)
    if (was.of, was.rows, was.first) != (now.of, now.rows, now.first) or not rows:
        return f"answers differ in bits, and are of other parts of the line: {now.rows} binades, were {was.rows}"
    ends = [line.row_name(case.dtype, now.first + row, now.of) for row in (rows[0], rows[-1])]
    between = f"at {ends[0]}" if len(rows) == 1 else f"from {ends[0]} to {ends[1]}"
    binades = {"gaps": "binades of the gap", "widths": "blocks of widths"}.get(now.of, "binades")
    return f"answers differ in bits in {len(rows)} of {now.rows} {binades}, {between}"


def _scores(old: Score, new: Score, case: Case, *, moved: bool) -> Iterator[Fact]:
    """Yield what differs between two scores. moved: their bits may differ; else it is the ruler that changed."""
    was, now = (score.over_bound.get("S", math.nan) for score in (old, new))
    if moved and (turn := news.error_turned(was, now)) != "different":
        yield Fact("error", turn, f"error is {_apart(now, was, ' of its bound')}")
    classes = _met(new, old), _met(old, new)
    if classes[0] != classes[1]:
        met = [f"class {name}" if name else "no class" for name in classes]
        yield Fact("figures", "different", f"meets {met[0]}, was {met[1]}")
    resolution = _resolution(case)
    if not _same(old.max_ulp, new.max_ulp, resolution):
        yield Fact("figures", "different", f"max {_apart(new.max_ulp, old.max_ulp, ' ulp')}")
    for name in sorted(old.verdicts.keys() | new.verdicts.keys()):
        counts = old.verdicts.get(name, 0), new.verdicts.get(name, 0)
        if counts[0] != counts[1]:
            yield Fact("figures", "different", f"{name.replace('_', ' ')}: {counts[1]}, was {counts[0]}")
    if old.elements != new.elements:
        yield Fact("figures", "different", f"{new.elements} elements, was {old.elements}")
    if not _same(old.mean_ulp, new.mean_ulp, resolution):
        yield Fact("figures", "different", f"mean {_apart(new.mean_ulp, old.mean_ulp, ' ulp')}")
    elif not _same(old.bias_ulp, new.bias_ulp, resolution + ARITHMETIC * old.mean_ulp):
        yield Fact("figures", "different", f"bias {_apart(new.bias_ulp, old.bias_ulp, ' ulp')}")


def _met(score: Score, other: Score) -> str | None:
    """Return the tightest class met; where the other's was another, of those that both were held to.

    An older program knew fewer classes.
    """
    if score.over_bound.keys() == other.over_bound.keys():
        return score.budget_class
    met = {name for name, over in score.over_bound.items() if name in other.over_bound and over <= 1}
    return next((name for name in BUDGET_CLASSES if name in met), None)


def _checks(old: Checked, new: Checked, case: Case) -> Iterator[Fact]:
    if old.policy != new.policy:
        turn = news.policy_turned(old.policy, new.policy)
        yield Fact("judgement", turn, f"policy is {new.policy or 'none'}, was {old.policy or 'none'}")
    if not _same(old.over, new.over, _resolution(case)):  # an allowance is of an ulp or more
        text = _apart(new.over, old.over, " of what is allowed")
        yield Fact("error", news.error_turned(old.over, new.over), text)


def _timings(old: Timing, new: Timing, size: float, runs: tuple[str, str]) -> Iterator[Fact]:
    duel = ratio.settled(old, new, runs)
    found = duel or ratio.of_timings(old, new)
    if found is None:
        yield Fact("untold", "none", f"cannot tell: {ratio.lacking(old, new)}")
        return
    times = f"{found.times:.3g} times as long ({found.low:.3g} to {found.high:.3g})"
    if found.slower(size) or found.faster(size):
        turn: Turn = "worse" if found.slower(size) else "better"
        spent = f": {seconds(median(new.seconds))}, was {seconds(median(old.seconds))}"
        yield Fact("slower", turn, times + (" in a duel" if duel else spent))
    elif duel and duel.same(size):
        yield Fact("settled", "none", f"the same in a duel: {times}")
    elif duel:
        yield Fact("untold", "none", f"cannot tell: a duel could not either; {times}")
    elif lack := ratio.lacking(old, new):
        yield Fact("untold", "none", f"cannot tell: {lack}")


def in_words(outcome: Outcome) -> str:
    """Say in a few words what came back."""
    match outcome:
        case Score(max_ulp=most):
            return f"max {most:.3g} ulp"
        case Checked(over=over):
            return f"{over:.3g} of what is allowed"
        case Timing() if outcome.seconds:
            return seconds(median(outcome.seconds))
        case Unsupported(reason):
            return f"unsupported ({reason})"
        case Failed(reason=reason):
            return f"failed ({reason})"
        case Crashed(reason):
            return f"crashed ({reason})"
        case TimedOut(waited):
            return f"timed out after {waited:g} s"
    return "no sample"


def seconds(value: float) -> str:
    """Print a time to three digits in the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{float(f'{value / size:.3g}'):g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def _silence(outcome: Outcome) -> int:
    """Rank an outcome by how far it is from an answer."""
    match outcome:
        case Unsupported():
            return 1
        case Failed():
            return 2
        case Crashed() | TimedOut():
            return 3
    return 0


def _failure(failed: Failed) -> str:
    """Return the type of what was raised, whose message may hold an address; else what was said."""
    return failed.error or failed.message


def _resolution(case: Case) -> float:
    """Return what the reference may move a figure by, in ulps."""
    return CERTIFIED * 2.0 ** FORMATS[case.dtype].precision


def _same(was: float, now: float, allowance: float) -> bool:
    if was == now or (math.isnan(was) and math.isnan(now)):
        return True
    return abs(was - now) <= allowance + ARITHMETIC * min(abs(was), abs(now))


def _apart(now: float, was: float, unit: str) -> str:
    """Print two numbers with as many digits as tell them apart, three at least."""
    for digits in range(3, 18):
        texts = f"{now:.{digits}g}", f"{was:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return f"{texts[0]}{unit}, was {texts[1]}"
