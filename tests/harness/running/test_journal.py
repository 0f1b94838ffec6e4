"""The journal: what one process writes another reads, line by line, however it ends."""

from contextlib import closing

import pytest

from harness.model import Case, Implementation, Op, Target
from harness.running.journal import Journal, Line, Reader

CASE = Case(
    Op.of("sigmoid_xent", pos_weight=3.0, reduction="mean", keep=True, axis=-1), "value", "wide", "float16", 4, 8, 2
)
TARGET = Target(Implementation("jax", "sigmoid_xent", 'optax."\u03c3"\n(x)', "fused"), "jit", "cuda:1")


@pytest.fixture
def path(tmp_path):
    """Return where a journal is to be written."""
    return tmp_path / "a.journal"


def write(path, *lines):
    """Write lines as one process does."""
    with closing(Journal(path)) as journal:
        for line in lines:
            journal.write(line)


@pytest.mark.parametrize(
    "line",
    [
        Line("plan", count=7),
        Line("begin", case=CASE, target=TARGET),
        Line("end"),
        Line("not run", reason="jax is \u2205;\ntry: pip install jax"),
        Line("done"),
    ],
    ids=lambda line: line.kind,
)
def test_round_trip(path, line):
    """Every kind of line comes back equal, the types of a case's options and line breaks in texts included."""
    write(path, line)

    (found,) = Reader(path).lines()
    assert found == line
    if line.case:
        assert {name: type(value) for name, value in found.case.op.options.items()} == {
            name: type(value) for name, value in CASE.op.options.items()
        }


def test_each_line_is_read_once(path):
    """A reader returns what was written since it last looked."""
    reader = Reader(path)

    write(path, Line("plan", count=2))
    assert [line.kind for line in reader.lines()] == ["plan"]
    assert reader.lines() == []
    write(path, Line("end"), Line("done"))
    assert [line.kind for line in reader.lines()] == ["end", "done"]


def test_line_cut_short_is_not_read(path):
    """A last line that its writer has not finished, or died over, is left until it is whole."""
    write(path, Line("begin", case=CASE, target=TARGET))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-1])
    reader = Reader(path)

    assert len(reader.lines()) == 1
    assert reader.lines() == []
    with path.open("ab") as file:
        file.write(b"\n")
    assert [line.case for line in reader.lines()] == [CASE]


@pytest.mark.parametrize(
    "damaged",
    [b'{"kind": "en', b"\0\0\0", b"[1, 2]", b'{"kind": "begin"}', b"7", b"\xff\xfe", b'{"kind": "end", "case": 7}'],
)
def test_damaged_line_is_skipped_and_said(path, damaged):
    """A line that is none, as a full disk leaves it, is told; those around it are read."""
    write(path, Line("plan", count=2))
    path.write_bytes(path.read_bytes() + damaged + b"\n")
    write(path, Line("done"))

    first, skipped, last = Reader(path).lines()
    assert (first.kind, skipped.kind, last.kind) == ("plan", "unreadable", "done")
    assert skipped.reason.startswith(f"a line of the journal is {damaged!r}, expected ")


def test_no_file_has_no_lines(path):
    """Before the writer has started there is nothing to read."""
    reader = Reader(path)

    assert reader.lines() == []
    write(path, Line("done"))
    assert [line.kind for line in reader.lines()] == ["done"]


def test_line_is_there_at_once(path):
    """A line is in the file when `write` returns: what a process had in hand must not die with it."""
    with closing(Journal(path)) as journal:
        journal.write(Line("begin", case=CASE, target=TARGET))

        assert path.read_bytes().endswith(b"\n")


def test_appends(path):
    """A second writer of a file adds to it."""
    write(path, Line("plan", count=1))
    write(path, Line("done"))

    assert [line.kind for line in Reader(path).lines()] == ["plan", "done"]
