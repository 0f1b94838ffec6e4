"""An adapter with a mistake of its own: what it returns is no array."""

import numpy as np

from harness.adapters import Catalogue, numpy

catalogue = Catalogue("careless")
catalogue.form("sigmoid", "careless.sigmoid", "fused")(lambda: lambda logits: 1 / (1 + np.exp(-logits)))


class Adapter(numpy.Adapter):
    """numpy, but for what comes back."""

    catalogue = catalogue

    def get(self, native):
        """Return a list."""
        return native.tolist()
