"""`xentbench sweep` from the outside: a line asked, stored and reported, and what is refused in one line."""

import pytest

from harness.model import Score
from harness.scoring import swept
from harness.store import Store
from harness.store.reading import always

TEXTBOOK = ("log_sigmoid", "--on", "numpy", "--kind", "control", "--quantity", "value", "--jobs", "1")


def test_line_is_asked_stored_and_reported(shell, tmp_path):
    """Every bfloat16 number is asked, and nothing of the pieces stays behind."""
    store, report = tmp_path / "store.sqlite", tmp_path / "report"

    ended = shell("sweep", *TEXTBOOK, "--store", store, "--report", report)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "numpy: 1 pieces, 0 of them kept from before" in ended.stdout
    with Store(store) as opened:
        (run,) = opened.runs()
        (result,) = opened.results(run.uid, always)
    assert (run.preset, bool(run.finished)) == ("sweep", True)
    assert isinstance(result.outcome, Score)
    assert swept.unpack(result.outcome.swept).elements == result.outcome.elements == 65_280
    assert (report / "index.html").exists()
    again = shell("sweep", *TEXTBOOK, "--store", store, "--report", report)
    assert "0 of them kept from before" in again.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("softmax",), "op is 'softmax', expected one whose answer is of one number"),
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
