"""Lists of known deviations against a run: which patterns find something, which nothing, and which name too much."""

import math

from harness.model import Case, Checked, Failed, Implementation, Op, Result, Score, Target
from suites.judging.judge import Known
from tools import known

TARGET = Target(Implementation("mini", "softmax", "mini.softmax", "fused"), "eager")


def answer(family, outcome, **fields):
    """Return an answer to a question of softmax."""
    return Result(Case(Op("softmax"), "value", family, "float32", 8, 16, **fields), TARGET, outcome, "unjudged")


def score(over):
    """Return a distance of so many bounds."""
    return Score(8, 2.0 * over, 0.5, 0.0, {"S": over}, "S" if over <= 1 else None)


def test_each_pattern_is_told_by_itself():
    """What a pattern names, what of it deviates and how far, and what conforms; a deviation is the first entry's."""
    entries = [
        Known(["softmax-value-*", "softmax-value-offset-*"], "mini.softmax@*", "wide"),
        Known("softmax-value-normal-*", "mini.softmax@*", "second"),
        Known("logsumexp-*", "mini.*@*", "not asked"),
        Known("special.*", "mini.softmax@*", "raises", raises=True),
    ]
    results = [
        answer("normal", score(3.0)),
        answer("offset", score(0.5)),
        answer("normal", Checked(1, math.inf, detail="off"), check="special.nan_logit"),
        answer("normal", Failed("raised", "no"), check="special.empty_batch"),
    ]

    found = {entry.reason: one for entry, one in known.told(entries, results)}

    wide, dead = found["wide"]
    assert (wide.asked, wide.deviating, wide.worst) == (2, 1, 3.0)
    assert dict(wide.apart) == {"softmax-value-offset-float32": 1}
    assert str(dead).startswith("  DEAD softmax-value-offset-*: 0 of 1")
    assert found["second"][0].deviating == 0
    assert "not asked" not in found
    assert (found["raises"][0].asked, found["raises"][0].deviating) == (2, 2)
