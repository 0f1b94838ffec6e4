"""`xentbench judge`: from the command line to verdicts, findings and the exit code."""

import json
import shlex

import pytest

from harness.store import Store
from tests.made.front_door import invoke
from xentbench.judging import command, watch

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
    assert [entry["what"] for entry in found["no_float16"]["not_judged"]] == ["float16"]
    worst = found["unshifted"]["findings"][0]
    assert (worst["got"], worst["dtype"]) == ("nan", "float32")
    assert float.fromhex(worst["worst_input"]["logits"].split()[0])
    assert all(worst["noticed"].values())
    assert worst["explain"].startswith(f"xentbench explain {worst['case']}@unshifted@eager --store ")


def test_one_cause_is_one_finding(judged):
    """Who overflows has a finding a quantity, and not one an answer; ten of them are enough."""
    found = {one["implementation"]: one for one in json.loads(judged.stdout)}

    assert len(found["unshifted"]["findings"]) <= 3
    assert len(found["raises"]["findings"]) == 1
    assert found["raises"]["findings"][0]["answers"] == 10
    assert found["raises"]["not_asked"] > 100


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("nowhere.py",), "file is nowhere.py, expected a Python file", id="file"),
        pytest.param(("x.py", "--preset", "slow"), "--preset is 'slow', expected one of smoke, quick", id="preset"),
        pytest.param(("x.py", "--family", "offsets"), "--family is 'offsets', expected one of", id="family"),
        pytest.param(("x.py", "--known", "none.toml"), "list of known deviations is none.toml", id="known"),
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


MEAN = """
import numpy as np
from xentbench import implements

@implements("sparse_xent", framework="numpy")
def loss(logits, labels):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(p)), labels]).mean()

@implements("softmax", framework="numpy")
def pair(logits, axis=-1):
    if logits.ndim != 2 or axis not in (-1, 1):
        raise NotImplementedError("the last axis of a matrix only")
    e = np.exp(logits - logits.max(axis=axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=axis, keepdims=True), e
"""


@pytest.fixture(scope="module")
def signatures(shell, tmp_path_factory):
    """Return the command's end on functions of another signature than the judge's, and its folder."""
    folder = tmp_path_factory.mktemp("signatures")
    (folder / "kernels.py").write_text(MEAN, encoding="utf-8")
    store = folder / "judged.sqlite"
    return shell("judge", folder / "kernels.py", "--store", store, "--report", folder / "report"), folder


def test_a_mean_is_told_how_to_be_judged(signatures):
    """Who reduces the losses reads what to return instead, in one finding."""
    ended, _ = signatures
    lines = ended.stdout.splitlines()
    verdict = lines.index("loss (sparse_xent, numpy): not judged, 0 answers")
    finding = lines[verdict + 1]

    assert finding.startswith("  1. ")
    assert "  2. " not in ended.stdout
    assert "`loss` returned a number, expected one loss a row, shape (32,); return it unreduced" in finding


def test_what_is_refused_aloud_is_not_judged(signatures):
    """Refused axes are one line; of a tuple the first element is judged; the rest conforms."""
    ended, _ = signatures

    assert "pair (softmax, numpy): conforms" in ended.stdout
    assert "note: `pair` returned a tuple of 2; its first element is judged" in ended.stdout
    assert "not judged: axis, rank: refused aloud: NotImplementedError: the last axis of a matrix only" in ended.stdout
    assert ended.returncode == 1


def test_report_is_written_where_it_is_wanted(signatures):
    """The report's path comes last, and there is one."""
    ended, folder = signatures

    assert ended.stdout.splitlines()[-1] == f"report: {folder / 'report' / 'index.html'}"
    assert "<html" in (folder / "report" / "index.html").read_text("utf-8")[:200]


def test_first_finding_comes_early_and_ends_the_asking(shell, tmp_path):
    """With --first one finding is all, shown before the rest and with the command that explains it."""
    file, store = tmp_path / "kernels.py", tmp_path / "judged.sqlite"
    file.write_text(KERNELS, encoding="utf-8")

    ended = shell("judge", file, "--first", "--only", "unshifted", "--store", store, "--family", "normal,offset")

    with Store(store) as opened:
        (run,) = opened.runs()
        results = list(opened.results(run.uid))
    assert ended.returncode == 1
    assert ended.stdout.startswith("first finding, while the rest is asked: unshifted: value of softmax is nan, not ")
    assert [result.judgement for result in results].count("deviates") == 1
    assert results[-1].judgement == "deviates"
    assert {result.case.source.name for result in results} <= {"normal", "offset"}
    assert "questions not asked" in ended.stdout


def test_watch_judges_again_after_a_change(tmp_path, monkeypatch):
    """With --watch the file is judged at once, and again when it is written."""
    file = tmp_path / "kernel.py"
    file.write_text("", encoding="utf-8")
    rounds = iter([lambda: None, lambda: file.write_text("# new", encoding="utf-8"), lambda: None])

    def sleep(_seconds):
        step = next(rounds, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    judged = []
    monkeypatch.setattr(command, "judge_once", lambda request: judged.append(request.file) or command.Exit.CONFORMS)
    monkeypatch.setattr(watch.changes, "__defaults__", (sleep,))

    ended = invoke("judge", file, "--watch")

    assert judged == [file, file]
    assert ended.exit_code == 130
    assert "exit code 0; judged again when it changes" in ended.output


RUDE = """
import numpy as np
from xentbench import implements

np.seterr(over="raise")

def softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

@implements("softmax", framework="numpy")
def a_good(logits):
    return softmax(logits)

@implements("softmax", framework="numpy")
def rude(logits):
    answer = softmax(logits)
    np.exp = np.exp2
    return answer

@implements("softmax", framework="numpy")
def z_good(logits):
    return softmax(logits)
"""


@pytest.fixture(scope="module")
def neighbours(shell, tmp_path_factory):
    """Return what is said of a file in which one function changes the process, and where."""
    folder = tmp_path_factory.mktemp("rude")
    (folder / "rude.py").write_text(RUDE, encoding="utf-8")
    options = ("--dtype", "float32", "--family", "normal", "--store", folder / "s.sqlite")
    return shell("judge", folder / "rude.py", *options, "--json", "--report", folder / "page"), folder, options


def test_neighbour_of_one_that_changes_the_process_is_not_accused(neighbours):
    """What a function changes is its finding; the others conform, all questions asked; the file's doing is noted."""
    ended, *_ = neighbours
    found = {one["implementation"]: one for one in json.loads(ended.stdout)}

    assert ended.returncode == 1, ended.stderr
    words = {"a_good": "conforms", "rude": "deviates", "z_good": "conforms"}
    assert {name: one["verdict"] for name, one in found.items()} == words
    assert {(one["answers"], one["came"] == one["planned"]) for one in found.values()} == {
        (found["rude"]["answers"], True)
    }
    assert [one["mechanism"] for one in found["rude"]["findings"]] == ["`rude` changes functions of numpy (exp)"]
    assert found["z_good"]["notes"] == [
        "`z_good` is of a file that changes numpy's handling of errors when it is read; it is asked without that"
    ]


def test_change_of_the_process_is_explained_and_reported(neighbours):
    """Its finding has a command that explains it, and a place in the report."""
    ended, folder, _ = neighbours
    (finding,) = next(one["findings"] for one in json.loads(ended.stdout) if one["implementation"] == "rude")

    assert finding["explain"].startswith(f"xentbench explain {finding['case']}@rude@eager --store ")
    explained = invoke(*shlex.split(finding["explain"])[1:])
    assert explained.exit_code == 0, explained.output
    assert "the call changes functions of numpy (exp)" in explained.stdout
    assert "A call leaves its process as it was" in explained.stdout
    assert "the call changes functions of numpy (exp)" in (folder / "page" / "index.html").read_text("utf-8")


def test_first_finding_may_be_a_change_of_the_process(shell, neighbours):
    """With --first nothing more is asked then, in no other process either."""
    _, folder, options = neighbours

    ended = shell("judge", folder / "rude.py", *options, "--first", "--only", "rude,z_good", "--json")

    found = {one["implementation"]: one for one in json.loads(ended.stdout)}
    assert found["rude"]["verdict"] == "deviates"
    assert found["z_good"]["answers"] <= 1
