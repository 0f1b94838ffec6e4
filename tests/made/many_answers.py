"""A store of one large run: as many results as a full one has, with texts as long as real ones.

Rows of logits have 64 numbers, two thirds of the questions have an incoming gradient, and of one question in a hundred
that gradient is a row of 45 000 numbers: such few are most of what an export says when it repeats them. They are never
the furthest off, as in real runs, whose report carries none.
"""

import random

from harness.model import Case, Checked, Implementation, Op, Result, Run, Score, Target, Worst
from harness.store import Store

TARGETS = 29  # that each question is put to
RESULTS = 412_380  # of a full run over three frameworks
OPS = ("softmax", "log_softmax", "logsumexp", "sparse_xent", "dense_xent", "sigmoid", "log_sigmoid", "sigmoid_xent")
FAMILIES = ("normal", "wide_spread", "near_tie", "offset", "swamp", "confident", "all_equal", "ramp")
DTYPES = ("float32", "float64", "bfloat16", "float16")
FRAMEWORKS = {"torch": ("eager", "compile"), "jax": ("eager", "jit"), "tensorflow": ("eager", "xla")}
ROWS = 4  # of a question, one of which is a target's worst
AT_ONCE = 4000
MANY = 10_000  # characters of a row
LONG = 100  # one question in so many has a long incoming gradient


def row(rng, count):
    """Return a row of numbers as a store holds it."""
    return " ".join(rng.gauss(0.0, 1.0).hex() for _ in range(count))


def targets(op):
    """Return who answers an op."""
    every = [(framework, mode) for framework, modes in FRAMEWORKS.items() for mode in modes]
    kinds = ("fused", "composed", "naive")
    return [
        Target(
            Implementation(framework, op, f"{framework}.nn.functional.{op}_{place}", kinds[place % len(kinds)]), mode
        )
        for place, (framework, mode) in zip(range(TARGETS), every * TARGETS, strict=False)
    ]


def question(rng, number):
    """Return a case, the content of its inputs, its rows and its incoming gradients."""
    op = OPS[number % len(OPS)]
    quantity = ("value", "grad_logits", "grad_labels")[number % 3]
    check = "law.shift" if number % 5 == 4 else ""
    family, dtype = FAMILIES[number // 8 % len(FAMILIES)], DTYPES[number // 64 % len(DTYPES)]
    case = Case(Op(op), quantity, family, dtype, 32, 64, number // 256, check)
    rows = [row(rng, 64) for _ in range(ROWS)]
    long = number % LONG == 1
    upstream = [row(rng, 45_000 if long else 28) for _ in range(1 if long else ROWS)] if quantity != "value" else [""]
    return case, f"{rng.getrandbits(256):064x}", rows, upstream


def answers(rng, number, environments):
    """Yield what every target answers to a question."""
    case, content, rows, upstream = question(rng, number)
    for target in targets(case.op.name):
        place = rng.randrange(ROWS)
        error, number = abs(rng.gauss(0.0, 2.0 if len(upstream[0]) < MANY else 0.1)), rng.random()
        text, incoming = rows[place], upstream[place % len(upstream)]
        worst = Worst((place, 3), text, "2", incoming, f"{number:.28f}", number.hex(), (number + 1e-7).hex(), error)
        judgement, reason = "conforms" if target.implementation.kind == "fused" else "unjudged", ""
        if target.implementation.kind == "fused" and error > 5:
            judgement, reason = "known", "the sum is taken in the narrow format (https://example.org/1)"
        if case.check:
            outcome = Checked(2048, error / 8, "", f"{number!r} beside {error!r}", worst if error > 5 else None)
        else:
            over = {name: error / bound for name, bound in (("S", 50.0), ("U", 70.0), ("E", 60.0))}
            bits = f"{rng.getrandbits(64) if place else int(content[:16], 16):016x}"
            outcome = Score(2048, error, error / 4, error / 16, over, "S", {}, worst, bits)
        environment = environments[target.implementation.framework, target.mode]
        yield Result(case, target, outcome, judgement, reason, environment, content)


def fill(location, results=RESULTS, day=1):
    """Make a store, or add the same run of another day to it."""
    rng = random.Random(7)  # noqa: S311 - reproducible plausibility, no secrets
    uid, started = f"2026010{day}T000000-aaa", f"2026-01-0{day}T00:00:00+00:00"
    run = Run(uid, started, started, "xentbench run --preset full", "full", {"cores": "8"})
    with Store(location) as store:
        store.join(run)
        environments = {
            (framework, mode): store.add_environment(
                {"framework": framework, framework: "1.0", "mode": mode, "threads": "1", "processor": "Xeon" * 10}
            )
            for framework, modes in FRAMEWORKS.items()
            for mode in modes
        }
        waiting = []
        for number in range(results // TARGETS):
            waiting += answers(rng, number, environments)
            if len(waiting) >= AT_ONCE:
                store.append(uid, waiting)
                waiting.clear()
        store.append(uid, waiting)
