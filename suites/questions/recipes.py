"""Python that draws one row of a family again, for reports of rows that are too long to be written out."""

from __future__ import annotations

import inspect

from harness.model import FORMATS, Case
from suites.questions import families


def recipe(case: Case, row: int) -> str:
    """Return Python that draws one row of a case again, as float64 in the name `row`; needs numpy alone.

    For rows too long to be written out.
    """
    form = FORMATS[case.dtype]
    drawn, size = case.source.name, case.source.size
    drawing = families.FAMILIES[drawn]
    source, drawn = inspect.getsource(drawing), drawing.__name__
    signature = f"def {drawn}("  # what stands above it are our own marks
    body = source[source.index(signature) :]
    if "far(form)" in body:
        body = f"{inspect.getsource(families.far)}\n\n{body}"
    for annotation in (": np.random.Generator", ": int", ": Format", " -> Array", " -> float"):
        body = body.replace(annotation, "")
    rounding = {
        "bfloat16": (
            "bits = row.astype(np.float32).view(np.uint32)\n"
            "bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000\n"
            "row = bits.view(np.float32).astype(np.float64)\n"
        ),
    }.get(case.dtype, f'row = row.astype("{case.dtype}").astype(np.float64)\n')
    return (
        "# python\n"
        "from types import SimpleNamespace\n\n"
        "import numpy as np\n\n\n"
        f"{body}\n\n"
        f"form = SimpleNamespace(precision={form.precision}, emin={form.emin}, emax={form.emax})\n"
        f"rng = np.random.default_rng({families.generator(case)})\n"
        f"row = {drawn}(rng, {case.rows}, {case.classes}, form)[{row}]{size and f' * {size}'}\n"
        f"{rounding}"
    )
