"""Files whose functions change the process: what stands beside them is neither accused nor passed by it."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.attack.changes import CHANGES, Change
from tests.attack.commands import ended
from tests.attack.tally import Tally

FILE = """
import atexit, builtins, ctypes, decimal, gc, itertools, math, os, random, resource, signal, sys, threading, time
import warnings
from pathlib import Path

import numpy as np

from harness.scoring import metrics
from xentbench import implements

FAST = str(Path(__file__).with_name("fast.so"))
calls = itertools.count(1)


class Unreadable(Exception):
    def __str__(self):
        raise RuntimeError


def softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@implements("softmax", framework="numpy")
def a_good(logits):
    return softmax(logits)


@implements("softmax", framework="numpy")
def m_guilty(logits):
    {call}
    return softmax(logits)


@implements("softmax", framework="numpy")
def m_wrong(logits):
    p = softmax(logits)
    return np.where(p < np.finfo(p.dtype).tiny, 2 * p, p)


@implements("softmax", framework="numpy")
def z_good(logits):
    return softmax(logits)


{on_import}
"""
INNOCENT, WRONG, GUILTY = ("a_good", "z_good"), "m_wrong", "m_guilty"
OPTIONS = ("--dtype", "float32", "--family", "normal,subnormals", "--timeout", 5, "--json", "--store", "s.sqlite")
# At the beginning of a line GitHub's runner takes it for a command; a terminal does as the other says.
COMMANDS = re.compile(r"^\s*::|\x1b", re.MULTILINE)


def attack(at_most: int, folder: Path) -> Tally:
    """Judge a file a change, and hold what is said of each function against what it is."""
    build(folder)
    due = judged(folder, Change("does nothing"), Tally())[INNOCENT[0]]["answers"]
    tally = Tally()
    for change in [change for change in CHANGES if has(change.needs)][:at_most]:
        tally.attempts += 1
        tally.planned += due * len(INNOCENT)
        found = judged(folder, change, tally)
        for name in INNOCENT:
            weigh(found.get(name), name, due, change, tally)
        if found.get(WRONG, {}).get("verdict") == "conforms":
            tally.wrong("green", f"{change.what}: {WRONG} conforms")
        if change.seen and found.get(GUILTY, {}).get("verdict") == "conforms":
            tally.wrong("green", f"{change.what}: {GUILTY} conforms")
    return tally


def weigh(found: dict | None, name: str, due: int, change: Change, tally: Tally) -> None:
    """Count what is said of an innocent function; that it is incomplete is no accusation."""
    if found is None:
        tally.wrong("lost", f"{change.what}: not a word of {name}", due)
    elif found["verdict"] not in {"conforms", "incomplete"}:
        tally.wrong("accused", f"{change.what}: {name} {found['verdict']}")
    elif found["verdict"] == "conforms" and found["answers"] < due:
        tally.wrong("green", f"{change.what}: {name} conforms by {found['answers']} of {due}")


def judged(folder: Path, change: Change, tally: Tally) -> dict[str, dict]:
    """Return what is said of each function of a file."""
    (folder / "kernels.py").write_text(FILE.format(call=change.call, on_import=change.on_import), encoding="utf-8")
    done = ended(folder, "judge", "kernels.py", *OPTIONS)
    said = done.stdout + done.stderr
    tally.read(said, change.what)
    if COMMANDS.search(said):
        tally.wrong("green", f"{change.what}: a command to who reads the output")
    if done.returncode == 0 and change.call != "pass":
        tally.wrong("green", f"{change.what}: exit code 0")
    try:
        return {one["implementation"]: one for one in json.loads(done.stdout)}
    except json.JSONDecodeError:
        tally.say(f"{change.what}: exit code {done.returncode}: {done.stderr[-200:]}")
        return {}


def build(folder: Path) -> None:
    """Make a library that sets flush-to-zero when it is loaded, by a compiler that links what does so (gcc to 12)."""
    if compiler := shutil.which("gcc"):
        (folder / "fast.c").write_text("int answer(void) { return 42; }\n", encoding="utf-8")
        subprocess.run([compiler, "-shared", "-fPIC", "-ffast-math", "-o", "fast.so", "fast.c"], cwd=folder, check=True)


def has(needed: str) -> bool:
    """Tell whether a program or a module is here."""
    return not needed or bool(shutil.which(needed) or importlib.util.find_spec(needed))
