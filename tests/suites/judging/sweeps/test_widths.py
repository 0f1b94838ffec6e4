"""Rows of every width: their sums are those of the definitions, and what changes with the width is told by it."""

from dataclasses import replace

import numpy as np
import pytest

from harness.model import FORMATS
from harness.scoring import line, swept, ulp
from reference import bounds, tiers
from suites import explain
from suites.judging.sweeps import piece, run, width_sweep
from suites.judging.sweeps.run import NotSwept, Wanted
from suites.questions.swept import widths
from tests.suites.judging.sweeps.test_sweeps import Here, swept_by

FIRST, LAST = 250, 262  # of two rows


def asked_of(name, dtype, *ends, modes=()):
    """Return what is wanted, and its pieces for the textbook."""
    wanted = Wanted((name,), dtype, widths=ends)
    return wanted, run.cut(wanted, "numpy", piece.describe("numpy"), modes, ("control",))


def row(case, width):
    """Return a row as it is asked."""
    return widths.inputs(case, widths.longest(case)[:, :width])


@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize("name", widths.ASKED)
def test_widths_come_to_what_the_definitions_measure(name, dtype, tmp_path):
    """Elements, errors and error over bound are those of the same rows judged one by one."""
    wanted, pieces = asked_of(name, dtype, FIRST, LAST)
    results = list(swept_by(Here(), pieces, tmp_path, wanted).results())

    assert [case.family for case, _, _ in results] == list(widths.WIDTHS)
    for case, target, outcome in results:
        sizes, over = [], 0.0
        for width in range(FIRST, LAST + 1):
            inputs = row(case, width)
            exact = tiers.certify(case.op, "value", inputs)
            got = piece.loaded("numpy").ask(case.op, "value", inputs, target).astype(np.float64)
            size = np.abs(ulp.error(got, exact, FORMATS[dtype]))
            bound = bounds.budget(case.op, "value", inputs, exact).error["S"]
            over = max(over, (size / ulp.scale(bound, -ulp.ulp_exponent(exact, FORMATS[dtype]))).max())
            sizes.append(size.ravel())
        whole = swept.unpack(outcome.swept)
        flat = np.concatenate(sizes)
        assert whole.elements == outcome.elements == flat.size
        assert outcome.max_ulp == pytest.approx(flat.max(), rel=1e-9)
        assert outcome.mean_ulp == pytest.approx(np.minimum(flat, swept.MOST).mean(), abs=swept.FINE)
        assert whole.histogram()[0] == np.count_nonzero(flat <= 0.5)
        assert outcome.over_bound["S"] == pytest.approx(over, rel=1e-6)
        assert (whole.of, whole.rows, whole.first) == ("widths", 2, 0)
        assert (line.row_name(dtype, 1, whole.of), width_sweep.CELLS) == ("257", whole.cells)


def test_work_may_be_cut_at_rows(tmp_path):
    """Pieces of one row each give what one of two does, to the last bit."""
    wanted, pieces = asked_of("log_softmax", "bfloat16", FIRST, LAST)
    halves = [replace(one, rows=rows) for one in pieces for rows in ((FIRST, 257), (257, LAST + 1))]

    one = list(swept_by(Here(), pieces, tmp_path / "a", wanted).results())
    two = list(swept_by(Here(), halves, tmp_path / "b", wanted).results())

    assert [outcome for _, _, outcome in one] == [outcome for _, _, outcome in two]


def test_change_with_the_width_is_told(tmp_path, monkeypatch):
    """A sum that stops at 256 classes, and an answer of nan in one row, are told by the first and last width."""
    adapter = piece.loaded("numpy")
    asked = type(adapter).ask

    def faulty(self, op, quantity, inputs, target):
        got = asked(self, op, quantity, inputs, target).copy()
        if inputs.logits.shape[1] == 252:
            got[0, 100] = np.nan
        return got if inputs.logits.shape[1] <= 256 else np.full_like(got, 1 / 256)

    monkeypatch.setattr(type(adapter), "ask", faulty)
    wanted, pieces = asked_of("softmax", "float32", FIRST, LAST)
    (case, target, outcome), *_ = swept_by(Here(), pieces, tmp_path, wanted).results()

    found = swept.unpack(outcome.swept).regions
    assert case.family == "width_equal"
    assert [(one.verdict, one.first + 1, one.last + 1) for one in found] == [
        ("nan", 252, 252),
        ("over_bound", 257, 262),
    ]
    assert outcome.verdicts == {"nan": 1}
    assert outcome.worst.index == (0, 100)
    assert outcome.worst.logits == " ".join([(0.0).hex()] * 252)
    assert target.implementation.kind == "control"


def test_wide_row_is_explained(tmp_path):
    """The worst row of a sweep is made again by what is stored of it, and its exact value told."""
    wanted, pieces = asked_of("softmax", "float32", 1000, 1001)
    *_, (case, target, outcome) = swept_by(Here(), pieces, tmp_path, wanted).results()
    result = explain.Result(case, target, outcome, "unjudged")

    def certify(op, quantity, inputs, audit):
        assert inputs.logits.shape[1] == widths.width_of(outcome.worst.logits)
        return tiers.certify(op, quantity, inputs, audit / 1000)

    facts = dict(explain.explain(result, {}, certify, "").facts)

    assert facts["drawn by"].startswith("# python")
    assert facts["exact"][:15] == outcome.worst.exact[:15]


def test_modes_that_compile_are_asked_by_name_alone():
    """A width is a compilation there, so that only who names such a mode waits for 70 000 of them."""
    found = replace(piece.describe("numpy"), compiling=("eager",))
    wanted, _ = asked_of("softmax", "float32", 1, 2)

    assert run.cut(wanted, "numpy", found, (), ("control",)) == []
    assert len(run.cut(wanted, "numpy", found, ("eager",), ("control",))) == len(widths.WIDTHS)


@pytest.mark.parametrize(
    ("ops", "quantities", "expected"),
    [
        (("sigmoid",), (), "op is 'sigmoid', expected one that is asked every width: softmax"),
        ((), ("grad_logits",), "quantity is grad_logits, expected value"),
    ],
)
def test_what_has_no_width_is_refused(ops, quantities, expected):
    """A function of one number, and a gradient, are not asked every width."""
    with pytest.raises(NotSwept, match=expected):
        Wanted(ops, "float32", quantities, widths=(1, 2)).cases()
