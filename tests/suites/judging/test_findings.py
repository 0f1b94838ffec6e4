"""Findings: one a cause, its plainest example first, in decimals."""

import math
from dataclasses import replace

import pytest

from harness.model import Checked, Failed, Op, Worst
from suites.judging import findings, mechanism
from tests.made import verdicts


def of(*results, not_asked=()):
    """Return the findings of some results, and of one answer that conforms."""
    return findings.findings([verdicts.result(verdicts.score(0.5), "conforms"), *results], not_asked)


def test_answers_alike_are_one_finding():
    """Ten wrong values are one finding, with their number and where they were seen."""
    found = of(*(verdicts.result(verdicts.score(), dtype=dtype) for dtype in ("float16", "float32", "bfloat16")))

    (one,) = found
    assert (one.answers, one.dtypes, one.dtype) == (3, ("float16", "float32", "bfloat16"), "float32")
    assert one.mechanism == "value of softmax is 4.17% off"
    assert one.cases[0] == "softmax-value-normal-float16-32x64@kernel@eager"


def test_causes_are_apart():
    """Value, gradient, nan, another dtype and a raise are causes of their own."""
    found = of(
        verdicts.result(verdicts.score()),
        verdicts.result(verdicts.score(nan=3), family="offset"),
        verdicts.result(verdicts.score(), quantity="grad_logits"),
        verdicts.result(Failed("dtype", "dtype is float64, expected float16, as the logits'"), dtype="float16"),
        verdicts.result(Failed("raised", "no row 3", "RuntimeError")),
        verdicts.result(Failed("raised", "no row 4", "RuntimeError"), family="offset"),
    )

    assert sorted(one.answers for one in found) == [1, 1, 1, 1, 2]


def test_what_follows_from_wrong_answers_is_put_to_them():
    """A law that fails where plain answers of its quantity and dtype are wrong is no cause of its own."""
    law, other = (
        verdicts.result(Checked(4, 4.0), check=check, quantity=quantity)
        for check, quantity in (("law.shift", "value"), ("law.lengths", "grad_logits"))
    )
    again = verdicts.result(Checked(4, math.inf, detail="other bits"), check="invariance.again")

    found = of(verdicts.result(verdicts.score()), law, other, again)

    assert [one.checks for one in found] == [("invariance.again",), ("accuracy", "law.shift"), ("law.lengths",)]


def test_a_law_of_two_quantities_follows_from_two_causes():
    """Where value and gradient are both wrong, the answers of a law are put to the cause of their quantity."""
    value, gradient = verdicts.result(verdicts.score()), verdicts.result(verdicts.score(), quantity="grad_logits")
    law = [verdicts.result(Checked(4, 4.0), check="law.one_hot", quantity=one) for one in ("value", "grad_logits")]

    assert {one.checks for one in of(value, gradient, *law)} == {
        ("accuracy", "law.one_hot"),
        ("gradient", "law.one_hot"),
    }
    assert len(of(value, *law)) == 2


def test_what_is_no_number_either_follows():
    """A law whose answer overflows as plain ones do is no cause of its own; at infinite logits it is."""
    lost = Worst((0, 1), "0x1p+7", "", "", "", "0x1p-1", "nan", math.inf)
    plain = verdicts.result(verdicts.score(worst=lost, nan=1), family="offset")
    law = verdicts.result(Checked(4, math.inf, worst=lost), check="law.shift")
    special = verdicts.result(Checked(4, math.inf, worst=replace(lost, logits="inf 0x1p+0")), check="special.saturated")

    assert [one.checks for one in of(plain, law, special)] == [("accuracy", "law.shift"), ("special.saturated",)]


def test_most_harmful_comes_first():
    """nan for a number goes before the last digits."""
    slight = Worst((0, 1), "0x1p+0", "", "", "0.5", "0x1p-1", "0x1.000002p-1", 2.0)
    lost = replace(slight, got="nan")
    found = of(
        verdicts.result(verdicts.score(worst=slight), quantity="grad_logits"),
        verdicts.result(verdicts.score(worst=lost, nan=1), family="offset"),
    )

    assert [one.mechanism for one in found] == [
        "value of softmax is nan, not 0.5 (nan)",
        "gradient of softmax is 2 ulp off",
    ]


def test_who_never_answers_has_one_finding():
    """A mean for losses a row: the first failure is told, not what follows from it."""
    mean = Failed("shape", "returned a number, expected one loss a row, shape (32,); return it unreduced")
    results = [
        verdicts.result(mean),
        verdicts.result(Failed("raised", "grad_output has shape 32", "RuntimeError"), quantity="grad_logits"),
    ]

    (one,) = findings.findings(results)

    assert one.mechanism == f"`kernel` {mean.message}"


def test_not_asked_is_counted_where_it_belongs():
    """Questions that were spared are counted with the cause that spared them."""
    wrong = verdicts.result(verdicts.score())
    spared = [(replace(wrong.case, family=f"f{n}"), wrong.target) for n in range(7)]
    others = [(replace(wrong.case, quantity="grad_logits"), wrong.target)]

    (one,) = of(wrong, not_asked=[*spared, *others])

    assert one.not_asked == 7


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("0x1p+0 -inf", "[1, -inf]", id="short"),
        pytest.param(" ".join(["0x1p-2"] * 9), "[0.25, 0.25, 0.25, 0.25, 0.25, 0.25, ... 3 more]", id="long"),
        pytest.param("0x1.8p+1", "3", id="one"),
        pytest.param("3=0x1p-1 7=0x1p-1", "[3=0.5, 7=0.5]", id="sparse"),
        pytest.param("# python\nrow = swamp(rng, 2, 9, form)[1]\n", "drawn by swamp(rng, 2, 9, form)[1]", id="recipe"),
    ],
)
def test_rows_in_decimals(text, shown):
    """A row is shown in decimals, of a long one its beginning."""
    assert findings.row(text, 9, whole=False) == shown


def test_labels_stay_whole():
    """A class index is no float."""
    assert findings.row("65536", 9, whole=True) == "65536"


def test_decimals_tell_got_from_expected():
    """Numbers that look alike in the dtype's digits are shown in all."""
    case = verdicts.result(None, dtype="bfloat16").case
    worst = Worst((0,), "0x1p+0", "", "", "", "0x1.0p+0", "0x1.0002p+0", 2.0)

    shown = findings.decimals(case, worst)

    assert (shown["got"], shown["expected"]) == ("1.000030517578125", "1")


def test_options_are_causes_by_their_names():
    """Axes are one cause however many there are; smoothing is another."""
    axis = [
        verdicts.result(verdicts.score(), op=Op.of("softmax", axis=axis, rank=3), family="options/offset")
        for axis in (0, 1)
    ]
    smooth = verdicts.result(verdicts.score(), op=Op.of("sparse_xent", label_smoothing=0.1), family="options/offset")

    assert len({mechanism.of(one) for one in axis}) == 1
    assert mechanism.of(smooth) != mechanism.of(axis[0])


def test_a_check_of_an_option_has_the_checks_name():
    """What is judged is the check, whatever options its op has."""
    (one,) = of(
        verdicts.result(
            Checked(1, math.inf, detail="off"),
            check="special.ignored_row_not_finite",
            op=Op.of("sparse_xent", ignore_index=-100),
            family="options/normal_large",
        )
    )

    assert one.checks == ("special.ignored_row_not_finite",)
