"""Cases and targets become plain values and come back the same, by name and in columns."""

import dataclasses
import json

import pytest

from harness.model import Case, Implementation, Op, Target
from harness.store import nouns

CASES = (
    Case(Op.of("softmax"), "value", "normal", "float32", 32, 64),
    Case(
        Op.of("sigmoid_xent", pos_weight=3.0, reduction="mean", keep=True, axis=-1),
        *("grad_labels", "options/wide", "float16", 4, 8, 2, "law.shift"),
    ),
)
TARGET = Target(Implementation("jax", "sigmoid_xent", 'optax."\u03c3"\n(x)', "composed"), "jit", "cuda:1")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_comes_back(case):
    """Through JSON, by name and by column, a case is the same, its options of the same types."""
    named = nouns.case_of(json.loads(json.dumps(nouns.case_fields(case))))
    listed = nouns.case_of_row(*json.loads(json.dumps(nouns.case_row(case))))

    for one in (named, listed):
        assert one == case
        assert str(one) == str(case)
        assert list(map(type, one.op.options.values())) == list(map(type, case.op.options.values()))


def test_a_target_comes_back():
    """Through JSON, by name and by column, a target is the same."""
    assert nouns.target_of(json.loads(json.dumps(nouns.target_fields(TARGET)))) == TARGET
    assert nouns.target_of_row(*nouns.target_row(TARGET)) == TARGET


def test_columns_are_the_fields():
    """Every field of a case and a target has a column, in the order of the nouns, so that none is left behind."""
    (op, *rest), (implementation, *others) = dataclasses.fields(Case), dataclasses.fields(Target)

    assert (op.name, implementation.name) == ("op", "implementation")
    assert ("op", "params", *(field.name for field in rest)) == nouns.CASE_COLUMNS
    assert (
        *(field.name for field in dataclasses.fields(Implementation)),
        *(field.name for field in others),
    ) == nouns.TARGET_COLUMNS


def test_plain_values_are_a_copy():
    """Changing the plain values changes no case."""
    fields = nouns.case_fields(CASES[0])
    fields["family"] = "other"
    fields["options"]["axis"] = 1

    assert CASES[0].family == "normal"
    assert CASES[0].op.options == {}
