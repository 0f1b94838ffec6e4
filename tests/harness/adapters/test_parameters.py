"""Options of somebody's own functions: which parameter stands for which, and what a call with them is."""

import inspect

import numpy as np
import pytest

from harness.adapters.fence import NotSupported
from harness.adapters.parameters import Parameters


def loss(logits, labels, weight=None, *, ignore_index=-100, reduction="mean", smoothing=0.0, chunk=64):
    """Return what it is called with."""
    return logits, labels, weight, ignore_index, reduction, smoothing, chunk


def test_parameters_are_read_by_name():
    """Each option has its spelling; what is none is unknown; labels are not looked for among them."""
    found = Parameters.of("sparse_xent", loss)
    assert found.spelled == {
        "reduction": "reduction",
        "class_weight": "weight",
        "label_smoothing": "smoothing",
        "ignore_index": "ignore_index",
    }
    assert found.unknown == ("chunk",)
    assert set(found.signature.parameters) == {*found.spelled, "chunk"}


@pytest.mark.parametrize(
    ("op", "function", "spelled", "unknown"),
    [
        pytest.param("softmax", lambda x, axis: x * axis, {"axis": ""}, (), id="axis second"),
        pytest.param("softmax", lambda x, *, dim=-1: x * dim, {"axis": "dim"}, (), id="axis by name"),
        pytest.param("softmax", lambda x: x, {}, (), id="no axis"),
        pytest.param(
            "logsumexp", lambda x, axis=-1, scale=None: (x, axis, scale), {"axis": ""}, ("scale",), id="scale"
        ),
        pytest.param("sigmoid", lambda x, inplace=False: (x, inplace), {}, ("inplace",), id="elementwise"),
        pytest.param("dense_xent", lambda x, z, dim=-1: (x, z, dim), {"axis": "dim"}, (), id="axis of a loss"),
        pytest.param("dense_xent", lambda x, z, ignore_index=0: (x, z, ignore_index), {}, ("ignore_index",), id="rows"),
        pytest.param(
            "sigmoid_xent", lambda x, z, pos_weight=1: (x, z, pos_weight), {"pos_weight": "pos_weight"}, (), id="q"
        ),
        pytest.param("sparse_xent", lambda *arrays, **_: arrays, {}, (), id="anything"),
    ],
)
def test_options_by_op(op, function, spelled, unknown):
    """An op has its own options; another's is a parameter like any."""
    found = Parameters.of(op, function)
    assert (found.spelled, found.unknown) == (spelled, unknown)


def test_plain_call_is_not_reduced():
    """Losses are asked one a row, whatever the function's own default; all else stays at its default."""
    called = Parameters.of("sparse_xent", loss).bound({}, "numpy")
    assert called(1, 2) == (1, 2, None, -100, "none", 0.0, 64)


def test_options_reach_the_function():
    """A pattern comes as an array of the logits' dtype, numbers as they are, and a mean under its own word."""
    asked = {"class_weight": "1 0.5", "ignore_index": 3, "label_smoothing": 0.125, "reduction": "mean_classweight"}
    logits = np.ones((2, 3), np.float16)
    *_, weight, ignored, reduction, smoothing, _ = Parameters.of("sparse_xent", loss).bound(asked, "numpy")(logits, 0)
    assert (weight.dtype.name, weight.tolist()) == ("float16", [1, 0.5, 1])
    assert (ignored, reduction, smoothing) == (3, "mean", 0.125)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param({"chunk": "its own"}, "not judged: chunk: no option", id="unknown"),
        pytest.param({"reduction": "mean_valid"}, "reduction is 'mean_valid', expected one of", id="another mean"),
        pytest.param(
            {"reduction": "mean", "ignore_index": 3}, "reduction is 'mean', expected one of", id="ignored rows"
        ),
    ],
)
def test_what_is_refused(asked, said):
    """A parameter that is no option is named, and so is a mean that these options do not have."""
    with pytest.raises(NotSupported, match=said):
        Parameters.of("sparse_xent", loss).bound(asked, "numpy")


def test_callable_without_signature_takes_an_axis():
    """What cannot be looked at is believed."""
    with pytest.raises(ValueError, match="signature"):
        inspect.signature(iter)
    assert Parameters.of("softmax", iter).spelled == {"axis": ""}
    assert Parameters.of("sparse_xent", iter).spelled == {}


def test_bias_is_an_array_of_the_call():
    """A linear op's bias comes last among the arrays and goes by its parameter's name, beside other options."""

    def mine(hidden, weight, labels, *, linear_bias=None, reduction="mean"):
        return hidden, weight, labels, linear_bias, reduction

    parameters = Parameters.of("linear_xent", mine)

    assert parameters.spelled == {"bias": "linear_bias", "reduction": "reduction"}
    assert parameters.bound({"bias": True}, "numpy")(1, 2, 3, 4) == (1, 2, 3, 4, "none")
    assert parameters.bound({"reduction": "sum"}, "numpy")(1, 2, 3) == (1, 2, 3, None, "sum")
