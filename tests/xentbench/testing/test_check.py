"""`check` and `assert_conforms`: in this process, without a file, with findings to read."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xentbench
from harness.store import Store
from tests.conftest import ROOT, Shell
from xentbench.judging import accept

SMOKE_SECONDS = 5.0  # of processor time, for a torch function, once torch is imported and the machine is idle
QUICK = {"framework": "numpy", "families": ["normal", "offset"]}


def right(logits, axis):
    """Shift by the maximum."""
    if not logits.size:
        return logits.copy()
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def unshifted(logits, axis):
    """Overflow."""
    powers = np.exp(logits)
    return powers / powers.sum(axis=axis, keepdims=True)


def mean(logits, labels):
    """Reduce what is asked one a row."""
    return -np.log(right(logits, -1)[np.arange(len(labels)), labels]).mean()


def test_right_function_conforms():
    """Nothing is found, and nothing is raised."""
    found = xentbench.check(right, "softmax", **QUICK)

    assert (found.verdict, list(found)) == ("conforms", [])
    assert found.answers > 10
    xentbench.assert_conforms(right, "softmax", **QUICK)


def test_wrong_function_is_told(tmp_path, monkeypatch):
    """The assertion says what went wrong: mechanism, got, expected, the input, and how to see more; no file is made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError) as raised:
        xentbench.assert_conforms(unshifted, "softmax", **QUICK)

    lines = str(raised.value).splitlines()
    assert lines[0].startswith("unshifted (softmax, numpy): deviates, ")
    assert lines[1].startswith("  1. value of softmax is nan, not ")
    assert [line.split()[0] for line in lines[2:5]] == ["got", "expected", "input"]
    assert 'xentbench.check(unshifted, "softmax", framework="numpy", store=' in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_findings_are_plain():
    """What `check` returns is read by name: numbers, texts and tuples."""
    finding = xentbench.check(unshifted, "softmax", dtypes="float32", **QUICK)[0]

    assert (finding.op, finding.dtype, finding.check, finding.got) == ("softmax", "float32", "accuracy", "nan")
    assert isinstance(finding, xentbench.Finding)
    assert 0 < float(finding.decimals["expected"]) < 1
    with pytest.raises(AttributeError):
        finding.got = "0"


def test_another_signature_is_told():
    """A mean is not judged, and the message says what to return."""
    with pytest.raises(
        AssertionError, match=r"`mean` returned a number, expected one loss a row, shape \(32,\); return"
    ):
        xentbench.assert_conforms(mean, "sparse_xent", **QUICK)


def test_first_ends_the_asking():
    """The first finding is enough where it is asked for."""
    found = xentbench.check(unshifted, "softmax", first=True, **QUICK)

    assert (len(found), found[0].answers) == (1, 1)
    assert found.not_asked > 10


def test_accepted_deviations_are_known(tmp_path):
    """What a list accepts is no finding; a list that is not there is an error."""
    file = tmp_path / "accepted.toml"
    accept.append(file, '[[known]]\ncase = "*"\ntarget = "unshifted@*"\nreason = "logits stay small"\n')

    assert xentbench.check(unshifted, "softmax", known=file, **QUICK).verdict == "conforms"
    with pytest.raises(ValueError, match="list of known deviations is"):
        xentbench.check(unshifted, "softmax", known=tmp_path / "none.toml", **QUICK)


def test_store_and_goldens_are_where_they_are_asked(tmp_path):
    """A store holds the run, finished, and the finding names the command that explains it, with a script that runs."""
    store, goldens = tmp_path / "judged.sqlite", tmp_path / "goldens"

    finding = xentbench.check(unshifted, "softmax", store=store, goldens=goldens, first=True, **QUICK)[0]

    with Store(store) as opened:
        (run,) = opened.runs()
        stored = list(opened.results(run.uid))
    assert run.finished
    assert any(path.is_file() for path in goldens.rglob("*"))
    assert [str(result.case) for result in stored if result.judgement == "deviates"] == [finding.case]
    assert finding.explain == f"xentbench explain {finding.case}@unshifted@eager --store {store} --run {run.uid}"
    explained = Shell(tmp_path)(*finding.explain.split()[1:])
    assert f"module.{finding.implementation}" in explained.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"op": "softmin"}, "op is 'softmin', expected one of softmax"),
        ({"framework": "torhc"}, "'torhc', expected one of"),
        ({"preset": "smok"}, "--preset is 'smok', expected one of smoke"),
        ({"dtypes": ["float31"]}, "--dtype is 'float31', expected one of"),
        ({"modes": ["jit"]}, "--on is 'numpy:jit', expected one of the modes"),
        ({"families": ["offsets"]}, "--family is 'offsets', expected one of"),
        ({"device": "cuda"}, "device is 'cuda', expected one of cpu"),
    ],
)
def test_names_that_are_off(options, message):
    """A name that is off is answered with the choices, before anything is asked."""
    given = {"op": "softmax", "framework": "numpy"} | options

    with pytest.raises(ValueError, match=message):
        xentbench.check(right, given.pop("op"), **given)


def test_what_is_no_function_is_refused():
    """A value that cannot be called is refused before anything is asked of it."""
    with pytest.raises(TypeError, match="function is 3, expected one that can be called"):
        xentbench.check(3, "softmax", framework="numpy")


def test_function_that_returns_nothing_fails():
    """A missing return is named, value and gradient alike."""

    def silent(logits):
        np.exp(logits)

    found = xentbench.check(silent, "sigmoid", framework="numpy", dtypes=["float32"], families=["offset"])

    assert found.verdict == "failed"
    assert found[0].mechanism == "`silent` returned None, expected an array; try: return"


def test_strict_finds_more():
    """What depends on more than its row deviates where one is strict, and is said where one is not."""

    def by_batch(logits, axis):
        """Differ by a rounding in another batch."""
        answer = right(logits, axis)
        return np.nextafter(answer, answer.dtype.type(1)) if logits.shape[0] == 33 and logits.ndim == 2 else answer

    plain = xentbench.check(by_batch, "softmax", framework="numpy", families=["normal"])
    strict = xentbench.check(by_batch, "softmax", framework="numpy", families=["normal"], strict=True)

    assert plain.verdict == "conforms"
    assert any(line.startswith("invariance.batch: bits differ") for line in plain.recorded)
    assert "invariance.batch" in {finding.check for finding in strict}


CONSUMER = """
import time, torch
import xentbench
def loss(logits, labels):
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")
torch.set_num_threads(1)
began = time.process_time()
xentbench.assert_conforms(loss, "sparse_xent", framework="torch")
cold = time.process_time() - began
xentbench.assert_conforms(loss, "sparse_xent", framework="torch")
print(cold, time.process_time() - began - cold)
"""


def test_smoke_is_quick_for_a_torch_function(tmp_path):
    """A torch loss is judged in a few seconds of processor time, and in less the second time: goldens are kept."""
    pytest.importorskip("torch")

    ended = subprocess.run(
        [sys.executable, "-c", CONSUMER],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    _, warm = map(float, ended.stdout.split())
    assert warm < SMOKE_SECONDS
    assert list(Path(tmp_path).iterdir()) == []
