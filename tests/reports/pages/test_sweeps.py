"""Every number: the lines of a run, answers that share a curve, and what is told of one."""

from dataclasses import replace

from harness.model import Case, Implementation, Op, Result, Score, Target
from harness.scoring import line, swept
from harness.scoring.swept import Region, Swept
from reports import site
from reports.pages import sweeps
from tests.reports.drawn import JAX, answer, material

LINE = Case(Op.of("sigmoid"), "value", "every", "bfloat16", 510, 128)


def whole(worst):
    """Return an answer that is right but for one binade, whose numbers are flushed."""
    errors = tuple(worst if row == 300 else 0.25 for row in range(510))
    zeros, places = (0,) * 510, tuple(range(0, 510 * 128, 128))
    regions = (Region("flushed", 300 * 128, 301 * 128 - 1),)
    bins = ((128,) * 510, *(zeros,) * 7)
    return Swept(1, (128,) * 510, bins, errors, places, zeros, zeros, zeros, errors, ("0",) * 510, regions, 1)


def of(name, worst):
    """Return an answer to the line."""
    score = Score(510 * 128, worst, 0.25, 0.0, {"S": 0.5}, "S", bits="a", swept=swept.pack(whole(worst)))
    return Result(LINE, Target(Implementation("torch", "sigmoid", name, "fused"), "eager"), score, "conforms")


RUN = material([answer(JAX, "normal", 1.0), of("a", 9.0), of("b", 9.0), of("c", 2.0)])


def test_nothing_swept_is_no_page():
    """Without an answer to a line there is no page."""
    assert sweeps.render(material([answer(JAX, "normal", 1.0)])) == ""


def test_equal_answers_share_a_curve():
    """Each answer to a line points to its curve, and two of the same bits to one."""
    data = sweeps.data(RUN)

    assert data["answers"] == [[1, 0], [2, 0], [3, 1]]
    assert [max(curve["high"]) for curve in data["curves"]] == [9.0, 2.0]


def test_curve_says_where():
    """The binade of the largest error, and those of what is no plain distance, are named."""
    (curve, _) = sweeps.data(RUN)["curves"]

    assert curve["at"] == "2^-82"
    assert curve["regions"] == "flushed 2^-82"
    assert len(curve["mean"]) == len(curve["rows"]) == 510


def test_part_of_a_line_has_its_own_binades():
    """Of a sweep of some binades the first is not the line's."""
    first = whole(9.0)
    some = replace(
        first,
        **{name: getattr(first, name)[290:310] for name in ("counts", "worst", "places", "sizes", "leans", "lows")},
        highs=first.highs[290:310],
        digests=first.digests[290:310],
        bins=tuple(one[290:310] for one in first.bins),
    )
    result = of("a", 9.0)
    curve = sweeps.curve(replace(result, outcome=replace(result.outcome, swept=swept.pack(some))))

    assert (curve["at"], curve["rows"][0], len(curve["rows"])) == ("2^-82", "2^-92", 20)


def test_pairs_are_drawn_by_their_gap():
    """Rows are binades of the gap; those of which nothing was asked are left out; a region is told by its gaps."""
    counts = tuple(2 * (row > 40) for row in range(83))
    zeros, digests = (0,) * 83, ("0" * 16,) * 83
    errors, ends = (
        tuple(0.5 * (row == 66) for row in range(83)),
        [tuple(0.25 if row > 40 else end for row in range(83)) for end in (float("inf"), -float("inf"))],
    )
    regions = (Region("flushed", line.place_of_gap(9.75), line.place_of_gap(17.25)),)
    some = Swept(1, counts, (counts, *(zeros,) * 7), errors, *(zeros,) * 3, *ends, digests, regions, 1, "gaps")
    case = Case(Op.of("softmax"), "value", "every_pair", "float16", 63_488**2, 2)
    result = of("a", 1.0)
    curve = sweeps.curve(replace(result, case=case, outcome=replace(result.outcome, swept=swept.pack(some))))

    assert (curve["at"], curve["rows"][0], curve["rows"][41]) == ("2^0", "-2^16", "0")
    assert curve["regions"] == "flushed 9.75 to 17.25"
    assert curve["low"][40:42] == curve["high"][40:42] == [None, 0.25]
    assert curve["mean"][40:42] == [None, 0.0]


def test_compositions_are_left_out():
    """Only what promises a stable answer is drawn."""
    result = of("a", 1.0)
    composed = replace(result.target.implementation, kind="composed")

    assert sweeps.lines(material([replace(result, target=replace(result.target, implementation=composed))])) == []


def test_page_stands_in_the_report():
    """The report has the page, its choices and one library."""
    html = site.render(RUN)

    assert html.count('id="library-echarts"') == 1
    assert 'name="family"' in html
    assert "Every number" in html
