"""A plugin for pytest that plays a framework's process: it writes a journal and ends, as a script says."""

import json
import os
import signal
import time
from pathlib import Path

from harness.model import Case, Implementation, Op, Score, Target
from harness.running.journal import Journal, Line
from harness.running.recorder import Recorder
from harness.store import Location
from tests.made.verdicts import result

OPTIONS = ("--run-uid", "--store", "--journal", "--script")


def question(text):
    """Return the question of a text such as `b:2`: the second to function b."""
    name, _, number = text.partition(":")
    case = Case(Op.of("softmax"), "value", "normal", "float32", 4, int(number))
    return case, Target(Implementation("torch", "softmax", name, "fused"), "eager")


def pytest_addoption(parser):
    """Take what a runner gives."""
    for option in OPTIONS:
        parser.addoption(option)
    parser.addoption("--resume", action="store_true")
    for option in ("--apart", "--leave-out", "--doubted"):
        parser.addoption(option, action="append", default=[])


def pytest_cmdline_main(config):
    """Play the next start of the script, a list of [what, of what] a start; it is written down what it was told."""
    script = Path(config.getoption("--script"))
    starts = json.loads(script.read_text(encoding="utf-8"))
    script.write_text(json.dumps(starts[1:]), encoding="utf-8")
    with script.with_suffix(".told").open("a", encoding="utf-8") as told:
        told.write(json.dumps([config.getoption(option) for option in ("--apart", "--leave-out", "--doubted")]) + "\n")
    journal = Journal(Path(config.getoption("--journal")))
    recorder = Recorder(Location.of(config.getoption("--store")), config.getoption("--run-uid"), journal)
    for what, of in starts[0]:
        ACTS[what](recorder, of)
    return 0


def plan(recorder, every):
    """Announce questions, `a:1 a:2 b:1`, less those that are stored."""
    questions = [question(text) for text in every.split()]
    done = recorder.earlier
    left = [(case, target) for case, target in questions if (str(case), "torch", str(target)) not in done]
    targets = [target for _, target in questions]
    recorder.plan({target: targets.count(target) for target in targets}, len(left), 0)


def answer(recorder, text):
    """Answer a question rightly, and store it."""
    case, target = question(text)
    recorder.begin(case, target)
    score = Score(1, 0.5, 0.5, 0.0, {"S": 0.5}, "S")
    recorder.end(result(score, "conforms", who=target, rows=case.rows, classes=case.classes))
    recorder.flush()


def change(recorder, text):
    """Say that a function has changed the process."""
    case, target = question(text)
    recorder.found(result(Score(1, 9.0, 9.0, 0.0, {"S": 9.0}, None), who=target, rows=4, classes=100 + case.classes))


def write(recorder, line):
    """Write a line of the journal, `kind reason`."""
    kind, _, reason = line.partition(" ")
    recorder._write(Line(kind, reason=reason))


ACTS = {
    "plan": plan,
    "answer": answer,
    "begin": lambda recorder, text: recorder.begin(*question(text)),
    "change": change,
    "write": write,
    "done": lambda recorder, _: recorder.done_with(),
    "exit": lambda _, code: os._exit(code),
    "kill": lambda _, name: os.kill(os.getpid(), getattr(signal, name)),
    "hang": lambda _, seconds: time.sleep(seconds),
}
