"""Progress: a live line on a terminal, plain lines now and then elsewhere."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from harness.model import Case, Implementation, Op, Target
from harness.running import progress
from harness.running.process import Job, Process
from harness.running.progress import Progress

CASE = Case(Op.of("sigmoid_xent", pos_weight=3.0), "value", "normal", "float32", 4, 8)
TARGET = Target(Implementation("torch", "softmax", "torch[softmax]", "fused"), "eager")


@pytest.fixture
def clock(monkeypatch):
    """Return a clock whose hands the test moves."""
    hands = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: hands.now))
    return hands


def processes():
    """Return a process that asks, one that starts, and one that has finished."""
    asking = Process(Job("torch", ()), None, popen=object(), planned=30, asked=10, in_hand=(CASE, TARGET))
    return [
        asking,
        Process(Job("jax", ()), None, popen=object()),
        Process(Job("numpy", ()), None, planned=10, asked=10),
    ]


def test_plain_lines_now_and_then(clock):
    """Without a terminal, as in CI, lines come at once, after ten seconds and every half minute, each unwrapped."""
    text = io.StringIO()
    running = [f"  torch: 10 of 30; {CASE} {TARGET}", "  jax: 0 of ?; starting"]

    with Progress(Console(file=text, width=20)) as shown:
        for clock.now in (0.0, 0.1, 9.9, 10.0, 30.0, 39.9, 40.0, 60.0):
            shown(processes())
    lines = text.getvalue().splitlines()

    assert [lines[k : k + 3][1:] for k in range(0, len(lines), 3)] == [running] * 3
    assert lines[0] == "20 of 40 questions"
    assert lines[3].startswith("20 of 40 questions, more than")  # nothing tells how long jax takes


def test_time_left_is_that_of_the_last_course(clock, tmp_path):
    """The first run keeps when its questions were asked, and the second is foretold by it from ten seconds on."""
    for _ in range(2):
        text = io.StringIO()
        clock.now = 0.0
        process = Process(Job("torch", ("--on", "torch")), None, popen=object())
        with Progress(Console(file=text), tmp_path) as shown:
            for clock.now in range(101):
                process.planned = 20 if clock.now >= 20 else 0
                process.asked = 18 * (clock.now >= 30) + 2 * (clock.now == 100)
                process.complete = process.finished = clock.now == 100
                shown([process])

    said = [line for line in text.getvalue().splitlines() if "questions" in line]
    assert said[0] == "0 of ? questions"
    assert said[1:4] == [
        "0 of ? questions, about 90 s left",
        "18 of 20 questions, about 60 s left",
        "18 of 20 questions, about 30 s left",
    ]


def test_nothing_known_promises_nothing(clock):
    """Before anything is planned no time is foretold."""
    text = io.StringIO()

    with Progress(Console(file=text)) as shown:
        clock.now = 31.0
        shown([Process(Job("jax", ()), None, popen=object())])

    assert text.getvalue().splitlines() == ["0 of ? questions", "  jax: 0 of ?; starting"]


@pytest.mark.parametrize(
    ("done", "line"), [(0, "goldens: 0 of 8"), (2, "goldens: 2 of 8, about 120 s left"), (8, "goldens: 8 of 8")]
)
def test_count_of_one_thing(clock, done, line):
    """One line tells how many are done, and the time left while there is some and it can be told."""
    text = io.StringIO()
    shown = Progress(Console(file=text))

    clock.now = 40.0
    shown.simple("goldens", done, 8)

    assert text.getvalue().splitlines() == [line]


def test_what_came_before_the_first_is_no_pace(clock):
    """Of one thing that took 40 s with what was compiled for it, and three that took 30 s, the other four take 40 s."""
    text = io.StringIO()
    shown = Progress(Console(file=text))

    for clock.now, done in (40.0, 1), (70.0, 4):
        shown.simple("pieces", done, 8)

    assert text.getvalue().splitlines() == ["pieces: 1 of 8, about 280 s left", "pieces: 4 of 8, about 40 s left"]


def test_terminal_shows_what_is_running(clock):
    """On a terminal every running framework has a line at once, cut to the width, and nothing is left at the end."""
    text = io.StringIO()

    with Progress(Console(file=text, width=30, force_terminal=True)) as shown:
        clock.now = 1.0
        shown(processes())
    said = text.getvalue()

    assert "20 of 40 questions\n" in said
    assert f"  torch: 10 of 30; {CASE}"[:30] in said
    assert f"  torch: 10 of 30; {CASE}"[:31] not in said
    assert said.endswith("\x1b[2K")  # the last line is erased
