"""Verdicts on somebody's own functions: from results, and from the command line to the exit code."""

import json

import pytest

from harness.model import Case, Checked, Crashed, Failed, Implementation, Op, Result, Score, Target, Worst
from xentbench import judge

WORST = Worst((0, 1), "0x1p+0 0x1p+1", "1", "", "0.75", "0x1.8p-1", "0x1.9p-1", 2.0)
KERNELS = """
import numpy as np
from harness.adapters import implements

def shifted(logits, axis):
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)

@implements("softmax", framework="numpy")
def right(logits, axis):
    if not logits.size:
        return logits.copy()
    return shifted(logits, axis)

@implements("softmax", framework="numpy")
def unshifted(logits, axis):
    return np.exp(logits) / np.exp(logits).sum(axis=axis, keepdims=True)

@implements("softmax", framework="numpy")
def raises(logits, axis):
    raise RuntimeError("not today")

@implements("softmax", framework="numpy")
def no_float16(logits, axis):
    if logits.dtype == np.float16:
        raise TypeError("float16 is not taken")
    return right(logits, axis)
"""


def result(outcome, judgement="deviates", dtype="float32", name="kernel", check=""):
    """Return a result as a run stores it."""
    case = Case(Op.of("softmax"), "value", "normal", dtype, 32, 64, check=check)
    return Result(
        case, Target(Implementation("torch", "softmax", name, "fused"), "eager"), outcome, judgement, "the reason"
    )


def score(over):
    """Return a score so far over its bound."""
    return Score(10, 3.0, 1.0, 0.0, {"S": over}, "S" if over <= 1 else None, {}, WORST)


def test_verdicts():
    """All within: conforms; one beyond: deviates; nothing answered, or dead: failed."""
    found = judge.verdicts(
        [
            result(score(0.5), "conforms", name="good"),
            result(score(0.5), "conforms", name="bad"),
            result(score(2.0), name="bad", dtype="float64"),
            result(Failed("raised", "no"), name="ugly"),
            result(score(0.5), "conforms", name="dead"),
            result(Crashed("SIGSEGV"), name="dead"),
        ]
    )

    assert {one.implementation: one.verdict for one in found} == {
        "good": "conforms",
        "bad": "deviates",
        "ugly": "failed",
        "dead": "failed",
    }


def test_findings_begin_with_the_worst():
    """A finding says what was asked, what came back and why that is wrong; the largest comes first."""
    (one,) = judge.verdicts([result(score(2.0)), result(score(8.0)), result(Checked(4, 4.0), check="law.shift")])

    assert [finding["check"] for finding in one.findings] == ["accuracy", "law.shift", "accuracy"]
    assert one.findings[0] | {"case": ""} == {
        "check": "accuracy",
        "case": "",
        "quantity": "value",
        "family": "normal",
        "dtype": "float32",
        "mode": "eager",
        "device": "cpu",
        "worst_input": {"logits": "0x1p+0 0x1p+1", "label": "1", "upstream": ""},
        "expected": "0x1.8p-1",
        "exact": "0.75",
        "got": "0x1.9p-1",
        "reason": "the reason",
    }


def test_dtype_that_is_not_taken_is_no_deviation():
    """A function that raises for every question in a dtype, and answers in another, is not judged in that dtype."""
    (one,) = judge.verdicts([result(score(0.5), "conforms"), result(Failed("raised", "no"), dtype="float16")])

    assert one.verdict == "conforms"
    assert one.not_judged == [{"dtype": "float16", "reason": "the reason"}]


def test_answer_of_another_dtype_is_a_deviation():
    """float64 for float16 logits is an answer, and a wrong one."""
    odd = Failed("dtype", "dtype is float64, expected float16, as the logits'")
    (one,) = judge.verdicts([result(score(0.5), "conforms"), result(odd, dtype="float16")])

    assert (one.verdict, one.not_judged) == ("deviates", [])


def test_raise_among_answers_is_a_deviation():
    """A function that answers some questions in a dtype and raises for others deviates."""
    (one,) = judge.verdicts([result(score(0.5), "conforms"), result(Failed("raised", "no"))])

    assert one.verdict == "deviates"


@pytest.fixture(scope="module")
def judged(shell, tmp_path_factory):
    """Return the command's end on a file of four functions."""
    path = tmp_path_factory.mktemp("kernels") / "kernels.py"
    path.write_text(KERNELS, encoding="utf-8")
    return shell("judge", path, "--json")


def test_command_prints_json_and_exits_with_1(judged):
    """The list holds every function with its verdict; standard output holds nothing else."""
    found = {one["implementation"]: one for one in json.loads(judged.stdout)}

    assert judged.returncode == 1, judged.stderr
    assert {name: one["verdict"] for name, one in found.items()} == {
        "right": "conforms",
        "unshifted": "deviates",
        "raises": "failed",
        "no_float16": "conforms",
    }
    assert [entry["dtype"] for entry in found["no_float16"]["not_judged"]] == ["float16"]
    worst = next(finding for finding in found["unshifted"]["findings"] if finding["family"] == "offset")
    assert worst["got"] == "nan"
    assert float.fromhex(worst["worst_input"]["logits"].split()[0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("nowhere.py",), "file is nowhere.py, expected a Python file", id="file"),
        pytest.param(("x.py", "--preset", "slow"), "--preset is 'slow', expected one of quick", id="preset"),
        pytest.param(("x.py", "--dtype", "int8"), "--dtype is 'int8', expected one of float16", id="dtype"),
        pytest.param(("x.py", "--on", "tensorflw"), "--on is 'tensorflw', expected one of", id="framework"),
    ],
)
def test_usage_error(shell, arguments, said):
    """What is off is said with the choices, and exits with 2."""
    ended = shell("judge", *arguments)

    assert ended.returncode == 2
    assert said in " ".join(ended.stderr.split())
    assert not ended.stdout
