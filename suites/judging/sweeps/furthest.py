"""The row that an answer to a sweep is furthest off in, for a person to look at and to run again."""

from __future__ import annotations

import numpy as np

from harness.model import FORMATS, Case, Worst
from harness.ops import OPS
from reference import golden as goldens
from reference import rounding
from suites.judging.sweeps import account, pair_sweep, width_sweep
from suites.judging.sweeps.account import Furthest
from suites.judging.worst import WRITTEN_OUT
from suites.questions.swept import pairs, widths


def row(case: Case, worst: Furthest) -> Worst:
    """Describe what an answer is furthest off at, as a row of one number or two."""
    if case.family in widths.WIDTHS:
        return _of_width(case, worst)
    of_pair = case.source.name in pairs.PAIRS
    if of_pair:
        x, y, (output,) = pair_sweep.at(case, np.array([worst.place]))
        numbers, exact = np.concatenate([x, y]), pair_sweep.golden(case, x, y)
        index: tuple[int, ...] = (0, int(output)) if pairs.outputs(case) > 1 else (0,)
        label = "0" if OPS[case.op.name].labels == "index" else ""
    else:
        numbers = account.at(worst.place)
        exact, index = account.golden(case, numbers), (0, 0)
        label = account.label(case).hex() if OPS[case.op.name].labels == "row" else ""
    there = (0, index[-1] if len(index) > 1 else 0) if of_pair else (0,)
    return Worst(
        index=index,
        logits=" ".join(float(number).hex() for number in numbers),
        label=label,
        upstream="" if case.quantity == "value" else (1.0).hex(),
        exact=goldens.digits(exact, there),
        expected=rounding.nearest_at(exact, FORMATS[case.dtype], there).hex(),
        got=worst.got.hex(),
        ulp=worst.ulps,
    )


def _of_width(case: Case, worst: Furthest) -> Worst:
    """Describe the row of a width that an answer is furthest off at."""
    width, place = worst.place // width_sweep.PLACES + 1, worst.place % width_sweep.PLACES
    exact, _ = width_sweep.truth(case, np.array([width]))
    there = (0, min(place, widths.outputs(case) - 1))
    numbers = widths.longest(case)[0, :width].astype(np.float64).tolist()
    return Worst(
        index=(0, place) if widths.outputs(case) > 1 else (0,),
        logits=" ".join(map(float.hex, numbers)) if width <= WRITTEN_OUT else widths.recipe(case, width),
        label="0" if OPS[case.op.name].labels == "index" else "",
        upstream="",
        exact=goldens.digits(exact, there),
        expected=rounding.nearest_at(exact, FORMATS[case.dtype], there).hex(),
        got=worst.got.hex(),
        ulp=worst.ulps,
    )
