"""Hidden states, weights and biases as Python that draws them again, or writes them out."""

from __future__ import annotations

import inspect
import textwrap

import numpy as np

from harness.model import FORMATS, Array, Case, Inputs
from suites.questions import linear


def recipe(case: Case) -> str:
    """Return Python that draws a case's hidden states, weight and bias again, as float64; needs numpy alone."""
    form = FORMATS[case.dtype]
    source = inspect.getsource(linear.FAMILIES[case.source.name])
    body = source[source.index("def ") :]
    for annotation in (": np.random.Generator", ": int", ": Format", " -> Drawn"):
        body = body.replace(annotation, "")
    narrowed = ""  # as `to_dtype` does
    if case.dtype == "bfloat16":
        narrowed = "hidden, weight, bias = (part.astype(np.float32) for part in (hidden, weight, bias))\n"
    call = f"{case.source.name}(rng, {case.rows}, {case.classes}, {linear.features(case)}, form)"
    return (
        "# python\n"
        "from types import SimpleNamespace\n\n"
        "import numpy as np\n\n\n"
        f"{textwrap.dedent(body)}\n\n"
        f"form = SimpleNamespace(precision={form.precision}, emin={form.emin}, emax={form.emax})\n"
        f"rng = np.random.default_rng({linear.generator(case)})\n"
        f"hidden, weight, bias = {call}\n" + narrowed
    )


def told(case: Case, inputs: Inputs) -> str:
    """Return the recipe of a case's arrays, or where a check has changed them Python that writes them out."""
    drawn = linear.inputs(case)
    plain, asked = ((given.logits, given.weight, given.bias) for given in (drawn, inputs))
    if all(a is b or _same(a, b) for a, b in zip(plain, asked, strict=True)):
        return recipe(case)
    lines = (f"{name} = {_written(array)}\n" for name, array in zip(("hidden", "weight", "bias"), asked, strict=True))
    return "# python\nimport numpy as np\n\n" + "".join(lines)


def _written(array: Array | None) -> str:
    """Return the numbers of an array in hex, in float32 where that has them; rows that come again are repeated."""
    if array is None:
        return "None"
    times = next((k for k in range(len(array), 1, -1) if len(array) % k == 0 and _repeats(array, len(array) // k)), 1)
    once = np.ascontiguousarray(array[: len(array) // times].astype(np.float64 if array.itemsize == 8 else np.float32))
    bytes_of = f'np.frombuffer(bytes.fromhex("{once.tobytes().hex()}"), np.{once.dtype.name}).reshape({once.shape})'
    return bytes_of if times == 1 else f"np.tile({bytes_of}, ({times}, 1))"


def _same(one: Array | None, other: Array | None) -> bool:
    return one is not None and other is not None and np.array_equal(one, other, equal_nan=True)


def _repeats(array: Array, period: int) -> bool:
    return array.ndim > 1 and np.array_equal(array[period:], array[:-period], equal_nan=True)
