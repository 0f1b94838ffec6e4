"""The attacks themselves: what they count, and that a tiny one of each kind of this machine's comes to its table."""

import random

import pytest

from tests.attack import __main__ as attacks
from tests.attack import changing, hostile, writing
from tests.attack.changes import CHANGES
from tests.attack.tally import Tally


def test_nothing_tried_holds_nothing():
    """An attack that was not made is no success, nor is one of which something got through."""
    held, broken = Tally(attempts=3, planned=9), Tally(attempts=3)
    broken.wrong("green", "a wrong function conforms")

    assert (held.held, broken.held, Tally().held) == (True, False, False)
    assert broken.seen == ["green: a wrong function conforms"]


def test_traceback_is_counted():
    """An output with a traceback in it is one that got through."""
    tally = Tally(attempts=1)

    tally.read("all is well\n", "a")
    tally.read("Traceback (most recent call last):\n  File\nKeyError: 'x'\n", "b")

    assert (tally.tracebacks, tally.seen) == (1, ["tracebacks: b: KeyError: 'x'"])


@pytest.mark.parametrize(
    ("found", "counted"),
    [
        (None, "lost"),
        ({"verdict": "deviates", "answers": 28}, "accused"),
        ({"verdict": "failed", "answers": 3}, "accused"),
        ({"verdict": "conforms", "answers": 27}, "green"),
        ({"verdict": "incomplete", "answers": 27}, ""),
        ({"verdict": "conforms", "answers": 28}, ""),
    ],
)
def test_innocents_are_neither_accused_nor_passed_by_a_part(found, counted):
    """What is said of an innocent function is weighed against all that it was to be asked."""
    tally = Tally(attempts=1)

    changing.weigh(found, "a_good", 28, CHANGES[0], tally)

    assert [name for name in ("lost", "green", "accused") if getattr(tally, name)] == [counted] * bool(counted)


def test_a_file_is_judged(tmp_path):
    """Of a file with a function that changes the process the innocent conform, by all that they are asked."""
    found = changing.attack(1, tmp_path)

    assert (found.attempts, found.lost, found.green, found.accused, found.tracebacks) == (1, 0, 0, 0, 0)
    assert found.planned > 20


def test_exit_code_is_that_of_the_worst(monkeypatch, capsys):
    """One answer lost ends the command with 1, and the table shows every attack that was named."""
    made = {"held": lambda *_: Tally(attempts=1), "not held": lambda *_: Tally(attempts=1, lost=1)}
    monkeypatch.setattr(attacks, "ATTACKS", made)

    codes = [attacks.main(words) for words in (["1"], ["not"], [], ["no such"])]

    assert codes == [1, 1, 1, 1]
    monkeypatch.setattr(attacks, "ATTACKS", {"held": made["held"]})
    assert attacks.main(["7"]) == 0
    assert "held" in capsys.readouterr().out


def test_hostile_files_are_refused_or_harmless(tmp_path):
    """Of a few files and stores made by mutation none poisons the store, and the same seed makes the same ones."""
    whole = hostile.everything(tmp_path).read_bytes()
    made = [hostile.run_file(whole, random.Random(3)) for _ in range(2)]  # noqa: S311 - files, not secrets

    found = hostile.attack(3, tmp_path)

    assert made[0] == made[1]
    assert (found.attempts, found.lost, found.green, found.accused, found.tracebacks) == (3, 0, 0, 0, 0)
    assert found.planned >= 6


def test_what_poisons_is_counted(tmp_path):
    """A command that ends in a traceback, or refuses, or lets a word steer the terminal is one that got through."""
    tally = Tally()
    for code, said in ((4, "Traceback (most recent call last):\nKeyError"), (2, "error: no"), (0, "\x1b]0;title\x07")):
        hostile.judged(tally, "made", "status", code, said, (0, 1))

    assert (tally.planned, tally.tracebacks, tally.lost, tally.accused) == (3, 1, 2, 1)
    assert not list(tmp_path.iterdir())


def test_writers_lose_nothing(tmp_path):
    """Eight processes that write a batch each to one file are all there."""
    tally = Tally()
    writing.write(str(tmp_path / "results.sqlite"), 1, tally)

    assert (tally.attempts, tally.lost, tally.tracebacks) == (writing.WRITERS, 0, 0)
    assert tally.planned == writing.WRITERS * (writing.RESULTS - writing.SHARED) + writing.SHARED
