"""scikit-learn: the softmax of its classifiers, and log_loss, which takes probabilities and clips them."""

from __future__ import annotations

import numpy as np
import sklearn
import sklearn.metrics
import sklearn.utils.extmath

from harness.adapters import Catalogue, Function, Native, NotSupported
from harness.adapters import numpy as plain
from harness.forms.sklearn import FORMS

CATALOGUE = Catalogue("sklearn", {"sklearn": sklearn, "np": np}, np.sum, np.mean, FORMS, plain.weights)


@CATALOGUE.public("softmax", "sklearn.utils.extmath.softmax")
def softmax(function: Function, *, axis: int = -1, rank: int = 2) -> Function:
    """Build the function of a matrix, whose rows it takes."""
    if rank != 2 or axis not in {-1, 1}:
        raise NotSupported(f"axis is {axis} of {rank}, expected 1 of 2; it takes a matrix of rows")

    def rows(logits: Native) -> Native:
        return function(logits)

    return rows


@CATALOGUE.public("sparse_prob_xent", "sklearn.metrics.log_loss")
def log_loss(function: Function) -> Function:
    """Build the loss a row, asked for one row at a time: it offers their mean or sum alone, as a Python float."""

    def losses(probabilities: Native, labels: Native) -> Native:
        classes = np.arange(probabilities.shape[1])
        each = [function([label], row[None], labels=classes) for label, row in zip(labels, probabilities, strict=True)]
        return np.array(each, probabilities.dtype)

    return losses


CATALOGUE.compose()


class Adapter(plain.Adapter):
    """scikit-learn on numpy's arrays."""

    catalogue = CATALOGUE
    modes = ("eager",)
    dtypes = ("float16", "float32", "float64")
    engine, differentiates = True, False

    def environment(self, device: str) -> dict[str, str]:
        return {"sklearn": sklearn.__version__, **super().environment(device)}
