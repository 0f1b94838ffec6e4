"""Every outcome has a word, and a run says which of its parts never came."""

import pytest

from harness.history.state import STATES, incomplete, state
from harness.model import Crashed, Failed, TimedOut, Unsupported
from tests.made.records import checked, result, run, score, timing


@pytest.mark.parametrize(
    ("outcome", "judgement", "word"),
    [
        (score(), "conforms", "conforms"),
        (score(), "unjudged", "shown"),
        (checked(), "deviates", "deviates"),
        (timing(1.0), "unjudged", "timed"),
        (Unsupported("no"), "unjudged", "unsupported"),
        (Failed("raised", "E"), "deviates", "deviates"),
        (Failed("raised", "E"), "known", "known"),
        (Failed("raised", "E"), "unjudged", "failed"),
        (Crashed("E"), "deviates", "crashed"),
        (Crashed("E"), "known", "known"),
        (TimedOut(1.0), "deviates", "timed out"),
    ],
)
def test_every_state_has_a_column(outcome, judgement, word):
    """Every outcome is counted under a word that the tables have."""
    assert state(result(outcome, judgement=judgement)) == word
    assert word in STATES


@pytest.mark.parametrize(
    ("shards", "said"),
    [
        ((), ""),
        (("0/2",), "incomplete: 0 of 2"),
        (("0/2", "2/2"), "incomplete: 1 of 2"),
        (("0/2", "1/2", "2/2"), ""),
        (("0/2", "0/3", "1/2", "1/3", "2/3"), "incomplete: 2 of 3"),
        (("0/2", "0/3", "1/2", "2/2", "2/3"), ""),
    ],
)
def test_parts_that_never_came(shards, said):
    """A run of parts is whole once all of one division are there; one that was asked as a whole always is."""
    assert incomplete(run(shards=shards)) == said
