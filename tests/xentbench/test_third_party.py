"""An adapter of another package, found by its entry point, has all that a framework of ours has."""

import re
import subprocess
import sys
from collections import Counter

import pytest

from harness.store import Store
from tests.conftest import THIRD_PARTY

ASKED = ("--preset", "quick", "--op", "softmax", "--dtype", "float32", "--family", "normal")
JUDGED = """
import brewery
from xentbench import implements

@implements("softmax", framework="brewed")
def mine(logits, axis=-1):
    return brewery.softmax(logits, axis)
"""


@pytest.fixture(scope="module")
def asked(shell, folder):
    """Ask the other package's framework; return how it ended, its store and the page of its report."""
    store, report = folder / "brewed.sqlite", folder / "brewed"
    ended = shell("run", "--on", "brewed", *ASKED, "--store", store, "--report", report)
    return ended, store, (report / "index.html").read_text("utf-8")


def test_it_is_listed_and_asked_and_reported(shell, asked):
    """Its functions and modes are listed; what deviates is told in the terminal and in the report."""
    listed = shell("list", "targets", "--on", "brewed")

    assert re.search(r"softmax +brew\.softmax +fused +brewing +cpu", listed.stdout)
    assert asked[0].returncode == 1, asked[0].stdout + asked[0].stderr
    assert "brew.softmax@plain: error is" in asked[0].stdout
    assert "brewed" in asked[2]


def test_its_mode_that_compiles_is_spared(asked):
    """The mode that says that it compiles slowly is asked less than the plain one, and not nothing."""
    with Store(asked[1]) as store:
        counts = Counter(result.target.mode for result in store.results(store.run().uid))

    assert 0 < counts["brewing"] < counts["plain"] / 3


def test_its_reproducer_prints_its_own_import(shell, asked, tmp_path):
    """The script imports the library as the catalogue names it, runs without the harness, and finds the error."""
    ended = shell("explain", "softmax-value-normal-float32-32x64@brew.softmax@plain", "--store", asked[1])
    script = tmp_path / "again.py"
    script.write_text(ended.stdout[ended.stdout.index("# softmax-value") :], encoding="utf-8")

    assert "import brewery as brew" in script.read_text("utf-8")
    assert "return brew.softmax(logits, axis=-1)" in script.read_text("utf-8")
    said = subprocess.run(
        [sys.executable, str(script)],
        cwd=THIRD_PARTY,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": "."},
    )
    assert re.search(r"error +-?\d+", said.stdout), said.stdout + said.stderr
    assert "hint" not in said.stdout


def test_functions_of_its_users_are_judged(shell, folder):
    """A file may implement an op for it, and is judged in its plain mode."""
    (folder / "brew_kernel.py").write_text(JUDGED, encoding="utf-8")
    ended = shell("judge", folder / "brew_kernel.py", "--first", *ASKED[4:], "--store", folder / "judged-brew.sqlite")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "mine (softmax, brewed): deviates" in ended.stdout
