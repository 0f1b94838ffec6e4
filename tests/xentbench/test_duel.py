"""`xentbench duel` and `xentbench tournament`, from the command line to the exit code and what is kept."""

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from harness.model import Timing
from harness.store import Store
from harness.timing import memory
from harness.timing.duel import record
from tests.made.processes import PATIENCE_SECONDS, alive, wait_until
from xentbench.duel import MEANS

KERNELS = """
import time
import numpy as np
from harness.adapters import implements

def rows(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

@implements("softmax", framework="numpy")
def once(logits):
    return rows(logits)

@implements("softmax", framework="numpy")
def three_times(logits):
    for _ in range(3):
        answer = rows(logits)
    return answer

@implements("softmax", framework="numpy")
def hangs(logits):
    time.sleep(3600)

@implements("sigmoid", framework="numpy")
def other(logits):
    return 1 / (1 + np.exp(-logits))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with a file of kernels."""
    folder = tmp_path_factory.mktemp("duel")
    (folder / "kernels.py").write_text(KERNELS)
    return folder


@pytest.fixture(scope="module")
def told(shell, place):
    """Return what a duel of one against three times the work says, with B in an interpreter of its own."""
    ended = shell(
        *("duel", f"{place / 'kernels.py'}::once@eager", f"{place / 'kernels.py'}::three_times"),
        *("--case", "8x100,value", "--python-b", sys.executable, "--store", place / "speed.sqlite", "--json"),
    )
    assert ended.returncode == 1, ended.stderr
    (case,) = json.loads(ended.stdout)
    return case


def test_verdict(told):
    """Three times the work is slower, by about three times."""
    assert told["case"] == "softmax-value-speed-float32-8x100"
    assert told["verdict"]["answer"] == "slower"
    assert 2 < told["verdict"]["low"] < told["verdict"]["ratio"] < told["verdict"]["high"] < 4
    assert told["verdict"]["workers"] == 10


def test_accuracy_and_fairness_stand_beside_the_speed(told):
    """Both sides come with their accuracy, their environment and their card."""
    for name in "ab":
        side = told[name]
        assert side["accuracy"]["max_ulp"] < 10
        assert side["card"]["transfers"].startswith("excluded")
        assert side["card"]["dispatch_seconds"] > 0
        assert 0 < side["card"]["of_limit"] < 20
        assert side["card"]["limit"]["copy"] > 1e8
        assert "numpy" in side["environment"]
    assert told["b"]["place"] == f"popen//python={sys.executable}"


@pytest.mark.skipif(not memory.CLEAR.exists(), reason="this system resets no high-water mark")
def test_memory_stands_beside_the_speed(told):
    """numpy's softmax needs two arrays at once beside its logits; three times the work needs three."""
    once, three_times = (told[side]["card"]["peak"] for side in "ab")

    assert once["bytes"] / once["logits_bytes"] == pytest.approx(2, abs=0.1)
    assert three_times["bytes"] / three_times["logits_bytes"] == pytest.approx(3, abs=0.1)


def test_record_gives_the_verdict_again(told, shell):
    """The pairing is kept with every raw stamp: read again, it decides as before."""
    settled, rule = record.duel(record.read(shell.folder / told["record"]))

    assert settled.verdict.answer == "slower"
    assert settled.verdict.ratio == pytest.approx(told["verdict"]["ratio"], rel=1e-5)
    assert len(settled.blocks("a")) == 10 * rule.rounds


@pytest.mark.usefixtures("told")
def test_timings_are_stored_with_their_card(place):
    """Each side is a run of timings, whose environment says what the figures hold."""
    with Store(place / "speed.sqlite") as store:
        runs = store.runs()
        results = [result for run in runs for result in store.results(run.uid)]
        environments = store.environments()

    assert sorted(str(result.target) for result in results) == ["once@eager", "three_times@eager"]
    assert all(isinstance(result.outcome, Timing) and result.outcome.workers == 10 for result in results)
    assert all("card: synchronised" in environments[result.environment] for result in results)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("once", "nobody@eager"), "expected a name in"),
        (("once@warp", "three_times"), "expected one of eager"),
        (("once", "other"), "expected one of both"),
        (("once", "three_times", "--min-effect", "3"), "expected a share"),
        (("once", "three_times", "--case", "nothing"), "expected an op"),
        (("once", "three_times", "--allocator", "odd"), "expected one of default, warm"),
        (("once", "three_times", "--device", "cuda:0"), "numpy sees cpu, expected cuda:0"),
    ],
)
def test_usage(shell, place, arguments, message):
    """What cannot be asked is an error of usage that says what could be."""
    a, b, *options = arguments
    ended = shell("duel", *(f"{place / 'kernels.py'}::{name}" for name in (a, b)), *options)

    assert ended.returncode == 2
    assert message in ended.stderr


def test_interpreter_that_is_not_there(shell, place):
    """A worker that does not start is a failure of the machinery."""
    file = place / "kernels.py"
    ended = shell("duel", f"{file}::once", f"{file}::three_times", "--python-b", "/nowhere/python")

    assert ended.returncode == 4
    assert "no worker starts at popen//python=/nowhere/python" in ended.stderr


def children(pid):
    """Return the processes that a process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1] == str(pid):
                found.append(int(stat.parent.name))
    return found


def test_every_answer_has_its_words():
    """No verdict is printed without saying what it means."""
    assert set(MEANS) == {"slower", "faster", "same", "cannot tell"}


def test_interrupt_leaves_no_process(shell, place):
    """Ctrl-C, which a terminal sends to all processes of a command, ends the workers too, whatever they are at."""
    file = place / "kernels.py"
    process = shell.start("duel", f"{file}::hangs", f"{file}::once", "--case", "4x5,value", start_new_session=True)
    wait_until(lambda: len(children(process.pid)) >= 2)
    workers = children(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    assert not [pid for pid in workers if alive(pid)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--workers", "1"), "--workers is 1, expected at least 2"),
        (("--workers", "-1"), "--workers is -1, expected at least 2"),
        (("--op", "nothing"), "--op is 'nothing', expected one of softmax"),
        (("--shape", "nothing"), "--case holds 'nothing', expected an op"),
    ],
)
def test_tournament_usage(shell, options, message):
    """What cannot be played is an error of usage."""
    ended = shell("tournament", *options)

    assert ended.returncode == 2
    assert message in ended.stderr


def test_tournament(shell, place):
    """All fused functions x modes of a framework are ranked, stored and recorded."""
    pytest.importorskip("torch")
    store = place / "tournament.sqlite"
    ended = shell(
        *("tournament", "--on", "torch:eager", "--workers", "2", "--case", "4x50,value,softmax"),
        *("--seconds", "2", "--store", store, "--json"),
    )
    assert ended.returncode == 0, ended.stderr
    (case,) = json.loads(ended.stdout)
    names = {rank["name"] for rank in case["ranks"]}

    assert names == {"torch.softmax@eager", "torch.nn.functional.softmax@eager"}
    assert case["ranks"][0]["first"] == 1
    assert all(rank["card"]["minor_faults"] >= 0 for rank in case["ranks"])
    assert all(0 < rank["card"]["of_limit"] < 20 for rank in case["ranks"])
    assert all(rank["card"]["dispatch_seconds"] > 0 for rank in case["ranks"])
    with Store(store) as opened:
        (run,) = opened.runs()
        assert {str(result.target) for result in opened.results(run.uid)} == names
    assert set(record.read(shell.folder / case["record"])["blocks"]) == names
