"""Compositions as rows of data: each is whole, of a known op, and Python over the names that it declares."""

import ast
import builtins

import pytest

from harness.forms import FORMS, IMPORTS
from harness.forms.form import Form
from harness.ops import OPS

ROWS = [pytest.param(framework, form, id=f"{form.op}: {form.name}") for framework in FORMS for form in FORMS[framework]]


def names(text):
    """Return the names that an expression reads, without those it binds itself."""
    nodes = [node for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)]
    bound = {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    return {node.id for node in nodes} - bound - set(dir(builtins))


@pytest.mark.parametrize(("framework", "form"), ROWS)
def test_an_expression_needs_what_its_row_declares(framework, form):
    """It reads its arrays, its framework's modules and its options, and every array that its op takes."""
    arrays = set(OPS[form.op].arrays)

    found = names(form.expression) - {"bias"}

    assert arrays <= found
    assert found - arrays <= {*IMPORTS[framework], *form.options}


@pytest.mark.parametrize(("framework", "form"), ROWS)
def test_a_note_is_a_sentence(framework, form):
    """What goes wrong is told in one line that ends."""
    assert framework in IMPORTS
    assert not form.note or (form.note.endswith(".") and "\n" not in form.note)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (Form("sigmoid", "naive", "logits + 1"), "lambda : (lambda logits: logits + 1)"),
        (
            Form("softmax", "naive", "shown", "logits * axis", options={"axis": -1}),
            "lambda *, axis=-1: (lambda logits: logits * axis)",
        ),
        (
            Form("dense_xent", "naive", "logits + labels", options={"label_dtype": ""}, reduces=True),
            "lambda *, label_dtype='', reduction='none': reduced(lambda logits, labels: logits + labels, reduction)",
        ),
        (
            Form("sparse_xent", "fused", "labels", options={"axis": -1, "rank": 2}, last_axis=True),
            "lambda *, axis=-1, rank=2: last_axis(axis, rank) or (lambda logits, labels: labels)",
        ),
    ],
    ids=["plain", "option", "reduced", "last axis"],
)
def test_builder(row, text):
    """A builder takes the row's options and returns the function of its arrays."""
    assert row.builder == text
