"""Figures at the ends of float64, in every place of an outcome: every command that reads a store prints them."""

import dataclasses
import itertools
import math
import sys

import pytest

from harness.model import Checked, Score, Timing
from harness.store import Store
from tests.made.front_door import invoke
from tests.made.records import JAX, NAIVE, TORCH, WORST, result, run

LARGEST, SMALLEST = sys.float_info.max, 5e-324
FIGURES = (0.0, SMALLEST, 0.5, 1.0, LARGEST / 2, LARGEST, math.inf, math.nan)
TIMES = (0.0, 1e-15, 1e-9, 1.0, 1e15)  # what lies beyond is no time, and is not read
READING = (
    ("status",),
    ("compare",),
    ("compare", "--json"),
    ("table",),
    *(("export", "--format", form) for form in ("jsonl", "csv", "summary", "junit", "badge")),
    ("report",),
    ("dashboard",),
)


def outcomes():
    """Yield an outcome for every figure in every place of it."""
    for figure in FIGURES:
        worst = dataclasses.replace(WORST, ulp=figure, logits="0x1p+0 " * 8, index=(3, 7))
        yield Score(1, figure, figure, -figure, {"S": figure, "N": figure}, None, {}, worst, f"{figure}")
        yield Score(1, figure, 0.0, 0.0, {"S": 0.0}, "S", {}, worst, f"one {figure}")
        yield Score(1, 0.0, 0.0, figure, {"S": figure}, "S")
        yield Checked(1, figure, worst=worst)
    for time, workers in itertools.product(TIMES, (1, 5)):
        yield Timing((time,) * 10, 1, time, workers, "", *[False, *[time] * 7], 0, 0)
        yield Timing((time,), (1 << 63) - 1, time)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return the path of a store of five runs, in each of which every question has the next outcome."""
    path = tmp_path_factory.mktemp("extremes") / "results.sqlite"
    every = {kind: [one for one in outcomes() if isinstance(one, kind)] for kind in (Score, Checked, Timing)}
    with Store(path) as opened:
        for day in range(1, 6):
            opened.join(run(f"r{day}", day))
            found = []
            for kind, target in itertools.product(every, (TORCH, JAX, NAIVE)):
                for place in range(len(every[kind])):
                    outcome = every[kind][(place + day * 3) % len(every[kind])]
                    judgement = ("conforms", "deviates", "known", "unjudged")[(place + day) % 4]
                    family = "speed" if kind is Timing else ("normal", "magnitude/10", "wide")[place % 3]
                    check = "law.shift" if kind is Checked else ""
                    given = result(outcome, family, target, judgement, seed=place, check=check, content=f"c{place}")
                    found.append(given)
            opened.append(f"r{day}", found)
    return path


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_every_command_prints_them(store, arguments, tmp_path):
    """No figure is too large, too small, infinite or nan to be told."""
    where = ("--report", tmp_path) if arguments[0] in {"report", "dashboard"} else ()

    ended = invoke(*arguments, *where, "--store", store)

    assert ended.exit_code in {0, 1}, ended.output
    assert ended.exception is None or isinstance(ended.exception, SystemExit)
    assert "Traceback" not in ended.output
