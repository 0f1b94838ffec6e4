"""What `run --speed` times and stores, with third parties' frameworks, which numpy computes for."""

import dataclasses
import shlex
import sys

import pytest

from harness.adapters import frameworks
from harness.engines.processes import running
from harness.history import ratio
from harness.model import Case, Crashed, Failed, Op, Result, Timing
from harness.running import host
from harness.store import Location, Store
from harness.timing import traffic
from suites.questions import plan
from suites.questions.presets import PRESETS
from suites.speed import run as speed_run
from suites.speed.peaks import PeakMemory
from suites.speed.run import SpeedRun
from suites.speed.tournaments import Tournaments
from tests.conftest import ROOT, THIRD_PARTY

PROGRAM = ROOT / "tests" / "made" / "program.py"
SIGMOID = Op.of("sigmoid")
QUICK = [Case(SIGMOID, "value", "speed", "float32", *shape) for shape in ((4, 5), (256, 2))]
SHAPES = {"4x5", "256x2"}


@pytest.fixture
def timed(tmp_path, monkeypatch):
    """Return how to time frameworks in a store; small shapes, and nobody measures the machine's memory."""
    monkeypatch.setenv("PYTHONPATH", str(THIRD_PARTY))
    monkeypatch.setattr(speed_run.cases, "speed_cases", lambda _preset, _memory: QUICK)
    monkeypatch.setattr(Tournaments, "bandwidth", lambda _self, _device: traffic.Bandwidth(2e9, 1e9))
    monkeypatch.setattr(PeakMemory, "peaks", lambda _self, _candidates, _case: {})
    store = Location.of(str(tmp_path / "results.sqlite"))
    run = host.new_run("quick")
    with Store(store) as opened:
        opened.begin(run)

    def judge(case, target, outcome):
        return Result(case, target, outcome, "deviates" if isinstance(outcome, Failed | Crashed) else "unjudged")

    def time(*frameworks, mode="", ops=("sigmoid",)):
        said = []
        wanted = plan.Wanted(PRESETS["quick"], tuple((name, mode) for name in frameworks), ops)
        died = SpeedRun(store, run.uid, judge, 1, 60.0, lambda *line: said.append(line)).run(wanted)
        with Store(store) as opened:
            recorded = opened.recorded(run.uid)
        return died, recorded, said

    return time


def test_quick_times_few_ops_unless_they_are_named(timed):
    """An op that the preset does not time by itself is timed where it is asked for, and starts nothing else."""
    _, recorded, said = timed("careless", ops=())

    assert "sigmoid" not in PRESETS["quick"].speed_ops
    assert (recorded.results, recorded.not_run, said) == ([], [], [])


def test_results_of_the_run(timed):
    """Every case is one tournament of all frameworks there are, stored in the run with its card; others are not run."""
    died, recorded, said = timed("careless", "absent")

    assert not died
    assert {f"{one.case.rows}x{one.case.classes}" for one in recorded.results} == SHAPES
    assert all(isinstance(one.outcome, Timing) and one.outcome.workers == 2 for one in recorded.results)
    facts = recorded.environments[recorded.results[0].environment]
    assert facts["card: compile"] == "excluded"
    assert facts["numpy"]
    assert [(entry.framework, entry.device) for entry in recorded.not_run] == [("absent", "cpu")]
    assert said == [
        ("timings (sigmoid-value-speed-float32-4x5)", 0, 2),
        ("timings (sigmoid-value-speed-float32-256x2)", 1, 2),
    ]


def test_one_framework_alone_can_be_compared(timed):
    """A run of one framework has as many processes and samples as it takes to tell its times from another run's."""
    _, recorded, _ = timed("careless")

    for one in recorded.results:
        assert one.outcome.workers == ratio.FEW
        assert ratio.lacking(one.outcome, one.outcome) == ""


def test_all_cards_of_a_framework_are_one_environment(timed):
    """What a figure holds whatever its case is one environment, so that a run has few of them."""
    _, recorded, _ = timed("careless")

    assert len({one.environment for one in recorded.results}) == 1
    assert "4x5" in str(recorded.results[0].case)
    assert recorded.results[0].outcome.cache.startswith("64 buffers")


def test_program_is_not_timed_and_says_why(timed, tmp_path, monkeypatch):
    """The time of a program would be that of its pipe: it is not timed, and that is no failure; others are."""
    path = tmp_path / "piped"
    path.write_text(f"#!/bin/sh\nexec {shlex.join((sys.executable, str(PROGRAM), 'right'))}\n")
    path.chmod(0o755)
    monkeypatch.setenv(frameworks.PROGRAMS, f"piped={path}")

    died, recorded, _ = timed("piped", "careless")

    assert not died
    assert [(entry.framework, entry.reason) for entry in recorded.not_run] == [("piped-speed", running.UNTIMED)]
    assert {one.target.implementation.framework for one in recorded.results} == {"careless"}


def test_what_the_run_holds_is_not_timed_again(timed):
    """A run that is gone on with times what is missing, case by case."""
    _, first, _ = timed("careless")
    _, again, said = timed("careless")

    assert said == []
    assert [one.outcome for one in again.results] == [one.outcome for one in first.results]
    _, more, said = timed("careless", "trouble", mode="")
    assert len(said) == 2
    assert len(more.results) > len(first.results)


def test_framework_that_dies_is_said_so(timed, monkeypatch):
    """One that dies too often is not run, and fails the machinery; what was timed of the others is kept."""
    monkeypatch.setattr("suites.speed.tournaments.DEATHS_AT_MOST", 0)
    monkeypatch.setattr(speed_run.cases, "speed_cases", lambda _preset, _memory: QUICK[::-1])
    monkeypatch.setitem(PRESETS, "quick", dataclasses.replace(PRESETS["quick"], speed_all=True))
    died, recorded, _ = timed("trouble", "careless")

    assert died.keys() == {"trouble-speed"}
    assert died["trouble-speed"].startswith("died 1 times")
    assert [entry.framework for entry in recorded.not_run] == ["trouble-speed"]
    assert [one.judgement for one in recorded.results if isinstance(one.outcome, Crashed)] == ["deviates"]
    assert {one.target.implementation.framework for one in recorded.results if isinstance(one.outcome, Timing)} == {
        "careless"
    }


def test_framework_that_is_back_is_not_missing_any_more(timed):
    """What a run could not do before is forgotten when it is gone on with."""
    timed("broken")
    _, recorded, _ = timed("broken", "careless")

    assert [entry.framework for entry in recorded.not_run] == ["broken-speed"]
    assert len(recorded.results) == 2


def test_blocks_keep_to_their_budget(timed, monkeypatch):
    """A case may take its part of what is left of the preset's seconds; what one leaves, the next ones have."""
    given = []
    run = Tournaments.run

    def noted(self, candidates, case, rng, seconds):
        given.append(seconds)
        return run(self, candidates, case, rng, seconds)

    monkeypatch.setattr(Tournaments, "run", noted)
    timed("careless")

    assert given[0] == PRESETS["quick"].speed_seconds / 2
    assert PRESETS["quick"].speed_seconds / 2 < given[1] < PRESETS["quick"].speed_seconds


def test_nothing_to_time_starts_nothing(timed, monkeypatch):
    """Where the filters leave nothing, no framework is imported, and none is missing."""
    monkeypatch.setattr(speed_run.cases, "speed_cases", lambda _preset, _memory: [])
    died, recorded, said = timed("absent", "broken")

    assert (died, list(recorded.results), list(recorded.not_run), said) == ({}, [], [], [])
