"""The arbiter, against plain mpmath at 400 digits, against Arb's enclosures, and by hand."""

import mpmath
import numpy as np
import pytest

from harness.model import Inputs, Op
from reference.arbiter import column, rows, settle
from reference.arbiter.ball import EXACT

DIGITS = 400
PLAIN = dict.fromkeys([*rows.BY_ROW, *rows.BY_POINT])
ROWS = {
    "plain": (0.5, -1.25, 2.0, 0.1),
    "one class": (3.0,),
    "confident": (60.0, 0.0, -1.0),
    "tied maximum": (1.5, 0.25, 1.5, 1.5),
    "all equal": (-7.25,) * 5,
    "tied below": (0.0, -3.0, -3.0, -3.0),
    "offset": (1e6, 1e6 + 0.5, 1e6 - 1),
    "lse near zero": (-0.6931471805599453, -0.6931471805599453),
    "wide": (0.0, -300.0, -500.0, -745.0),
    "subnormal": (5e-324, -1e-310, 0.0),
    "large": (1e308, -1e308, 1e308),
}
LABELS = {"sum to one": (0.25, 0.5, 0.125, 0.125, 0.0), "do not": (0.75, 1.5, -0.5, 0.1, 2.0)}
UPSTREAM = (0.5, -1.25, 2.0, 0.03125, -0.75)
OPTIONS = ({}, {"pos_weight": 3.0})


def question(name, quantity, row, labels):
    """Return (labels, upstream) of one row as the arbiter takes them."""
    n = len(row)
    per_row = name in {"logsumexp", "sparse_xent", "dense_xent"}
    z = () if name in {"softmax", "log_softmax", "logsumexp", "sigmoid", "log_sigmoid"} else labels[:n]
    if name == "sparse_xent":
        z = (float(n - 1),)
    return z, () if quantity == "value" else UPSTREAM[: 1 if per_row else n]


def formula(lib, name, quantity, row, z, g, q):
    """Answer by the definition in another library: exponentials of the logits as they are, nothing shifted."""
    number, exp, log = lib
    x, g = [number(v) for v in row], [number(v) for v in g]
    if name == "sparse_xent":
        z = [float(j == z[0]) for j in range(len(row))]
    z = [number(v) for v in z]
    one = number(1)
    if "sigm" in name:
        z, g = z or [one] * len(x), g or [one] * len(x)
        return [_point(name, quantity, point, (one, number(q)), exp, log) for point in zip(x, z, g, strict=True)]
    m = x[row.index(max(row))]
    e = [exp(v - m) for v in x]
    total = sum(e)
    p = [v / total for v in e]
    lse = m + log(total)
    mean = sum((a * b for a, b in zip(g, p, strict=False)), number(0))
    loss, slope = (lambda: [sum((w * (lse - v) for w, v in zip(z, x, strict=True)), number(0))]), _slope(p, z, g)
    answers = {
        ("softmax", "value"): lambda: p,
        ("softmax", "grad_logits"): lambda: [a * (b - mean) for a, b in zip(p, g, strict=True)],
        ("log_softmax", "value"): lambda: [v - lse for v in x],
        ("log_softmax", "grad_logits"): lambda: [b - a * sum(g) for a, b in zip(p, g, strict=True)],
        ("logsumexp", "value"): lambda: [lse],
        ("logsumexp", "grad_logits"): lambda: [g[0] * a for a in p],
        ("sparse_xent", "value"): loss,
        ("dense_xent", "value"): loss,
        ("sparse_xent", "grad_logits"): slope,
        ("dense_xent", "grad_logits"): slope,
        ("dense_xent", "grad_labels"): lambda: [g[0] * (lse - v) for v in x],
    }
    return answers[name, quantity]()


def _slope(p, z, g):
    return lambda: [g[0] * (a * sum(z) - w) for a, w in zip(p, z, strict=True)]


def _point(name, quantity, point, constants, exp, log):
    (x, z, g), (one, q) = point, constants
    s, c = one / (one + exp(-x)), one / (one + exp(x))  # sigmoid(x), sigmoid(-x)
    above, below = log(one + exp(x)), log(one + exp(-x))  # softplus(x), softplus(-x)
    match name, quantity:
        case "sigmoid", "value":
            return s
        case "sigmoid", _:
            return g * s * c
        case "log_sigmoid", "value":
            return -below
        case "log_sigmoid", _:
            return g * c
        case _, "value":
            return q * z * below + (one - z) * above
        case _, "grad_logits":
            return g * ((one - z) * s - q * z * c)
        case _:
            return g * (q * below - above)


def goldens(name, quantity, row, labels, q):
    """Certify one row, through the front door."""
    z, g = question(name, quantity, row, labels)
    op = Op.of(name) if q == 1 else Op.of(name, pos_weight=q)
    held = np.array(z, int) if name == "sparse_xent" else np.array([z]) if z else None
    per_row = name in {"logsumexp", "sparse_xent", "dense_xent"}
    up = np.array(g or UPSTREAM[: 1 if per_row else len(row)]).reshape((1,) if per_row else (1, -1))
    return settle.certify(op, quantity, Inputs(np.array([row]), held, up)), z, g


each_question = pytest.mark.parametrize(
    ("name", "quantity", "q"),
    [
        pytest.param(name, quantity, q, id=f"{name}-{quantity}" + (f"-weight {q:g}" if q != 1 else ""))
        for name, quantity in PLAIN
        for q in ((1.0, 3.0) if name == "sigmoid_xent" else (1.0,))
    ],
)


@each_question
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("row", [ROWS[name] for name in ROWS if name != "large"], ids=[n for n in ROWS if n != "large"])
def test_agrees_with_plain_mpmath(name, quantity, q, labels, row):
    """hi + lo is the value of the definition at 400 digits, to within the certified radius."""
    certified, z, g = goldens(name, quantity, row, labels, q)
    lib = mpmath.mpf, mpmath.exp, mpmath.log
    with mpmath.workdps(DIGITS):
        truths = formula(lib, name, quantity, row, z, g, q)
        noise = mpmath.mpf(10) ** (20 - DIGITS) * (1 + max(abs(v) for v in row))  # what 400 digits cancel to
        found = [_value(certified, j) for j in range(len(truths))]
        off = [abs(y - truth) > certified.radius * abs(truth) + noise for y, truth in zip(found, truths, strict=True)]

    assert not any(off)


def _value(certified, index):
    exponent = 0 if certified.exponent is None else int(certified.exponent.ravel()[index])
    hi, lo = (float(part.ravel()[index]) for part in (certified.hi, certified.lo))
    return mpmath.ldexp(mpmath.mpf(hi) + mpmath.mpf(lo), exponent)


@each_question
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_agrees_with_arb(name, quantity, q, labels):
    """hi + lo lies within the certified radius of the enclosure that another library proves, extremes included."""
    flint = pytest.importorskip("flint")
    lib = flint.arb, flint.arb.exp, flint.arb.log
    apart = []
    before = flint.ctx.prec
    flint.ctx.prec = 4000  # 1e308 cancels in lse - x
    try:
        for title, row in ROWS.items():
            certified, z, g = goldens(name, quantity, row, labels, q)
            for j, truth in enumerate(formula(lib, name, quantity, row, z, g, q)):
                exponent = 0 if certified.exponent is None else int(certified.exponent.ravel()[j])
                power = flint.arb(flint.fmpz(2)) ** exponent
                y = (flint.arb(float(certified.hi.ravel()[j])) + flint.arb(float(certified.lo.ravel()[j]))) * power
                off, reach = abs(y - truth), flint.arb(certified.radius) * abs(truth)
                tiny = flint.arb(2) ** (column.DEEPEST + 1)  # exponents are kept no lower
                if not off.lower() <= reach.upper() + tiny:
                    apart.append((title, j))
    finally:
        flint.ctx.prec = before

    assert apart == []


def balls(op, quantity, row, z=(), g=()):
    """Ask the arbiter for one row at its first precision."""
    return rows.answer(op, quantity, tuple(row), tuple(z), tuple(g), settle.START_BITS)


def values(answer):
    """Return exact balls as floats; nan for one that is not exact."""
    return [float(mpmath.mp.make_mpf(b.mid)) if b.error == EXACT else float("nan") for b in answer]


@pytest.mark.parametrize(
    ("name", "quantity", "row", "z", "g", "expected"),
    [
        pytest.param("softmax", "value", [5.5] * 4, [], [], [0.25] * 4, id="equal logits"),
        pytest.param("softmax", "value", [1e308] * 2, [], [], [0.5] * 2, id="equal and large"),
        pytest.param("softmax", "value", [-3.25], [], [], [1.0], id="softmax of one class"),
        pytest.param("log_softmax", "value", [-3.25], [], [], [0.0], id="log_softmax of one class"),
        pytest.param("logsumexp", "value", [-3.25], [], [], [-3.25], id="logsumexp of one class"),
        pytest.param("sparse_xent", "value", [7.0], [0.0], [], [0.0], id="loss of one class"),
        pytest.param("dense_xent", "value", [7.0], [1.0], [], [0.0], id="dense loss of one class"),
        pytest.param("dense_xent", "value", [7.0, 1.0], [0.0, 0.0], [], [0.0], id="no label at all"),
        pytest.param("sparse_xent", "grad_logits", [7.0], [0.0], [2.0], [0.0], id="gradient of one class"),
        pytest.param("sparse_xent", "grad_logits", [1.0, 1.0], [0.0], [2.0], [-1.0, 1.0], id="two equal classes"),
        pytest.param("dense_xent", "grad_logits", [3.5] * 4, [0.25] * 4, [1.5], [0.0] * 4, id="uniform labels"),
        pytest.param("dense_xent", "grad_logits", [9.0, 1.0], [1.0, -1.0], [0.5], [-0.5, 0.5], id="labels sum to 0"),
        pytest.param("log_softmax", "grad_logits", [9.0, 1.0], [], [0.5, -0.5], [0.5, -0.5], id="upstream sums to 0"),
        pytest.param("softmax", "grad_logits", [1.0, 2.0], [], [0.3, 0.3], [0.0, 0.0], id="equal upstream"),
        pytest.param("softmax", "grad_logits", [1.0, 1.0], [], [0.5, -0.5], [0.25, -0.25], id="two equal, apart"),
        pytest.param("sigmoid", "value", [0.0], [], [], [0.5], id="sigmoid of 0"),
        pytest.param("sigmoid", "grad_logits", [0.0], [], [2.0], [0.5], id="slope of sigmoid at 0"),
        pytest.param("log_sigmoid", "grad_logits", [0.0], [], [3.0], [1.5], id="slope of log_sigmoid at 0"),
        pytest.param("sigmoid_xent", "grad_logits", [0.0], [0.5], [1.0], [0.0], id="even odds"),
        pytest.param("sigmoid_xent", "grad_labels", [-1e-310], [0.5], [1.0], [1e-310], id="slope along a label"),
    ],
)
def test_what_is_rational_is_exact(name, quantity, row, z, g, expected):
    """The few answers that are short rational numbers come without an error."""
    answer = balls(Op.of(name), quantity, row, z, g)

    assert values(answer) == expected


@pytest.mark.parametrize(
    ("name", "quantity", "row", "z", "g", "mids", "sides"),
    [
        pytest.param("softmax", "value", [1e38, 1e38, 0.0], [], [], [0.5, 0.5], [-1, -1], id="softmax"),
        pytest.param("sigmoid", "value", [1e38], [], [], [1.0], [-1], id="sigmoid"),
        pytest.param("logsumexp", "value", [1e38, 0.0], [], [], [1e38], [1], id="logsumexp"),
        pytest.param("sparse_xent", "value", [1e38, 0.0], [1.0], [], [1e38], [1], id="loss"),
        pytest.param("log_sigmoid", "value", [-1e38], [], [], [-1e38], [-1], id="log_sigmoid"),
        pytest.param("sparse_xent", "grad_logits", [1e38, 0.0], [1.0], [2.0], [2.0, -2.0], [-1, 1], id="gradient"),
    ],
)
def test_sides_of_extreme_rows(name, quantity, row, z, g, mids, sides):
    """Where a term is too small for any precision, the answer still knows on which side of the short number it is."""
    answer = balls(Op.of(name), quantity, row, z, g)
    found = [(float(mpmath.mp.make_mpf(b.mid)), b.side) for b in answer[: len(mids)]]

    assert found == list(zip(mids, sides, strict=True))


@pytest.mark.parametrize(
    ("row", "upstream", "zeros"),
    [
        pytest.param((0.0, -1.0, -1.0), (0.0, 1.0, -1.0), [0], id="below the peak"),
        pytest.param((0.0, 0.0, 0.0, -1.0, -1.0), (0.0, 1.0, 2.0, 0.0, 2.0), [1], id="at the peak and below"),
        pytest.param((0.0, -1.0, -1.0, -1e38), (0.0, 1.0, -1.0, 0.5), [], id="but for a hair"),
    ],
)
def test_softmax_gradient_of_tied_logits_cancels_exactly(row, upstream, zeros):
    """Equal logits whose gradients cancel leave an exact zero, or what is left below them, and no undecided row."""
    inputs = Inputs(np.array([row]), None, np.array([upstream]))
    certified = settle.certify(Op.of("softmax"), "grad_logits", inputs)

    assert np.flatnonzero(certified.hi[0] == 0).tolist() == zeros


@pytest.mark.parametrize("name", ["softmax", "sigmoid"])
def test_values_of_a_row_sum_to_one(name):
    """All softmax values, or sigmoid(x) and sigmoid(-x), sum to 1 within their radii."""
    row = (0.5, -1.25, 2.0, 0.1) if name == "softmax" else (1.75, -1.75)
    parts = balls(Op.of(name), "value", row)
    with mpmath.workprec(400):
        total = sum(mpmath.mp.make_mpf(b.mid) for b in parts)
        reach = sum(mpmath.ldexp(1, b.error) for b in parts)

    assert abs(total - 1) < reach < 2.0**-130


def test_unknown_question_names_the_choices():
    """A question without a formula is refused with the list of those that have one."""
    with pytest.raises(ValueError, match=r"question is hinge/value, expected one of .*softmax/value"):
        balls(Op.of("hinge"), "value", [1.0])
