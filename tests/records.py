"""Runs as they are stored, made by hand: for tests of what is done with them."""

import dataclasses

from harness.model import Case, Checked, Implementation, NotRun, Op, Recorded, Result, Run, Score, Target, Timing

HOSTILE = '<script>alert("1")</script> | `*[x](y)*` \x1b[31m\n]]>'
TORCH = Target(Implementation("torch", "softmax", "torch.softmax", "fused"), "eager")
JAX = Target(Implementation("jax", "softmax", "jax.nn.softmax", "fused"), "jit")
ENVIRONMENT = {"framework": "torch", "torch": "2.11.0"}


def score(max_ulp=1.5, mean_ulp=0.25, budget="S", **fields):
    """Make a score."""
    return Score(10, max_ulp, mean_ulp, -0.125, {"S": 0.5}, budget, **fields)


def timing(*seconds):
    """Make a timing."""
    return Timing(seconds, 10, 0.5)


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
