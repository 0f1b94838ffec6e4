"""Runs one after the other: what changed at which step, and that what creeps past each step is seen over all."""

import pytest

from harness.history.course import follow
from harness.history.news import FACTOR
from harness.history.verdict import of_comparison
from tests.made.records import JAX, NAIVE, TORCH, recorded, result, run, score, timing


def runs(*many, versions=()):
    """Make runs, one a list of results."""
    names = versions or [""] * len(many)
    return [
        recorded(*results, run=run(f"run-{place}", place + 1), environments={"": {"framework": "torch", "torch": name}})
        for place, (results, name) in enumerate(zip(many, names, strict=True))
    ]


def test_step_of_a_change_is_found():
    """A function has a cell a step: the one at which its error grew holds the news, the others none."""
    course = follow(runs([result()], [result()], [result(score(9.0))], [result(score(9.0))]))

    [function] = course.functions
    assert function.target == TORCH
    assert [list(cell.news) for cell in function.cells] == [[], ["error"], []]
    assert [cell.bits for cell in function.cells] == [(0, 0)] * 3


def test_deviations_come_and_go():
    """What deviates is counted at each run by its listed reason; what came or went stands before what stayed."""
    known = {"judgement": "known", "reason": "its sum overflows"}
    course = follow(
        runs(
            [result(family="a", **known), result(family="stays", judgement="known", reason="other")],
            [result(family="a", **known), result(family="stays", judgement="known", reason="other")],
            [result(family="a"), result(family="stays", judgement="known", reason="other")],
            [
                result(family="a", judgement="deviates", reason="error"),
                result(family="stays", judgement="known", reason="other"),
            ],
        )
    )

    assert [(one.reason, one.functions, one.counts) for one in course.deviations] == [
        ("", ("torch.softmax",), (0, 0, 0, 1)),
        ("its sum overflows", ("torch.softmax",), (1, 1, 0, 0)),
        ("other", ("torch.softmax",), (1, 1, 1, 1)),
    ]
    assert [(cell.came, cell.went) for cell in course.functions[0].cells] == [(0, 0), (0, 1), (1, 0)]


def test_what_matters_most_comes_first():
    """A function that is judged otherwise stands before one whose bits moved, and that before what stayed."""
    moved = score(bits="b1")
    course = follow(
        runs(
            [result(score(bits="a0"), target=JAX), result(target=NAIVE), result()],
            [result(moved, target=JAX), result(target=NAIVE), result(judgement="deviates")],
        )
    )

    assert [one.target for one in course.functions] == [TORCH, JAX, NAIVE]
    assert course.functions[1].cells[0].bits == (1, 1)


def test_error_that_creeps_is_news_over_all():
    """Steps that each stay below the factor of a gate may be beyond it together, so the ends are held together too."""
    ulps = [2.0, 2.8, 3.0 * 2.0 * FACTOR / 3.0]
    course = follow(runs(*([result(score(ulp))] for ulp in ulps)))

    assert [list(cell.news) for cell in course.functions[0].cells] == [["figures"], ["figures"]]
    assert [pair.failing("new") != [] for pair in course.pairs] == [False, False, True]
    assert course.verdict.grade == "worse"
    assert course.verdict.sentence.startswith(
        "2 steps, each safe to take; from first to last, run-0 -> run-2: not safe"
    )


def test_times_are_a_geometric_mean():
    """Twice as long and half as long is as long; a step without times has none."""
    fast, slow = timing(*[1e-5] * 9), timing(*[2e-5] * 9)
    course = follow(
        runs([result(fast, "a"), result(slow, "b")], [result(slow, "a"), result(fast, "b")], [result(family="a")])
    )

    assert course.functions[0].cells[0].times == pytest.approx(1.0)
    assert course.functions[0].cells[1].times is None


@pytest.mark.parametrize(
    ("versions", "names"),
    [
        (("2.11.0", "2.12.0", "2.13.0"), ("torch 2.11.0", "torch 2.12.0", "torch 2.13.0")),
        (("2.11.0", "2.11.0", "2.13.0"), ("run-0", "run-1", "run-2")),
    ],
)
def test_runs_are_named_by_their_releases(versions, names):
    """The releases name the runs where they tell them apart; else the ids do."""
    assert follow(runs([result()], [result()], [result()], versions=versions)).names == names


def test_verdict_names_the_unsafe_steps():
    """The summary says at which step it was not safe, though it was mended later, and how the ends stand."""
    course = follow(runs([result()], [result(score(9.0))], [result()], versions=("2.11.0", "2.12.0", "2.13.0")))

    assert course.verdict.grade == "worse"
    assert course.verdict.sentence == (
        "1 of 2 steps not safe to take (torch 2.11.0 -> torch 2.12.0);"
        " from first to last, torch 2.11.0 -> 2.13.0: safe to take by this 1 answer"
    )


def test_two_runs_are_one_step():
    """Of two runs the verdict is that of their comparison, and nothing is compared twice."""
    course = follow(runs([result()], [result(score(9.0))]))

    assert course.pairs == (course.whole,)
    assert course.verdict == of_comparison(course.whole)
