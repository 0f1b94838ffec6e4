"""`pytest suites`: what it takes, and what it leaves."""

import re
from collections import Counter

import pytest

from harness.model import Score
from harness.store import Store
from tests.conftest import ROOT
from tests.made.front_door import FEW


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_pytest_runs_the_suites(shell, folder, workers):
    """`pytest suites` takes -k and -n as pytest users expect, and what it asks lands in the store named."""
    store = folder / f"pytest{len(workers)}.sqlite"

    ended = shell("suites", *FEW, "-k", "softmax and near_ties", *workers, "--store", store, module="pytest", cwd=ROOT)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    with Store(store) as opened:
        (run,) = opened.runs()
        found = list(opened.results(run.uid))
    assert run.finished
    assert f"{sum(isinstance(r.outcome, Score) for r in found)} passed" in ended.stdout
    assert Counter((r.case.op.name, r.case.quantity) for r in found) == {
        (op, quantity): 1 for op in ("softmax", "log_softmax") for quantity in ("value", "grad_logits")
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(("--on", "tourch"), 4, id="framework"),
        pytest.param(("--on", "numpy:nope"), 4, id="mode"),
        pytest.param(("--on", "numpy", "--preset", "x"), 4, id="preset"),
        pytest.param(("--on", "numpy", "--collect-only"), 0, id="collect-only"),
        pytest.param(("--help",), 0, id="help"),
    ],
)
def test_pytest_that_asks_nothing_leaves_no_run(shell, folder, arguments, code):
    """A usage error or a mere listing leaves no empty run behind, which would be the latest."""
    store = folder / "unasked.sqlite"

    ended = shell("suites", *arguments, "-p", "no:cacheprovider", "-q", "--store", store, module="pytest", cwd=ROOT)

    assert ended.returncode == code
    assert "expected one of" in ended.stderr or code == 0
    if store.exists():
        with Store(store) as opened:
            assert opened.runs() == []


def test_pytest_stores_what_it_notes(shell, tmp_path):
    """Where nobody watches, what a process notes is stored with the run: here what it did not measure anew."""
    store = tmp_path / "noting.sqlite"  # what is kept lies beside it
    args = (*FEW, "-k", "softmax and near_ties", "--store", store)
    for _ in range(2):
        assert shell("suites", *args, module="pytest", cwd=ROOT).returncode == 0

    with Store(store) as opened:
        first, second = opened.runs()
    told = [
        re.match(r"(\d+) of (\d+) measurements are those of earlier answers", " ".join(one.notes))
        for one in (first, second)
    ]
    assert told[0] is None  # the first measures all of them
    assert told[1]
    assert told[1][1] == told[1][2]


def test_pytest_begins_the_run_that_is_named(shell, folder):
    """`pytest suites --run-uid` begins a run of that id, or adds a shard to it, and ends it."""
    store = folder / "named.sqlite"
    args = (*FEW, "-k", "softmax and near_ties", "--run-uid", "ci-8", "--store", store)

    for shard in ("1/2", "2/2"):
        ended = shell("suites", *args, "--shard", shard, module="pytest", cwd=ROOT)
        assert ended.returncode in {0, 5}, ended.stdout + ended.stderr

    with Store(store) as opened:
        (run,) = opened.runs()
        assert (run.uid, run.shards) == ("ci-8", ("0/2", "1/2", "2/2"))
        assert run.finished
        assert len(opened.done("ci-8")) == 4


AT_EXIT = """
import atexit, pathlib

import numpy as np
from xentbench import implements

atexit.register(pathlib.Path(__file__).with_suffix(".torn_down").touch)


@implements("sigmoid", framework="numpy")
def own(logits):
    return 1 / (1 + np.exp(-logits))
"""


@pytest.mark.parametrize("watched", [True, False])
def test_a_watched_process_ends_once_all_is_stored(shell, folder, watched):
    """What libraries do while they are torn down costs nothing then; all else that pytest ends with is done."""
    file, store = folder / f"at_exit_{watched}.py", folder / f"at_exit_{watched}.sqlite"
    file.write_text(AT_EXIT)
    options = ("--judge", file, "--dtype", "float32", "--family", "normal", "--store", store)
    journal = ("--journal", folder / "at_exit.journal") if watched else ()

    ended = shell("suites", *options, *journal, module="pytest", cwd=ROOT)

    assert ended.stdout.splitlines()[-1].startswith("====")  # pytest's last line
    assert (" passed" in ended.stdout) is not watched  # what is watched is told by the journal alone
    with Store(store) as opened:
        (run,) = opened.runs()
        assert run.finished
        assert opened.done(run.uid)
    assert file.with_suffix(".torn_down").exists() is not watched
