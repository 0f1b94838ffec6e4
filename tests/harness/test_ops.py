"""The records of the ops: what each says of an op, and that nothing else in the house has to be told."""

import pytest

from harness.model import Op
from harness.ops import ASKED, OPS, plain


@pytest.mark.parametrize(
    ("op", "signature", "quantities"),
    [
        ("softmax", "(logits, axis)", ("value", "grad_logits")),
        ("logsumexp", "(logits, axis)", ("value", "grad_logits")),
        ("sparse_xent", "(logits, labels)", ("value", "grad_logits")),
        ("dense_xent", "(logits, labels)", ("value", "grad_logits", "grad_labels")),
        ("sigmoid", "(logits)", ("value", "grad_logits")),
        ("sigmoid_xent", "(logits, labels)", ("value", "grad_logits", "grad_labels")),
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


def test_plain_ops_are_chosen_by_what_their_value_is():
    """Every op has one kind of value, and no options."""
    assert [op.name for op in plain("point")] == ["sigmoid", "log_sigmoid", "sigmoid_xent"]
    assert plain("row", "class", "point") == plain()
