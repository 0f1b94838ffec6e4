"""Synthetic stores: a run as large as a quick preset's, with every outcome and names that try to break out."""

import math
import random
from itertools import product

import pytest

from harness.model import (
    FORMATS,
    Case,
    Crashed,
    Failed,
    Implementation,
    NotRun,
    Op,
    Result,
    Run,
    Score,
    Target,
    TimedOut,
    Timing,
    Unsupported,
    Worst,
)
from harness.store import Store

OPS = ("softmax", "log_softmax", "logsumexp", "sparse_xent", "dense_xent", "sigmoid_xent", "sigmoid")
MODES = {"torch": ("eager", "compile"), "jax": ("eager", "jit"), "tensorflow": ("eager", "function", "xla", "session")}
FAMILIES = (
    *(
        "normal",
        "uniform",
        "wide",
        "large_offset",
        "near_tie",
        "one_dominates",
        "one_underflows",
        "all_equal",
        "subnormal",
    ),
    *("tiny_differences", "overflowing", "with_infinity", "alternating", "long_tail", "confident_and_right"),
)
DTYPES = ("float32", "float64", "bfloat16", "float16")
EVIL = "torch.<script>alert(1)</script>&\"'"
KINDS = ("fused", "fused", "composed", "naive", "misuse")


def rounded(number, dtype):
    """Return a number in a format, as hex."""
    mantissa, exponent = math.frexp(number)
    bits = FORMATS[dtype].precision
    return math.ldexp(round(math.ldexp(mantissa, bits)), exponent - bits).hex()


def worst(rng, case):
    """Make a worst element whose numbers are plausible."""
    row = " ".join(rounded(rng.uniform(-9, 9), case.dtype) for _ in range(case.classes))
    upstream = "" if case.quantity == "value" else rounded(rng.uniform(-1, 1), case.dtype)
    exact = rng.uniform(-3, 3)
    digits, expected = f"{exact!r}{rng.randrange(10**13)}", rounded(exact, case.dtype)
    index, label = (rng.randrange(64), 3), str(rng.randrange(8))
    return Worst(index, row, label, upstream, digits, expected, rounded(rng.random(), case.dtype), 1.5)


def score(rng, case, scale):
    """Draw a score; a few are infinite."""
    ulp = float("inf") if rng.random() < 0.01 else 0.5 * 10 ** abs(rng.gauss(0, scale))
    bounds = {"S": ulp / 3, "U": ulp / 9, "N": ulp / 300}
    met = next((name for name, ratio in bounds.items() if ratio <= 1), None)
    return Score(
        case.rows * case.classes, ulp, ulp / 4, -ulp / 9, bounds, met, {"nan": 3} if ulp > 1e6 else {}, worst(rng, case)
    )


def outcome(rng, case, target):
    """Draw an outcome with its judgement and reason."""
    draw = rng.random()
    kind = target.implementation.kind
    if draw < 0.02:
        return Unsupported("torch.softmax does not offer <b>float16</b> here"), "unjudged", ""
    if draw < 0.024:
        return (
            (Failed("raised", "rank 6", "InvalidArgumentError"), Crashed("signal 11"), TimedOut(60.0))[
                rng.randrange(3)
            ],
            "unjudged",
            "",
        )
    scored = score(rng, case, 0.4 if kind == "fused" else 2.0)
    if kind != "fused":
        return scored, "unjudged", ""
    if scored.budget_class is None:
        return scored, "deviates" if rng.random() < 0.3 else "known", "error/bound S 4.1, expected <= 1"
    return scored, "conforms", ""


def targets():
    """Yield about 110 implementations in each of their framework's modes."""
    for framework, modes in MODES.items():
        for op, n in product(OPS, range(5)):
            name = f"{framework}.nn.functional.{op}_{n}" if (framework, op, n) != ("torch", "softmax", 1) else EVIL
            for mode in modes:
                yield op, Target(Implementation(framework, op, name, KINDS[n]), mode)


def results(count, environment):
    """Yield `count` results, timings and published examples among them."""
    rng = random.Random(7)  # noqa: S311 - reproducible plausibility, no secrets
    made = 0
    for seed, (op, target), family, dtype in product(range(count), list(targets()), FAMILIES, DTYPES):
        for quantity in ("value", "grad_logits") if rng.random() < 0.35 else ("value",):
            case = Case(Op.of(op), quantity, family, dtype, 64, 10, seed)
            drawn = outcome(rng, case, target)
            yield Result(case, target, *drawn, environment)
            made += 1
            if made == count:
                return


def timings(environment):
    """Yield what a tournament leaves: a timing of each fused target a shape and quantity, from three processes."""
    rng = random.Random(8)  # noqa: S311 - as above
    fused = [(op, target) for op, target in targets() if target.implementation.kind == "fused"]
    for (op, target), classes, quantity in product(fused, (10, 1000), ("value", "grad_logits")):
        case = Case(Op.of(op), quantity, "speed", "float32", 64, classes)
        middle = 10 ** rng.uniform(-6, -3)
        seconds = tuple(middle * rng.uniform(0.9, 1.5) for _ in range(18))
        beside = {
            "cache": "4 buffers of 2.1 MB in turn, held by the cache",
            "copy_bytes_per_second": 9.9e9,
            "read_bytes_per_second": 1.2e10,
            "dispatch_seconds": middle / 2,
            "overhead_seconds": 1e-7,
            "minor_faults": 3.2,
            "major_faults": 0.0,
            "preempted": 0.012,
            "peak_bytes": 1_300_000,
            "peak_logits_bytes": 650_000,
        }
        timing = Timing(seconds, 10, middle * 900, workers=3, **beside)
        yield Result(case, target, timing, "unjudged", "", environment)


def examples(environment):
    """Yield published examples."""
    rng = random.Random(9)  # noqa: S311 - as above
    for (op, target), name in product([t for t in targets() if t[0] == "softmax"], ("so-softmax-4", "blog-softmax-6")):
        case = Case(Op.of(op), "value", f"published/{name}", "float32", 1, 4)
        yield Result(case, target, *outcome(rng, case, target), environment)


def fill(path, count):
    """Fill a store with one run."""
    with Store(path) as store:
        facts = {"torch": "2.13.0+cpu", "threads": "2", "cpu_capability": "AVX512"}
        environment = store.add_environment(facts)
        run = Run(
            "20261121-081300-ab12",
            "2026-11-21T08:13:00+00:00",
            None,
            "xentbench run --preset quick",
            "quick",
            {"cpu": "Xeon"},
        )
        store.begin(run)
        store.append(run.uid, results(count, environment))
        store.append(run.uid, timings(environment))
        store.append(run.uid, examples(environment))
        store.add_not_run(run.uid, NotRun("tensorflow", "", "cuda:0", "no CUDA device; try a machine with one"))
        store.finish(run.uid)
    return path


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Return the path of a store with a few hundred results."""
    return fill(tmp_path_factory.mktemp("small") / "results.sqlite", 1500)


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """Return the path of a store as large as a quick run's."""
    return fill(tmp_path_factory.mktemp("large") / "results.sqlite", 20_000)
