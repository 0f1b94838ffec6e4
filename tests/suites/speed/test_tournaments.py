"""Tournaments of frameworks that die, hang and refuse: those of tests/third_party, which numpy computes for."""

import random

import pytest

from harness.model import Case, Crashed, Failed, Op, TimedOut, Timing
from harness.timing.duel.gateways import Workers
from harness.timing.duel.site import Site
from harness.timing.traffic import Bandwidth
from suites.speed import tournaments as ours
from suites.speed.tournaments import Tournaments
from tests.conftest import THIRD_PARTY

TROUBLE = Case(Op.of("sigmoid"), "value", "speed", "float32", 256, 2)  # the shape in which it has its trouble
HUNG_SECONDS = 15.0  # an import under load takes half of it
LIMIT = Bandwidth(copy=2e9, read=1e9)


@pytest.fixture
def tournaments(monkeypatch):
    """Return tournaments of two processes a framework, which finds third parties' frameworks."""
    monkeypatch.setenv("PYTHONPATH", str(THIRD_PARTY))
    with Workers(timeout_seconds=HUNG_SECONDS) as workers:
        found = Tournaments(workers, Site.of(), 2)
        found._bandwidths["cpu"] = LIMIT  # sweeping memory takes longer than all of these tests, and so does
        monkeypatch.setattr(found._peak_memory, "peaks", lambda _entrants, _case: {})  # reading it
        yield found


def run(tournaments, entrants, case=TROUBLE):
    """Time a short tournament; return it, and the outcomes by what the functions do."""
    found, timed = tournaments.run(entrants, case, random.Random(0), 0.2)  # noqa: S311 - an order of play
    return found, {one.candidate.target.implementation.name.rpartition(".")[2]: one for one in timed}


def test_death_hang_and_error_are_outcomes_of_their_own(tournaments):
    """Who dies, hangs or raises is out and said so; the others of its framework, and other frameworks, are timed."""
    tournaments.start(["trouble", "careless"])
    entrants = tournaments.candidates("sigmoid", "cpu", [("trouble", "plain"), ("careless", "")])
    found, timed = run(tournaments, entrants)
    outcomes = {name: one.outcome for name, one in timed.items()}

    assert isinstance(outcomes.pop("dies"), Crashed)
    assert outcomes.pop("hangs") == TimedOut(HUNG_SECONDS)
    assert outcomes.pop("raises") == Failed("raised", "no kernel for this shape", "RuntimeError")
    assert outcomes.keys() == {"right", "widens", "flattens", "errs", "sigmoid"}
    assert all(isinstance(outcome, Timing) and outcome.workers == 2 for outcome in outcomes.values())
    assert len(found.out) == 3
    assert not tournaments.missing


def test_what_stands_beside_a_time(tournaments):
    """A card has the limit of memory, the dispatch of the smallest op, and what was prepared."""
    tournaments.start(["careless"])
    (entrant,) = tournaments.candidates("sigmoid", "cpu", [])
    _, timed = run(tournaments, [entrant])
    card, outcome = timed["sigmoid"].card, timed["sigmoid"].outcome

    assert card.limit == LIMIT
    assert card.floor_seconds == pytest.approx(2 * 256 * 2 * 4 / LIMIT.copy)
    assert 0 < outcome.dispatch_seconds < 1
    assert (outcome.copy_bytes_per_second, outcome.read_bytes_per_second) == (LIMIT.copy, LIMIT.read)
    assert outcome.peak_bytes is None
    assert len(outcome.seconds) % 2 == 0


def test_framework_that_is_not_there_is_missing(tournaments):
    """One that is not installed is missing; one that breaks while it is imported has died; neither stops the rest."""
    tournaments.start(["absent", "broken", "careless"])

    assert "absent cannot be imported" in tournaments.missing["absent"]
    assert "broken while it is imported" in tournaments.missing["broken"]
    assert tournaments.died == {"broken"}
    assert [str(one.target) for one in tournaments.candidates("sigmoid", "cpu", [])] == ["careless.sigmoid@eager"]
    assert tournaments.candidates("sigmoid", "cuda:0", []) == []


def test_framework_that_dies_too_often_is_missing(tournaments, monkeypatch):
    """Beyond so many deaths a framework takes no part any more; the others are timed."""
    monkeypatch.setattr(ours, "DEATHS_AT_MOST", 0)
    tournaments.start(["trouble", "careless"])
    entrants = tournaments.candidates("sigmoid", "cpu", [("trouble", "plain"), ("careless", "")])
    found, timed = run(tournaments, entrants)

    assert tournaments.missing["trouble"].startswith("died 1 times; the last time: the worker at popen died")
    assert tournaments.died == {"trouble"}
    assert list(found.preparations) == ["careless.sigmoid@eager"]
    assert timed.keys() == {"sigmoid", "dies"}


def test_death_on_the_smallest_op_is_survived(tournaments, monkeypatch):
    """Where a framework dies of the smallest op alone, its times stand, without the dispatch."""
    monkeypatch.setattr(ours.candidates, "SMALLEST", (256, 2))
    tournaments.start(["trouble"])
    entrants = tournaments.candidates("sigmoid", "cpu", [("trouble", "plain")])
    few = [one for one in entrants if one.target.implementation.name in {"trouble.dies", "trouble.right"}]
    _, timed = run(tournaments, few, Case(Op.of("sigmoid"), "value", "speed", "float32", 4, 5))

    assert timed["dies"].outcome.dispatch_seconds is None
    assert all(isinstance(one.outcome, Timing) for one in timed.values())
    assert tournaments.candidates("sigmoid", "cpu", [("trouble", "plain")])  # it is there again


def test_modes(tournaments):
    """All modes take part unless some are named; one there is not is an error that lists those there are."""
    tournaments.start(["trouble"])
    every = tournaments.candidates("sigmoid", "cpu", [])
    first = tournaments.candidates("sigmoid", "cpu", [], every=False)

    assert [one.target.mode for one in every] == ["plain", "other"] * 7
    assert [str(one.target) for one in first] == ["trouble.right@plain", "trouble.right@other"]
    with pytest.raises(ValueError, match=r"expected one of trouble:plain, trouble:other"):
        tournaments.candidates("sigmoid", "cpu", [("trouble", "nope")])


@pytest.mark.parametrize(("rows", "workers"), [(64, 3), (1 << 20, 2)])
def test_large_cases_have_fewer_processes(rows, workers):
    """Where the logits are large, a framework has fewer processes."""
    assert ours.processes(Case(Op.of("softmax"), "value", "speed", "float32", rows, 1000)) == workers
