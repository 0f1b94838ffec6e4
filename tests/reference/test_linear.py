"""The loss of hidden states times a weight: exact logits, both tiers, a plain mpmath beside them, and the budget."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from harness.model import FORMATS, Inputs, Op
from reference import rounding, tiers
from reference.fast import products
from reference.fast.values import untailed
from reference.options import meaning
from suites.questions import linear
from tests.made import exactly

PLAIN, SOFT = Op.of("linear_xent"), Op.of("linear_dense_xent")
GRADIENTS = ("value", "grad_hidden", "grad_weight", "grad_bias")


def certify(op, quantity, inputs):
    """Certify without an audit."""
    return tiers.certify(op, quantity, inputs, 0.0)


def by_mpmath(quantity, inputs, factor=None, cap=0.0, square=0.0):
    """Return every element by the textbook at 60 digits, from the inputs as they are."""
    with mpmath.workdps(60):
        h, w = (mpmath.matrix(part.astype(float).tolist()) for part in (inputs.logits, inputs.weight))
        rows, features, classes = h.rows, h.cols, w.rows
        b = [0] * classes if inputs.bias is None else [mpmath.mpf(float(one)) for one in inputs.bias]
        x = [[sum(h[r, f] * w[c, f] for f in range(features)) + b[c] for c in range(classes)] for r in range(rows)]
        slope = [[1 - mpmath.tanh(one / cap) ** 2 if cap else mpmath.mpf(1) for one in row] for row in x]
        x = [[cap * mpmath.tanh(one / cap) if cap else one for one in row] for row in x]
        lse = [mpmath.log(sum(map(mpmath.exp, row))) for row in x]
        z = np.eye(classes)[inputs.labels].tolist() if inputs.labels.ndim == 1 else inputs.labels.tolist()
        g = [mpmath.mpf(float(one)) for one in (inputs.upstream if factor is None else factor)]
        if quantity == "value":
            one = [1] * rows if factor is None else g
            losses = [sum(z[r][c] * (lse[r] - x[r][c]) for c in range(classes)) for r in range(rows)]
            return [f * (loss + square * l**2) for f, loss, l in zip(one, losses, lse, strict=True)]
        of = [
            [
                g[r]
                * slope[r][c]
                * ((sum(z[r]) + 2 * square * lse[r]) * mpmath.exp(x[r][c] - lse[r]) - mpmath.mpf(z[r][c]))
                for c in range(classes)
            ]
            for r in range(rows)
        ]
        if quantity == "grad_hidden":
            return [sum(of[r][c] * w[c, f] for c in range(classes)) for r in range(rows) for f in range(features)]
        if quantity == "grad_weight":
            return [sum(of[r][c] * h[r, f] for r in range(rows)) for c in range(classes) for f in range(features)]
        return [sum(of[r][c] for r in range(rows)) for c in range(classes)]


def far(golden, exact):
    """Return the largest relative distance, of numbers that are not 0 within it."""
    with mpmath.workdps(60):
        flat = zip(golden.hi.ravel(), golden.lo.ravel(), exact, strict=True)
        return max(abs((mpmath.mpf(hi) + mpmath.mpf(lo)) / e - 1) if hi else abs(e) for hi, lo, e in flat)


def drawn(name, dtype="float32", shape=(6, 8, 12), op="linear_xent", **options):
    """Draw a family's arrays."""
    return linear.inputs(linear.case(Op.of(op, **options), "value", name, dtype, shape))


def test_hand_worked_value():
    """Two logits, 3 and 1, of whole numbers: the loss is log(1 + e**-2), its gradient 1 - p times the difference."""
    inputs = Inputs(
        np.array([[1.0, 2.0]]), np.array([0]), np.ones(1), weight=np.array([[1.0, 1.0], [1.0, 0.0]]), bias=np.zeros(2)
    )

    value, hidden, bias = (certify(PLAIN, q, inputs) for q in ("value", "grad_hidden", "grad_bias"))

    with mpmath.workdps(40):
        left = mpmath.exp(-2) / (1 + mpmath.exp(-2))
        assert far(value, [mpmath.log1p(mpmath.exp(-2))]) < 2.0**-90
        assert far(hidden, [0, -left]) < 2.0**-90
        assert far(bias, [-left, left]) < 2.0**-90


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("quantity", GRADIENTS)
@pytest.mark.parametrize("name", linear.FAMILIES)
def test_tiers_round_alike(name, quantity, dtype):
    """Both tiers' goldens of every family round to the same bits in every format."""
    inputs = drawn(name, dtype, bias=True)

    quick, arbiter = certify(PLAIN, quantity, inputs), tiers.arbitrate(PLAIN, quantity, inputs)

    assert quick.radius <= 2.0**-tiers.RADIUS_BITS
    assert arbiter.radius <= 2.0**-100
    for form in FORMATS.values():
        one, other = rounding.nearest(quick, form), rounding.nearest(arbiter, form)
        assert (one.view(np.uint64) == other.view(np.uint64)).all()


@pytest.mark.parametrize("quantity", GRADIENTS)
@pytest.mark.parametrize("name", ["hidden_normal", "hidden_mixed_scale", "cancelling_products", "confident_states"])
def test_plain_mpmath_agrees(name, quantity):
    """The textbook at 60 digits, which shares nothing with either tier, lies within the radius."""
    inputs = drawn(name, bias=True)

    golden = certify(PLAIN, quantity, inputs)

    for hi, lo, exact in zip(golden.hi.ravel(), golden.lo.ravel(), by_mpmath(quantity, inputs), strict=True):
        with mpmath.workdps(60):
            assert abs(mpmath.mpf(hi) + mpmath.mpf(lo) - exact) <= golden.radius * abs(exact) + mpmath.mpf(10) ** -45


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("quantity", GRADIENTS)
@pytest.mark.parametrize("name", linear.SOFT)
def test_soft_labels_are_answered_by_both_tiers_and_by_plain_mpmath(name, quantity, dtype):
    """Of labels that are probabilities both tiers round alike, and the textbook at 60 digits lies within the radius."""
    inputs = drawn(name, dtype, (4, 6, 8), "linear_dense_xent", bias=True)
    assert (inputs.labels.astype(float).sum(axis=1) == 1).all()

    quick, arbiter = (tier(SOFT, quantity, inputs) for tier in (certify, tiers.arbitrate))

    assert quick.radius <= 2.0**-tiers.RADIUS_BITS
    for form in FORMATS.values():
        one, other = rounding.nearest(quick, form), rounding.nearest(arbiter, form)
        assert (one.view(np.uint64) == other.view(np.uint64)).all()
    wide = replace(inputs, labels=inputs.labels.astype(float))
    for hi, lo, exact in zip(quick.hi.ravel(), quick.lo.ravel(), by_mpmath(quantity, wide), strict=True):
        with mpmath.workdps(60):
            assert abs(mpmath.mpf(hi) + mpmath.mpf(lo) - exact) <= quick.radius * abs(exact) + mpmath.mpf(10) ** -45


@pytest.mark.parametrize("op", [*linear.SOFT_OPTIONS], ids=str)
def test_options_of_soft_labels_mean_what_they_say(op):
    """Each option's golden is that of its meaning, written out; a mean is over the rows, whatever they weigh."""
    case = next(case for case in linear.option_cases(["bfloat16"]) if case.op == op)
    inputs, asked = linear.inputs(case), op.options
    weights = np.resize([1, 0.5, 0.25, 2], case.classes) if "class_weight" in asked else np.ones(case.classes)
    smooth, reduced = asked.get("label_smoothing", 0.0), asked.get("reduction", "none") != "none"
    z = ((1 - smooth) * inputs.labels.astype(float) + smooth / case.classes) * weights
    below = case.rows if asked.get("reduction") == "mean" else 1

    for quantity in linear.SOFT_OPTIONS[op]:
        golden = meaning.golden(op, quantity, inputs, certify)
        g = np.broadcast_to(inputs.upstream.astype(float), case.rows) if quantity != "value" else np.ones(case.rows)
        exact = by_mpmath(quantity, replace(inputs, labels=z), g / below)
        with mpmath.workdps(60):
            exact = [sum(exact)] if reduced and quantity == "value" else exact
        assert far(golden, exact) < 2.0**-60


@pytest.mark.parametrize("op", [*linear.OPTIONS], ids=str)
def test_options_mean_what_they_say(op):
    """Each option's golden is that of its meaning, written out."""
    case = next(case for case in linear.option_cases(["float32"]) if case.op == op)
    inputs, asked = linear.inputs(case), op.options
    weights = np.resize([1, 0.5, 0.25, 2], case.classes) if "class_weight" in asked else np.ones(case.classes)
    valid = inputs.labels != asked.get("ignore_index")
    index = np.where(valid, inputs.labels, 0)
    smooth = asked.get("label_smoothing", 0.0)
    z = ((1 - smooth) * np.eye(case.classes)[index] + smooth / case.classes) * weights * valid[:, None]
    below = {
        "mean": case.rows,
        "mean_valid": valid.sum(),
        "mean_classweight": (weights[index] * valid).sum(),
    }.get(asked.get("reduction", "none"), 1)
    dense = Inputs(inputs.logits, z, inputs.upstream, weight=inputs.weight, bias=inputs.bias)
    reduced = asked.get("reduction", "none") != "none"

    for quantity in linear.OPTIONS[op]:
        golden = meaning.golden(op, quantity, inputs, certify)
        g = np.broadcast_to(inputs.upstream.astype(float), case.rows) if quantity != "value" else np.ones(case.rows)
        exact = by_mpmath(quantity, dense, valid * g / below, asked.get("softcap", 0.0), asked.get("z_loss", 0.0))
        with mpmath.workdps(60):
            exact = [sum(exact)] if reduced and quantity == "value" else exact
        assert far(golden, exact) < 2.0**-60


def test_a_row_that_is_ignored_has_no_gradient():
    """Exactly none, with all rows ignored too: no radius, and no search for digits of a 0."""
    op = Op.of("linear_xent", ignore_index=-100, reduction="sum")
    inputs = drawn("hidden_normal", ignore_index=-100)
    for labels in (inputs.labels, np.full_like(inputs.labels, -100)):
        asked = Inputs(inputs.logits, labels, np.float32(0.5), weight=inputs.weight)
        hidden = meaning.golden(op, "grad_hidden", asked, certify)
        assert (hidden.hi[labels == -100] == 0).all()
    assert meaning.golden(op, "value", asked, certify).hi == 0
    assert not meaning.golden(op, "grad_weight", asked, certify).hi.any()


def test_what_cancels_exactly_is_zero():
    """A feature with one weight for all classes has no gradient, and the tiers say 0, not a small number."""
    inputs = drawn("common_direction")

    golden = certify(PLAIN, "grad_hidden", inputs)

    assert not golden.hi[:, 0].any()
    assert golden.hi[:, 1:].all()


@pytest.mark.parametrize("count", [1, 3, 64, 1000])
@pytest.mark.parametrize("spread", [0, 60])
def test_products_lie_within_their_bounds(count, spread):
    """Exact rational arithmetic finds no product of pairs further off than its bound says, whatever cancels."""
    rng = np.random.default_rng(count)
    a, b = (rng.standard_normal((3, count)) * 2.0 ** rng.integers(-spread, spread + 1, (3, count)) for _ in range(2))
    pair = a, a * 2.0**-54 * rng.uniform(-1, 1, a.shape)

    (hi, lo), bound = products.product(pair, untailed(b))

    for i in range(3):
        for j in range(3):
            exact = sum(
                (exactly.Fraction(h) + exactly.Fraction(l)) * exactly.Fraction(w)
                for h, l, w in zip(pair[0][i], pair[1][i], b[j], strict=True)
            )
            assert abs(exactly.Fraction(hi[i, j]) + exactly.Fraction(lo[i, j]) - exact) <= exactly.Fraction(bound[i, j])
    largest = np.abs(a).max(axis=1)[:, None] * np.abs(b).max(axis=1)
    assert (bound <= 2.0**-90 * count * largest).all()


def test_infinite_inputs_are_refused():
    """They have no distance in ulps."""
    inputs = drawn("hidden_normal")
    inputs.logits[0, 0] = np.inf

    for tier in tiers.CERTIFY.values():
        with pytest.raises(ValueError, match="inputs hold inf or nan"):
            tier(PLAIN, "value", inputs, 0.0, 0)


def test_a_batch_of_padding_has_no_loss_and_no_gradient():
    """Where every label is the ignored one answers are exactly 0, and underflow of gradients is all the budget."""
    asked = [case for case in linear.option_cases(["bfloat16"]) if case.source.name == "only_padding"]
    assert {case.op for case in asked} == set(linear.PADDED)
    for case in asked:
        inputs = linear.inputs(case)
        golden = meaning.golden(case.op, case.quantity, inputs, certify)
        budget = meaning.budget(case.op, case.quantity, inputs, certify)
        assert (inputs.labels == -100).all()
        assert not golden.hi.any()
        most = max(np.max(error) for error in budget.error.values())
        assert most == 0 if case.quantity == "value" else most < 2.0**-120
