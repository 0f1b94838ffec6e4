"""What CI is told first: a colour and a sentence, never green without an answer."""

import math

import pytest

from harness.model import Crashed, Failed, Score, TimedOut, Unsupported
from reports.ci import tally
from tests.made.records import checked, missing, recorded, result, run, score


def bad(over, family="bad"):
    """Make a deviation so far over its bound."""
    return result(Score(1, 1.0, 1.0, 1.0, {"S": over}, None), family, judgement="deviates", reason="why")


@pytest.mark.parametrize(
    ("results", "fields", "headline"),
    [
        pytest.param([], {}, ("grey", "nothing was judged"), id="nothing"),
        pytest.param(
            [result(Unsupported("no"), judgement="unjudged")], {}, ("grey", "nothing was judged"), id="unsupported"
        ),
        pytest.param([result()], {}, ("green", "1 conforms"), id="conforms"),
        pytest.param([result(), bad(2.0)], {}, ("red", "1 new deviation"), id="deviates"),
        pytest.param(
            [result(Crashed("SIGKILL"), judgement="deviates"), bad(2.0), bad(3.0, "worse")],
            {},
            ("red", "2 new deviations, 1 crash or time-out"),
            id="crashed",
        ),
        pytest.param(
            [result(), result(Crashed("SIGKILL"), "b", judgement="known")],
            {},
            ("green", "1 conforms, 1 known deviation"),
            id="known",
        ),
        pytest.param([result()], {"not_run": [missing()]}, ("orange", "no new deviation in what ran"), id="not-run"),
        pytest.param(
            [result()], {"run": run(finished=None)}, ("orange", "no new deviation in what ran"), id="unfinished"
        ),
        pytest.param(
            [result()],
            {"run": run(shards=("0/2", "1/2"))},
            ("red", "incomplete: 1 of 2, no new deviation in what came"),
            id="a-part-that-never-came",
        ),
        pytest.param([result()], {"run": run(shards=("0/2", "1/2", "2/2"))}, ("green", "1 conforms"), id="every-part"),
        pytest.param([result(TimedOut(3.0), judgement="unjudged")], {}, ("red", "1 crash or time-out"), id="timed-out"),
    ],
)
def test_headline(results, fields, headline):
    """A deviation or a death is red; what did not run or was not judged is never green."""
    assert tally.headline(recorded(*results, **fields)) == headline


def test_news_is_the_worst_first():
    """New deviations come by how far they are over what is allowed; no answer first, known ones not at all."""
    results = [
        bad(2.0, "a"),
        result(checked(9.0), "b", judgement="deviates"),
        result(Failed("raised", "E"), "c", judgement="deviates"),
        bad(math.nan, "d"),
        result(score(9.0), "e", judgement="known"),
    ]

    assert [found.case.family for found in tally.news(results)] == ["c", "d", "b", "a"]
