"""Runs as they are stored, made by hand: for tests of what is done with them."""

import dataclasses
import math

from harness.model import (
    Case,
    Checked,
    Crashed,
    Failed,
    Implementation,
    NotRun,
    Op,
    Recorded,
    Result,
    Run,
    Score,
    Settled,
    Target,
    TimedOut,
    Timing,
    Unsupported,
    Worst,
)

HOSTILE = '<script>alert("1")</script> | `*[x](y)*` \x1b[31m\n]]>'
TORCH = Target(Implementation("torch", "softmax", "torch.softmax", "fused"), "eager")
JAX = Target(Implementation("jax", "softmax", "jax.nn.softmax", "fused"), "jit")
NAIVE = Target(Implementation("torch", "softmax", "exp / sum", "naive"), "eager")
ENVIRONMENT = {"framework": "torch", "torch": "2.11.0"}


def score(max_ulp=1.5, mean_ulp=0.25, budget="S", **fields):
    """Make a score, whose error is a third of its bound in ulps: of 1.5 ulp half the bound, of 4 beyond it."""
    return Score(10, max_ulp, mean_ulp, -0.125, {"S": max_ulp / 3}, budget, **fields)


def timing(*seconds):
    """Make a timing, a process a sample."""
    return Timing(seconds, 10, 0.5, workers=len(seconds))


def settled(made, times, spread=0.01, uid="20260101T000000-aaa"):
    """Add to a timing what a duel found of it beside an earlier run: a ratio, and its interval, relative."""
    duel = Settled(uid, times, times / (1 + spread), times * (1 + spread), 10)
    return dataclasses.replace(made, settled=(duel,))


def checked(over=0.5, policy=""):
    """Make the outcome of a check."""
    return Checked(8, over, policy)


def result(outcome=None, family="normal", target=TORCH, judgement="conforms", reason="", content=None, **fields):
    """Make a result; its content follows its family. Fields are the case's, and `environment`."""
    key = fields.pop("environment", "")
    case = Case(Op("softmax"), "value", family, fields.pop("dtype", "float32"), 4, 8, **fields)
    made = outcome or score()
    hashed = f"content of {family}" if content is None and isinstance(made, Score) else content or ""
    return Result(case, target, made, judgement, reason, key, hashed)


def run(uid="20260101T000000-aaa", day=1, **fields):
    """Make a finished run."""
    started = f"2026-01-{day:02}T00:00:00+00:00"
    return dataclasses.replace(Run(uid, started, started, "xentbench run", "quick", {"cores": "2"}), **fields)


def recorded(*results, run=run(), environments=None, not_run=()):  # noqa: B008 - frozen
    """Make a run with results."""
    return Recorded(run, environments or {}, list(not_run), list(results))


def missing(framework="jax", mode="", device="cpu"):
    """Make an entry of what was not run."""
    return NotRun(framework, mode, device, f"no {framework}; try: pip install {framework}")


ROW = " ".join(["0x1.8p+0"] * 200)
WORST = Worst((3, 7), ROW, "2", "", "0.3333", "0x1.555556p-2", "inf", math.inf)
EVERY = (  # outcome
    result(score(math.inf, worst=WORST, verdicts={"nan": 3}), judgement="deviates", reason=HOSTILE),
    result(score(7.0, worst=WORST), HOSTILE, environment="key"),
    result(checked(math.inf, "eager: nan"), check="law.shift", dtype="bfloat16", seed=3),
    result(settled(timing(1e-6, 2.5e-6), 1.5), "speed"),
    result(Unsupported("no"), "a"),
    result(Failed("raised", "\u221e", "E"), "b"),
    result(Crashed("SIGKILL"), "c"),
    result(TimedOut(300.0), "d"),
)


def contents(store):
    """Return all that an open store holds, table by table."""
    tables = ("runs", "environments", "cases", "targets", "texts", "results", "not_run")
    rows = {table: store.rows(f"SELECT * FROM {table}") for table in tables}  # noqa: S608 - constants
    return {table: sorted(found, key=repr) for table, found in rows.items()}
