"""An adapter of a library, as docs/how-to/adapter.md shows one: it has a mode that compiles, in its own words."""

from typing import ClassVar

import brewery as brew

from harness.adapters import Catalogue, numpy

CATALOGUE = Catalogue("brewed", {"brew": brew})


@CATALOGUE.public("softmax", "brew.softmax")
def softmax(function, axis=-1):
    """Build the function of an axis."""
    return lambda logits: function(logits, axis=axis)


class Adapter(numpy.Adapter):
    """numpy's arrays, the library's function."""

    catalogue = CATALOGUE
    modes = ("plain", "brewing")
    compiling: ClassVar = {"brewing": "slowly"}

    def environment(self, device):  # noqa: ARG002 - as the base class has it
        """Return the library's version."""
        return {"brewed": brew.__version__}
