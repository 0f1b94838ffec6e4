"""The budget of the loss of hidden states: no sound algorithm exceeds it, and what erases digits does."""

import ml_dtypes
import numpy as np
import pytest

from harness.model import FORMATS, Op
from reference import tiers
from reference.options import meaning, parts
from suites.questions import linear

GRADIENTS = ("value", "grad_hidden", "grad_weight")


def certify(op, quantity, inputs):
    """Certify without an audit."""
    return tiers.certify(op, quantity, inputs, 0.0)


def stored(array, dtype):
    """Round to a format and back."""
    return array.astype(np.float32).astype(dtype).astype(array.dtype)


def textbook(quantity, inputs, inner, dtype, *, rounds, erases=False):
    """Return the answer of the textbook in `inner`; rounds: logits, log-probabilities and G to `dtype` as well."""
    h, w = (part.astype(inner) for part in (inputs.logits, inputs.weight))
    keep = (lambda a: stored(a, dtype)) if rounds else (lambda a: a)
    x = keep(h @ w.T)
    less = x - x.max(axis=1, keepdims=True)
    logs = keep(less - np.log(np.exp(less).sum(axis=1, keepdims=True)))
    z = (np.eye(x.shape[1])[inputs.labels] if inputs.labels.ndim == 1 else inputs.labels).astype(inner)
    if quantity == "value":
        return -(z * logs).sum(axis=1).astype(dtype)
    p = np.exp(logs)
    if erases:
        p = stored(p, ml_dtypes.bfloat16)
    p -= z
    of = keep(p * inputs.upstream.astype(inner)[:, None])
    return (of @ w if quantity == "grad_hidden" else of.T @ h).astype(dtype)


def excess(case, answer, kind):
    """Return error over budget."""
    inputs = linear.inputs(case)
    golden = meaning.golden(case.op, case.quantity, inputs, certify)
    budget = meaning.budget(case.op, case.quantity, inputs, certify)
    error = np.abs(answer.astype(np.float64) - golden.hi)
    return float((error / budget.error[kind]).max())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("quantity", GRADIENTS)
@pytest.mark.parametrize("name", [name for name in linear.FAMILIES if name in linear.QUICK])
def test_textbook_is_within_its_class(name, quantity, dtype):
    """Computed in float32 and rounded once it meets S; with every intermediate rounded to 16 bits, N."""
    case = linear.case(Op.of("linear_xent"), quantity, name, dtype, linear.QUICK[name][0])
    inputs = linear.inputs(case)
    inner = np.float64 if dtype == "float64" else np.float32
    own = inputs.logits.dtype

    assert excess(case, textbook(quantity, inputs, inner, own, rounds=False), "S") <= 1
    if "16" in dtype:
        assert excess(case, textbook(quantity, inputs, inner, own, rounds=True), "N") <= 1


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("quantity", GRADIENTS)
@pytest.mark.parametrize("name", linear.SOFT)
def test_textbook_of_soft_labels_is_within_its_class(name, quantity, dtype):
    """Of labels that are probabilities too: S computed in float32, N rounded to 16 bits all along, and no erased p."""
    case = linear.case(Op.of("linear_dense_xent"), quantity, name, dtype, linear.CHECKED)
    inputs = linear.inputs(case)
    own = inputs.logits.dtype

    assert excess(case, textbook(quantity, inputs, np.float32, own, rounds=False), "S") <= 1
    if dtype == "bfloat16":
        assert excess(case, textbook(quantity, inputs, np.float32, own, rounds=True), "N") <= 1
    if (name, quantity) == ("confident_states", "grad_hidden"):
        answer = textbook(quantity, inputs, np.float32, own, rounds=False, erases=True)
        assert min(excess(case, answer, kind) for kind in ("S", "N") if kind == "S" or dtype == "bfloat16") > 2


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_probability_that_is_rounded_before_the_label_is_subtracted_is_in_no_class(dtype):
    """The gradient of a confident label is 1 - p, of which 8 bits keep nothing."""
    case = linear.case(Op.of("linear_xent"), "grad_hidden", "confident_states", dtype, (8, 16, 40))
    inputs = linear.inputs(case)
    answer = textbook("grad_hidden", inputs, np.float32, inputs.logits.dtype, rounds=False, erases=True)
    budget = meaning.budget(case.op, case.quantity, inputs, certify)

    assert min(excess(case, answer, kind) for kind in budget.error) > 2


def test_logits_have_no_share_where_their_sums_are_exact():
    """Of whole numbers the budget is the loss's own; elsewhere a part of it is the logits', and less than all."""
    for name, exact in (("whole_numbers", True), ("hidden_normal", False)):
        case = linear.case(Op.of("linear_xent"), "value", name, "float32", (8, 16, 40))
        budget = meaning.budget(case.op, "value", linear.inputs(case), certify)
        assert (budget.logits["S"] == 0).all() == exact
        assert (budget.logits["S"] < budget.error["S"]).all()


def test_hand_worked_logit_bound():
    """One feature and two classes: each logit is off by u |h w|, and a loss near log 2 by half of both."""
    form = FORMATS["float32"]
    case = linear.case(Op.of("linear_xent"), "value", "hidden_normal", "float32", (1, 1, 2))
    inputs = linear.inputs(case)
    inputs = type(inputs)(
        np.array([[np.float32(1.1)]]), np.array([0]), inputs.upstream, weight=np.float32([[0.3], [0.3]])
    )

    budget = meaning.budget(case.op, "value", inputs, certify)

    assert parts.size(meaning.golden(case.op, "value", inputs, certify)) == pytest.approx(np.log(2))
    assert budget.logits["S"] == pytest.approx(form.unit * 0.33, rel=1e-5)  # log(1 + (e**2E - 1) / 2)
