"""Accuracy versus speed: what is fastest, what is closest, and the front between them."""

from dataclasses import replace

import pytest

from harness.model import Result, Target, Timing
from reports import site
from reports.pages import trade_off
from tests.reports.drawn import EVIL, FAST, INF, UNASKED, WORSE, answer, case, material, timed, timing


@pytest.mark.parametrize(
    ("errors", "places"),
    [
        ([], []),
        ([2.0], [0]),
        ([3.0, 1.5, 0.7], [0, 1, 2]),
        ([3.0, 2.0, 1.0], [0, 2]),
        ([0.49, 0.48], [0]),
        ([1.0, 2.0, 3.0], [0]),
        ([1.0, 1.0, 0.5], [0, 2]),
        ([INF, 7.0, 9.0, 0.0], [1, 3]),
        ([INF, INF], []),
    ],
)
def test_front_is_closer_than_everything_faster(errors, places):
    """On the front lies what is a bit closer than everything faster; what is infinitely far, or as close, does not."""
    assert trade_off.front(errors) == places


def test_errors_are_the_worst_of_ordinary_families():
    """Extremes, sweeps, published examples, other quantities and other dtypes leave an error alone."""
    found = trade_off.worst(timed().answers)

    assert found[FAST, "softmax", "value", "float32"] == {"ulp": [5.0, 1], "bound": [0.5, 1]}
    assert found[FAST, "softmax", "value", "bfloat16"]["ulp"] == [1e9, 7]


def test_dots_are_ordered_by_their_medians():
    """The fastest comes first, times are over its median, and what was never asked for accuracy has no error."""
    [[op, shape, dtype, quantity, dots]] = trade_off.data(timed())

    assert (op, shape, dtype, quantity) == ("softmax", "32 × 1000", "float32", "value")  # noqa: RUF001 - as printed
    assert [(dot["name"], dot["seconds"], dot["relative"]) for dot in dots] == [
        ("torch.softmax", 1e-5, 1.0),
        (EVIL, 2e-5, 2.0),
        ("tf.nn.softmax", 4e-5, 4.0),
        ("torch.special.softmax", 8e-5, 8.0),
    ]
    assert [dot["front"] for dot in dots] == [("ulp", "bound"), ("ulp", "bound"), (), ()]
    assert dots[3]["errors"] == {}


def test_tournament_goes_before_what_was_timed_alone():
    """Where a question was played, its ranks are taken, with their intervals, and what was timed alone is left out."""
    played = [timing(FAST, 1e-5, workers=3), timing(WORSE, 2e-5, workers=3)]
    [[*_, dots]] = trade_off.data(material([timing(UNASKED, 1e-7), *played]))

    assert [dot["name"] for dot in dots] == ["torch.softmax", "tf.nn.softmax"]
    assert dots[1]["relative"] == pytest.approx(2, rel=0.01)
    assert dots[1]["low"] <= dots[1]["relative"] <= dots[1]["high"]


def test_questions_are_apart():
    """Shapes, work and devices do not share a question: a device is never compared with another."""
    gpu = Target(FAST.implementation, "compile", "cuda:0")
    results = [timing(FAST, 1e-5), timing(FAST, 1e-5, "grad_logits"), timing(FAST, 1e-5, classes=10), timing(gpu, 1e-6)]
    asked = [(question[1].split()[2:], question[3]) for question in trade_off.data(material(results))]

    assert asked == [
        (["1000"], "value"),
        (["1000"], "grad_logits"),
        (["10"], "value"),
        (["1000", "on", "cuda:0"], "value"),
    ]


def test_nothing_timed_is_no_page():
    """Without timings there is no page, and no library; a timing that kept no sample is none."""
    kept_none = Result(case("speed"), FAST, Timing((), 10, 1.0), "unjudged")

    for results in ([answer(FAST, "normal", 1.0)], [kept_none]):
        assert trade_off.render(material(results)) == ""
        assert 'id="library-echarts"' not in site.render(material(results))


def test_names_of_one_function_are_one_dot():
    """Of the names of a function that were timed in a mode the one to call is a dot, whichever was faster."""
    compat = replace(WORSE, implementation=replace(WORSE.implementation, name="tf.compat.v1.nn.softmax"))
    answers = [answer(who, "normal", 1.0) for who in (WORSE, compat)]
    alike = [replace(one, outcome=replace(one.outcome, bits="5" * 16)) for one in answers]
    [[*_, dots]] = trade_off.data(material([*alike, timing(compat, 1e-5), timing(WORSE, 2e-5)]))

    assert [(dot["name"], dot["seconds"], dot["also"]) for dot in dots] == [("tf.nn.softmax", 2e-5, 1)]
