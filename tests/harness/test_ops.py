"""The records of the ops: what each says of an op, and that nothing else in the house has to be told."""

import pytest

from harness.model import Op
from harness.ops import APART, ASKED, ASKED_LINEAR, OPS, plain


@pytest.mark.parametrize(
    ("op", "signature", "quantities"),
    [
        ("softmax", "(logits, axis)", ("value", "grad_logits")),
        ("logsumexp", "(logits, axis)", ("value", "grad_logits")),
        ("sparse_xent", "(logits, labels)", ("value", "grad_logits")),
        ("dense_xent", "(logits, labels)", ("value", "grad_logits", "grad_labels")),
        ("sigmoid", "(logits)", ("value", "grad_logits")),
        ("sigmoid_xent", "(logits, labels)", ("value", "grad_logits", "grad_labels")),
        ("sparse_prob_xent", "(probabilities, labels)", ("value", "grad_logits")),
        ("linear_xent", "(hidden, weight, labels)", ("value", "grad_hidden", "grad_weight")),
        ("linear_dense_xent", "(hidden, weight, labels)", ("value", "grad_hidden", "grad_weight")),
    ],
)
def test_signature_and_quantities_follow_from_labels_and_value(op, signature, quantities):
    """What a function is called with, and which gradients there are, is read off what an op takes and gives."""
    assert (OPS[op].signature, OPS[op].quantities) == (signature, quantities)


def test_ops_are_asked_with_their_variants():
    """A variant is asked beside the plain op, without a gradient of the labels."""
    assert ASKED[Op.of("dense_xent")] == ("value", "grad_logits", "grad_labels")
    assert ASKED[Op.of("dense_xent", reduction="mean")] == ("value", "grad_logits")
    assert ASKED[Op.of("sigmoid_xent", pos_weight=3.0)] == ("value", "grad_logits")


def test_linear_op_is_asked_apart_and_for_its_bias_too():
    """What takes hidden states in the place of logits is asked in families of its own."""
    assert "linear_xent" not in {op.name for op in ASKED}
    assert ASKED_LINEAR[Op.of("linear_xent")] == ("value", "grad_hidden", "grad_weight")
    assert ASKED_LINEAR[Op.of("linear_xent", bias=True)] == ("value", "grad_bias")


def test_plain_ops_are_chosen_by_what_their_value_is():
    """Every op has one kind of value, and no options."""
    assert [op.name for op in plain("point")] == ["sigmoid", "log_sigmoid", "sigmoid_xent"]
    assert plain("row", "class", "point") == plain()


def test_every_op_is_asked_everywhere_or_apart():
    """An op that is asked apart is asked in no family and of no law beside its own."""
    assert {op.name for op in (*ASKED, *ASKED_LINEAR, *APART)} == OPS.keys()
    assert not {op.name for op in (*ASKED, *plain())} & {op.name for op in APART}
