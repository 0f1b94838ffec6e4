"""What became of a question, in one word: a judgement where there is an answer, else why there is none."""

from __future__ import annotations

from harness.model import Crashed, Failed, Result, TimedOut, Timing, Unsupported

STATES = ("conforms", "known", "deviates", "shown", "timed", "unsupported", "failed", "crashed", "timed out")


def state(result: Result) -> str:
    """Return one of STATES; an answer that is not judged is `shown`."""
    match result.outcome:
        case Unsupported():
            return "unsupported"
        case Failed():
            return "known" if result.judgement == "known" else "failed"
        case Crashed():
            return "crashed"
        case TimedOut():
            return "timed out"
        case Timing():
            return "timed"
    return "shown" if result.judgement == "unjudged" else result.judgement
