"""Rows of a catalogue: found by op and name, composed of the texts that reports print, and reduced as users do it."""

import re

import numpy as np
import pytest

from harness.adapters import Catalogue, NotSupported
from harness.adapters.catalogue import last_axis
from harness.forms import FORMS
from harness.forms.form import Form


@pytest.fixture
def catalogue():
    """Return numpy's words, with nothing registered."""
    return Catalogue("numpy", {"np": np}, np.sum, np.mean, FORMS["numpy"])


def losses(logits, labels):
    """Return a loss an element."""
    return logits + labels


def test_two_rows_of_one_name_are_refused():
    """A row is found by op and name, so a second of the same name would hide the first."""
    catalogue = Catalogue("planted")
    catalogue.form("softmax", "exp / sum", "naive")(lambda: None)

    with pytest.raises(ValueError, match="registered twice"):
        catalogue.form("softmax", "exp / sum", "naive")(lambda: None)


def test_compositions_are_registered_in_the_order_of_their_rows(catalogue):
    """Those of the ops that are named, else all that are left."""
    catalogue.compose("logsumexp", "softmax")
    first = [name for _, name in catalogue.offers]
    catalogue.compose("sigmoid")

    assert first == [form.name for form in FORMS["numpy"] if form.op in {"softmax", "logsumexp"}]
    assert [op for op, _ in catalogue.offers] == ["softmax", "logsumexp", "sigmoid"]


def test_composition_is_a_function_of_its_options(catalogue):
    """The axis and the reduction reach the text of the row."""
    catalogue.compose()
    logits = np.log(np.array([[1.0, 3.0], [1.0, 1.0]]))
    offers = {offer.implementation.op: offer.build for offer in catalogue.offers.values()}

    np.testing.assert_allclose(offers["softmax"]()(logits), [[0.25, 0.75], [0.5, 0.5]])
    np.testing.assert_allclose(offers["softmax"](axis=0)(logits), [[0.5, 0.75], [0.5, 0.25]])
    np.testing.assert_allclose(offers["sparse_xent"](reduction="sum")(logits, np.array([0, 1])), np.log(4) + np.log(2))


def test_composition_that_takes_the_last_axis_alone():
    """Another axis is refused while the function is built, and so is an option that the row has not."""
    row = Form("sparse_xent", "fused", "logits + labels", options={"axis": -1, "rank": 2}, reduces=True, last_axis=True)
    catalogue = Catalogue("numpy", {"np": np}, np.sum, np.mean, [row])
    catalogue.compose()
    build = catalogue.offers["sparse_xent", "logits + labels"].build

    assert build(axis=2, rank=3)(1, 2) == 3
    assert build(axis=1, reduction="mean")(np.ones(2), 2) == 3
    with pytest.raises(NotSupported, match="axis is 0 of 2"):
        build(axis=0)
    with pytest.raises(TypeError, match="label_dtype"):
        build(label_dtype="int32")


@pytest.mark.parametrize(("reduction", "expected"), [("none", [4, 6]), ("sum", 10), ("mean", 5)])
def test_losses_are_reduced_behind_the_function(catalogue, reduction, expected):
    """A sum or a mean is taken of the losses as they come."""
    got = catalogue.reduced(losses, reduction)(np.array([1, 2]), np.array([3, 4]))

    assert np.array_equal(got, expected)


@pytest.mark.parametrize("has", ["np.exp", "np.dtype('float32')"])
@pytest.mark.parametrize(
    "needs",
    [
        "np.of_a_later_release",
        "np.of_a_later_release.part",
        "later.exp",
        "np.zeros(2, order='of_an_earlier_release')",
        "np.dtype('float32', of_a_later_release=1)",
    ],
)
def test_composition_of_what_a_release_lacks_is_refused(needs, has):
    """It says which name or call is missing; where it is there, the composition is built."""
    rows = [Form("softmax", "fused", name, "logits", needs=what) for name, what in (("a", needs), ("b", has))]
    catalogue = Catalogue("numpy", {"np": np}, np.sum, np.mean, rows)
    catalogue.compose()

    with pytest.raises(NotSupported, match=re.escape(f"numpy here has no {needs}, expected a release that has")):
        catalogue.offers["softmax", "a"].build()
    assert catalogue.offers["softmax", "b"].build()(1) == 1


def test_a_dtype_that_a_documentation_leaves_out_is_refused():
    """It is named with those there are, and others are taken."""
    catalogue = Catalogue("numpy", {"np": np}, np.sum, np.mean, [Form("softmax", "fused", "a", dtypes=("float32",))])
    catalogue.compose()

    catalogue.offers["softmax", "a"].expect("value", "float32")
    with pytest.raises(NotSupported, match="dtype is float64, expected one of float32"):
        catalogue.offers["softmax", "a"].expect("value", "float64")


@pytest.mark.parametrize("catalogue", [Catalogue("words without sums"), Catalogue("numpy", {}, np.sum, np.mean)])
def test_a_reduction_that_users_do_not_write_is_refused(catalogue):
    """It is named with those there are."""
    with pytest.raises(NotSupported, match=r"'median', expected one of 'none', 'sum', 'mean'"):
        catalogue.reduced(losses, "median")


def test_another_axis_than_the_last_is_refused():
    """The last is -1 or rank - 1."""
    last_axis(-1, 3)
    last_axis(2, 3)

    with pytest.raises(NotSupported, match="axis is 1 of 3, expected the last"):
        last_axis(1, 3)


def test_another_name_of_a_row_is_no_row(catalogue):
    """It is kept with what it is the same as; a class is made with the options, and its object called."""

    class Doubled:
        def __init__(self, times=2):
            self.times = times

        def __call__(self, logits):
            return self.times * logits

    catalogue.within["own"] = type("own", (), {"double": lambda logits, times=2: times * logits, "Doubled": Doubled})
    catalogue.public("sigmoid", "own.double")(lambda function, *, times=2: lambda logits: function(logits, times=times))
    catalogue.spelled("sigmoid", "own.double", "own.Doubled", times=3)
    spelling = catalogue.spellings["sigmoid", "own.Doubled"]

    assert ("sigmoid", "own.Doubled") not in catalogue.offers
    assert (spelling.shown, spelling.options) == ("own.double", {"times": 3})
    assert spelling.build(times=3)(5) == spelling.like(times=3)(5) == 15
