"""Nouns from plain values: what a field's type takes comes back, and all else is said with its name."""

import math
from collections.abc import Mapping

import pytest

from harness.model import Case, Checked, Op, Param, Score, Timing, Worst
from harness.store import typed
from harness.store.hints import Malformed
from harness.store.typed import made

SCORE = {
    "elements": 3,
    "max_ulp": 1.5,
    "mean_ulp": 1,
    "bias_ulp": "nan",
    "over_bound": {"S": "inf", "N": 0.5},
    "budget_class": "N",
    "verdicts": {"nan": 1},
    "worst": None,
}
TIMING = {"seconds": [1e-3, 2e-3], "calls": 1, "first_call_seconds": 0.5}
DUEL = {"run": "r", "times": 1, "low": 0.9, "high": 1.1, "workers": 5}
WORST = {"index": [1, 2], **dict.fromkeys(("logits", "label", "upstream", "exact", "expected", "got"), ""), "ulp": 1.0}
CASE = {"op": Op("softmax"), "quantity": "value", "family": "f", "dtype": "float32", "rows": 2, "classes": 3}


def nested(depth):
    """Return a list in a list in a list."""
    found = []
    for _ in range(depth):
        found = [found]
    return found


def test_a_noun_is_made_with_its_types():
    """Numbers become floats where floats are due, lists tuples, `inf` and `nan` numbers; what is absent its default."""
    score = made(Score, SCORE | {"worst": WORST})

    assert (score.mean_ulp, score.over_bound, score.budget_class) == (1.0, {"S": math.inf, "N": 0.5}, "N")
    assert isinstance(score.mean_ulp, float)
    assert math.isnan(score.bias_ulp)
    assert score.worst == made(Worst, WORST)
    assert (score.worst.index, score.bits) == ((1, 2), "")


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (Score, SCORE | {"elements": True}, "score's elements is True, expected a whole number"),
        (Score, SCORE | {"elements": 0}, "score's elements is 0, expected 1 or more"),
        (Score, SCORE | {"elements": 1 << 63}, "expected a whole number of 64 bits"),
        (Score, SCORE | {"max_ulp": -3}, "score's max_ulp is -3.0, expected a distance"),
        (Score, SCORE | {"max_ulp": "1e3"}, "score's max_ulp is '1e3', expected a number"),
        (Score, SCORE | {"max_ulp": 1 << 70}, "expected a number"),
        (Score, SCORE | {"over_bound": {"N": 1.0}}, "expected one of class S among them"),
        (Score, SCORE | {"over_bound": {"S": -1.0}}, "expected shares of 0 and more"),
        (Score, SCORE | {"over_bound": {"Z": 1.0}}, "is 'Z', expected one of S, U"),
        (Score, SCORE | {"over_bound": [1.0]}, "score's over_bound is [1.0], expected values by name"),
        (Score, SCORE | {"budget_class": 7}, "score's budget_class is 7, expected one of"),
        (Score, SCORE | {"verdicts": ["a"]}, "score's verdicts is ['a'], expected values by name"),
        (Score, SCORE | {"verdicts": {"nan": "many"}}, "score's verdicts is 'many', expected a whole number"),
        (Score, SCORE | {"verdicts": {"nan": -1}}, "expected counts"),
        (Score, SCORE | {"worst": WORST | {"index": [1.5]}}, "score's worst: worst's index is 1.5, expected a whole"),
        (Score, SCORE | {"worst": WORST | {"got": None}}, "worst's got is None, expected a text"),
        (
            Score,
            SCORE | {"more": 1},
            "expected elements, max_ulp, mean_ulp, bias_ulp, over_bound, budget_class, perhaps",
        ),
        (Score, {}, "score is {}, expected elements"),
        (Score, nested(500), "expected elements"),
        (Score, SCORE | {"worst": WORST | {"got": "aaaaa" * 99}}, "worst's got is 'aaa"),
        (Score, SCORE | {"worst": WORST | {"expected": '0x1p+0"); import os'}}, "expected a number in hex"),
        (Score, SCORE | {"worst": WORST | {"exact": '1"\nimport os'}}, "expected a number in decimals"),
        (Checked, {"elements": 1, "over": -0.5}, "checked's over is -0.5, expected a share"),
        (Checked, {"elements": 1, "over": 1, "policy": "\ud800"}, "expected a text"),
        (Checked, {"elements": 1, "over": 1, "policy": "a" * ((1 << 20) + 1)}, "expected a text of up to 1048576"),
        (Timing, TIMING | {"seconds": [1.0, "nan"]}, "expected times of 0, or 1e-15 to 1e+15"),
        (Timing, TIMING | {"seconds": [1e-320]}, "expected times of 0, or 1e-15 to 1e+15"),
        (Timing, TIMING | {"first_call_seconds": "inf"}, "timing's first_call_seconds is inf, expected a time"),
        (Timing, TIMING | {"seconds": "0.5"}, "timing's seconds is '0.5', expected a list"),
        (
            Timing,
            TIMING | {"settled": [DUEL | {"low": 2}]},
            "settled's low is 2.0, expected a ratio of times",
        ),
        (
            Timing,
            TIMING | {"settled": [DUEL | {"high": 0.5}]},
            "settled's high is 0.5, expected a ratio of times",
        ),
        (Timing, TIMING | {"settled": [DUEL | {"high": "nan"}]}, "settled's high is nan, expected a ratio of times"),
        (Timing, TIMING | {"settled": [DUEL | {"workers": 0}]}, "settled's workers is 0, expected 1 or more"),
        (Timing, TIMING | {"settled": [3]}, "settled is 3, expected run, times"),
        (Timing, TIMING | {"workers": 3}, "timing's workers is 3, expected 1 or more, of a sample at least"),
        (Timing, TIMING | {"calls": 0}, "timing's calls is 0"),
        (Timing, TIMING | {"cached": 1}, "timing's cached is 1, expected true or false"),
        (Case, CASE | {"dtype": "int8"}, "case's dtype is 'int8', expected one of float16"),
        (Case, CASE | {"rows": 1 << 30, "classes": 1 << 30}, "expected as many as an array may have"),
        (Case, CASE | {"rows": -1}, "case's rows is -1"),
        (Case, CASE | {"quantity": "values"}, "case's quantity is 'values', expected one of value, grad_logits"),
    ],
)
def test_what_is_off_is_named(kind, values, said):
    """A value of another type, or that its field cannot have, is said with noun, field and what was expected."""
    with pytest.raises(Malformed) as caught:
        made(kind, values)

    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("value", [True, 3, 0.5, "mean"])
def test_an_option_is_of_any_plain_type(value):
    """An option keeps its own type."""
    found = typed.read(Mapping[str, Param], "options", {"a": value})

    assert found == {"a": value}
    assert type(found["a"]) is type(value)


@pytest.mark.parametrize("value", [None, [1], {"b": 1}])
def test_an_option_is_no_list(value):
    """What is no plain value is no option."""
    with pytest.raises(Malformed, match=r"options is .*, expected "):
        typed.read(Mapping[str, Param], "options", {"a": value})


@pytest.mark.parametrize("text", ["", "0x1.8p+0 -0x0.0p+0 inf nan", "3=0x1p+0 7=-inf", "12 5", "# python\nrow = 1"])
def test_a_row_is_numbers_or_how_to_draw_them(text):
    """A row of numbers in hex, of labels, of what is not 0, or Python."""
    assert typed.row(text) == text


@pytest.mark.parametrize("text", ['0x1p+0""".split()); print(1)', "'", "\n", "0x1p+0\\", "raw = 1"])
def test_a_row_ends_no_quotes(text):
    """What could end the quotes of a script is no row."""
    with pytest.raises(Malformed, match=r"row is .*, expected numbers"):
        typed.row(text)
