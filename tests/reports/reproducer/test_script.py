"""The scripts run, alone, and find the error they claim."""

import functools
import json
import os
import subprocess
import sys
from dataclasses import replace

import mpmath
import pytest

from harness.model import Case, Implementation, Op, Result, Score, Target, Worst
from harness.ops import OPS
from reference import tiers
from reference.golden import digits
from reference.options import meaning
from reports.reproducer import script
from suites.judging.worst import worst_element
from suites.questions import linear

LISTING = """
import json, sys, warnings
warnings.simplefilter("ignore")
from harness import adapters
try:
    adapter = adapters.load(sys.argv[1])
except adapters.NotInstalled as error:
    sys.exit(str(error))
def answers(implementation):
    if not adapter.offer(implementation).takes():  # asked in few questions, which are others than these
        return False
    try:
        adapter.offer(implementation).build()
    except adapters.NotSupported:  # such as a loss that gives a mean alone
        return False
    return True
print(json.dumps([[i.op, i.name, i.kind] for i in adapter.implementations() if answers(i)]))
"""
RUNNER = """
import contextlib, io, json, sys, traceback
answers = []
for script in json.load(sys.stdin):
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            exec(script, {})
    except Exception:
        said.write(traceback.format_exc())
    answers.append(said.getvalue())
assert not {"harness", "reports"} & set(sys.modules)
print(json.dumps(answers))
"""
LOGITS = (0.5, -1.25, 2.0, 0.125, 3.5)
LABELS = (0.0625, 0.5, 0.25, 0.125, 0.0625)
MODES = {
    "torch": ("eager",),
    "jax": ("eager", "jit"),
    "tensorflow": ("eager", "function", "xla", "session"),
    "numpy": ("eager",),
    "scipy": ("eager",),
    "sklearn": ("eager",),
    "mlx": ("eager",),
    "paddle": ("dynamic",),
}
VALUES = ("numpy", "scipy", "sklearn")  # which have no gradients
LINEAR = [framework for framework in MODES if framework not in {"scipy", "sklearn"}]
NARROW = (
    "scipy",
    "sklearn",
    "mlx",
    "paddle",
)  # asked in float32, as not all of these have the others to the last digits
PROBABILITIES = (0.125, 0.25, 0.5, 0.0625, 0.0625)
UPSTREAM = (0.75, -0.5, 0.25, 1.0, 0.125)  # of a loss, the first alone


def hexes(numbers):
    """Print numbers as a row of hex floats."""
    return " ".join(number.hex() for number in numbers)


def exact(op, quantity):
    """Return the exact value of element 1 (or of the row's loss, labelled 1) and whether it is one of a row."""
    x, y = [mpmath.mpf(v) for v in LOGITS], [mpmath.mpf(v) for v in LABELS]
    p = [mpmath.exp(v) / sum(map(mpmath.exp, x)) for v in x]
    up = [mpmath.mpf(v) for v in UPSTREAM]
    s = 1 / (1 + mpmath.exp(-x[1]))
    given = [mpmath.mpf(v) for v in PROBABILITIES]
    logs = [-mpmath.log(one) for one in p]
    sure, missed = -y[1] * mpmath.log(s) - (1 - y[1]) * mpmath.log(1 - s), y[1] * (1 - s) + (1 - y[1]) * s
    focal = [z * ((1 - a) ** 2 + 2 * (1 - a) * a * b) for z, a, b in zip(y, p, logs, strict=True)]
    poly = [z * (1 + 2 * a) for z, a in zip(y, p, strict=True)]
    head = mpmath.exp(x[1]) / (1 + mpmath.exp(x[0]) + mpmath.exp(x[1]))  # of two classes of five, and the others
    values = {
        "softmax": p[1],
        "log_softmax": mpmath.log(p[1]),
        "logsumexp": mpmath.log(sum(map(mpmath.exp, x))),
        "sigmoid": s,
        "log_sigmoid": mpmath.log(s),
        "sparse_xent": -mpmath.log(p[1]),
        "dense_xent": -sum(a * mpmath.log(b) for a, b in zip(y, p, strict=True)),
        "sigmoid_xent": sure,
        "sparse_prob_xent": -mpmath.log(given[1]),
        "kl_div": y[1] * (mpmath.log(y[1]) - x[1]),
        "entropy": -sum(a * mpmath.log(a) for a in p),
        "bernoulli_entropy": -s * mpmath.log(s) - (1 - s) * mpmath.log(1 - s),
        "sigmoid_focal_xent": missed**2 * sure,
        "focal_xent": sum(z * (1 - a) ** 2 * b for z, a, b in zip(y, p, logs, strict=True)),
        "poly_xent": sum(z * (b + 2 * (1 - a)) for z, a, b in zip(y, p, logs, strict=True)),
        "adaptive_xent": -mpmath.log(head),
        "generalized_prob_xent": 2 - 2 * mpmath.sqrt(given[1]),
        "dense_prob_xent": -sum(a * mpmath.log(b) for a, b in zip(y, given, strict=True)),
        "binary_prob_xent": -y[1] * mpmath.log(given[1]) - (1 - y[1]) * mpmath.log(1 - given[1]),
    }
    gradients = {
        "softmax": p[1] * (up[1] - sum(a * b for a, b in zip(up, p, strict=True))),
        "log_softmax": up[1] - p[1] * sum(up),
        "logsumexp": up[0] * p[1],
        "sigmoid": up[1] * s * (1 - s),
        "log_sigmoid": up[1] * (1 - s),
        "sparse_xent": up[0] * (p[1] - 1),
        "dense_xent": up[0] * (p[1] - y[1]),
        "sigmoid_xent": up[1] * (s - y[1]),
        "sparse_prob_xent": -up[0] / given[1],
        "kl_div": -up[1] * y[1],
        "bernoulli_entropy": -up[1] * x[1] * s * (1 - s),
        "sigmoid_focal_xent": up[1] * missed * (2 * (1 - 2 * y[1]) * s * (1 - s) * sure + missed * (s - y[1])),
        "focal_xent": up[0] * (p[1] * sum(focal) - focal[1]),
        "poly_xent": up[0] * (p[1] * sum(poly) - poly[1]),
        "adaptive_xent": up[0] * (head - 1),
        "generalized_prob_xent": -up[0] / mpmath.sqrt(given[1]),
        "entropy": up[0] * p[1] * (sum(a * mpmath.log(a) for a in p) - mpmath.log(p[1])),
        "dense_prob_xent": -up[0] * y[1] / given[1],
        "binary_prob_xent": up[1] * (given[1] - y[1]) / given[1] / (1 - given[1]),
    }
    return (values if quantity == "value" else gradients)[op], quantity != "value" or not OPS[op].one_a_row


def result(framework, op, name, kind="fused", *, mode="eager", dtype="float32", quantity="value", **replaced):
    """Make the result of a question whose answer is known."""
    with mpmath.workdps(40):
        value, element = exact(op, quantity)
        digits = mpmath.nstr(value, 30)
    rounded = float(value).hex()
    label = {"none": "", "index": "1", "row": hexes(LABELS)}[OPS[op].labels]
    upstream = "" if quantity == "value" else hexes(UPSTREAM[:1] if OPS[op].one_a_row else UPSTREAM)
    row = hexes(PROBABILITIES if OPS[op].takes == "probabilities" else LOGITS)
    fields = {"index": (0, 1) if element else (0,), "logits": row, "label": label, "upstream": upstream}
    worst = Worst(**fields | replaced, exact=digits, expected=rounded, got=rounded, ulp=0.5)
    score = Score(5, 0.5, 0.5, 0.0, {"S": 0.5}, "S", {}, worst)
    case = Case(Op.of(op), quantity, "normal", dtype, 1, 5)
    return Result(case, Target(Implementation(framework, op, name, kind), mode), score, "conforms")


@functools.cache
def implementations(framework):
    """List what the adapter offers, once a process, or skip where the framework is missing."""
    done = subprocess.run([sys.executable, "-c", LISTING, framework], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{framework} is not installed here: {done.stderr.strip()[-200:]}")
    return json.loads(done.stdout)


def run(results, tmp_path, facts=script.NOTHING):
    """Run the scripts in one process of their own that cannot see the harness; facts: of the environment of all."""
    scripts = json.dumps([script.script(each, facts) for each in results])
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUNNER], input=scripts, capture_output=True, text=True, cwd=tmp_path, check=True
    )
    return json.loads(done.stdout)


def ulps(said):
    """Read the error a script printed, without its sign."""
    lines = [line for line in said.splitlines() if line.startswith("error ")]
    assert lines, said
    return abs(float(lines[0].split()[1]))


@pytest.mark.parametrize("framework", MODES)
def test_scripts_run_for_every_implementation(framework, tmp_path):
    """Every implementation's script runs without the harness and lands close to the truth."""
    asked = []
    for n, (op, name, kind) in enumerate(implementations(framework)):
        if OPS[op].linear:
            continue
        # One question an implementation keeps the test short; modes, dtypes and quantities take turns.
        quantity = "value" if framework in VALUES or n % 2 else "grad_logits"
        mode, dtype = MODES[framework][n % len(MODES[framework])], ("float32", "bfloat16", "float64")[n % 3]
        dtype = (
            "float32" if name.endswith("log_loss") or framework in NARROW else dtype
        )  # the gradient of others raises
        asked.append(result(framework, op, name, kind, mode=mode, dtype=dtype, quantity=quantity))

    said = run(asked, tmp_path)

    # Far by nature: misuse, an epsilon of 1e-7, tf.compat.v1.losses, which casts every loss to float32, and Keras's
    # gradients of probabilities, which it divides by their sum.
    far = ("1e-7", "tf.compat.v1.losses")
    by_nature = [
        a.target.implementation.kind == "misuse"
        or any(w in str(a.target) for w in far)
        or (a.target.implementation.name.startswith("keras.losses.") and "prob_xent-grad" in str(a.case))
        for a in asked
    ]
    near = [ulps(text) < 200 or off for text, off in zip(said, by_nature, strict=True)]
    assert all(near), [text for text, fits in zip(said, near, strict=True) if not fits]


def linear_result(framework, op, name, kind, mode, quantity, dtype):
    """Make the result of a linear op's question, whose whole batch the script draws again."""
    shape = (3, 4, 5) if OPS[op].labels == "index" else (8, 4, 40)  # long labels are told where they are not 0
    case = linear.case(Op.of(op), quantity, "hidden_normal", dtype, shape)
    inputs = linear.inputs(case)
    golden, index = meaning.golden(case.op, quantity, inputs, tiers.certify), (1,) if quantity == "value" else (1, 2)
    exact, rounded = digits(golden, index), float(golden.hi[index]).hex()
    score = Score(3, 0.5, 0.5, 0.0, {"S": 0.5}, "S", {}, worst_element(case, inputs, index, golden.hi[index], 0.0))
    worst = replace(score.worst, exact=exact, expected=rounded, got=rounded)
    target = Target(Implementation(framework, op, name, kind), mode)
    return Result(case, target, replace(score, worst=worst), "conforms")


@pytest.mark.parametrize("framework", LINEAR)
def test_scripts_of_a_linear_op_draw_their_batch(framework, tmp_path):
    """Hidden states and weight are drawn again, in every dtype, and each gradient is that of its own array."""
    quantities = ("value",) if framework in VALUES else ("value", "grad_hidden", "grad_weight")
    dtypes = ("float32",) * 3 if framework in NARROW else ("bfloat16", "float32", "float64")
    asked = [
        linear_result(framework, op, name, kind, MODES[framework][0], quantity, dtype)
        for op, name, kind in implementations(framework)
        if OPS[op].linear
        for quantity, dtype in [*zip(quantities, dtypes, strict=False)][-1 if "dense" in op else 0 :]
    ]

    said = run(asked, tmp_path)

    assert asked
    assert [text for text in said if ulps(text) > 200] == []


@pytest.mark.skipif(
    "XENTBENCH_SLOW" not in os.environ, reason="torch.compile takes half a minute; set XENTBENCH_SLOW=1"
)
def test_compiled_torch_script(tmp_path):
    """A script for torch.compile compiles, in bfloat16 and backwards."""
    implementations("torch")
    asked = result("torch", "softmax", "torch.softmax", mode="compile", dtype="bfloat16", quantity="grad_logits")

    (said,) = run([asked], tmp_path)

    assert ulps(said) < 200


def test_recipe_and_wrong_answer(tmp_path):
    """A recipe draws the row by itself, and an answer apart from the stored one is said to be so."""
    recipe = f"# python: a recipe\nrow = np.array({list(LOGITS)})"
    name = "np.exp(logits - max) / sum"
    asked = result("numpy", "softmax", name, "control", dtype="float64", logits=recipe)

    (said,) = run([asked], tmp_path)

    assert ulps(said) < 2
    assert "got      " in said


def test_sparse_labels(tmp_path):
    """Long rows of labels come as index=value of what is not zero."""
    label = " ".join(f"{i}={v.hex()}" for i, v in enumerate(LABELS))
    name = "-sum(labels * the textbook log_softmax)"
    asked = result("numpy", "dense_xent", name, "control", dtype="float64", label=label)

    (said,) = run([asked], tmp_path)

    assert ulps(said) < 4


def test_mean_of_a_batch(tmp_path):
    """Of a mean the whole batch is written out, and reduced in the framework's way."""
    case = Case(Op.of("sparse_xent", reduction="mean"), "value", "normal", "float64", 2, 5)
    one = result("numpy", "sparse_xent", "-(the textbook log_softmax)[labels]", "control", dtype="float64")
    twice = replace(one.outcome.worst, index=(), logits=f"{hexes(LOGITS)} {hexes(LOGITS)}", label="1 1")
    asked = replace(one, case=case, outcome=replace(one.outcome, worst=twice))

    (said,) = run([asked], tmp_path)

    assert ulps(said) < 4
    assert "mean of" not in said


KERNELS = """
import numpy as np
from beside import shifted

def my_softmax(logits, axis):
    return shifted(logits, axis), None

def my_last(logits):
    return shifted(logits, -1)

def my_loss(logits, labels):
    return -np.log(my_last(logits)[np.arange(len(labels)), labels])
"""
BESIDE = """
import numpy as np

def shifted(logits, axis):
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
"""


@pytest.mark.parametrize(
    ("op", "name"), [("softmax", "my_softmax"), ("softmax", "my_last"), ("sparse_xent", "my_loss")]
)
def test_judged_function_is_imported_from_its_file(tmp_path, op, name):
    """A script of somebody's own function imports the file by its path, with what lies beside it, and calls it."""
    (tmp_path / "my kernels.py").write_text(KERNELS, encoding="utf-8")
    (tmp_path / "beside.py").write_text(BESIDE, encoding="utf-8")
    asked, facts = result("numpy", op, name, dtype="float64"), {"file": str(tmp_path / "my kernels.py")}
    assert script.offered(asked, facts)
    (tmp_path / "again.py").write_text(script.script(asked, facts), encoding="utf-8")

    ended = subprocess.run([sys.executable, "again.py"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert ulps(ended.stdout) < 4


def test_judged_function_with_options_has_no_script():
    """What its parameters are called is not stored, and a lambda has no name to be imported by."""
    asked = result("torch", "softmax", "my_softmax")
    axis = replace(asked, case=replace(asked.case, op=Op.of("softmax", axis=0, rank=2)))
    nameless = result("torch", "softmax", "<lambda>")

    assert not script.offered(axis, {"file": "kernels.py"})
    assert not script.offered(nameless, {"file": "kernels.py"})


def test_unknown_framework_says_what_to_write():
    """A name of a framework unknown here becomes a place to fill in, not a guess."""
    assert "raise NotImplementedError" in script.script(result("mystery", "softmax", "their thing"))


def test_a_composition_is_printed_as_it_ran():
    """The line is the row's own text; options stand in the function's head, and what goes wrong stands above."""
    text = script.script(
        result("torch", "dense_xent", "torch.nn.functional.cross_entropy(torch.softmax(logits), labels)")
    )

    assert 'def function(logits, labels, reduction="none"):' in text
    assert "    # Hands probabilities to a function that takes logits.\n" in text
    assert (
        "return torch.nn.functional.cross_entropy(torch.softmax(logits, dim=-1), labels, reduction=reduction)" in text
    )


def test_modules_are_imported_where_they_are_named():
    """A script imports its framework, and of its companions those that its line needs."""
    assert "import optax" not in script.script(result("jax", "softmax", "jax.nn.softmax"))
    assert "import optax" in script.script(result("jax", "dense_xent", "optax.softmax_cross_entropy"))
    assert script.script(result("numpy", "softmax", "np.exp(logits - max) / sum")).count("import numpy as np") == 1


def test_row_of_any_width_is_as_wide_as_it_is():
    """A sweep over the width is of no one shape, so its script takes the row's own."""
    worst = Worst(
        (0, 0), "# python\nimport numpy as np\n\nrow = np.full(3, -1.0)\n", "", "", "0.3", "0x1p-2", "0x1p-2", 1.0
    )
    case = Case(Op.of("softmax"), "value", "width_swamp", "float32", 70_000, 70_000)
    target = Target(Implementation("torch", "softmax", "torch.softmax", "fused"), "eager")
    score = Score(3, 1.0, 1.0, 0.0, {"S": 0.5}, "S", worst=worst)

    assert "reshape(-1, row.size)" in script.script(Result(case, target, score, "conforms"))
