"""Every outcome has a word."""

import pytest

from harness.history.state import STATES, state
from harness.model import Crashed, Failed, TimedOut, Unsupported
from tests.made.records import checked, result, score, timing


@pytest.mark.parametrize(
    ("outcome", "judgement", "word"),
    [
        (score(), "conforms", "conforms"),
        (score(), "unjudged", "shown"),
        (checked(), "deviates", "deviates"),
        (timing(1.0), "unjudged", "timed"),
        (Unsupported("no"), "unjudged", "unsupported"),
        (Failed("raised", "E"), "deviates", "failed"),
        (Crashed("E"), "deviates", "crashed"),
        (TimedOut(1.0), "deviates", "timed out"),
    ],
)
def test_every_state_has_a_column(outcome, judgement, word):
    """Every outcome is counted under a word that the tables have."""
    assert state(result(outcome, judgement=judgement)) == word
    assert word in STATES
