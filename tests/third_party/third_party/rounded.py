"""A framework whose one function keeps three digits."""

import numpy as np

from harness.adapters import Catalogue, numpy

catalogue = Catalogue("rounded")


@catalogue.form("sigmoid", "rounded.sigmoid", "fused")
def build():
    """Build a sigmoid of three digits."""
    return lambda logits: np.round(1 / (1 + np.exp(-logits)), 3).astype(logits.dtype)


class Adapter(numpy.Adapter):
    """numpy, but for what it offers."""

    catalogue = catalogue
