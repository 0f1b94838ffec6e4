"""Sums of a line: packed and read again, put together, made coarser, and told apart."""

import base64
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest

from harness.model import FORMATS
from harness.scoring import line, swept
from harness.scoring.swept import Region, Swept


def rows(first, *digests, worst=1.0):
    """Return rows of two cells each, of 4 numbers, the first of which begins at a place."""
    cells = 2 * len(digests)
    return Swept(
        2,
        (4,) * cells,
        ((3,) * cells, (1,) * cells, *((0,) * cells,) * 6),
        tuple(worst * (-1) ** k * (k + 1) for k in range(cells)),
        tuple(first + 4 * k for k in range(cells)),
        tuple(range(cells)),
        tuple(-k for k in range(cells)),
        (-1.0,) * cells,
        tuple(map(float, range(cells))),
        digests,
        (Region("flushed", first, first + 7),),
        1,
    )


def test_text_is_read_again():
    """What is packed is read as it was."""
    whole = rows(0, "00000000", "11111111")

    assert swept.unpack(swept.pack(whole)) == whole


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 8 * 4],
        lambda _: "not base64",
        lambda _: base64.b64encode(zlib.compress(b"[]")).decode(),
        lambda _: base64.b64encode(zlib.compress(b"{")).decode(),
        lambda text: repacked(text, counts=[]),
        lambda text: repacked(text, worst=[1.0]),
        lambda text: repacked(text, cells=3),
    ],
)
def test_damaged_text_is_refused(spoil):
    """A text that is cut, foreign or of lists that do not fit together is no sweep."""
    with pytest.raises(ValueError, match="a sweep is damaged"):
        swept.unpack(spoil(swept.pack(rows(0, "00000000"))))


def repacked(text, **changes):
    """Return the text of another content."""
    plain = json.loads(zlib.decompress(base64.b64decode(text))) | changes
    return base64.b64encode(zlib.compress(json.dumps(plain).encode())).decode()


def test_parts_are_joined():
    """Rows stand behind one another, and a region that goes on in the next part is one."""
    whole = swept.joined([rows(0, "a", "b"), rows(16, "c")])

    assert whole.digests == ("a", "b", "c")
    assert whole.elements == 24
    assert whole.regions == (Region("flushed", 0, 7), Region("flushed", 16, 23))
    assert swept.joined([rows(0, "a"), rows(8, "b")]).regions == (Region("flushed", 0, 15),)
    assert swept.joined([rows(0, "a"), rows(8, "b")]).turns == 1


def gaps(digest, region, *, count=4, worst=1.0):
    """Return sums of pairs of float16 in one row of gaps, the other rows empty."""
    zeros, row = [0] * 83, 60
    counts = tuple(count * (k == row) for k in range(83))
    ends = [tuple(end if k == row else -end * np.inf for k in range(83)) for end in (-1.0, 1.0)]
    digests = tuple(f"{digest if k == row else 0:016x}" for k in range(83))
    worsts = tuple(worst * (k == row) for k in range(83))
    bins = (counts, *(tuple(zeros),) * 7)
    return Swept(1, counts, bins, worsts, tuple(zeros), *(tuple(zeros),) * 2, *ends, digests, (region,), 1, "gaps")


def test_parts_of_pairs_are_added():
    """Parts that have the same rows are added up: counts and digests are sums, and regions of neighbouring gaps one."""

    def region(*ends):
        return Region("flushed", *map(line.place_of_gap, ends))

    parts = [gaps(2**64 - 1, region(9.7, 12.0)), gaps(3, region(16.5, 17.0), worst=-2.0), gaps(0, region(-1.0, -0.7))]
    whole = swept.joined(parts)

    assert whole == swept.joined(parts[::-1])
    assert (whole.elements, whole.counts[60], whole.worst[60], whole.rows, whole.first) == (12, 12, -2.0, 83, 0)
    assert whole.digests[60] == f"{2:016x}"
    assert whole.regions == (region(-1.0, -0.7), region(9.7, 17.0))
    assert whole.turns == 2
    assert swept.unpack(swept.pack(whole)) == whole
    assert swept.differing(whole, swept.joined(parts[:2])) == []
    assert swept.differing(whole, swept.joined(parts[1:])) == [60]


def test_coarser_cells_keep_the_worst():
    """Two cells as one have both counts, the larger error and its place."""
    whole = swept.by_row(rows(0, "a", "b"))

    assert (whole.cells, whole.counts) == (1, (8, 8))
    assert whole.worst == (-2.0, -4.0)
    assert whole.places == (4, 12)
    assert whole.highs == (1.0, 3.0)
    assert whole.mean_ulp == rows(0, "a", "b").mean_ulp


def test_lines_differ_by_row():
    """Rows whose digests differ are named; lines of another length differ in all."""
    assert swept.differing(rows(0, "a", "b"), rows(0, "a", "c")) == [1]
    assert swept.differing(rows(0, "a"), rows(0, "a", "b")) == [0, 1]


def test_furthest_cell_is_the_first_of_equals():
    """The cell of the largest error is found, and of equal ones the first."""
    assert rows(0, "a").furthest == 1
    assert replace(rows(0, "a"), worst=(2.0, -2.0)).furthest == 0


@pytest.mark.parametrize(
    ("dtype", "shape", "names"),
    [
        ("float16", (62, 1024), {0: "-2^15", 30: "-subnormal", 31: "subnormal", 61: "2^15"}),
        ("bfloat16", (510, 128), {255: "subnormal", 256: "2^-126"}),
        ("float32", (510, 1 << 23), {509: "2^127", 382: "2^0"}),
        ("float64", (4094, 256), {4093: "2^1023"}),
    ],
)
def test_rows_are_binades(dtype, shape, names):
    """A line has a row a binade and sign; of float64 some numbers of each."""
    assert line.shape(FORMATS[dtype]) == shape
    assert {row: line.named(dtype, row) for row in names} == names


@pytest.mark.parametrize(
    ("dtype", "rows", "names"),
    [
        ("float16", 83, {0: (-(2.0**16), "-2^16"), 41: (0.0, "0"), 42: (2.0**-24, "2^-24"), 66: (1.5, "2^0")}),
        ("bfloat16", 525, {261: (-(2.0**-133), "-2^-133"), 262: (0.0, "0"), 524: (2.0**128, "2^128")}),
    ],
)
def test_rows_of_gaps_are_binades_of_both_signs(dtype, rows, names):
    """A gap of two numbers is in a binade from a subnormal ulp to twice the largest number, or 0."""
    assert line.gaps(FORMATS[dtype]) == rows
    for row, (gap, name) in names.items():
        assert (line.gap_row(FORMATS[dtype], gap), line.row_name(dtype, row, "gaps")) == (row, name)


def test_places_of_gaps_are_in_order():
    """A gap has a whole number, and the gap comes back from it."""
    gaps_ = [-131_008.0, -1.5, -(2.0**-24), 0.0, 2.0**-24, 1.0, 2.0**128]

    assert [line.gap_at(line.place_of_gap(gap)) for gap in gaps_] == gaps_
    assert sorted(map(line.place_of_gap, gaps_)) == [line.place_of_gap(gap) for gap in gaps_]
