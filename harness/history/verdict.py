"""The verdict on a run and on two runs beside one another: a grade and one sentence, the same wherever it is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.history import change
from harness.history.compare import Comparison
from harness.history.counting import WORDS, count, number, plural
from harness.history.difference import NEVER_STORED
from harness.history.news import WORSE, News, counted
from harness.history.state import DEAD, incomplete, unanswered
from harness.model import Crashed, Recorded, Result, TimedOut, Timing

# died: a process died, hung or gave up. worse: a new deviation or, of two runs, what counts as worse. unjudged: nothing
# was judged, or in both. incomplete: a part never came. partly: something was not run. good: all else.
Grade = Literal["died", "worse", "unjudged", "incomplete", "partly", "good"]
NEWS_WORDS: dict[News, tuple[str, str]] = {  # of one, of many
    "judgement": ("judged otherwise", "judged otherwise"),
    "lost": ("answer lost", "answers lost"),
    "error": ("larger error", "larger errors"),
    "slower": ("call slower", "calls slower"),
}


@dataclass(frozen=True)
class Verdict:
    """How a run, or two of them, stand."""

    grade: Grade
    sentence: str


def dead(result: Result) -> bool:
    """Tell whether a process died or hung with a question in hand, and is not known to: no score, but no pass."""
    return isinstance(result.outcome, Crashed | TimedOut) and result.judgement != "known"


def of_run(recorded: Recorded) -> Verdict:
    """Return how a run stands by itself. What did not answer, or was not run, is never good."""
    counts, gave_up = count(recorded.results), unanswered(recorded.not_run)
    died = sum(counts[name] for name in DEAD)
    said = [plural(counts["deviates"], "new deviation")] if counts["deviates"] else []
    said += [plural(died, "crash or time-out", "crashes or time-outs")] if died else []
    missing = incomplete(recorded.run) or gave_up
    if said:
        return Verdict("died" if died or gave_up else "worse", ", ".join([*said, *filter(None, [missing])]))
    if missing and (gave_up or counts["conforms"] + counts["known"]):
        return Verdict("died" if gave_up else "incomplete", f"{missing}, no new deviation in what came")
    if not counts["conforms"] + counts["known"]:
        return Verdict("unjudged", "nothing was judged")
    if recorded.not_run or not recorded.run.finished:
        return Verdict("partly", "no new deviation in what ran")
    judged = {name: counts[name] for name in ("conforms", "known")}
    return Verdict("good", ", ".join(f"{number(n)} {WORDS[name][n > 1]}" for name, n in judged.items() if n))


def of_comparison(found: Comparison) -> Verdict:
    """Return how the later of two runs stands beside the earlier one."""
    missing = incomplete(found.after)
    counts = _standing(found)
    judged, times = counts["judged"], counts["timed"]
    worse = [f"{number(n)} {NEWS_WORDS[kind][n > 1]}" for kind in WORSE if (n := len(found.of_news(kind)))]
    worse += [missing] if missing else []
    grade: Grade = "good"
    if not found.shared:
        grade, said = "unjudged", "the two runs share no question, so nothing was compared"
    elif any(found.of_news(kind) for kind in WORSE):
        grade, said = "died" if found.broken else "worse", f"not safe to take: {', '.join(worse)}"
    elif missing:
        grade, said = "incomplete", f"cannot be taken yet, {missing}"
    elif not judged and not times:
        grade, said = "unjudged", "cannot tell: nothing was judged in both"
    else:
        answers = [plural(judged, "answer")] if judged else []
        answers += [plural(times, "time")] if times else []
        said = f"safe to take by {'these' if judged + times > 1 else 'this'} {' and '.join(answers)}"
    return Verdict(grade, "; ".join([f"{subject(found)}: {said}", *(_beside(found, counts) if found.shared else [])]))


def subject(found: Comparison) -> str:
    """Name what changed: the frameworks' versions, else the runs; then what else decides about answers."""
    known = [one for one in found.environments if NEVER_STORED not in {one.before, one.after}]
    releases = dict.fromkeys(str(one) for one in known if one.release)
    deciding = dict.fromkeys(str(one) for one in known if one.decides and not one.release)
    runs = f"{found.before.uid} -> {found.after.uid}"
    return f"{', '.join(releases) or runs}{' with ' if deciding else ''}{', '.join(deciding)}"


def _beside(found: Comparison, counts: Mapping[str, int]) -> Iterator[str]:
    """Yield what else a reader should know."""
    if other := counts["other bits"]:
        judged_otherwise = "" if found.of_news("judgement") else ", none by judgement"
        yield f"{number(other)} differ{'s' if other == 1 else ''} in bits{judged_otherwise}"
    elif counts["same bits"]:
        yield "none differs in bits"
    if accepted := found.of_news("accepted"):
        yield f"{number(len(accepted))} worse and accepted"
    if better := found.of_news("better"):
        yield f"{number(len(better))} better"
    if untold := found.of_news("untold"):
        lacks = (one.reason.removeprefix("cannot tell: ").partition(";")[0] for one in untold)
        why = Counter(lacks).most_common(1)[0][0]
        yield f"{plural(len(untold), 'time')} cannot be told ({why})"
    if settled := found.of_news("settled"):
        yield f"{plural(len(settled), 'time')} found the same in duels"
    if standing := counts["standing"]:
        yield f"{number(standing)} deviate{'s' if standing == 1 else ''} as before"
    if shown := found.of_news("unjudged"):
        yield f"{number(len(shown))} that {'is' if len(shown) == 1 else 'are'} not judged moved"


def _standing(found: Comparison) -> Counter[str]:
    """Count the questions to which both runs have an answer that counts, by what became of it."""
    counts = Counter(timed=-sum(counted(one.before, one.after) for one in found.of_news("untold")))
    for was, now in found.pairs:
        if was is None or now is None or not counted(was, now):
            continue
        if isinstance(was.outcome, Timing) or isinstance(now.outcome, Timing):
            counts["timed"] += 1
            continue
        counts["judged"] += 1
        counts["standing"] += was.judgement == now.judgement == "deviates"
        same = change.same_bits(was, now)
        counts["same bits"] += same is True
        counts["other bits"] += same is False
    return counts
