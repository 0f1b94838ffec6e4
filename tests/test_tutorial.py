"""The tutorial's commands run, in its order, and answer what stands below them."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

TUTORIAL = (ROOT / "docs/tutorial.md").read_text("utf-8")
LISTING = re.compile(r"```console\n(.*?)```", re.DOTALL)
FILE = re.compile(r"Write this as `(\w+\.py)`:\n\n```python\n(.*?)```", re.DOTALL)
LEFT_OUT = "..."


def listings(text):
    """Return each command of a page with the text that stands below it."""
    parts = [re.split(r"^\$ ", listing, flags=re.MULTILINE)[1:] for listing in LISTING.findall(text)]
    return [tuple(part.split("\n", 1)) for listing in parts for part in listing]


def pattern(shown):
    """Return the regular expression of a listing: a line of three dots is any lines, three dots in a line any words."""
    lines = shown.strip("\n").split("\n")
    made = [
        r"(?:.*\n)*?" if line == LEFT_OUT else r".*".join(map(re.escape, line.split(LEFT_OUT))) + r"\n"
        for line in lines
    ]
    return re.compile("".join(made))


def run(command, folder):
    """Run a command of the program and return what it prints."""
    program, *words = shlex.split(command)
    assert program == "xentbench"
    return subprocess.run(
        [sys.executable, "-m", "xentbench", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_tutorial_is_true(tmp_path):
    """From the kernel to its bug report and back to one that conforms, as the page tells it."""
    pytest.importorskip("torch")
    shutil.copy(ROOT / "examples/my_kernel.py", tmp_path)
    for name, text in FILE.findall(TUTORIAL):
        (tmp_path / name).write_text(text, "utf-8")

    ended = [(command, shown, run(command, tmp_path)) for command, shown in listings(TUTORIAL)]

    for command, shown, process in ended:
        assert pattern(shown).fullmatch(process.stdout), f"$ {command}\n{process.stdout}\n{process.stderr}"
    assert [process.returncode for _, _, process in ended] == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n...\nz\n", "a\nb\nc\nz\n", True),
        ("a\n...\n", "a\n", True),
        ("a ... c\n", "a b c\n", True),
        ("a\nz\n", "a\nb\nz\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_listing_is_compared(shown, printed, same):
    """Three dots stand for what is left out, and nothing else does."""
    assert bool(pattern(shown).fullmatch(printed)) is same
