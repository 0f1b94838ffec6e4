"""Functions of one number in float64: within their radius of the arbiter, in every binade, and the same compiled."""

import numpy as np
import pytest

from harness import jit
from harness.model import FORMATS, Inputs, Op
from harness.scoring import ulp
from reference.arbiter import settle
from reference.fast.float64 import single

FORM = FORMATS["float32"]
ASKED = [
    *((Op.of(name), quantity, 0.0) for name in ("sigmoid", "log_sigmoid") for quantity in ("value", "grad_logits")),
    *(
        (Op.of("sigmoid_xent", **options), quantity, label)
        for options in ({}, {"pos_weight": 3.0})
        for quantity in ("value", "grad_logits")
        for label in (0.0, 0.5, 1.0)
    ),
]
each_asked = pytest.mark.parametrize(("op", "quantity", "label"), ASKED, ids=str)


def logits():
    """Return float32 numbers of every binade and sign, those where formulas change, and those where gradients are 0."""
    rng = np.random.default_rng(5)
    binades = np.ldexp(rng.uniform(1, 2, 254), np.arange(-126, 128))
    ends = [0.0, 2.0**-149, single.NEAR, np.log(3), -np.log(2), 17.3, 88.0, 104.0, 700.0, 745.2]
    around = np.concatenate([np.nextafter(np.float32(ends), np.float32(way)) for way in (-np.inf, np.inf)])
    positive = np.concatenate([binades, ends, around, rng.uniform(0, 30, 100), np.exp2(rng.uniform(-14, 0, 100))])
    return np.concatenate([positive, -positive]).astype(np.float32)


def exact(op, quantity, label, x):
    """Return the arbiter's answers."""
    column = x.reshape(-1, 1)
    labels = np.full_like(column, label) if op.name == "sigmoid_xent" else None
    golden = settle.certify(op, quantity, Inputs(column, labels, np.ones_like(column)))
    exponent = None if golden.exponent is None else golden.exponent.ravel()
    return type(golden)(golden.hi.ravel(), golden.lo.ravel(), exponent, golden.radius)


@each_asked
def test_values_are_within_their_radius_of_the_arbiter(op, quantity, label):
    """Wherever float32 can tell, the value is as near as it says, and on the right side of a power of two."""
    x = logits()
    found = single.truth(single.plan(op, quantity, label), single.basis(x.astype(np.float64)))
    golden = exact(op, quantity, label, x)
    hi, lo = ulp.scaled(golden, np.zeros(x.shape, np.int64))
    known = np.isfinite(found.radius) & (np.abs(hi) > 2.0**-400)

    off = np.abs(((found.base - hi) + found.part) - lo)[known]

    assert (off <= (found.radius * np.abs(found.part) + 2.0**-100 * np.abs(hi))[known]).all()
    tiny = np.isfinite(found.radius) & ~known
    assert (np.abs(found.value[tiny]) < 2.0**-300).all()
    assert known.mean() > 0.3
    mantissa, exponent = np.frexp(found.value)
    binade = exponent - 1 - (found.below & (np.abs(mantissa) == 0.5))
    normal = known & (np.abs(hi) > 2.0**-149)
    assert (binade == ulp.binade(golden))[normal].all()


@each_asked
def test_little_is_left_open(op, quantity, label):
    """Of random logits nearly all have a radius that float32 never sees."""
    rng = np.random.default_rng(6)
    x = rng.integers(0, 1 << 32, 20_000, np.uint64).astype(np.uint32).view(np.float32)
    x = x[np.isfinite(x)].astype(np.float64)
    found = single.truth(single.plan(op, quantity, label), single.basis(x))

    assert (found.radius <= 2.0**-36).mean() > 0.99


@each_asked
def test_compiled_formulas_give_the_same_bits(op, quantity, label, monkeypatch):
    """numba's answer is numpy's, bit by bit."""
    pytest.importorskip("numba")
    x, plan = logits().astype(np.float64), single.plan(op, quantity, label)
    monkeypatch.setattr(jit, "CHOICE", "never")
    expected = single.truth(plan, single.basis(x))
    monkeypatch.setattr(jit, "CHOICE", "always")

    for _ in range(2):  # the first answer is numpy's
        found = single.truth(plan, single.basis(x))

    assert {"exp_and_log", plan.kind} <= single.LOOPS.believed
    assert [part.tobytes() for part in found] == [part.tobytes() for part in expected]


@pytest.mark.parametrize(("op", "quantity"), [(Op.of("softmax"), "value"), (Op.of("sigmoid_xent"), "grad_labels")])
def test_other_ops_are_refused(op, quantity):
    """What is of more than one number has no formula here."""
    with pytest.raises(ValueError, match="expected one of a single number"):
        single.plan(op, quantity)
