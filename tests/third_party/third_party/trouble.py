"""A framework with every kind of trouble, each in the family `two_class_gap` alone, whose shape no other has."""

import os
import signal
import time

import numpy as np

from harness.adapters import Catalogue, numpy

catalogue = Catalogue("trouble")


def right(logits):
    """Return the sigmoid, computed in float64."""
    return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(logits.dtype)


def dies(_):
    """End the process as a segfault does, with no word to Python."""
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(_):
    """Return never."""
    time.sleep(3600)


def raises(_):
    """Raise with a message of several lines."""
    raise RuntimeError("\nno kernel for this shape\nat line 1")


def widens(logits):
    """Return another dtype than the logits'."""
    return right(logits).astype(np.float64)


def flattens(logits):
    """Return another shape than the logits'."""
    return right(logits).ravel()


def errs(logits):
    """Return an answer that is off by a thousandth."""
    return right(logits) * np.float32(1.001)


def register(trouble):
    """Register a function that is right but for its trouble."""
    catalogue.form("sigmoid", f"trouble.{trouble.__name__}", "fused")(
        lambda: lambda logits: (trouble if logits.shape == (256, 2) else right)(logits)
    )


for each in (right, dies, hangs, raises, widens, flattens, errs):
    register(each)


class Adapter(numpy.Adapter):
    """numpy's arrays, another's functions; modes tell that a third party's are its own words."""

    catalogue = catalogue
    modes = ("plain", "other")
