"""What is kept of answers by their bits: taken where all is the same, measured again where anything is not."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from harness.model import Checked, Score, Worst
from harness.running import measured
from harness.running.measured import Measured, edition

ANSWER = np.array([[0.25, np.nan], [0.5, 0.0]], np.float32)
ROW = "0x1.0p+0 0x1.8p+1"
SCORE = Score(
    4,
    float("inf"),
    0.5,
    -0.5,
    {"S": float("inf"), "U": 0.25},
    "U",
    {"nan": 1},
    Worst((0, 1), ROW, "1", "", "0.5", "0x1.0p-1", "nan", float("inf")),
    "0123456789abcdef",
)
CHECKED = Checked(4, 0.5, policy="refused", detail="2 of 4")


class Counted:
    """Measures, and counts how often."""

    def __init__(self, outcome):
        """Answer with an outcome."""
        self.outcome, self.calls = outcome, 0

    def __call__(self):
        """Measure."""
        self.calls += 1
        return self.outcome


@pytest.fixture
def file(tmp_path):
    """Return where outcomes are kept, in a folder that is not there yet."""
    return tmp_path / "store" / measured.NAME


def keep(file, outcome=SCORE, edition="one", question="score", answer=ANSWER):
    """Ask in a process's place: open, measure, close; return what was said, and whether it was measured."""
    kept, measure = Measured(file, edition), Counted(outcome)
    found = kept.outcome(question, answer, measure)
    kept.close()
    return found, measure.calls == 1


@pytest.mark.parametrize("outcome", [SCORE, CHECKED], ids=["score", "check"])
def test_the_same_bits_are_measured_once(file, outcome):
    """The second time, in another process, all that was said is said again, and nothing is measured."""
    assert keep(file, outcome) == (outcome, True)
    assert keep(file, outcome) == (outcome, False)


def test_at_once(file):
    """What was not written yet is taken too, and counted."""
    kept, measure = Measured(file, "one"), Counted(SCORE)

    assert [kept.outcome("score", ANSWER, measure) for _ in range(3)] == [SCORE] * 3
    assert (measure.calls, kept.taken, kept.asked) == (1, 2, 3)
    assert kept.told == "2 of 3 measurements are those of earlier answers with the same bits"
    assert not Measured(file, "one").told


def planted(bit):
    """Return the answer with one bit turned over."""
    other = ANSWER.copy()
    other.view(np.uint8).reshape(-1)[bit // 8] ^= 1 << bit % 8
    return other


def test_another_bit_is_measured(file):
    """An answer with any one bit turned over is measured, be it a sign of zero."""
    keep(file)
    kept, measure = Measured(file, "one"), Counted(CHECKED)

    for bit in range(8 * ANSWER.nbytes):
        assert kept.outcome("score", planted(bit), measure) == CHECKED

    assert (measure.calls, kept.taken) == (8 * ANSWER.nbytes, 0)


@pytest.mark.parametrize(
    "other",
    [
        {"question": "another"},
        {"edition": "another"},
        {"answer": ANSWER.reshape(-1)},
        {"answer": ANSWER.view(np.int32)},
        {"answer": ANSWER.T},
    ],
    ids=["question", "edition", "shape", "dtype", "order"],
)
def test_anything_else_is_measured(file, other):
    """Another question, program, shape, dtype or order of the same bits is measured."""
    keep(file)

    assert keep(file, CHECKED, **other) == (CHECKED, True)


def test_a_number_is_no_row_of_one(file):
    """A mean is kept apart from a row that holds the same number."""
    keep(file, answer=np.float32(0.5))

    assert keep(file, CHECKED, answer=np.array([0.5], np.float32)) == (CHECKED, True)
    assert keep(file, answer=np.array(0.5, np.float32)) == (SCORE, False)


def test_memory_layout_is_no_bit(file):
    """An answer that lies otherwise in memory is the same one."""
    keep(file)

    assert keep(file, answer=np.asfortranarray(ANSWER)) == (SCORE, False)


DAMAGES = {
    "another's outcome": "UPDATE measured SET outcome = (SELECT outcome FROM measured ORDER BY key DESC LIMIT 1)",
    "cut short": "UPDATE measured SET outcome = substr(outcome, 1, 20)",
    "nothing": "UPDATE measured SET outcome = x''",
    "a number": "UPDATE measured SET outcome = 7",
    "no text": "DELETE FROM texts",
    "another text": "UPDATE texts SET text = (SELECT text FROM texts ORDER BY key DESC LIMIT 1)",
    "a damaged text": "UPDATE texts SET text = x'00'",
}


@pytest.mark.parametrize("sql", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_measured_again(file, sql):
    """What was changed in the file is never said: it is measured again, and kept anew."""
    worst = replace(SCORE.worst, logits="0x1.0p-1", label="")
    every = {"one": SCORE, "two": replace(SCORE, worst=worst)}
    for program, outcome in every.items():
        keep(file, outcome, program)
    with sqlite3.connect(file) as connection:
        connection.execute(sql)
    connection.close()

    found = {program: keep(file, outcome, program) for program, outcome in every.items()}

    assert {program: outcome for program, (outcome, _) in found.items()} == every
    assert any(measured_again for _, measured_again in found.values())
    assert keep(file, SCORE, "one") == (SCORE, False)


@pytest.mark.parametrize("text", [b"", b"no database at all" * 100], ids=["empty", "no database"])
def test_a_file_that_is_none_begins_anew(file, text):
    """A file that SQLite cannot read is made anew, and kept in."""
    file.parent.mkdir()
    file.write_bytes(text)

    assert keep(file) == (SCORE, True)
    assert keep(file) == (SCORE, False)


def test_damaged_pages_begin_anew(file):
    """A database whose pages are damaged answers nothing wrong, and is whole again in the process after the next."""
    keep(file)
    whole = bytearray(file.read_bytes())
    whole[4096:] = b"\xff" * (len(whole) - 4096)
    file.write_bytes(whole)

    assert keep(file) == (SCORE, True)
    keep(file)
    assert keep(file) == (SCORE, False)


def test_nothing_is_kept_where_no_file_can_be(tmp_path):
    """Where the folder is a file, everything is measured."""
    (tmp_path / "store").write_text("")

    assert keep(tmp_path / "store" / measured.NAME) == (SCORE, True)
    assert keep(tmp_path / "store" / measured.NAME) == (SCORE, True)


def test_without_a_file_nothing_is_kept():
    """Who names no file measures every time."""
    kept, measure = Measured(), Counted(SCORE)

    assert [kept.outcome("score", ANSWER, measure) for _ in range(2)] == [SCORE] * 2
    assert measure.calls == 2


def test_a_file_that_grew_begins_anew(file, monkeypatch):
    """The file is bounded."""
    keep(file)
    monkeypatch.setattr(measured, "MOST_BYTES", 100)

    assert keep(file) == (SCORE, True)


def test_a_changed_source_is_another_edition(tmp_path):
    """With a changed or moved line of a budget's source all is measured again; what is no source changes nothing."""
    bounds = tmp_path / "reference" / "bounds.py"
    bounds.parent.mkdir()
    bounds.write_text("KE = 1.5\n")
    first = edition(root=tmp_path)
    (tmp_path / "reference" / "notes.txt").write_text("no source")
    measured._source.cache_clear()
    assert edition(root=tmp_path) == first

    bounds.write_text("KE = 2.5\n")
    measured._source.cache_clear()
    changed = edition(root=tmp_path)
    bounds.rename(tmp_path / "reference" / "limits.py")
    measured._source.cache_clear()
    moved = edition(root=tmp_path)

    assert len({first, changed, moved, edition("mpmath", root=tmp_path)}) == 4


def test_the_edition_is_of_this_program():
    """The source that is hashed is the one that runs."""
    assert (measured.ROOT / "harness" / "scoring" / "ruler.py").is_file()
    assert edition() == edition() != edition("mpmath")
