"""Courses of processes: what is foretold of simulated runs, and what is kept."""

import itertools

import pytest

from harness.running.progress import course
from harness.running.progress.course import PARTS, Course, Courses, left, together

START = 10.0
STEADY = Course(tuple(START + 5.0 * k for k in range(PARTS + 1)))  # 110 seconds
LATE = Course((START, *(START + 0.5 * k for k in range(1, PARTS)), 110.0))  # nine tenths of the time at the end


def share_at(known, elapsed):
    """Return the share of questions that a process of this course has asked by then."""
    steps = itertools.pairwise(known.seconds)
    asked = sum(min(1.0, max(0.0, (elapsed - before) / (after - before))) for before, after in steps if after > before)
    return asked / PARTS


def foretold(present, elapsed, known):
    """Return what is said of a process in the middle of its course."""
    share = share_at(present, elapsed)
    return left(share, present.at(0) if elapsed >= present.at(0) else None, elapsed, known)


@pytest.mark.parametrize("present", [STEADY, LATE], ids=["steady", "late"])
@pytest.mark.parametrize("elapsed", [0.0, 5.0, 10.0, 15.0, 30.0, 55.0, 100.0])
def test_a_course_like_the_last_is_foretold(present, elapsed):
    """Of a process like the one before it is known at every moment, the first included, how long it takes."""
    assert foretold(present, elapsed, present) == pytest.approx(110.0 - elapsed)


@pytest.mark.parametrize("factor", [0.4, 0.7, 1.5, 3.0])
@pytest.mark.parametrize(("share", "off"), [(0.1, 1.0), (0.3, 0.5), (0.5, 0.3), (0.9, 0.2)])
def test_another_pace_is_seen(factor, share, off):
    """Of a slower or faster process of the same shape the time left is told ever better, but for that of one part."""
    present = Course(tuple(factor * seconds for seconds in STEADY.seconds))
    elapsed = present.at(share)

    said, real = foretold(present, elapsed, STEADY), present.total - elapsed

    assert abs(said - real) <= off * real + 5 * factor


def test_unknown_process_promises_nothing_at_first():
    """While less than a part is asked and no course is known, nothing is told: the first answer waits for imports."""
    assert left(0.0, None, 8.0, None) is None
    assert left(0.0, 8.0, 9.0, None) is None
    assert left(0.004, 8.0, 60.0, None) is None


@pytest.mark.parametrize("share", [0.05, 0.3, 0.62, 0.95])
def test_unknown_process_goes_the_usual_way(share):
    """With no course known the usual shape is taken, and the start is no part of the pace."""
    asking = 200 * Course(course.USUAL).at(share)

    assert left(share, 40.0, 40.0 + asking, None) == pytest.approx(200 - asking)


def test_the_usual_course_is_one():
    """The shape runs from 0 to 1 and not backwards."""
    assert len(course.USUAL) == PARTS + 1
    assert (course.USUAL[0], course.USUAL[-1]) == (0.0, 1.0)
    assert list(course.USUAL) == sorted(course.USUAL)


@pytest.mark.parametrize(
    ("running", "waiting", "at_once", "seconds"),
    [
        ([], [], 2, 0.0),
        ([10.0, 4.0], [], 2, 10.0),
        ([10.0, 4.0], [5.0], 2, 10.0),
        ([10.0, 4.0], [5.0, 6.0], 2, 15.0),
        ([10.0], [5.0, 6.0], 2, 11.0),
        ([10.0], [5.0, 6.0], 1, 21.0),
    ],
)
def test_what_waits_takes_the_place_of_what_ends(running, waiting, at_once, seconds):
    """The whole takes as long as its processes side by side, so many at once."""
    assert together(running, waiting, at_once) == seconds


def test_courses_are_kept_by_all_their_names(tmp_path):
    """The course of the same options is found, else that of the job; the latest takes the place of an earlier one."""
    file = tmp_path / course.NAME
    Courses(file).keep([(("torch a", "torch"), STEADY)])
    Courses(file).keep([(("torch b", "torch"), LATE)])

    kept = Courses(file)

    assert [kept.of((name, "torch")) for name in ("torch a", "torch b", "torch c")] == [STEADY, LATE, LATE]
    assert kept.of(("jax a", "jax")) is None


def test_no_more_are_kept_than_so_many(tmp_path):
    """The file does not grow for ever."""
    kept = Courses(tmp_path / course.NAME)
    for k in range(course.MOST + 5):
        kept.keep([((str(k),), STEADY)])

    again = Courses(tmp_path / course.NAME)

    assert [again.of((str(k),)) for k in (4, 5, course.MOST + 4)] == [None, STEADY, STEADY]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"torch": 7}',
        '{"torch": [1, 2]}',
        f'{{"torch": {[*range(PARTS), 1]}}}',
        f'{{"torch": {["x"] * (PARTS + 1)}}}',
        f'{{"torch": {[0] * (PARTS + 1)}}}',
        '{"torch": [' + "NaN, " * PARTS + "NaN]}",
        "[" * 100_000,
    ],
)
def test_what_is_no_course_is_left_out(tmp_path, text):
    """A file that is damaged foretells nothing, and ends nothing."""
    (tmp_path / course.NAME).write_text(text)

    assert Courses(tmp_path / course.NAME).of(("torch",)) is None


def test_nothing_is_kept_where_no_file_can_be(tmp_path):
    """Where the folder is none, the course is known in this process alone."""
    kept = Courses(tmp_path / "none" / course.NAME)

    kept.keep([(("torch",), STEADY)])

    assert Courses(tmp_path / "none" / course.NAME).of(("torch",)) is None
