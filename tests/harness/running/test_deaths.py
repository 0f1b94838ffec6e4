"""How a process ended, told apart: by its question, by what is ours, by a kill from outside, or by a neighbour."""

import json
import os
from collections import Counter
from dataclasses import replace

import pytest

from harness.history.verdict import of_run
from harness.model import Crashed, NotRun, Recorded, Result, TimedOut
from harness.running import host, runner
from harness.running.journal import CHANGED, OURS, Line
from harness.running.process import Job, Process
from harness.running.runner import Runner, Trouble, tidy
from harness.store import Location, Store
from tests.made.acting import question
from tests.made.verdicts import result, score

PLAN = "a:1 a:2 b:1 b:2"
REST = [["plan", PLAN], ["answer", "a:2"], ["answer", "b:1"], ["answer", "b:2"], ["done", ""]]


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Return what runs a script of starts, and returns the process, the outcomes by question, and what it was told."""
    monkeypatch.setattr(runner, "WAIT_SECONDS", 0.0)
    store, run = Location.of(str(tmp_path / "results.sqlite")), host.new_run("quick")
    with Store(store) as opened:
        opened.begin(run)

    def played(*starts, shared=True):
        """Run the script to its end."""
        script = tmp_path / "script"
        script.write_text(json.dumps(starts), encoding="utf-8")
        job = Job("acts", ("-p", "tests.made.acting", "-p", "no:cacheprovider", "--script", str(script)), shared)
        judged = lambda case, target, outcome: Result(case, target, outcome, "deviates", "why")  # noqa: E731
        (process,) = Runner(store, run.uid, tmp_path / "logs", judged, 3.0, 1, lambda _: None).run([job], at_once=1)
        with Store(store) as opened:
            outcomes = {
                f"{one.target.implementation.name}:{one.case.classes}": one.outcome for one in opened.results(run.uid)
            }
            reasons = [entry.reason for entry in opened.not_run(run.uid)]
        told = [json.loads(line) for line in script.with_suffix(".told").read_text(encoding="utf-8").splitlines()]
        return process, outcomes, reasons, told

    return played


def ends(text, *end):
    """Return a start that begins a question and ends."""
    return [["plan", PLAN], ["begin", text], *end]


def crashes(outcomes):
    """Return what died or hung, and of what."""
    return {key: one.reason for key, one in outcomes.items() if isinstance(one, Crashed)}


def test_crash_is_the_questions_if_it_dies_again(play):
    """Of functions that share a process, the one in hand dies by itself only where it dies in a fresh process too."""
    process, outcomes, reasons, _ = play(
        ends("a:1", ["kill", "SIGABRT"]), ends("a:1", ["kill", "SIGABRT"]), [["plan", PLAN], *REST[1:]]
    )

    assert crashes(outcomes) == {"a:1": "SIGABRT"}
    assert (len(outcomes), process.starts, process.failed, reasons) == (4, 3, False, [])


def test_neighbour_is_not_accused(play):
    """What answers when it is asked again did not die of itself; that somebody did is no success."""
    process, outcomes, (reason,), told = play(ends("b:1", ["exit", 0]), [["plan", PLAN], ["answer", "a:1"], *REST[1:]])

    assert crashes(outcomes) == {}
    assert (len(outcomes), process.failed) == (4, True)
    assert "the process ended (exit code 0) with softmax-value-normal-float32-4x1@b@eager in hand" in reason
    assert "something that another function left behind has ended it" in reason
    assert [doubted for *_, doubted in told] == [[], ["softmax-value-normal-float32-4x1@torch.b@eager"]]


@pytest.mark.parametrize("shared", [True, False])
def test_one_kill_from_outside_is_nobodys_fault(play, shared):
    """SIGKILL comes from the system as well: once is told, and the question asked again."""
    once = play(ends("a:1", ["kill", "SIGKILL"]), [["plan", PLAN], ["answer", "a:1"], *REST[1:]], shared=shared)

    process, outcomes, reasons, _ = once
    assert (crashes(outcomes), process.failed, reasons) == ({}, False, [])
    assert "(SIGKILL, perhaps out of memory) with softmax-value-normal-float32-4x1@a@eager in hand" in process.notes[0]


def test_two_kills_are_the_questions(play):
    """A question that is killed twice, the second time in a fresh process, has crashed."""
    killed = ends("a:1", ["kill", "SIGKILL"])

    _, outcomes, _, _ = play(killed, killed, REST, shared=False)

    assert crashes(outcomes) == {"a:1": "SIGKILL, perhaps out of memory"}


def test_crash_of_a_framework_is_its_own_at_once(play):
    """Where all functions are of one framework, a crash is the framework's, and nothing is asked twice."""
    process, outcomes, _, _ = play(ends("a:1", ["kill", "SIGABRT"]), REST, shared=False)

    assert (crashes(outcomes), process.starts) == ({"a:1": "SIGABRT"}, 2)


@pytest.mark.parametrize("end", [[["write", "lost no room"], ["exit", OURS]], [["write", "lost no room"], ["exit", 3]]])
def test_lost_store_is_no_crash(play, end):
    """A process that can store nothing says so; it is started again, and its question asked again."""
    process, outcomes, reasons, _ = play(ends("a:1", *end), [["plan", PLAN], ["answer", "a:1"], *REST[1:]])

    assert (crashes(outcomes), len(outcomes), process.failed, reasons) == ({}, 4, False, [])


def test_store_that_stays_lost_ends_the_run(play, monkeypatch):
    """After a while the run stops, with the store's words and no crash."""
    monkeypatch.setattr(runner, "LOSSES_AT_MOST", 2)

    with pytest.raises(Trouble, match="no room; no answer was counted as wrong for that"):
        play(*[ends("a:1", ["write", "lost no room"], ["exit", OURS])] * 2)


def test_journal_that_cannot_be_written_is_no_crash(play, monkeypatch):
    """Where a disk is so full that not even that can be said, the exit code says it."""
    monkeypatch.setattr(runner, "writable", lambda _: False)

    process, outcomes, _, _ = play(ends("a:1", ["exit", OURS]), [["plan", PLAN], ["answer", "a:1"], *REST[1:]])

    assert (crashes(outcomes), process.failed, process.losses) == ({}, False, 1)


def test_room_is_tried_by_writing(tmp_path):
    """A folder that is not there has no room."""
    assert runner.writable(tmp_path)
    assert not runner.writable(tmp_path / "absent")


def test_broken_process_is_no_crash(play):
    """Where the judge itself cannot go on, the question in hand is not to blame, and no success is claimed."""
    process, outcomes, (reason,), _ = play(ends("a:1", ["write", "broken NotRestored: mode"], ["exit", OURS]))

    assert (crashes(outcomes), process.failed) == ({}, True)
    assert reason.startswith("incomplete: 0 of 4 questions answered; NotRestored: mode; see ")


@pytest.mark.parametrize("code", [OURS, CHANGED, runner.USAGE_ERROR])
def test_exit_code_alone_is_believed_of_nobody(play, code):
    """A function that ends its process by a code of ours has died like any other."""
    end = ends("a:1", ["exit", code])

    process, outcomes, _, _ = play(end, end, REST)

    assert (crashes(outcomes), process.misused) == ({"a:1": f"exit code {code}"}, "")


def test_function_that_dies_is_left_out_and_the_others_go_on(play):
    """After three deaths of one function its neighbours are asked, all of them; what is missing is said."""
    plan = "a:1 a:2 a:3 a:4 a:5 b:1"
    deaths = [[["plan", plan], ["begin", f"a:{n}"], ["exit", 9]] for n in (1, 1, 2, 2, 3, 3)]
    last = [["plan", plan], ["answer", "b:1"], ["done", ""]]

    process, outcomes, (reason,), told = play(*deaths, last)

    assert crashes(outcomes) == dict.fromkeys(("a:1", "a:2", "a:3"), "exit code 9")
    assert "b:1" in outcomes
    assert told[-1][1] == ['["torch", "softmax", "a", "fused"]']
    assert reason.startswith("incomplete: 4 of 6 questions answered; a died 3 times and was left out; see ")
    assert process.of_each == Counter({question("a:1")[1].implementation: 5, question("b:1")[1].implementation: 1})


def test_run_that_is_not_whole_is_called_incomplete(play):
    """What the runner says of missing answers is the verdict on the run."""
    _, _, (reason,), _ = play([["plan", PLAN], ["answer", "a:1"], ["done", ""]])

    run = replace(host.new_run("quick"), finished="2026-01-01T00:00:00+00:00")
    verdict = of_run(Recorded(run, {}, [NotRun("acts", "", "", reason)], [result(score(0.5), "conforms")]))

    words = "incomplete: 1 of 4 questions answered"
    assert (verdict.grade, verdict.sentence) == ("died", f"{words}, no new deviation in what came")


def test_function_that_hangs_is_left_out_too(play):
    """A hang is a death that is waited for."""
    hang = [["plan", PLAN], ["begin", "a:1"], ["hang", 60]]

    _, outcomes, _, _ = play(hang, REST)

    assert isinstance(outcomes["a:1"], TimedOut)


def test_function_that_changes_the_process_is_asked_apart(play):
    """A process that a function has changed ends; the next is told to ask that function last."""
    _, _, reasons, told = play(
        ends("a:1", ["change", "a:1"], ["exit", CHANGED]), [["plan", PLAN], ["answer", "a:1"], *REST[1:]]
    )

    assert reasons == []
    assert [apart for apart, *_ in told] == [[], ['["torch", "softmax", "a", "fused"]']]


def test_damaged_journal_ends_no_run(play):
    """A line that is none is a note."""
    process, outcomes, _, _ = play([["plan", PLAN], ["write", "\x00"], ["answer", "a:1"], *REST[1:]])

    assert len(outcomes) == 4
    assert process.failed is False


def test_journals_do_not_stay(play, tmp_path):
    """A journal that was read to its end is removed; logs stay."""
    play([["plan", PLAN], ["answer", "a:1"], *REST[1:]])

    assert [file.name for file in (tmp_path / "logs").iterdir()] == ["acts.log"]


def test_old_journals_and_long_logs_are_tidied(tmp_path, monkeypatch):
    """What nobody came to read goes after a day, a log when it is long; a journal of another run that goes on stays."""
    for name in ("old.journal", "new.journal", "long.log", "short.log"):
        (tmp_path / name).write_text("x" * (9 if name == "long.log" else 1), encoding="utf-8")
    monkeypatch.setattr(runner, "LOG_BYTES", 5)
    os.utime(tmp_path / "old.journal", (0, 0))

    tidy(tmp_path)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["new.journal", "short.log"]


def test_plan_counts_what_is_done():
    """Progress is of all questions, those of an earlier start included."""
    process = Process(Job("x", ()), None)
    target = question("a:1")[1]
    for line in (Line("planned", count=10, target=target), Line("left out", count=2), Line("plan", count=7)):
        process.take(line)

    assert (process.planned, process.asked, process.left_out, process.unanswered) == (10, 3, 2, 5)
