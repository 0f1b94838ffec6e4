"""`xentbench sweep` from the outside: a line asked, stored and reported, and what is refused in one line."""

import re
import signal
import sqlite3
from contextlib import closing

import pytest

from harness.model import Score
from harness.scoring import swept
from harness.store import Store
from harness.store.reading import always
from tests.made.processes import wait_until

TEXTBOOK = ("log_sigmoid", "--on", "numpy", "--kind", "control", "--quantity", "value", "--jobs", "1")


def test_line_is_asked_stored_and_reported(shell, tmp_path):
    """Every bfloat16 number is asked, and nothing of the pieces stays behind."""
    store, report = tmp_path / "store.sqlite", tmp_path / "report"

    ended = shell("sweep", *TEXTBOOK, "--store", store, "--report", report)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(
        r"numpy: 1 piece, 0 of them kept from before; [0-9.]+ s of the processor$", ended.stdout, re.MULTILINE
    )
    with Store(store) as opened:
        (run,) = opened.runs()
        (result,) = opened.results(run.uid, always)
    assert (run.preset, bool(run.finished)) == ("sweep", True)
    assert isinstance(result.outcome, Score)
    assert swept.unpack(result.outcome.swept).elements == result.outcome.elements == 65_280
    assert (report / "index.html").exists()
    again = shell("sweep", *TEXTBOOK, "--store", store, "--report", report)
    assert "0 of them kept from before" in again.stdout


def test_sweep_that_is_killed_goes_on(shell, tmp_path):
    """After kill -9 in mid-sweep the pieces that were done are not asked again, and the answers are those of one go."""
    asked = ("sweep", "sigmoid,log_sigmoid", "--on", "numpy", "--kind", "control", "--jobs", "1")
    places = ("--store", tmp_path / "killed" / "r.sqlite", "--report", tmp_path / "report")
    with shell.start(*asked, *places) as process:
        wait_until(lambda: kept(tmp_path / "killed"))
        process.send_signal(signal.SIGKILL)
    before = len(kept(tmp_path / "killed"))

    ended = shell(*asked, *places)
    whole = shell(*asked, "--store", tmp_path / "r.sqlite", "--report", tmp_path / "report")

    assert 0 < before < 4
    assert f"numpy: 4 pieces, {before} of them kept from before" in ended.stdout, ended.stderr
    assert "numpy: 4 pieces, 0 of them kept from before" in whole.stdout, whole.stderr
    assert answers(tmp_path / "killed" / "r.sqlite") == answers(tmp_path / "r.sqlite")
    assert kept(tmp_path / "killed") == []


def kept(folder):
    """Return the pieces that are done beside a store; nothing where the file of pieces is still to be made."""
    if not (folder / "pieces.sqlite").exists():
        return []
    with closing(sqlite3.connect(folder / "pieces.sqlite", timeout=30)) as db:
        try:
            return list(db.execute("SELECT key FROM pieces"))
        except sqlite3.OperationalError:
            return []


def answers(path):
    """Return what a store holds of its one run."""
    with Store(path) as store:
        (run,) = store.runs()
        return list(store.results(run.uid, always))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("dense_xent",), "op is 'dense_xent', expected one whose answer is of one number"),
        (("softmax", "--dtype", "float64"), "dtype of pairs is 'float64', expected one of float16, bfloat16, float32"),
        (("sigmoid", "--dtype", "float8"), "--dtype is 'float8', expected one of float16"),
        (("sigmoid", "--executor", "here"), "--executor is 'here', expected a Dask scheduler's address"),
        (("sigmoid", "--binades", "1-2"), "--binades is '1-2', expected FROM-TO"),
        (("sigmoid", "--dtype", "float32", "--binades", "9-3"), "--binades is '9-3', expected FROM-TO, 0 to 510"),
        (("sigmoid", "--dtype", "float32", "--binades=-3"), "--binades is '-3', expected FROM-TO, 0 to 510"),
    ],
)
def test_what_is_off_is_one_line(shell, tmp_path, words, expected):
    """An option that is off ends the command with its name and what was expected."""
    ended = shell("sweep", *words, "--store", tmp_path / "store.sqlite")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert expected in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
