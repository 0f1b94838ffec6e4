"""scipy, whose functions take numpy's arrays: values only, and losses as people put them together."""

from __future__ import annotations

import numpy as np
import scipy
import scipy.special

from harness.adapters import Catalogue, Function, Native
from harness.adapters import numpy as plain
from harness.forms.scipy import FORMS

CATALOGUE = Catalogue("scipy", {"scipy": scipy, "np": np}, np.sum, np.mean, FORMS, plain.weights)


@CATALOGUE.public("softmax", "scipy.special.softmax")
@CATALOGUE.public("log_softmax", "scipy.special.log_softmax")
def over_classes(function: Function, *, axis: int = -1) -> Function:
    """Build a function of one axis; without it scipy takes the whole array for one row."""
    return lambda logits: function(logits, axis=axis)


@CATALOGUE.public("logsumexp", "scipy.special.logsumexp")
def logsumexp(function: Function, *, axis: int = -1, term_weight: str = "") -> Function:
    """Build the function of one axis, with a factor of each class's exponential where that is asked."""
    if not term_weight:
        return over_classes(function, axis=axis)
    return lambda logits: function(logits, axis=axis, b=plain.weights(logits, term_weight, axis))


@CATALOGUE.public("sigmoid", "scipy.special.expit")
@CATALOGUE.public("log_sigmoid", "scipy.special.log_expit")
def elementwise(function: Function) -> Function:
    """Build a function of every element."""

    def of_each(logits: Native) -> Native:
        return function(logits)

    return of_each


CATALOGUE.compose()


class Adapter(plain.Adapter):
    """scipy on numpy's arrays."""

    catalogue = CATALOGUE
    modes = ("eager",)
    dtypes = ("float16", "float32", "float64")
    engine, differentiates = True, False

    def environment(self, device: str) -> dict[str, str]:
        return {"scipy": scipy.__version__, **super().environment(device)}
