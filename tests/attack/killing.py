"""kill -9 at random moments: the command, or the process that asks; what is taken up again is whole, once each."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from harness.model import Crashed, Result, TimedOut
from harness.store import Store
from tests.attack.commands import PATIENCE_SECONDS, ended, started
from tests.attack.tally import Tally

KILLS = 100
ASKED = ("run", "--on", "numpy", "--op", "sigmoid", "--dtype", "float32", "--report", "page")
FINISHED = (0, 1, 3)  # exit codes of a run that nothing disturbed


def attack(at_most: int, folder: Path) -> Tally:
    """Kill runs until that was done often enough, take each up again, and hold it against one that nobody disturbed."""
    ended(folder, *ASKED, "--store", "whole.sqlite")
    begun = time.monotonic()
    ended(folder, *ASKED, "--store", "timed.sqlite")  # whose goldens are there already
    length = time.monotonic() - begun
    whole = answers(folder / "whole.sqlite")
    tally, dice = Tally(), random.Random(960)  # noqa: S311 - moments, not secrets
    number = 0
    while tally.attempts < min(KILLS, at_most):
        number += 1
        one_run(folder, number, min(KILLS, at_most), whole, length, dice, tally)
    return tally


def one_run(
    folder: Path, number: int, kills: int, whole: dict[str, Result], length: float, dice: random.Random, tally: Tally
) -> None:
    """Kill a run again and again, until it came to its end before the next kill, or enough were made."""
    store = f"{number}.sqlite"
    words = (*ASKED, "--store", store, "--run-uid", "attacked")
    while tally.attempts < kills:
        process = started(folder, *words, *(["--resume"] if exists(folder / store) else []))
        try:
            process.wait(dice.uniform(0.1, 1.0) * length)
        except subprocess.TimeoutExpired:
            tally.attempts += 1
            if tally.attempts % 2:
                process.kill()
            else:
                kill_child(process.pid)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        tally.read(out + err, f"run {number}")
        if process.returncode in FINISHED:
            break
    done = ended(folder, *words, *(["--resume"] if exists(folder / store) else []))
    tally.read(done.stdout + done.stderr, f"run {number}, taken up again")
    compare(answers(folder / store), whole, f"run {number}", tally)


def exists(store: Path) -> bool:
    """Tell whether a store holds a run."""
    if not store.exists():
        return False
    with Store(store) as opened:
        return bool(opened.runs())


def answers(store: Path) -> dict[str, Result]:
    """Return a store's results by what was asked of whom."""
    with Store(store) as opened:
        return {f"{one.case}@{one.target}": one for run in opened.runs() for one in opened.results(run.uid)}


def compare(found: dict[str, Result], whole: dict[str, Result], what: str, tally: Tally) -> None:
    """Hold the answers of a run against those of one that nobody disturbed."""
    tally.planned += len(whole)
    if missing := whole.keys() - found.keys():
        tally.wrong("lost", f"{what}: {len(missing)} answers, such as {min(missing)}", len(missing))
    for key in found.keys() & whole.keys():
        if isinstance(found[key].outcome, Crashed | TimedOut):
            tally.wrong("accused", f"{what}: {key}: {found[key].reason}")
        elif found[key].outcome != whole[key].outcome:
            tally.wrong("lost", f"{what}: {key} is another answer")


def kill_child(parent: int) -> None:
    """Kill the first process that a process has started, if there is one."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            if entry.name.isdecimal() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                os.kill(int(entry.name), signal.SIGKILL)
                return
