"""Suspicious times of two runs are settled by duels between their environments, at once."""

import dataclasses
import sys
from functools import partial

import pytest

from harness.history import ratio
from harness.model import Case, Failed, Implementation, Op, Target
from harness.store import Location
from harness.timing.duel import record
from harness.timing.duel.decision import Rule, Verdict
from harness.timing.duel.gateways import Refused, WorkerLost
from harness.timing.duel.waves import Duel, Sides
from suites.speed import settling
from suites.speed.settling import Settling
from tests.conftest import THIRD_PARTY
from tests.made.records import recorded, result, run, settled, timing

CASE = Case(Op.of("sigmoid"), "value", "speed", "float32", 4, 5)
CARELESS = Target(Implementation("careless", "sigmoid", "careless.sigmoid", "fused"), "eager")
RUNS = ("before", "after")
SHORT = partial(Rule, waves=(3,), rounds=4, alarm=(0.0, 0.001))  # three processes a side, one look and overtime


@pytest.fixture
def duels(monkeypatch, tmp_path):
    """Return how to settle a time of two runs here, which say that it takes ten times as long; and where it is kept."""
    monkeypatch.setenv("PYTHONPATH", str(THIRD_PARTY))
    monkeypatch.setattr(settling, "Rule", SHORT)
    times = [dataclasses.replace(result(timing(*[each] * 9), environment="key"), case=CASE) for each in (1e-5, 1e-4)]
    pair = tuple(dataclasses.replace(one, target=CARELESS) for one in times)

    def settle(pythons=(sys.executable, sys.executable), facts=None, count=1):
        runs = [recorded(run=run(uid), environments={"key": facts or {}}) for uid in RUNS]
        made = Settling(*runs, pythons, 1.0, Location.of(tmp_path / "results.sqlite"), lambda *_: None)
        return list(made.run([pair] * count))

    return settle, tmp_path


def test_duel_stands_beside_the_samples(duels):
    """The same code is no slower, whatever two runs say; its raw blocks are kept, and give the ratio again."""
    settle, folder = duels
    (found,) = settle(facts={"card: threads": "1"})
    (kept,) = (folder / "duels").iterdir()
    again, _ = record.duel(record.read(kept))

    (duel,) = found.outcome.settled
    assert (duel.run, duel.workers) == ("before", 3)
    assert ratio.settled(timing(), found.outcome, RUNS).same(1.0)
    assert found.outcome.seconds == (1e-4,) * 9
    assert again.verdict.ratio == pytest.approx(duel.times, rel=1e-5)


def test_a_later_duel_replaces_the_earlier_one():
    """A timing holds one duel an earlier run."""
    held = result(settled(timing(1.0), 3.0, uid="another"))

    for times in (1.0, 2.0):
        duel = Duel(Verdict("same", times, times, times, 0.98, 0.1, 5, 1), ())
        held = settling.with_duel(held, "before", duel)

    assert [(one.run, one.times) for one in held.outcome.settled] == [("another", 3.0), ("before", 2.0)]


@pytest.mark.parametrize("error", [WorkerLost("died"), Refused(Failed("raised", "no kernel"))], ids=["lost", "refused"])
def test_what_cannot_be_played_keeps_no_other_from_it(duels, monkeypatch, error):
    """A duel whose worker dies is said with its question, and the next one starts workers anew."""
    settle, _ = duels
    started = []

    def fail(*_):
        raise error

    def wave(sides, _look):
        started.append(sides.sites)
        sides.found = [{}, {}]

    monkeypatch.setattr(Sides, "wave", wave)
    monkeypatch.setattr(Sides, "duel", fail)
    found = settle(count=2)

    assert found == [f"{CASE} careless.sigmoid@eager: {error}"] * 2
    assert len(started) == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pythons": (sys.executable, "/nowhere/python")}, "--python is '/nowhere/python', expected an interpreter"),
        ({"facts": {"numpy": "0.1"}}, "--python .* has numpy .*, expected 0.1, as run before; try"),
    ],
    ids=["interpreter", "environment"],
)
def test_another_environment_settles_nothing(duels, fields, message):
    """An interpreter that is not there, or not that of its run, is refused before anything is timed."""
    with pytest.raises(ValueError, match=message):
        duels[0](**fields)
