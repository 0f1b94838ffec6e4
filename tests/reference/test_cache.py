"""Goldens are kept by content, and read back bit for bit."""

import dataclasses
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from harness.model import Case, Inputs, Op
from reference import golden
from reference.arbiter import settle
from reference.cache import Cache
from suites.questions import cases, goldens

SOFTMAX = Op.of("softmax")


def rows(dtype=np.float32):
    """Return plain inputs of two rows."""
    logits = np.array([[0.5, 1.5, -0.25], [2.0, 0.0, 1.0]], dtype)
    return Inputs(logits, None, np.ones_like(logits))


def same(one, other):
    """Tell whether two goldens are one, bit for bit."""
    exponents = (one.exponent is None) == (other.exponent is None) and np.array_equal(one.exponent, other.exponent)
    return one.hi.tobytes() == other.hi.tobytes() and one.lo.tobytes() == other.lo.tobytes() and exponents


@pytest.mark.parametrize("wide", [False, True], ids=["inside float64", "with exponents"])
def test_cache_reads_back_what_it_wrote(tmp_path, wide):
    """The second asking computes nothing and gives the same bits, radius and exponents."""
    logits = np.array([[0.0, -1e30, 1.0]]) if wide else rows().logits
    inputs = Inputs(logits, None, np.ones_like(logits))
    first, second = Cache(tmp_path), Cache(tmp_path)
    made = first.golden(SOFTMAX, "value", inputs)
    read = second.golden(SOFTMAX, "value", inputs)

    assert (made.exponent is not None) == wide
    assert same(made, read)
    assert made.radius == read.radius
    assert (first.computed, second.computed) == (1, 0)


def test_mean_reads_back_as_a_scalar(tmp_path):
    """The golden of a mean has no axis, before and after the cache."""
    labels = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], np.float32)
    inputs = Inputs(rows().logits, labels, np.ones((), np.float32))
    op = Op.of("dense_xent", reduction="mean")
    made, read = (Cache(tmp_path).golden(op, "value", inputs) for _ in range(2))

    assert made.hi.shape == read.hi.shape == ()
    assert same(made, read)


def test_interrupted_write_leaves_the_cache_usable(tmp_path):
    """What a killed process left half written is not taken for a golden."""
    cache = Cache(tmp_path)
    path = cache.path(golden.content(SOFTMAX, "value", rows()))
    path.parent.mkdir(parents=True)
    (path.parent / "abc.tmp").write_bytes(b"PK\x03\x04 half a")
    made = cache.golden(SOFTMAX, "value", rows())

    assert cache.computed == 1
    assert same(Cache(tmp_path).golden(SOFTMAX, "value", rows()), made)
    assert path.exists()


def test_failed_rename_leaves_no_golden(tmp_path, monkeypatch):
    """A write that dies before its last step leaves nothing under the golden's name."""
    cache = Cache(tmp_path)

    def die(*_):
        raise OSError("disk is full")

    monkeypatch.setattr(golden.Path, "replace", die)

    with pytest.raises(OSError, match="disk is full"):
        cache.golden(SOFTMAX, "value", rows())
    assert not cache.path(golden.content(SOFTMAX, "value", rows())).exists()


def test_two_processes_may_write_one_golden(tmp_path):
    """Processes that make the same goldens at once leave one good file each, and nothing temporary."""
    group = [Case(SOFTMAX, "value", "normal", "float32", 2, classes) for classes in range(2, 12)]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in [pool.submit(goldens.make_group, group, Cache(tmp_path, "mpmath")) for _ in range(2)]:
            future.result()
    cache = Cache(tmp_path, "mpmath")
    read = [cache.golden(case.op, case.quantity, cases.inputs(case)) for case in group]

    assert cache.computed == 0
    assert all(same(one, settle.certify(c.op, c.quantity, cases.inputs(c))) for one, c in zip(read, group, strict=True))
    assert list(tmp_path.rglob("*.tmp")) == []


def test_files_go_to_another_cache(tmp_path):
    """A golden's file, put under its name elsewhere, is read there; one that is not there is none."""
    here, there = Cache(tmp_path / "here"), Cache(tmp_path / "there")
    case = Case(SOFTMAX, "value", "normal", "float32", 2, 4)
    asked = case.op, case.quantity, cases.inputs(case)
    made = here.golden(*asked)

    assert there.file(*asked) is None
    there.put(dict([here.file(*asked)]))
    assert same(there.kept(*asked), made)


def cut(path, _):
    """Keep the first half of a file, as a full disk does."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path, _):
    """Keep a file without its content, as a power cut may."""
    path.write_bytes(b"")


def flipped(path, _):
    """Change a bit of the last number."""
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


def another(path, cache):
    """Lay the golden of another question of the same shape in its place."""
    other = Inputs(rows().logits + 1, None, rows().upstream)
    cache.golden(SOFTMAX, "value", other)
    path.write_bytes(cache.path(golden.content(SOFTMAX, "value", other)).read_bytes())


def of_another_shape(path, cache):
    """Write a golden of this name with fewer rows."""
    made = cache.golden(SOFTMAX, "value", rows())
    golden.write(path, cache._name(path.name), dataclasses.replace(made, hi=made.hi[:1], lo=made.lo[:1]))


def of_nan(path, cache):
    """Write a golden of this name without a number in it."""
    made = cache.golden(SOFTMAX, "value", rows())
    golden.write(path, cache._name(path.name), dataclasses.replace(made, hi=made.hi * np.nan))


def foreign(path, _):
    """Lay a file of another program there."""
    path.write_bytes(b"PK\x03\x04 an archive" * 99)


@pytest.mark.parametrize("spoil", [cut, emptied, flipped, another, of_another_shape, of_nan, foreign])
def test_spoiled_golden_is_made_anew(tmp_path, spoil):
    """A file that is damaged, or another one's, is not believed: it is named, made anew and written over."""
    cache = Cache(tmp_path)
    made = cache.golden(SOFTMAX, "value", rows())
    path = cache.path(golden.content(SOFTMAX, "value", rows()))
    spoil(path, cache)
    again, after = Cache(tmp_path), Cache(tmp_path)

    assert same(again.golden(SOFTMAX, "value", rows()), made)
    assert (again.computed, again.spoiled) == (1, [path])
    assert same(after.golden(SOFTMAX, "value", rows()), made)
    assert (after.computed, after.spoiled) == (0, [])


def test_spoiled_golden_is_missing(tmp_path):
    """What is made before any framework starts are the goldens that are not there, and those that are spoiled."""
    asked = [Case(SOFTMAX, "value", "normal", "float32", 2, classes) for classes in (3, 4, 5)]
    cache = Cache(tmp_path)
    goldens.make_group(asked[:2], cache)
    emptied(cache.path(golden.content(SOFTMAX, "value", cases.inputs(asked[0]))), cache)

    assert [case for group in goldens.missing(asked, cache) for case in group] == [asked[0], asked[2]]


def test_failed_write_names_the_file(tmp_path):
    """A golden that cannot be written says where, and leaves nothing half written."""
    cache = Cache(tmp_path)
    path = cache.path(golden.content(SOFTMAX, "value", rows()))
    path.mkdir(parents=True)
    (path / "full").touch()

    with pytest.raises(OSError, match=re.escape(str(path))):
        cache.golden(SOFTMAX, "value", rows())
    assert list(tmp_path.rglob("*.tmp")) == []
