"""The figures of the house are within what a reader can hold, and the tool that prints them reads what is there."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import structure

ROOT = Path(__file__).parent.parent
LONGEST_CHAIN = 14  # links
FULLEST_FOLDER = 14  # modules
FULLEST_SHEET = 40  # arrows
LONG_FILES = {  # and why they are not split
    "harness/model.py": "the nouns, which are read together",
    "reference/fast/words.py": "one proof, operation by operation",
    "reference/fast/rows.py": "one proof, formula by formula",
}


def house(root, files):
    """Write modules under `harness`, by name and text."""
    for name, text in files.items():
        path = root / "harness" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_no_chain_of_imports_is_long():
    """What a module needs is reached in few steps."""
    chain = structure.longest_chain(structure.imports(ROOT))

    assert len(chain) <= LONGEST_CHAIN, " > ".join(chain)


def test_no_folder_is_overfull():
    """A reader sees a folder's modules at a glance."""
    assert {folder: count for folder, count in structure.folders(ROOT).items() if count > FULLEST_FOLDER} == {}


def test_no_sheet_is_overfull():
    """The arrows between the rooms of a folder can be drawn on one sheet."""
    assert {
        folder: len(arrows) for folder, arrows in structure.sheets(ROOT).items() if len(arrows) > FULLEST_SHEET
    } == {}


def test_modules_import_in_one_direction():
    """No module imports itself by way of others, be it inside a function or for type checkers."""
    assert structure.circle(structure.imports(ROOT, deferred=True, typing=True)) == []


def test_long_files_have_their_reasons():
    """A file longer than a reader holds at once is one of three, and a file that was split is named no more."""
    assert set(structure.long_files(ROOT)) == set(LONG_FILES)


@pytest.mark.parametrize(
    ("second", "options"),
    [
        ("from harness import first", {}),
        ("def f():\n    import harness.first", {"deferred": True}),
        ("if TYPE_CHECKING:\n    from harness.first import A", {"typing": True}),
    ],
    ids=["plain", "in a function", "for type checkers"],
)
def test_planted_circle_is_seen(tmp_path, second, options):
    """A circle of two modules is named, whatever way it is closed, and only if that way is asked for."""
    house(tmp_path, {"first": "from harness.second import B", "second": second})

    assert set(structure.circle(structure.imports(tmp_path, **options))) == {"harness.first", "harness.second"}
    assert not options or structure.circle(structure.imports(tmp_path)) == []


def test_chain_is_the_longest(tmp_path):
    """The chain goes through packages and modules, and not through what is imported later or for types alone."""
    house(
        tmp_path,
        {
            "a": "import harness.b, os",
            "b": "from harness.inner import C\ntry:\n    from harness import d\nexcept ImportError:\n    pass",
            "inner/__init__": "from harness.inner.c import C",
            "inner/c": "C = 1",
            "d": "def f():\n    from harness import e",
            "e": "if TYPE_CHECKING:\n    from harness import a",
        },
    )

    chain = structure.longest_chain(structure.imports(tmp_path))

    assert chain == ["harness.a", "harness.b", "harness.inner", "harness.inner.c"]


def test_sheets_hold_rooms(tmp_path):
    """Arrows between folders are drawn on the sheet that both lie on, once however many imports they stand for."""
    house(
        tmp_path,
        {
            "left/a": "from harness.left import b\nfrom harness.right import c",
            "left/b": "from harness.right.c import C",
            "right/c": "def f():\n    from harness import top",
            "top": "",
        },
    )

    assert structure.sheets(tmp_path) == {
        "harness": {("left", "right"), ("right", "top")},
        "harness/left": {("a", "b")},
    }


def test_long_files_and_folders_are_counted(tmp_path):
    """Only what is longer than the limit is listed; a folder counts its own modules."""
    house(tmp_path, {"long": "#\n" * 301, "short": "#\n" * 300, "inner/one": ""})

    assert structure.long_files(tmp_path) == {"harness/long.py": 301}
    assert structure.folders(tmp_path) == {"harness": 2, "harness/inner": 1}


def test_command_prints_the_figures(tmp_path):
    """The command prints the figures of any checkout."""
    house(tmp_path, {"a": "from harness import b", "b": ""})
    command = [sys.executable, "-m", "tests.structure", str(tmp_path)]

    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "longest import chain        2  harness.a > harness.b" in printed
    assert "source lines                1" in printed
