"""Answers to a line in two runs: told apart by the digests of their binades."""

from dataclasses import replace

from harness.history import change
from harness.model import Case, Implementation, Op, Result, Score, Target
from harness.scoring import swept
from harness.scoring.swept import Swept

CASE = Case(Op.of("sigmoid"), "value", "every", "bfloat16", 510, 128)
TARGET = Target(Implementation("torch", "sigmoid", "torch.sigmoid", "fused"), "eager")


def answer(*differing, bits):
    """Return an answer that differs in some rows from that of another bits."""
    digests = tuple(bits if row in differing else "00000000" for row in range(510))
    zeros, none = (0,) * 510, (0.0,) * 510
    whole = Swept(1, (128,) * 510, ((128,) * 510, *(zeros,) * 7), none, zeros, zeros, zeros, none, none, digests, (), 0)
    score = Score(510 * 128, 0.5, 0.25, 0.0, {"S": 0.5}, "S", bits=bits, swept=swept.pack(whole))
    return Result(CASE, TARGET, score, "conforms")


def test_binades_that_differ_are_named():
    """Two answers as accurate as each other differ in bits, and it is said where."""
    found = change.between(answer(bits="a"), answer(256, 257, bits="b"))

    assert found.news == "bits"
    assert found.reason == "answers differ in bits in 2 of 510 binades, from 2^-126 to 2^-125"


def test_one_binade_is_named_alone():
    """A single binade is named once."""
    found = change.between(answer(bits="a"), answer(255, bits="b"))

    assert found.reason.endswith("in 1 of 510 binades, at subnormal")


def test_lines_of_an_older_program_are_told_by_their_bits():
    """Where one side kept no line, the whole answer's bits are what there is."""
    old = answer(bits="a")
    before = replace(old, outcome=replace(old.outcome, swept=""))

    assert change.between(before, answer(3, bits="b")).reason == "answers differ in bits, largest error 0.5 ulp in both"


def test_binades_of_gaps_are_named():
    """Of pairs it is said in which binades of the gap two answers differ."""
    zeros, none = (0,) * 83, (0.0,) * 83

    def of_pairs(bits, *rows):
        digests = tuple(bits * 16 if row in rows else "0" * 16 for row in range(83))
        whole = Swept(1, (2,) * 83, ((2,) * 83, *(zeros,) * 7), none, *(zeros,) * 3, none, none, digests, (), 0, "gaps")
        case = replace(CASE, op=Op.of("softmax"), family="every_pair", dtype="float16")
        score = Score(166, 0.5, 0.25, 0.0, {"S": 0.5}, "S", bits=bits, swept=swept.pack(whole))
        return Result(case, TARGET, score, "conforms")

    found = change.between(of_pairs("a"), of_pairs("b", 41, 66))

    assert found.reason == "answers differ in bits in 2 of 83 binades of the gap, from 0 to 2^0"
