"""Duels as JSON, and back."""

import json
import random

import pytest

from harness.timing.duel import record, waves
from harness.timing.duel.decision import Rule
from tests.harness.timing.duel.made_up import team

RULE = Rule(min_effect=0.05)


@pytest.fixture(scope="module")
def settled():
    """Return a duel."""
    return waves.settle(lambda look: (team(1e-3, 5, f"a{look}"), team(1.2e-3, 5, f"b{look}")), RULE, random.Random(3))  # noqa: S311 - an order of play


def test_verdict_is_computed_anew(tmp_path, settled):
    """A record read again gives the same blocks (to float32), rule and verdict."""
    record.write(tmp_path / "duel.json", "duel", record.plain(settled, RULE))
    found, rule = record.duel(record.read(tmp_path / "duel.json"))

    assert rule == RULE
    assert (found.verdict.answer, found.verdict.looks) == ("slower", settled.verdict.looks)
    assert found.verdict.ratio == pytest.approx(settled.verdict.ratio, rel=1e-6)
    assert found.blocks("b")[7].seconds == pytest.approx(settled.blocks("b")[7].seconds, rel=1e-6)
    assert found.blocks("b")[7].minor_faults == 3


def test_other_version_is_refused(tmp_path):
    """A record of another version is refused with the version expected."""
    (tmp_path / "duel.json").write_text(json.dumps({"version": 99}))

    with pytest.raises(ValueError, match="is version 99, expected 1"):
        record.read(tmp_path / "duel.json")
