"""The search finds what families do not ask, the same by the same seed, and makes it small."""

import math
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest

from harness.model import FORMATS, Case, Inputs, Op
from suites.judging.searching import minimise, rows, search
from suites.judging.searching.asked import Asking
from suites.judging.searching.search import Aim
from suites.questions import corpus, families
from tests.made.places import LOST, NARROW

CASE = Case(Op.of("softmax"), "value", "normal", "float32", 64, 4)


class Here:
    """An executor of this process."""

    def submit(self, call, /, *arguments):
        """Call at once."""
        future = Future()
        future.set_result(call(*arguments))
        return future


def aim(case=CASE, file=NARROW):
    """Return what is searched: the softmax that is wrong in a narrow band."""
    (target,) = search.targets("torch", file, case.op.name, ("eager",), ("fused",))
    return Aim("torch", file, case, target)


def found(seed=0, rounds=40, what=None):
    """Return what a search with one beginning comes to, all errors finite."""
    (one,) = every(what or aim(), seed, rounds)
    return one


def every(what, seed=0, rounds=40):
    """Return all that a search with one beginning comes to."""
    return list(search.run([what], Here(), seed, 1, rounds, lambda *_: None))


def test_planted_fault_is_found_made_small_and_is_the_same_again():
    """Rows of families show nothing; the search comes to the band, with few classes and round numbers."""
    one = found()
    row = np.sort(one.entry.question.logits)[::-1]

    assert one.drawn < 1
    assert one.entry.over > 100
    assert len(row) == 2
    assert 20 < row[0] - row[1] < 20.5
    assert row[0] >= 40
    assert (row * 32 == np.rint(row * 32)).all()
    assert found(rounds=2) == found(rounds=2)


def test_infinite_error_does_not_end_the_search():
    """One row that a function is lost on is kept, made small, and the search goes on for a finite error."""
    finite, infinite = every(aim(file=LOST), rounds=20)

    assert 100 < finite.entry.over < math.inf
    assert math.isfinite(finite.drawn)
    assert infinite.entry.over == infinite.drawn == math.inf
    assert infinite.entry.question.classes == 1
    assert abs(infinite.entry.question.logits[0]) > 2.0**100


def test_elite_of_infinite_errors_alone_is_empty():
    """Where every row is lost there is nothing finite to start from, and one row of the others; nothing is 0."""
    elite, some = search.Elite(), rows.fresh(CASE, np.random.default_rng(0), rows.Drawn("normal", 0.0), 4)
    elite.take(some, [math.inf] * 4)
    (one,) = elite.found(aim(), [math.inf] * 4)

    assert elite.rows is None
    assert (one.over, one.drawn) == (math.inf, math.inf)
    assert one.row.logits == tuple(some.logits[0].tolist())
    elite.take(some, [0.5, math.inf, 2.0, 1.0])
    assert elite.heights == [2.0, 1.0, 0.5]


def test_rounds_decide_what_is_found():
    """Without rounds nothing beyond the families is found; a known row is where a search begins."""
    nothing = found(rounds=0)
    known = replace(aim(), known=(replace(nothing.entry.question, logits=(50.0, 29.75, 0.0, 0.0)),))

    assert nothing.entry.over < 1
    assert found(rounds=0, what=known).entry.over > 100


def test_refusal_is_told():
    """A target that gives no answer has no row, and says why."""
    other = replace(aim(), case=replace(CASE, op=Op.of("softmax", axis=7)))
    one = found(what=other)

    assert one.entry is None
    assert "gives no answer" in one.why


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_places_are_in_order(dtype):
    """The number behind a place has that place; the next place is the next number; infinite ones become the largest."""
    x = families.to_dtype(np.array([[-2.0, -1e-7, 0.0, 0.5, 3.0]]), dtype)
    beyond = families.to_dtype(np.array([np.inf, -np.inf]), dtype)
    form = FORMATS[dtype]

    assert (rows.at(rows.places(x), dtype) == x).all()
    assert rows.at(rows.places(x) + 1, dtype)[0, 4] == 3 + 2.0 ** (2 - form.precision)
    assert (rows.finite(beyond, dtype).astype(float) == np.array([1, -1]) * (2 - 2 * form.unit) * 2.0**form.emax).all()


@pytest.mark.parametrize("step", rows.STEPS)
def test_steps_keep_dtype_and_shape(step):
    """A step gives a row of its parent's shape and dtype, and moves it."""
    x = families.to_dtype(np.array([[1.0, 2.0, 4.0, 8.0]]), "bfloat16")
    moved = [step(x, -x, np.random.default_rng(i), replace(CASE, dtype="bfloat16")) for i in range(8)]

    assert {(one.dtype, one.shape) for one in moved} == {(x.dtype, x.shape)}
    assert any((one != x).any() for one in moved)


def test_class_of_a_label_stays():
    """A class is left out with its label's index moved; the label's own class is not."""
    asking = Asking(search.opened("torch", ""), aim().target, replace(CASE, op=Op.of("sparse_xent")))
    row = Inputs(np.array([[1.0, 2.0, 3.0]], np.float32), np.array([1]), np.ones(1, np.float32))
    left = minimise.without(asking, row, 0)

    assert left.logits.tolist() == [[2.0, 3.0]]
    assert left.labels.tolist() == [0]
    assert minimise.without(asking, row, 1) is None


def test_entry_is_read_as_it_was_written(tmp_path):
    """A line comes back as it was; of a kind the worst is kept; a number that was changed is refused with its line."""
    entry = found(rounds=0).entry
    path = tmp_path / corpus.NAME

    assert corpus.keep(path, [entry]) == [entry]
    assert corpus.keep(path, [replace(entry, over=entry.over / 2)]) == []
    assert corpus.read(path) == (entry,)
    lost = replace(entry, over=math.inf)
    assert corpus.keep(path, [lost]) == [lost]
    assert corpus.keep(path, [lost]) == []
    assert corpus.read(path) == (entry, lost)
    path.write_text(path.read_text().replace('"x":["', '"x":["-0x1.8p+9","'))
    with pytest.raises(ValueError, match=rf"line 1 of {path} is no row of a corpus .*, expected .*; try: "):
        corpus.read(path)


def test_what_ships_is_asked_by_standard():
    """Every row that ships is a case whose inputs are its own, and has a content of its own."""
    entries = corpus.read(corpus.SHIPPED)

    assert {entry.framework for entry in entries} == {"torch", "jax", "tensorflow"}
    assert {entry.question.dtype for entry in entries} == {"float32", "bfloat16"}
    for case in corpus.cases(shipped=True):
        assert corpus.question(case, corpus.inputs(case)).logits
        assert case.source.kind == "corpus"
