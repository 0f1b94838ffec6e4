"""The second witness: the same questions as the arbiter, enclosed by other formulas in another library."""

from dataclasses import replace

import pytest
from mpmath import libmp

from harness.model import Op
from reference.arbiter import rows as exact
from reference.arbiter.ball import EXACT, Ball, magnitude

flint = pytest.importorskip("flint")

from reference import witness  # noqa: E402 - needs flint
from reference.question import Question  # noqa: E402
from reference.vectors import Value, truth  # noqa: E402
from reference.vectors.second import by_arb, encloses  # noqa: E402

ROWS = {
    "plain": (0.5, -1.25, 2.0, 0.1),
    "one class": (3.0,),
    "confident": (60.0, 0.0, -1.0),
    "tied maximum": (1.5, 0.25, 1.5, 1.5),
    "all equal": (-7.25,) * 5,
    "offset": (1e6, 1e6 + 0.5, 1e6 - 1),
    "lse near zero": (-0.6931471805599453, -0.6931471805599453),
    "subnormal": (5e-324, -1e-310, 0.0),
    "large": (1e308, -1e308, 1e308),
    "far apart": (0.0, -1e308, 800.0),
}
LABELS = (0.25, 0.5, 0.125, 0.125, 0.0)
UPSTREAM = (0.5, -1.25, 2.0, 0.03125, -0.75)
EVERY = [(name, quantity, 1.0) for name, quantity in (*exact.BY_ROW, *exact.BY_POINT)]
EVERY += [(name, quantity, 3.0) for name, quantity in exact.BY_POINT if name == "sigmoid_xent"]
each_question = pytest.mark.parametrize(("name", "quantity", "q"), EVERY, ids=str)


def question(name, quantity, row, q=1.0):
    """Return a question about one row."""
    op = Op.of(name) if q == 1 else Op.of(name, pos_weight=q)
    n = len(row)
    labels = (float(n - 1),) if name == "sparse_xent" else LABELS[:n] if name.endswith("xent") else ()
    upstream = UPSTREAM[: 1 if name in {"logsumexp", "sparse_xent", "dense_xent"} else n]
    return Question(op, quantity, "float64", row, labels, () if quantity == "value" else upstream)


def apart(a, b):
    """Tell whether two balls have no number in common."""
    off = magnitude(libmp.mpf_abs(libmp.mpf_sub(a.mid, b.mid, 64, "n")))
    return off > max(a.error, b.error) + 2


@each_question
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_enclosure_meets_the_arbiters(name, quantity, q, row):
    """Each of Arb's balls has a number in common with the arbiter's, however far apart the logits are."""
    asked = question(name, quantity, row, q)
    arbiter = exact.answer(asked.op, quantity, *asked.by_row()[0], 320)
    found = witness.enclose(asked.op, quantity, asked.by_row())

    assert len(found) == len(arbiter)
    assert [j for j, (a, b) in enumerate(zip(arbiter, found, strict=True)) if apart(a, b)] == []


@each_question
@pytest.mark.parametrize("row", [ROWS["plain"], ROWS["offset"]], ids=["plain", "offset"])
def test_enclosure_is_narrow(name, quantity, q, row):
    """A value that is no zero is enclosed to 176 bits or proven exact."""
    asked = question(name, quantity, row, q)

    assert all(witness.narrow(j, ball) for j, ball in enumerate(witness.enclose(asked.op, quantity, asked.by_row())))


@each_question
def test_recorded_answers_are_confirmed(name, quantity, q):
    """What the arbiter records, the witness confirms to the last bit of hi, lo and the patterns."""
    asked = question(name, quantity, ROWS["plain"], q)
    wrong, enclosed = by_arb(asked, tuple(truth.values(asked)))

    assert wrong == []
    assert enclosed == 0 or (name, quantity, q) == ("sigmoid_xent", "grad_labels", 1.0)  # exact: -g x


@each_question
@pytest.mark.parametrize("field", ["hi", "lo"])
def test_one_wrong_bit_is_seen(name, quantity, q, field):
    """The last bit of hi or of lo, once flipped, is reported with both values."""
    asked = question(name, quantity, ROWS["plain"], q)
    values = truth.values(asked)
    flipped = float.fromhex(flip(getattr(values[0], field).hex()))
    parts = {"hi": values[0].hi, "lo": values[0].lo} | {field: flipped}
    wrong, _ = by_arb(asked, (Value(**parts, e2=values[0].e2, rad=values[0].rad, cr=values[0].cr), *values[1:]))

    assert wrong != []
    assert all(found != expected for _, found, expected in wrong)


def flip(text):
    """Flip the last bit of a hex float's mantissa."""
    if text == "0x0.0p+0":
        return "0x1p-300"
    digits, exponent = text.split("p")
    return f"{digits[:-1]}{int(digits[-1], 16) ^ 1:x}p{exponent}"


def test_mean_is_taken_over_the_rows():
    """The mean of two rows is half their sum, and each gradient half its row's."""
    rows = [(ROWS["plain"], LABELS[:4], (0.5,)), (ROWS["tied maximum"], LABELS[:4], (0.5,))]
    mean, plain = Op.of("dense_xent", reduction="mean"), Op.of("dense_xent")
    each = [witness.enclose(plain, "value", [row])[0] for row in rows]
    both = witness.enclose(mean, "value", rows)
    total = libmp.mpf_shift(libmp.mpf_add(each[0].mid, each[1].mid), -1)
    slopes = witness.enclose(mean, "grad_logits", rows, at=(5,))
    alone = witness.enclose(plain, "grad_logits", rows[1:], at=(1,))

    assert len(both) == len(slopes) == 1
    assert not apart(both[0], Ball(total, both[0].error + 2))
    assert not apart(slopes[0], Ball(libmp.mpf_shift(alone[0].mid, -1), alone[0].error))


def test_zero_is_enclosed_but_not_proven():
    """A gradient that cancels to nothing comes back as a narrow ball about 0, which holds it."""
    asked = Question(Op.of("softmax"), "grad_logits", "float64", (1.0, 2.0, 3.0), (), (0.3, 0.3, 0.3))
    sparse = Question(Op.of("dense_xent"), "grad_logits", "float64", (3.5,) * 3, (0.5,) * 3, (1.0,))
    found = [one for q in (asked, sparse) for one in witness.enclose(q.op, q.quantity, q.by_row())]
    wrong, _ = by_arb(sparse, tuple(truth.values(sparse)))

    assert all(encloses(one, Value(0.0, 0.0, 0, None)) for one in found)
    assert all(one.error == EXACT or one.error < -150 for one in found)
    assert wrong == []


def test_something_beside_zero_is_refused():
    """A number recorded where the exact answer is 0 lies in no enclosure."""
    asked = Question(Op.of("dense_xent"), "grad_logits", "float64", (3.5,) * 3, (0.5,) * 3, (1.0,))
    tiny = truth.with_patterns([Value(2.0**-60, 0.0, 0, None)] * 3, "float64")
    wrong, _ = by_arb(asked, tuple(tiny))

    assert len(wrong) >= 3


def test_precision_is_left_as_it_was():
    """Asking the witness changes nothing for other users of python-flint."""
    before = flint.ctx.prec
    witness.enclose(Op.of("softmax"), "value", [(ROWS["plain"], (), ())])

    assert flint.ctx.prec == before


def test_unknown_question_names_the_known_ones():
    """A question without a formula is refused with the list of those that have one."""
    with pytest.raises(ValueError, match=r"question is softmax/grad_labels, expected one of .*softmax/value"):
        witness.enclose(Op.of("softmax"), "grad_labels", [(ROWS["plain"], LABELS, UPSTREAM)])


WEIGHT, BIAS = (0.5, -1.25, 2.0, 0.1, 0.5, 3.0), (0.25, 0.0, -1.0)


SOFT_ROWS = (0.25, 0.5, 0.25, 0.0, 1.0, 0.0, 0.75, 0.0, 0.25)


@pytest.mark.parametrize("labels", [(2.0, -7.0, 0.0), SOFT_ROWS], ids=["index", "soft"])
@pytest.mark.parametrize("bias", [(), BIAS], ids=["plain", "bias"])
@pytest.mark.parametrize("quantity", ["value", "grad_hidden", "grad_weight", "grad_bias"])
def test_linear_answers_are_confirmed_and_wrong_ones_seen(quantity, bias, labels):
    """Arb confirms the arbiter's answers of a linear op without forming a logit, and sees one wrong bit of each."""
    options = {"bias": True} if bias else {}
    op = Op.of("linear_dense_xent", **options)
    if labels != SOFT_ROWS:
        op = Op.of("linear_xent", ignore_index=-7, **options)
    hidden, upstream = (0.75, -2.0, 1.5, 0.1, 3.0, 1.0), () if quantity == "value" else (0.5, -1.25, 2.0)
    asked = Question(op, quantity, "float64", hidden, labels, upstream, 3, None, WEIGHT, bias)
    values = tuple(truth.values(asked))

    assert by_arb(asked, values) == ([], 0)
    for k, value in enumerate(values):
        if value.hi:
            wrong = replace(value, hi=float.fromhex(flip(value.hi.hex())))
            assert by_arb(asked, (*values[:k], wrong, *values[k + 1 :]))[0] != []
