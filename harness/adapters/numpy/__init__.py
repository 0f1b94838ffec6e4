"""numpy, which has none of the ops itself: the textbook of `harness.forms` is asked, a control beside the frameworks.

Nothing is widened by hand, so that a framework which gains by widening shows it. Note: sums are numpy's own: in pairs
for floats, inside float32 for float16, but one by one in bfloat16 for ml_dtypes' bfloat16, whose long rows are the
worse for it.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, get_args

import ml_dtypes
import numpy as np

from harness import adapters
from harness.adapters import Catalogue, Function, Layout, NotSupported
from harness.forms.numpy import FORMS
from harness.options import repeated

if TYPE_CHECKING:
    from harness.model import Array


def weights(like: Array, pattern: str, axis: int) -> Array:
    """Return a pattern along an axis of an array, in its dtype."""
    return np.array(repeated(pattern, like.shape[axis])).astype(like.dtype)


CATALOGUE = Catalogue("numpy", {"np": np}, np.sum, np.mean, FORMS, weights)
CATALOGUE.compose()


class Adapter(adapters.Adapter):
    """numpy on the cpu; values only."""

    catalogue = CATALOGUE
    modes: tuple[str, ...] = ("eager",)
    layouts: tuple[Layout, ...] = get_args(Layout)
    dtypes: tuple[str, ...] = ("float16", "float32", "float64")  # bfloat16 is ml_dtypes', whose sums run one by one

    def devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        enabled = np.show_config(mode="dicts")["SIMD Extensions"]
        return {
            "numpy": np.__version__,
            "ml_dtypes": ml_dtypes.__version__,
            "cpu_capability": enabled["found"][-1] if enabled.get("found") else platform.machine(),
        }

    def put(self, array: Array, *, mode: str, device: str) -> Array:  # noqa: ARG002
        return np.array(array, order="C")

    def get(self, native: Array) -> Array:
        return np.array(native)

    def wait(self, native: Array) -> None:
        """Return at once: numpy has nothing running."""

    def forward(self, function: Function, mode: str) -> Function:  # noqa: ARG002
        def quiet(*arrays: Array) -> Array:
            with np.errstate(all="ignore"):  # infinities are asked on purpose, and judged by the answer
                answer: Array = function(*arrays)
            return answer

        return quiet

    def backward(self, function: Function, mode: str, argument: int) -> Function:  # noqa: ARG002
        raise NotSupported("numpy has no automatic differentiation")

    def view(self, native: Array, layout: Layout) -> Array:
        *rows, last = native.shape
        match layout:
            case "transposed":
                return np.array(native.T, order="C").T
            case "strided":  # every second number of a longer row
                wide = np.zeros((*rows, last, 2), native.dtype)
                wide[..., 0] = native
                return wide[..., 0]
            case "wider":  # the first numbers of longer rows
                wide = np.zeros((*rows, last + 5), native.dtype)
                wide[..., :last] = native
                return wide[..., :last]
            case "repeated":
                return np.broadcast_to(native[:1], native.shape)
            case "expanded":
                return np.broadcast_to(native.ravel()[:1], native.shape)
            case "reversed":
                return np.array(native[::-1])[::-1]
        flat = np.zeros(native.size + 1, native.dtype)  # begins one element behind an aligned address
        flat[1:] = native.ravel()
        return flat[1:].reshape(native.shape)

    def fill(self, native: Array, array: Array) -> None:
        native[...] = array
